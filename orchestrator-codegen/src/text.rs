//! Lines of a text, found by `memchr`: a set of scripts is cut into lines many times over, and the cuts of the standard library took a
//! twentieth of the time that the set did.

use memchr::memchr_iter;

/// As [`str::lines`].
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let without_end = |line| {
        let Some(line) = str::strip_suffix(line, '\n') else { return line };
        line.strip_suffix('\r').unwrap_or(line)
    };
    lines_with_ends(text).map(without_end)
}

/// As `split_inclusive('\n')`.
pub(crate) fn lines_with_ends(text: &str) -> impl Iterator<Item = &str> {
    let ends = memchr_iter(b'\n', text.as_bytes()).map(|end| end + 1);
    let mut begin = 0;
    // The last one, if the text does not end with its line.
    let ends = ends.chain((!text.ends_with('\n') && !text.is_empty()).then_some(text.len()));
    ends.map(move |end| {
        let line = &text[begin..end];
        begin = end;
        line
    })
}

/// As many as [`lines`] has.
pub(crate) fn count_lines(text: &str) -> usize {
    let ends = memchr_iter(b'\n', text.as_bytes()).count();
    ends + usize::from(!text.is_empty() && !text.ends_with('\n'))
}

/// Whether it holds nothing but what every keyboard has, and line feeds: ASCII that is seen, or ends a line. Most code does.
pub(crate) fn is_typed(text: &str) -> bool {
    let typed = |byte: u8| matches!(byte, b' '..=b'~' | b'\n');
    // All of them, without a way out: many bytes at a time.
    text.bytes().fold(true, |all, byte| all & typed(byte))
}

/// As [`str::trim`], which reads each blank as a character that could be any.
pub(crate) fn trim(line: &str) -> &str {
    line.trim_ascii().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_cut_as_the_standard_library_cuts_it(text in "[a\u{e9}\n\r \t\u{b}\u{2003}]{0,24}") {
            prop_assert!(lines(&text).eq(text.lines()), "{text:?}");
            prop_assert!(lines_with_ends(&text).eq(text.split_inclusive('\n')), "{text:?}");
            prop_assert_eq!(count_lines(&text), text.lines().count());
            prop_assert_eq!(trim(&text), text.trim());
        }
    }
}
