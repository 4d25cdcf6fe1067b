//! A definition as JSON: written, and read with every fault of the text at once, as `build()` tells them.

mod form;
mod read;
mod write;

use super::fault::Faults;
use form::VERSION;
pub(super) use form::{CelForm, ClosureForm, NamedForm};
pub(super) use read::read;
pub(super) use write::write;

/// The schema, draft 2020-12.
pub(super) const SCHEMA: &str = include_str!("../../../schema/workflow.v1.schema.json");

/// Why a text is no definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionError {
    /// Correct the text at this place.
    #[error("the definition cannot be read: {reason}")]
    Json {
        /// What is wrong, with line and column.
        reason: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1 in bytes.
        column: usize,
    },
    /// Write `"v": 1`.
    #[error("the definition does not say its version; write \"v\": {VERSION}")]
    NoVersion,
    /// Read it with a library that knows this version.
    #[error("the definition has version {found}; this library reads version {VERSION}")]
    Version {
        /// What the text says.
        found: u32,
    },
    /// Correct all of them.
    #[error(transparent)]
    Faults(#[from] Faults),
}

impl From<serde_json::Error> for DefinitionError {
    fn from(error: serde_json::Error) -> DefinitionError {
        let (line, column) = (error.line(), error.column());
        DefinitionError::Json { reason: error.to_string(), line, column }
    }
}
