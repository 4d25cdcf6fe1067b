//! Indentation whose depth depends on how wide a tab is: an error to CPython, which ruff lets pass in places.

use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_text_size::Ranged;

/// The width of a tab, and the other width by which CPython looks again (`TABSIZE` and `ALTTABSIZE` of its tokenizer).
const TAB: usize = 8;
const OTHER_TAB: usize = 1;

/// The beginning of the first line that is deeper, equal or less deep by one width of tabs, and not by the other.
pub(super) fn inconsistent(source: &str, tokens: &Tokens) -> Option<usize> {
    if !source.contains('\t') {
        return None;
    }
    let mut levels = vec![(0, 0)];
    let mut fresh = true;
    for token in tokens.iter() {
        match token.kind() {
            TokenKind::Newline => fresh = true,
            TokenKind::Comment
            | TokenKind::NonLogicalNewline
            | TokenKind::Indent
            | TokenKind::Dedent
            | TokenKind::EndOfFile => {}
            _ if fresh => {
                fresh = false;
                let at = token.start().to_usize();
                let line = source[..at].rfind(['\n', '\r']).map_or(0, |end| end + 1);
                let level = width(&source[line..at]);
                while levels.len() > 1 && level.0 < levels[levels.len() - 1].0 {
                    levels.pop();
                }
                let (top, other) = levels[levels.len() - 1];
                if (level.0 > top) != (level.1 > other) || (level.0 == top && level.1 != other) {
                    return Some(line);
                }
                if level.0 > top {
                    levels.push(level);
                }
            }
            _ => {}
        }
    }
    None
}

/// The width of white space, by both widths of a tab.
fn width(indentation: &str) -> (usize, usize) {
    let (mut column, mut other) = (0, 0);
    for character in indentation.chars() {
        match character {
            '\t' => {
                column = (column / TAB + 1) * TAB;
                other = (other / OTHER_TAB + 1) * OTHER_TAB;
            }
            '\u{c}' => (column, other) = (0, 0),
            _ => {
                column += 1;
                other += 1;
            }
        }
    }
    (column, other)
}
