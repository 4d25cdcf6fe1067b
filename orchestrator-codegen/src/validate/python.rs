//! The only door to ruff's parser, which changes weekly: errors and tokens in plain types.

use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

/// Byte offsets and messages of all syntax errors.
pub(crate) fn syntax_errors(source: &str) -> Vec<(usize, String)> {
    let parsed = parse_unchecked(source, ParseOptions::from(Mode::Module));
    let errors = parsed.errors().iter();
    errors.map(|fault| (fault.location.start().to_usize(), fault.error.to_string())).collect()
}

/// A token that is neither white space nor comment.
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) keyword: bool,
}

/// The tokens of a source, as far as it lexes.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let parsed = parse_unchecked(source, ParseOptions::from(Mode::Module));
    let mut tokens = Vec::new();
    for token in parsed.tokens().iter() {
        let (kind, range) = token.as_tuple();
        let text = &source[range.start().to_usize()..range.end().to_usize()];
        if !kind.is_trivia() && !text.trim().is_empty() {
            tokens.push(Token { text, keyword: kind.is_keyword() });
        }
    }
    tokens
}
