//! What was generated: the scripts with their metadata, the checklist, and the way onto the disk.

mod check;
mod error;
mod folder;
mod lock;
mod plan;
mod region;
mod scripts;

pub use check::{check_by_running, check_scripts};
pub use error::{OutputError, Reason};
pub use folder::{Edits, OutputFolder, Plan};
pub use lock::LOCK_FILE;
pub use plan::{Action, Change, DIFF_LINES_MAX};
pub use region::RegionError;
pub use scripts::{Attempt, Completeness, GeneratedScripts, SampleMetadata, WriteError};
