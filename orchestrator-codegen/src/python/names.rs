//! Texts by number, so that a set of them is a few bits.

/// Odd, with as many ones as zeros, in no pattern: the fraction of the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// Numbers each text that it is told, from 0. Lookups are exact: the hash, which is made for speed and not against who seeks
/// collisions, only says where to look first.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// All texts, one after the other.
    bytes: Vec<u8>,
    /// By number: the hash, and the end of the text.
    known: Vec<(u64, usize)>,
    /// Numbers plus 1 in the places of their hashes, or in the next place that was empty; a power of two, at most half full.
    places: Vec<u32>,
}

impl Names {
    /// The number of a text, if it has one.
    pub(super) fn number(&self, text: &[u8]) -> Option<usize> {
        match self.places.is_empty() {
            true => None,
            false => self.place(hash(text), text).1,
        }
    }

    /// The number of a text, which is given to it if it has none.
    pub(super) fn named(&mut self, text: &[u8]) -> usize {
        if self.known.len() * 2 >= self.places.len() {
            self.grow();
        }
        let hash = hash(text);
        let (place, number) = self.place(hash, text);
        number.unwrap_or_else(|| {
            self.bytes.extend_from_slice(text);
            self.known.push((hash, self.bytes.len()));
            self.places[place] = self.known.len() as u32;
            self.known.len() - 1
        })
    }

    /// All texts, by their numbers.
    pub(super) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|number| &self.bytes[self.begin(number)..self.known[number].1])
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// About how much memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len() + 24 * self.known.len()
    }

    fn grow(&mut self) {
        let places = (self.places.len() * 2).max(256);
        self.places = vec![0; places];
        for (number, (hash, _)) in (1..).zip(&self.known) {
            let mut place = *hash as usize & (places - 1);
            while self.places[place] != 0 {
                place = (place + 1) & (places - 1);
            }
            self.places[place] = number;
        }
    }

    /// Where a text is, or would be.
    fn place(&self, hash: u64, text: &[u8]) -> (usize, Option<usize>) {
        let mut place = hash as usize & (self.places.len() - 1);
        loop {
            let Some(number) = (self.places[place] as usize).checked_sub(1) else {
                return (place, None);
            };
            let (other, end) = self.known[number];
            if other == hash && self.bytes[self.begin(number)..end] == *text {
                return (place, Some(number));
            }
            place = (place + 1) & (self.places.len() - 1);
        }
    }

    fn begin(&self, number: usize) -> usize {
        number.checked_sub(1).map_or(0, |before| self.known[before].1)
    }
}

/// Eight bytes at a time, each a multiplication whose halves are folded together.
fn hash(text: &[u8]) -> u64 {
    let fold = |state: u64| {
        let product = u128::from(state) * u128::from(MIX);
        product as u64 ^ (product >> 64) as u64
    };
    let (words, rest) = text.as_chunks::<8>();
    let mut state = MIX ^ text.len() as u64;
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word)).wrapping_add(MIX);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(state ^ u64::from_le_bytes(last))
}

/// Numbers that were met.
#[derive(Debug, Default)]
pub(super) struct Met {
    bits: Vec<u64>,
    count: usize,
}

impl Met {
    /// For numbers below this one.
    pub(super) fn below(end: usize) -> Met {
        Met { bits: vec![0; end.div_ceil(64)], count: 0 }
    }

    pub(super) fn meet(&mut self, number: usize) {
        let (word, bit) = (&mut self.bits[number / 64], 1 << (number % 64));
        self.count += usize::from(*word & bit == 0);
        *word |= bit;
    }

    /// How many different ones.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_one_number_and_each_number_one_text() {
        let mut names = Names::default();
        let texts: Vec<String> =
            (0..2000).map(|at| "x".repeat(at % 40) + &at.to_string()).collect();
        let texts: Vec<&String> = texts.iter().chain([&texts[0]]).collect();
        assert_eq!(names.number(b"0"), None);
        let numbers: Vec<usize> = texts.iter().map(|text| names.named(text.as_bytes())).collect();
        assert_eq!(names.len(), 2000);
        assert_eq!((numbers[7], numbers[2000]), (7, 0));
        let again: Vec<_> = texts.iter().map(|text| names.number(text.as_bytes())).collect();
        assert_eq!(again, numbers.into_iter().map(Some).collect::<Vec<_>>());
        assert_eq!(names.number(b""), None);
    }

    #[test]
    fn what_is_met_twice_counts_once() {
        let mut met = Met::below(130);
        [0, 64, 129, 64].into_iter().for_each(|number| met.meet(number));
        assert_eq!(met.count(), 3);
    }
}
