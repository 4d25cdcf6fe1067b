//! What a rendered template is cut into: pieces of code, some of which depend on a decision.

use serde::{Deserialize, Serialize};

/// A piece of a rendered template: whole lines that stay or go together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScriptToken {
    /// The lines.
    pub text: String,
    /// Whether it depends on a decision.
    pub kind: TokenKind,
    /// The feature that it listens to, if it belongs to a block.
    pub feature: Option<String>,
    /// θ's weight for that feature; 1 for code that always stays.
    pub weight: f64,
    /// The innermost block that it belongs to.
    pub block: Option<String>,
    /// All that must hold for it to stay.
    pub guards: Vec<Guard>,
    /// Where it stands in the rendered template.
    pub span: Span,
}

/// Whether a token depends on a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Always there.
    Core,
    /// There if a block is kept.
    Block,
    /// There if a block is not kept.
    Otherwise,
}

/// A condition on the decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// The blocks it asks about.
    pub any_of: Vec<String>,
    /// True: at least one of them is kept. False: none is.
    pub kept: bool,
}

impl Guard {
    /// Whether it holds when these blocks are kept.
    pub fn holds(&self, kept: &[&str]) -> bool {
        self.any_of.iter().any(|block| kept.contains(&block.as_str())) == self.kept
    }
}

/// Lines of a rendered template, counted from 1, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first line.
    pub line_first: usize,
    /// The last line.
    pub line_last: usize,
}

/// The code that is left when these blocks are kept.
pub(crate) fn assemble(tokens: &[ScriptToken], kept: &[&str]) -> String {
    let stays = |token: &&ScriptToken| token.guards.iter().all(|guard| guard.holds(kept));
    tokens.iter().filter(stays).map(|token| token.text.as_str()).collect()
}
