//! Why nothing is written into a folder.

use std::fmt;
use std::io;
use std::path::Path;

use super::region::RegionError;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The operating system refuses; `source` says why.
    #[error("{path}: {source}; nothing more was written")]
    Io {
        /// The file or folder.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Restore the lock file from version control, or remove it: then every file that differs counts as edited.
    #[error(
        "{path}: the lock file cannot be read ({reason}); restore it, or remove it and look at the plan"
    )]
    Lock {
        /// The lock file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A template must stay in its folder.
    #[error("{path:?} is no path inside a folder; use names with `/` between them, without `..`")]
    Path {
        /// The path as given.
        path: String,
    },
    /// A folder on the way is a link: what is written there would land elsewhere.
    #[error("{path}: a link is in the way; nothing is written through links")]
    Link {
        /// The link.
        path: String,
    },
    /// The template ships broken marks.
    #[error("{path}, {fault}")]
    Region {
        /// The file.
        path: String,
        /// What is wrong where.
        fault: RegionError,
    },
    /// Move the edits into protected regions, eject the files, or overwrite them on purpose.
    #[error(
        "nothing was written, because edits would be lost: {}; keep them in protected regions, eject the file, or overwrite it on purpose",
        list(.files)
    )]
    Edits {
        /// The files, each with the reason.
        files: Vec<(String, Reason)>,
    },
    /// Only what was generated can be ejected or adopted.
    #[error("{path:?} was not generated into this folder; the lock file names those that were")]
    Unknown {
        /// The path as given.
        path: String,
    },
}

impl OutputError {
    pub(crate) fn io(path: &Path, source: io::Error) -> OutputError {
        OutputError::Io { path: path.display().to_string(), source }
    }
}

/// Why a file is not touched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Somebody else's file has its name.
    NotGenerated,
    /// It was edited outside its protected regions.
    Edited,
    /// It has a protected region with edits, which the new text does not have.
    RegionGone(String),
    /// The marks of its regions are broken.
    Marks(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NotGenerated => write!(f, "it was not generated"),
            Reason::Edited => write!(f, "it was edited outside its protected regions"),
            Reason::RegionGone(name) => {
                write!(
                    f,
                    "its protected region {name:?} has edits, and the new text has none of that name"
                )
            }
            Reason::Marks(problem) => write!(f, "{problem}"),
        }
    }
}

fn list(files: &[(String, Reason)]) -> String {
    let each = files.iter().map(|(path, reason)| format!("{path} ({reason})"));
    each.collect::<Vec<_>>().join(", ")
}
