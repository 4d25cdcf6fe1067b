//! Templates: what a script is made of, and how it becomes tokens and code.

mod block;
mod layer;
mod render;
mod token;

pub use block::{ADAPTIVE_COMPLEXITY, BLOCKS, Block, BlockDecision, LAYERS};
pub(crate) use layer::{Layer, generator_layer, script_layer};
pub use render::TemplateError;
pub(crate) use render::{render, tokenise};
pub(crate) use token::assemble;
pub use token::{Guard, ScriptToken, Span, TokenKind};
