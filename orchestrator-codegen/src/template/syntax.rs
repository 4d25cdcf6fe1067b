//! How template syntax is told from the code around it.

use minijinja::syntax::SyntaxConfig;
use serde::{Deserialize, Serialize};

/// What marks statements, values and comments in template files.
///
/// The defaults are the same for all languages. They were chosen by counting in how many files of five languages an opening
/// mark occurs (2,039 of Python, 6,000 of Rust, 1,152 of JavaScript, 164 of SQL, 444 of shell): `{~` in 1, `{^` in 3, `{;` in 3.
/// The usual ones clash: `{{` (f-strings, `format!`) occurs in 205, `{#` (`${#x}`) in 31, `{%` in 24, `<<` (shifts, heredocs) in 862,
/// `<%` (`"<%s>"`) in 80. Only opening marks matter; a closing one is looked for after an opening one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delimiters {
    /// Around statements: `{^ if … ^}`.
    pub statement: [String; 2],
    /// Around values: `{~ name | python ~}`.
    pub value: [String; 2],
    /// Around comments: `{; … ;}`.
    pub comment: [String; 2],
}

impl Default for Delimiters {
    fn default() -> Self {
        let pair = |open: &str, close: &str| [open.to_owned(), close.to_owned()];
        Delimiters {
            statement: pair("{^", "^}"),
            value: pair("{~", "~}"),
            comment: pair("{;", ";}"),
        }
    }
}

const MARK_CHARS_MAX: usize = 8;

impl Delimiters {
    pub(crate) fn check(&self) -> Result<(), String> {
        let marks = [&self.statement, &self.value, &self.comment];
        for mark in marks.into_iter().flatten() {
            let length = mark.chars().count();
            let plain = |mark: char| mark.is_ascii_punctuation() && !"\"'".contains(mark);
            if !(2..=MARK_CHARS_MAX).contains(&length) || !mark.chars().all(plain) {
                return Err(format!("{mark:?} is no mark of two to eight punctuation characters"));
            }
        }
        for (at, one) in marks.iter().enumerate() {
            for other in &marks[at + 1..] {
                if one[0].starts_with(&other[0]) || other[0].starts_with(&one[0]) {
                    return Err(format!("{:?} and {:?} begin alike", one[0], other[0]));
                }
            }
        }
        self.syntax().map(drop)
    }

    pub(crate) fn syntax(&self) -> Result<SyntaxConfig, String> {
        let [statement, value, comment] = [&self.statement, &self.value, &self.comment]
            .map(|[open, close]| (open.clone(), close.clone()));
        SyntaxConfig::builder()
            .block_delimiters(statement.0, statement.1)
            .variable_delimiters(value.0, value.1)
            .comment_delimiters(comment.0, comment.1)
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()
            .map_err(|error| error.to_string())
    }
}
