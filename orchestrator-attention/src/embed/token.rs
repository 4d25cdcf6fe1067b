//! Tokens as 64 bits: words and character trigrams of a text, and where a token stands in a vector.

/// The most tokens that are read of a text: a bound on the time of a decision.
pub(crate) const TOKENS_MAX: usize = 4096;

/// In how many coordinates a token stands: with one, two tokens of a hundred in 64 places collide almost surely, and are the same then.
const PLACES: usize = 4;

/// FNV-1a over bytes, finished by the mix of SplitMix64: neighbouring texts differ in all bits.
pub(crate) fn hash(bytes: impl IntoIterator<Item = u8>, start: u64) -> u64 {
    mix(bytes.into_iter().fold(start ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    }))
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
pub(crate) fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

const WORD: u64 = 1;
const GRAM: u64 = 1 << 63;

/// Calls with every token of a text, and whether it is a character trigram: lower-case words, and their trigrams with marks at both
/// ends, which let `parser` and `parsing` resemble each other.
pub(crate) fn of_text(text: &str, mut token: impl FnMut(u64, bool)) {
    let mut left = TOKENS_MAX;
    let mut word = WordHash::new();
    // ASCII goes by bytes, which is most text and three times as fast.
    if text.is_ascii() {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() {
                word.push(u32::from(byte.to_ascii_lowercase()), &mut left, &mut token);
            } else {
                word.end(&mut left, &mut token);
            }
        }
    } else {
        for letter in text.chars() {
            if letter.is_alphanumeric() {
                for lower in letter.to_lowercase() {
                    word.push(u32::from(lower), &mut left, &mut token);
                }
            } else {
                word.end(&mut left, &mut token);
            }
        }
    }
    word.end(&mut left, &mut token);
}

/// What stands before the first and after the last letter of a word.
const EDGE: u32 = 0x11_0000;

struct WordHash {
    hash: u64,
    /// The last two letters.
    last: [u32; 2],
    letters: usize,
}

impl WordHash {
    fn new() -> WordHash {
        WordHash { hash: 0, last: [EDGE; 2], letters: 0 }
    }

    fn push(&mut self, letter: u32, left: &mut usize, token: &mut impl FnMut(u64, bool)) {
        self.hash = (self.hash ^ u64::from(letter)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.hash ^= self.hash >> 29;
        if self.letters > 0 {
            self.gram(letter, left, token);
        }
        self.last = [self.last[1], letter];
        self.letters += 1;
    }

    fn gram(&mut self, letter: u32, left: &mut usize, token: &mut impl FnMut(u64, bool)) {
        if *left > 0 {
            *left -= 1;
            let [first, second] = self.last.map(u64::from);
            token(mix(first << 42 ^ second << 21 ^ u64::from(letter) ^ GRAM), true);
        }
    }

    fn end(&mut self, left: &mut usize, token: &mut impl FnMut(u64, bool)) {
        if self.letters == 0 {
            return;
        }
        self.gram(EDGE, left, token);
        if *left > 0 {
            *left -= 1;
            token(mix(self.hash ^ WORD), false);
        }
        *self = WordHash::new();
    }
}

/// The beginning of a text, cut between characters.
pub(crate) fn beginning(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Adds a token to a vector, in a few places with signs, so that collisions cancel on average.
pub(crate) fn scatter(token: u64, weight: f32, vector: &mut [f32]) {
    let width = vector.len() as u64;
    for place in 0..PLACES {
        let bits = (token >> (11 * place)) & 0x7ff;
        let at = ((bits >> 1) * width) >> 10;
        vector[at as usize] += if bits & 1 == 0 { weight } else { -weight };
    }
}

/// Adds a token to all of a vector, as a direction of ±1: two tokens are at right angles but for about 1/√width.
pub(crate) fn spread(token: u64, weight: f32, vector: &mut [f32]) {
    for (block, values) in vector.chunks_mut(64).enumerate() {
        let signs = if block == 0 { token } else { mix(token.wrapping_add(block as u64)) };
        for (bit, value) in values.iter_mut().enumerate() {
            *value += if signs >> bit & 1 == 0 { weight } else { -weight };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<u64> {
        let mut tokens = Vec::new();
        of_text(text, |token, _| tokens.push(token));
        tokens
    }

    #[test]
    fn words_and_trigrams_do_not_mind_case_and_marks() {
        assert_eq!(tokens("Fix, the PARSER!"), tokens("fix the parser"));
        // "ab": <ab, ab>, and the word.
        assert_eq!(tokens("ab").len(), 3);
        assert!(tokens(" ,;").is_empty());
        let (parser, parsing) = (tokens("parser"), tokens("parsing"));
        assert!(parser.iter().filter(|token| parsing.contains(token)).count() >= 3);
    }

    #[test]
    fn letters_beyond_ascii_are_letters() {
        assert_eq!(tokens("ÄRGER"), tokens("ärger"));
        assert_ne!(tokens("ärger"), tokens("rger"));
    }

    #[test]
    fn a_long_text_has_a_bounded_number_of_tokens() {
        assert_eq!(tokens(&"word ".repeat(10_000)).len(), TOKENS_MAX);
    }
}
