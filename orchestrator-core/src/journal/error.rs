//! Why a store refused or failed.

use std::io;
use std::path::{Path as FilePath, PathBuf};

use crate::id::RunId;

/// Why a store refused or failed. After any error nothing of the call is to be seen in the store, as long as the process lives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Append every event of a run, in order. Two hosts that drive the same run lead here, too.
    #[error("the next event of run {run} is seq {wanted}, not {found}")]
    Gap {
        /// The run.
        run: RunId,
        /// The `seq` that is next.
        wanted: u64,
        /// The `seq` that came.
        found: u64,
    },
    /// The store keeps another event at this place: two hosts drive the same run, or its name is used twice. Stop one of them, or
    /// choose another name.
    #[error("run {run} already has another event at seq {seq}")]
    Conflict {
        /// The run.
        run: RunId,
        /// Where the two differ.
        seq: u64,
    },
    /// Events up to a snapshot are gone, so that nobody can tell whether this one is a duplicate. Load the run again and go on from there.
    #[error(
        "seq {seq} of run {run} lies before its snapshot; the oldest event kept is seq {oldest}"
    )]
    Trimmed {
        /// The run.
        run: RunId,
        /// The `seq` that came.
        seq: u64,
        /// The first `seq` after the snapshot.
        oldest: u64,
    },
    /// Append before compacting; look at the name.
    #[error("the store has no run {run}")]
    UnknownRun {
        /// The name that was given.
        run: RunId,
    },
    /// Append the events before the snapshot that was made of them.
    #[error("the snapshot of run {run} is of seq {seq}, but the store ends at seq {last}")]
    SnapshotAhead {
        /// The run.
        run: RunId,
        /// The snapshot's `seq`.
        seq: u64,
        /// The last `seq` kept.
        last: u64,
    },
    /// The store keeps a snapshot that is newer, or another of the same `seq`. Leave this one out.
    #[error("the snapshot of run {run} at seq {seq} does not follow the one kept, of seq {kept}")]
    SnapshotBehind {
        /// The run.
        run: RunId,
        /// The snapshot's `seq`.
        seq: u64,
        /// The `seq` of the one that is kept.
        kept: u64,
    },
    /// An event that does not serialise: a bug in its type.
    #[error("seq {seq} of run {run} does not serialise: {reason}")]
    Encode {
        /// The run.
        run: RunId,
        /// Which event.
        seq: u64,
        /// What serde said.
        reason: String,
    },
    /// The file system failed. Whether an append came through is unknown: open the store again and append the same batches again.
    #[error("cannot {doing} {}: {reason}", .path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What kind of failure.
        kind: io::ErrorKind,
        /// What the system said.
        reason: String,
    },
    /// An earlier write failed, and what the disk holds is unknown. Drop the store, mend the cause, open it again.
    #[error("the store takes nothing more since an earlier call failed ({reason}); open it again")]
    Poisoned {
        /// The earlier failure.
        reason: String,
    },
    /// Another process has the store open, or this one has it open twice. End it, or choose another folder.
    #[error("{} is held by another open store; one at a time", .lock.display())]
    Locked {
        /// The lock file.
        lock: PathBuf,
    },
    /// What is kept is not what was written. Restore the file from a copy; or, if the loss can be borne, move the whole folder away
    /// and begin anew. Nothing has been changed.
    #[error("{}, line {line}: {reason}; restore the file from a copy, or move it away and begin anew", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1; 0 when the file as a whole is meant.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// Written by a later version of this crate. Open it with that version.
    #[error("{}, line {line}: format {found} is newer than this version reads ({known})", .file.display())]
    Version {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The format that was found.
        found: u32,
        /// The newest format that is read.
        known: u32,
    },
    /// Whatever else keeps the events, such as a database, failed.
    #[error("cannot {doing}: {reason}")]
    Backend {
        /// What was being done.
        doing: String,
        /// What the other side said.
        reason: String,
    },
}

impl StoreError {
    /// A failure of the file system.
    pub fn io(doing: &'static str, path: impl AsRef<FilePath>, error: &io::Error) -> StoreError {
        StoreError::Io {
            doing,
            path: path.as_ref().to_owned(),
            kind: error.kind(),
            reason: error.to_string(),
        }
    }

    /// A failure of whatever else keeps the events.
    pub fn backend(doing: impl Into<String>, reason: impl ToString) -> StoreError {
        StoreError::Backend { doing: doing.into(), reason: reason.to_string() }
    }
}
