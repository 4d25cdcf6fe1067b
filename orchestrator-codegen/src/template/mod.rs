//! Templates: what a script is made of, and how it becomes tokens and code.

mod assemble;
mod decide;
mod engine;
mod fault;
mod files;
mod gather;
mod input;
mod layer;
mod literal;
mod manifest;
mod model;
mod parts;
mod plan;
mod registry;
mod rendering;
mod syntax;
mod token;

pub use decide::BlockDecision;
pub(crate) use decide::{decide, kept};
pub use fault::{Fault, TemplateError};
pub use input::{InputError, InputFault, InputSpec, InputType, InputValue, Inputs};
pub(crate) use layer::Layer;
pub use manifest::{Block, LayerSpec, MANIFEST, MANIFEST_VERSION, Manifest, RESERVED};
pub use model::Template;
pub use registry::Templates;
pub(crate) use rendering::Rendering;
pub use syntax::Delimiters;
pub use token::{Constant, Guard, ScriptToken, Span, TokenKind};
