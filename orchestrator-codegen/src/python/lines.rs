//! Lines and logical lines, counted as `radon raw` counts them, since its maintainability index is made of them.

use ruff_python_ast::token::{TokenKind, Tokens};

use crate::text;

/// The lines of a module by what is on them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lines {
    /// Tokens that are neither white space nor comment.
    pub(super) tokens: usize,
    /// Statements, roughly: a line counts 1, and 1 more if something follows its last colon, for each part between semicolons.
    pub(super) logical: usize,
    /// Lines with code. Not those of a string that stands alone.
    pub(super) source: usize,
    /// Comments, after code too.
    pub(super) comments: usize,
    /// Lines of strings that stand alone and have several lines.
    pub(super) multiline_strings: usize,
}

/// A logical line so far: what its tokens say of it.
#[derive(Default)]
struct Group {
    begin: Option<usize>,
    end: usize,
    tokens: usize,
    strings: usize,
    comments: usize,
    brackets: usize,
    /// Tokens since the last semicolon, and the place of the last colon among them.
    part: usize,
    colon: Option<usize>,
    logical: usize,
}

impl Group {
    fn end_part(&mut self, last: bool) {
        // radon takes the end of the file for a token of the last part; of the others it looks at one token less.
        self.logical += match self.colon.take() {
            Some(at) => 2 - usize::from(at + usize::from(!last) + 1 == self.part),
            None => usize::from(self.part > 0),
        };
        self.part = 0;
    }
}

/// Reads the tokens once.
pub(super) fn count(source: &str, tokens: &Tokens) -> Lines {
    let mut lines = Lines::default();
    let mut group = Group::default();
    let mut interpolated = 0_usize;
    for token in tokens.iter() {
        let (kind, range) = token.as_tuple();
        match kind {
            TokenKind::Indent | TokenKind::Dedent | TokenKind::EndOfFile => continue,
            TokenKind::Newline | TokenKind::NonLogicalNewline => {
                if kind == TokenKind::Newline || group.brackets == 0 {
                    end_group(source, &mut lines, std::mem::take(&mut group));
                }
                continue;
            }
            _ => {}
        }
        group.begin.get_or_insert(range.start().to_usize());
        group.end = range.end().to_usize();
        if kind == TokenKind::Comment {
            group.comments += 1;
            continue;
        }
        // A formatted string is one token to the tokenizer of Python 3.11, and to the counts here.
        lines.tokens += 1;
        match kind {
            TokenKind::FStringStart | TokenKind::TStringStart => interpolated += 1,
            TokenKind::FStringEnd | TokenKind::TStringEnd => {
                interpolated = interpolated.saturating_sub(1);
                if interpolated == 0 {
                    group.tokens += 1;
                    group.strings += 1;
                    group.part += 1;
                }
                continue;
            }
            _ => {}
        }
        if interpolated > 0 {
            continue;
        }
        match kind {
            TokenKind::Semi => {
                group.tokens += 1;
                group.end_part(false);
                continue;
            }
            TokenKind::String => group.strings += 1,
            TokenKind::Colon => group.colon = Some(group.part),
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => group.brackets += 1,
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                group.brackets = group.brackets.saturating_sub(1);
            }
            _ => {}
        }
        group.tokens += 1;
        group.part += 1;
    }
    end_group(source, &mut lines, group);
    lines
}

fn end_group(source: &str, lines: &mut Lines, mut group: Group) {
    let Some(begin) = group.begin else { return };
    lines.comments += group.comments;
    group.end_part(true);
    lines.logical += group.logical;
    if group.tokens == 0 {
        return;
    }
    let text = &source[begin..group.end];
    let written = written(text);
    if group.tokens == 1 && group.strings == 1 && group.comments == 0 {
        lines.multiline_strings += if text.contains(['\n', '\r']) { written } else { 0 };
    } else {
        lines.source += written;
    }
}

/// Lines that are not blank.
fn written(text: &str) -> usize {
    if text::is_typed(text) {
        return text::lines(text).filter(|line| !line.trim_ascii().is_empty()).count();
    }
    text.split(is_line_end).filter(|line| !line.trim().is_empty()).count()
}

/// What `str.splitlines` of Python takes for the end of a line.
fn is_line_end(character: char) -> bool {
    matches!(
        character,
        '\n' | '\r'
            | '\u{b}'
            | '\u{c}'
            | '\u{1c}'
            | '\u{1d}'
            | '\u{1e}'
            | '\u{85}'
            | '\u{2028}'
            | '\u{2029}'
    )
}
