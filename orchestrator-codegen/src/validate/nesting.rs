//! How deep a source can nest, told from its characters: for parsers that are recursive and have no bound of their own.

/// What of a language matters to nesting.
pub(super) struct Lexicon {
    /// What begins a comment to the end of the line.
    pub(super) comment: &'static str,
    /// Whether `/* … */` is a comment.
    pub(super) block_comments: bool,
    /// Whether a backslash takes the meaning of the next character.
    pub(super) escapes: bool,
    /// What begins and ends a string. A quote within is doubled or escaped.
    pub(super) quotes: &'static str,
    /// Words that open something, and words that close it.
    pub(super) opening: &'static [&'static str],
    pub(super) closing: &'static [&'static str],
    /// Characters and words that chain what is left of them to what is right.
    pub(super) chaining: &'static str,
    pub(super) chaining_words: &'static [&'static str],
    /// Characters after which a chain begins anew.
    pub(super) parting: &'static str,
}

/// The byte at which a bound on nesting is passed: opened and not closed, and operators since the last end of a chain.
pub(super) fn too_deep(source: &str, lexicon: &Lexicon, depth_max: usize) -> Option<usize> {
    let (mut depth, mut chains, mut sum) = (0_usize, vec![0_usize], 0_usize);
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let at = source.len() - rest.len();
        let step = |length: usize| &rest[length.min(rest.len())..];
        if rest.starts_with(lexicon.comment) {
            rest = step(rest.find('\n').unwrap_or(rest.len()));
            continue;
        }
        if lexicon.block_comments && rest.starts_with("/*") {
            rest = step(rest.find("*/").map_or(rest.len(), |end| end + 2));
            continue;
        }
        if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let word = &rest[..end];
            let is = |words: &[&str]| words.iter().any(|other| other.eq_ignore_ascii_case(word));
            if is(lexicon.opening) {
                depth += 1;
            } else if is(lexicon.closing) {
                depth = depth.saturating_sub(1);
            } else if is(lexicon.chaining_words) {
                sum += 1;
                *chains.last_mut().expect("the source itself is never closed") += 1;
            }
            rest = step(end);
        } else {
            let top = chains.last_mut().expect("the source itself is never closed");
            match first {
                '\\' if lexicon.escapes => {
                    let next = rest[1..].chars().next().map_or(0, char::len_utf8);
                    rest = step(1 + next);
                    continue;
                }
                quote if lexicon.quotes.contains(quote) => {
                    rest = step(quoted(rest, quote, lexicon.escapes && quote != '\''));
                    continue;
                }
                '(' | '[' | '{' => {
                    depth += 1;
                    chains.push(0);
                }
                ')' | ']' | '}' => {
                    depth = depth.saturating_sub(1);
                    if chains.len() > 1 {
                        sum -= chains.pop().unwrap_or(0);
                    }
                }
                mark if lexicon.parting.contains(mark) => {
                    sum -= *top;
                    *top = 0;
                }
                mark if lexicon.chaining.contains(mark) => {
                    sum += 1;
                    *top += 1;
                }
                _ => {}
            }
            rest = step(first.len_utf8());
        }
        if depth + sum > depth_max {
            return Some(at);
        }
    }
    None
}

/// The length of a quoted string.
fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if escapes && character == '\\' {
            escaped = true;
        } else if character == quote {
            return at + quote.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEXICON: Lexicon = Lexicon {
        comment: "--",
        block_comments: true,
        escapes: false,
        quotes: "'",
        opening: &["case"],
        closing: &["end"],
        chaining: "+",
        chaining_words: &["not"],
        parting: ",;",
    };

    #[track_caller]
    fn check(source: &str, at: Option<usize>) {
        assert_eq!(too_deep(source, &LEXICON, 2), at, "{source}");
    }

    #[test]
    fn what_nests_is_counted_and_what_is_quoted_is_not() {
        check("(())", None);
        check("((()))", Some(2));
        check("((')))(((' -- (((\n))", None);
        check("/* ((( */ ((", None);
        check("a + b + c", None);
        check("a + b + c + d", Some(10));
        check("a + b, c + d, e + f", None);
        check("NOT not not x", Some(8));
        check("case case end case end end", None);
        check("'open (((", None);
    }
}
