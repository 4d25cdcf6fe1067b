//! Shell scripts, by `brush-parser`.

use brush_parser::{ParseError, Parser, ParserOptions};

use crate::validate::nesting::{Lexicon, too_deep};
use crate::validate::{Diagnostic, Place, Severity, Validator, is_too_long, on_a_deep_stack};

/// The parser tries several readings of each bracket, so that its time grows fast with nesting.
const DEPTH_MAX: usize = 40;

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
        on_a_deep_stack(|| look(source)).unwrap_or_else(|fault| vec![fault])
    }
}

fn look(source: &str) -> Vec<Diagnostic> {
    let options = ParserOptions::default();
    let Err(error) = Parser::new(source.as_bytes(), &options).parse_program() else {
        return Vec::new();
    };
    let place = Place::of(source);
    let at_end =
        |message: String| place.diagnostic(source.trim_end().len(), message, Severity::Error);
    let found = match error {
        ParseError::ParsingNear(at) => Diagnostic {
            line: at.line.max(1),
            column: at.column.max(1),
            message: "syntax error".into(),
            severity: Severity::Error,
        },
        ParseError::ParsingAtEndOfInput => {
            at_end("syntax error: the end of the script is not expected here".into())
        }
        ParseError::Tokenizing { inner, position } => match position {
            Some(at) => Diagnostic {
                line: at.line.max(1),
                column: at.column.max(1),
                message: inner.to_string(),
                severity: Severity::Error,
            },
            None => at_end(inner.to_string()),
        },
    };
    vec![found]
}
