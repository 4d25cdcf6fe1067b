//! SQL, by `sqlparser` in the dialect of SQLite.

use sqlparser::dialect::SQLiteDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::validate::nesting::{Lexicon, too_deep};
use crate::validate::{
    DIAGNOSTICS_MAX, Diagnostic, Place, Severity, Validator, in_order, is_too_long, on_a_deep_stack,
};

/// SQLite itself stops at 1000 (`SQLITE_MAX_EXPR_DEPTH`); the parser of this validator recurses several times a level.
const DEPTH_MAX: usize = 500;

const LEXICON: Lexicon = Lexicon {
    comment: "--",
    block_comments: true,
    escapes: false,
    quotes: "'\"`",
    opening: &["case"],
    closing: &["end"],
    chaining: "+-*/%|&<>=~.:",
    chaining_words: &[
        "and",
        "or",
        "not",
        "is",
        "like",
        "in",
        "between",
        "union",
        "intersect",
        "except",
        "join",
        "collate",
        "glob",
        "escape",
        "select",
        "exists",
    ],
    parting: ",;",
};

/// Accepts what `sqlparser` reads as SQL of SQLite, statement by statement: after an error it goes on behind the next semicolon.
/// Lines of the shell `sqlite3` (`.mode csv`), between statements, are passed over. Tables, columns and types are not looked at.
///
/// ```
/// use orchestrator_codegen::{SqlValidator, Validator};
/// assert!(SqlValidator.validate(".mode csv\nselect name from people where age > 30;\n").is_empty());
/// let faults = SqlValidator.validate("select from where;\nselect 1;\nselect 1 +;\n");
/// assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [1, 3]);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SqlValidator;

impl Validator for SqlValidator {
    fn validate(&self, source: &str) -> Vec<Diagnostic> {
        if let Some(fault) = is_too_long(source) {
            return vec![fault];
        }
        if let Some(at) = too_deep(source, &LEXICON, DEPTH_MAX) {
            let message =
                format!("nested or chained more than {DEPTH_MAX} times: part the expression");
            return vec![Place::of(source).diagnostic(at, message, Severity::Error)];
        }
        on_a_deep_stack(|| look(source)).unwrap_or_else(|fault| vec![fault])
    }
}

fn look(source: &str) -> Vec<Diagnostic> {
    let dialect = SQLiteDialect {};
    let text = without_dot_commands(source);
    let tokens = match Tokenizer::new(&dialect, &text).tokenize_with_location() {
        Ok(tokens) => tokens,
        Err(error) => {
            let at = (error.location.line, error.location.column);
            return vec![finding(at, error.message)];
        }
    };
    let tokens = without_pragmas(tokens);
    let mut found = Vec::new();
    let mut rest = &tokens[..];
    while found.len() < DIAGNOSTICS_MAX {
        let mut parser = Parser::new(&dialect)
            .with_recursion_limit(DEPTH_MAX)
            .with_tokens_with_locations(rest.to_vec());
        let Err(error) = parser.parse_statements() else { break };
        let fault = fault(error, rest);
        let place = (fault.line, fault.column);
        found.push(fault);
        // On, behind the semicolon that follows the error.
        let starts = |token: &TokenWithSpan| {
            let start = token.span.start;
            (start.line as usize, start.column as usize)
        };
        let after =
            rest.iter().position(|token| token.token == Token::SemiColon && starts(token) >= place);
        match after {
            Some(after) => rest = &rest[after + 1..],
            None => break,
        }
    }
    in_order(found)
}

/// The parser says where only in its text: `…, found: x at Line: 1, Column: 8`.
fn fault(error: ParserError, tokens: &[TokenWithSpan]) -> Diagnostic {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        ParserError::RecursionLimitExceeded => "nested too deeply".to_owned(),
    };
    let place = message.rsplit_once(" at Line: ").and_then(|(text, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((text.to_owned(), (line.parse().ok()?, column.parse().ok()?)))
    });
    if let Some((text, at)) = place {
        return finding(at, text);
    }
    // At the end of the source no place is given, and it is that of the last token.
    let written = tokens.iter().rev();
    let last = { written }.find(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    let at = last.map_or((1, 1), |token| (token.span.end.line, token.span.end.column));
    finding(at, message)
}

fn finding((line, column): (u64, u64), message: String) -> Diagnostic {
    Diagnostic {
        line: (line as usize).max(1),
        column: (column as usize).max(1),
        message,
        severity: Severity::Error,
    }
}

/// The same without the statements `PRAGMA name`, `PRAGMA name = value` and `PRAGMA name(value)`: of their values the parser knows numbers
/// and strings only, and SQLite takes any word.
fn without_pragmas(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for statement in tokens.split_inclusive(|token| token.token == Token::SemiColon) {
        let written = statement.iter().map(|token| &token.token);
        let written: Vec<&Token> = written
            .filter(|token| !matches!(token, Token::Whitespace(_) | Token::SemiColon | Token::EOF))
            .collect();
        if !is_pragma(&written) {
            kept.extend_from_slice(statement);
        }
    }
    kept
}

fn is_pragma(tokens: &[&Token]) -> bool {
    let [Token::Word(first), rest @ ..] = tokens else { return false };
    let rest = match rest {
        [Token::Word(_), Token::Period, Token::Word(_), rest @ ..]
        | [Token::Word(_), rest @ ..] => rest,
        _ => return false,
    };
    let is_value = |tokens: &[&Token]| {
        matches!(
            tokens,
            [Token::Plus | Token::Minus, Token::Number(..)]
                | [Token::Number(..) | Token::Word(_) | Token::SingleQuotedString(_)]
        )
    };
    let fits = match rest {
        [] => true,
        [Token::Eq, value @ ..] | [Token::LParen, value @ .., Token::RParen] => is_value(value),
        _ => false,
    };
    first.value.eq_ignore_ascii_case("pragma") && fits
}

/// The same with blanks for the lines that are commands of the shell `sqlite3`: a dot and a letter, where no statement is open.
fn without_dot_commands(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut open = false;
    for line in source.split_inclusive('\n') {
        let written = line.trim_end();
        let mut characters = written.chars();
        let is_command = characters.next() == Some('.')
            && characters.next().is_some_and(|character| character.is_ascii_alphabetic());
        if is_command && !open {
            text.extend(line.chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
            continue;
        }
        text.push_str(line);
        let code = written.split("--").next().unwrap_or("").trim();
        if !code.is_empty() {
            open = !code.ends_with(';');
        }
    }
    text
}
