//! Records in a file: one JSON object a line, appended. The usual name is `execution_records.jsonl`.
//!
//! A crash may leave half a line at the end: it is cut when the file is opened, and reported. Any other line that is no record is an
//! error that names it; nothing is skipped in silence.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use orchestrator_core::{Payload, PayloadError};
use serde::Deserialize;

use crate::record::{ExecutionRecord, RECORD_VERSION};

/// Why records could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A line is no record: repair or remove it.
    #[error("{} line {line}: {reason}; repair or remove the line", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A line was written by another version.
    #[error(
        "{} line {line}: record version {found}, this version reads {RECORD_VERSION}; convert the file or use another",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The version found there.
        found: u32,
    },
    /// The record has a number that JSON has not.
    #[error("the record does not serialise: {0}")]
    Record(#[from] PayloadError),
}

/// Half a line that was cut from the end of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// Which line it was, counted from 1.
    pub line: usize,
    /// How many bytes were cut.
    pub bytes: usize,
}

/// What a file held.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loaded {
    /// The newest records, oldest first.
    pub records: Vec<ExecutionRecord>,
    /// The half line that was cut, if there was one.
    pub torn: Option<Torn>,
}

/// A file of records, open for appending.
#[derive(Debug)]
pub struct JsonlStore {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines: what a failed append is cut back to.
    bytes: u64,
}

impl JsonlStore {
    /// Opens or creates the file, cuts a torn end, and reads the newest `records_max` records.
    ///
    /// # Errors
    /// When the file system refuses, or a line is no record of this version.
    pub fn open(
        path: impl AsRef<Path>,
        records_max: usize,
    ) -> Result<(JsonlStore, Loaded), StoreError> {
        let path = path.as_ref().to_owned();
        let io = |source| StoreError::Io { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        let mut reader = BufReader::new(&mut file);
        let (mut records, mut torn) = (VecDeque::new(), None);
        let (mut whole, mut line, mut bytes) = (0_u64, 0, Vec::new());
        let mut ends_open = false;
        loop {
            bytes.clear();
            if reader.read_until(b'\n', &mut bytes).map_err(io)? == 0 {
                break;
            }
            line += 1;
            let ended = bytes.last() == Some(&b'\n');
            match parse(&bytes, &path, line) {
                Ok(record) => {
                    records.push_back(record);
                    if records.len() > records_max {
                        records.pop_front();
                    }
                    ends_open = !ended;
                }
                Err(StoreError::Line { .. }) if !ended => {
                    torn = Some(Torn { line, bytes: bytes.len() });
                    break;
                }
                Err(error) => return Err(error),
            }
            whole += bytes.len() as u64;
        }
        drop(reader);
        file.set_len(whole).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        if ends_open {
            // A complete record that lost only its newline.
            file.write_all(b"\n").map_err(io)?;
            whole += 1;
        }
        let loaded = Loaded { records: records.into(), torn };
        let store = JsonlStore { path, file, bytes: whole };
        Ok((store, loaded))
    }

    /// Appends a record; it is with the operating system when this returns.
    ///
    /// # Errors
    /// When the record holds a number that is not finite, or the file system refuses.
    pub fn append(&mut self, record: &ExecutionRecord) -> Result<(), StoreError> {
        let mut line = Payload::of(record)?.as_json().to_owned();
        line.push('\n');
        if let Err(source) = self.file.write_all(line.as_bytes()) {
            // Half a line in the middle would spoil the file for the next append; what cannot be cut is cut at the next opening.
            let _ = self.file.set_len(self.bytes);
            let _ = self.file.seek(SeekFrom::Start(self.bytes));
            return Err(StoreError::Io { path: self.path.clone(), source });
        }
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn parse(bytes: &[u8], path: &Path, line: usize) -> Result<ExecutionRecord, StoreError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let refuse = |error: serde_json::Error| StoreError::Line {
        path: path.to_owned(),
        line,
        reason: error.to_string(),
    };
    let Versioned { version } = serde_json::from_slice(bytes).map_err(refuse)?;
    if version != RECORD_VERSION {
        return Err(StoreError::Version { path: path.to_owned(), line, found: version });
    }
    serde_json::from_slice(bytes).map_err(refuse)
}
