//! Reads JSON as the generated script does: a document, or a value a line; numbers as they are written.
//!
//! Not by serde_json, because no number may lose digits, every record must know its line, and both languages must refuse the
//! same texts: like Python's `json`, this takes NaN and Infinity, and the last of equal names.

mod flat;
mod read;
mod value;

pub(super) use flat::{flatten, rows};
pub(super) use read::{JsonRecords, format_of, read_document, read_lines};
