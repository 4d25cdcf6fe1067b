//! What was generated: the scripts with their metadata, the checklist, and the way onto the disk.

mod check;
mod scripts;

pub use check::{check_by_running, check_scripts};
pub use scripts::{Attempt, Completeness, GeneratedScripts, SampleMetadata, WriteError};
