//! How deep the tree of a source can be, told from its tokens before it is parsed: a parser, a walk over the tree and the
//! release of its memory are recursive, and text from outside must not overflow their stack.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer::lex};

use crate::python::{BRACKETS_MAX, DEPTH_MAX, INDENTS_MAX};
use crate::validate::{Diagnostic, Place, Severity};

/// An upper bound, by what nests.
#[derive(Debug, Default)]
pub(super) struct Bound {
    /// Levels of the tree.
    pub(super) depth: usize,
    /// Whether all brackets are closed. If not, the parser sees indentation where the lexer sees none.
    pub(super) closed: bool,
    brackets: usize,
    indents: usize,
    /// The line at which a limit was passed; lines within a token are not counted.
    line: usize,
}

impl Bound {
    /// Why such a source is not parsed.
    pub(super) fn fault(&self, source: &str) -> Option<Diagnostic> {
        let message = if self.brackets > BRACKETS_MAX {
            format!("too many nested brackets: Python allows {BRACKETS_MAX}")
        } else if self.indents > INDENTS_MAX {
            format!("too many levels of indentation: Python allows {INDENTS_MAX}")
        } else if self.depth > DEPTH_MAX {
            format!("nested or chained more than {DEPTH_MAX} times: part the expression")
        } else {
            return None;
        };
        let place = Place::of(source);
        Some(place.on_line(self.line, message, Severity::Error))
    }
}

/// One open bracket, or the logical line itself: how many operators of it may nest. A comma parts siblings, but the
/// parameters of a lambda have commas too.
#[derive(Default, Clone, Copy)]
struct Chain {
    operators: usize,
    lambdas: usize,
}

/// Reads all tokens once.
pub(super) fn bound(source: &str) -> Bound {
    let mut lexer = lex(source, Mode::Module);
    let mut bound = Bound { line: 1, closed: true, ..Bound::default() };
    let mut chains = vec![Chain::default()];
    let (mut sum, mut indents, mut lines, mut fresh) = (0_usize, 0_usize, 1_usize, true);
    loop {
        let kind = lexer.next_token();
        let nested = chains.len() > 1;
        let top = chains.last_mut().expect("the logical line is never popped");
        match kind {
            TokenKind::EndOfFile => break,
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            TokenKind::Newline | TokenKind::Semi if !nested => {
                *top = Chain::default();
                sum = 0;
            }
            // The parser gives up an open bracket at such a line, and so does CPython.
            kind if fresh && nested && begins_a_statement(kind) => {
                chains.clear();
                chains.push(Chain::default());
                sum = 0;
                bound.closed = false;
            }
            TokenKind::Lpar
            | TokenKind::Lsqb
            | TokenKind::Lbrace
            | TokenKind::FStringStart
            | TokenKind::TStringStart => chains.push(Chain::default()),
            TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::FStringEnd
            | TokenKind::TStringEnd => {
                if nested {
                    sum -= top.operators + top.lambdas;
                    chains.pop();
                }
                let outer = chains.last_mut().expect("the logical line is never popped");
                outer.operators += 1;
                sum += 1;
            }
            TokenKind::Comma => {
                sum -= top.operators;
                top.operators = 0;
            }
            TokenKind::Lambda => {
                top.lambdas += 1;
                sum += 1;
            }
            kind if is_flat(kind) => {}
            _ => {
                top.operators += 1;
                sum += 1;
            }
        }
        let newline = matches!(kind, TokenKind::Newline | TokenKind::NonLogicalNewline);
        lines += usize::from(newline);
        fresh = newline || (fresh && matches!(kind, TokenKind::Comment));
        let depth = sum + chains.len() + indents;
        let brackets = chains.len() - 1;
        let passed = |limit: usize, before: usize, now: usize| before <= limit && now > limit;
        if passed(DEPTH_MAX, bound.depth, depth)
            || passed(BRACKETS_MAX, bound.brackets, brackets)
            || passed(INDENTS_MAX, bound.indents, indents)
        {
            bound.line = lines;
        }
        bound.depth = bound.depth.max(depth);
        bound.brackets = bound.brackets.max(brackets);
        bound.indents = bound.indents.max(indents);
    }
    bound.closed &= chains.len() == 1;
    bound
}

/// Tokens that nest nothing, however many of them follow each other.
fn is_flat(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringMiddle
            | TokenKind::TStringMiddle
            | TokenKind::Comment
            | TokenKind::Newline
            | TokenKind::NonLogicalNewline
            | TokenKind::Equal
            | TokenKind::And
            | TokenKind::Or
            | TokenKind::For
            | TokenKind::True
            | TokenKind::False
            | TokenKind::None
            | TokenKind::Ellipsis
    )
}

/// Keywords that no expression can hold.
fn begins_a_statement(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Def
            | TokenKind::Class
            | TokenKind::Return
            | TokenKind::Import
            | TokenKind::Raise
            | TokenKind::While
            | TokenKind::With
            | TokenKind::Try
            | TokenKind::Pass
            | TokenKind::Break
            | TokenKind::Continue
            | TokenKind::Assert
            | TokenKind::Global
            | TokenKind::Nonlocal
            | TokenKind::Del
    )
}
