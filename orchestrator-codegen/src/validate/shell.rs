//! Shell scripts, by `brush-parser`.

use brush_parser::{ParseError, Parser, ParserOptions, SourcePosition, TokenizerError};

use crate::validate::nesting::{Lexicon, too_deep};
use crate::validate::{Diagnostic, Place, Severity, Validator, is_too_long, on_a_deep_stack};

/// More is nobody's script; the parser recurses, on a stack that suffices for this. A bracket in a comment counts too.
const DEPTH_MAX: usize = 500;

/// The parser tries two readings of each `((`, a command and an expression, so that every further bracket in a row doubles its
/// time: 20 ms for 14 of them, in a debug build.
const BRACKETS_IN_A_ROW_MAX: usize = 12;

/// Likewise a `case` that is never closed doubles the time of those around it.
const OPEN_CASES_MAX: usize = 10;

const LEXICON: Lexicon = Lexicon {
    comment: "\0",
    block_comments: false,
    escapes: true,
    quotes: "'",
    opening: &["if", "for", "while", "until", "case", "select"],
    closing: &["fi", "done", "esac"],
    chaining: "",
    chaining_words: &[],
    parting: "",
};

/// Accepts what parses as a script of Bash, POSIX included. Commands and variables are not looked at, nor what stands in `$( )` and backticks but
/// that they are closed. One finding: the parser stops at the first.
///
/// ```
/// use orchestrator_codegen::{ShellValidator, Validator};
/// assert!(ShellValidator.validate("for f in *.csv; do wc -l \"$f\"; done\n").is_empty());
/// assert_eq!(ShellValidator.validate("echo one\nif true; then\n  echo two\n").len(), 1);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct ShellValidator;

impl Validator for ShellValidator {
    fn validate(&self, source: &str) -> Vec<Diagnostic> {
        if let Some(fault) = is_too_long(source) {
            return vec![fault];
        }
        if let Some(at) = too_deep(source, &LEXICON, DEPTH_MAX) {
            let message = format!("nested more than {DEPTH_MAX} times: make a function of it");
            return vec![Place::of(source).diagnostic(at, message, Severity::Error)];
        }
        if let Some(at) = source.find(&"(".repeat(BRACKETS_IN_A_ROW_MAX + 1)) {
            let message =
                format!("more than {BRACKETS_IN_A_ROW_MAX} '(' in a row: put blanks between");
            return vec![Place::of(source).diagnostic(at, message, Severity::Error)];
        }
        if let Some(at) = too_many_cases(source) {
            let message =
                format!("more than {OPEN_CASES_MAX} case in each other: make a function of it");
            return vec![Place::of(source).diagnostic(at, message, Severity::Error)];
        }
        on_a_deep_stack(|| look(source)).unwrap_or_else(|fault| vec![fault])
    }
}

fn look(source: &str) -> Vec<Diagnostic> {
    let options = ParserOptions::default();
    let Err(error) = Parser::new(source.as_bytes(), &options).parse_program() else {
        return Vec::new();
    };
    let place = Place::of(source);
    let at = |at: usize, message: &str| place.diagnostic(at, message.to_owned(), Severity::Error);
    vec![match error {
        ParseError::ParsingNear(position) => finding(&position, "syntax error"),
        ParseError::ParsingAtEndOfInput => {
            let end = source.trim_end().len();
            at(end, "syntax error: the script ends where something is still open")
        }
        ParseError::Tokenizing { inner, position } => match &inner {
            TokenizerError::UnterminatedSingleQuote(begin)
            | TokenizerError::UnterminatedAnsiCQuote(begin)
            | TokenizerError::UnterminatedDoubleQuote(begin)
            | TokenizerError::UnterminatedBackquote(begin)
            | TokenizerError::UnterminatedExtendedGlob(begin) => {
                finding(begin, "a quote or bracket that is never closed")
            }
            TokenizerError::UnterminatedVariable => {
                at(left_open(source, "${", '}'), "'${' was never closed")
            }
            TokenizerError::UnterminatedCommandSubstitution
            | TokenizerError::UnterminatedExpansion => {
                at(left_open(source, "$(", ')'), "'$(' was never closed")
            }
            _ => match position {
                Some(position) => finding(&position, &inner.to_string()),
                None => at(source.trim_end().len(), &inner.to_string()),
            },
        },
    }]
}

/// Where too many `case … in` are open. The word alone may be in a comment: it counts if `in` follows on its line or the next.
fn too_many_cases(source: &str) -> Option<usize> {
    let mut open = 0_usize;
    let is_end = |c: char| !c.is_alphanumeric() && c != '_';
    let mut rest = source;
    while let Some(begin) = rest.find(|c: char| !is_end(c)) {
        let word = &rest[begin..];
        let end = word.find(is_end).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        match word {
            "case" => {
                let mut lines = after.split_inclusive('\n').take(2);
                open += usize::from(lines.any(|line| line.split(is_end).any(|word| word == "in")));
            }
            "esac" => open = open.saturating_sub(1),
            _ => {}
        }
        rest = after;
        if open > OPEN_CASES_MAX {
            return Some(source.len() - rest.len() - word.len());
        }
    }
    None
}

fn finding(position: &SourcePosition, message: &str) -> Diagnostic {
    Diagnostic {
        line: position.line.max(1),
        column: position.column.max(1),
        message: message.to_owned(),
        severity: Severity::Error,
    }
}

/// The last opening that no closing follows; where all are followed by one, the last.
fn left_open(source: &str, opening: &str, closing: char) -> usize {
    let last_closing = source.rfind(closing).unwrap_or(0);
    let mut openings = source.match_indices(opening).map(|(at, _)| at);
    let unanswered = openings.find(|at| *at >= last_closing);
    unanswered.or_else(|| source.rfind(opening)).unwrap_or(source.trim_end().len())
}
