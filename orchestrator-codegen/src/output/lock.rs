//! The lock file: what was generated into a folder, so that the next generation can tell a person's edits from its own text.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::OutputError;

/// The name of the lock file in the folder. It belongs under version control, beside the files.
pub const LOCK_FILE: &str = "codegen.lock.json";

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

/// What was generated into a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    pub(super) version: u32,
    /// The template that the files came from.
    pub(crate) template: String,
    /// By path.
    pub(crate) files: BTreeMap<String, Locked>,
}

impl Default for Lock {
    fn default() -> Self {
        Lock { version: VERSION, template: String::new(), files: BTreeMap::new() }
    }
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Locked {
    /// The digest of what belongs to the generator, as it was written.
    pub(crate) sha256: String,
    /// The digest before that, while a writing is under way: a crash in the middle must not make edits of our own text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<String>,
    /// The digests of the protected bodies as they were shipped, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) regions: BTreeMap<String, String>,
    /// Whether a person took the file over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) ejected: bool,
}

impl Locked {
    /// Whether the generator wrote this.
    pub(crate) fn wrote(&self, digest: &str) -> bool {
        self.sha256 == digest || self.before.as_deref() == Some(digest)
    }
}

impl Lock {
    /// The lock of a folder; an empty one where there is none.
    pub(crate) fn read(folder: &Path) -> Result<Lock, OutputError> {
        let path = folder.join(LOCK_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Lock::default()),
            Err(source) => return Err(OutputError::io(&path, source)),
        };
        let refuse =
            |reason: String| OutputError::Lock { path: path.display().to_string(), reason };
        let lock: Lock = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
        if lock.version != VERSION {
            let reason = format!("it has version {}, this one reads {VERSION}", lock.version);
            return Err(refuse(reason));
        }
        Ok(lock)
    }

    /// Replaces the lock of a folder, which has to be there.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), OutputError> {
        let path = folder.join(LOCK_FILE);
        let beside = folder.join(format!(".{LOCK_FILE}.new"));
        let mut text = serde_json::to_string_pretty(self).expect("maps of strings are JSON");
        text.push('\n');
        fs::write(&beside, text)
            .and_then(|()| fs::rename(&beside, &path))
            .map_err(|source| OutputError::io(&path, source))
    }
}
