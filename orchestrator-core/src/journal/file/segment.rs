//! The files of the log: their names, and what is done to them as files.
//!
//! A segment is named by the numbers it stands for, `00000004-00000006.log`: fresh ones have one number, and one that took in its
//! neighbours has all of theirs. So a file that is missing shows, as the numbers then do not follow on each other from 1; and a
//! file whose numbers lie within another's is what a crash left over of a merge.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::journal::StoreError;

/// A file of the log, and how much of it is of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// The first number it stands for; what the index calls it by.
    pub(super) first: u32,
    /// The last number it stands for.
    pub(super) last: u32,
    /// Its length, with what is about to be written.
    pub(super) bytes: u64,
    /// How much of that nobody needs any more.
    pub(super) dead: u64,
}

impl Segment {
    pub(super) fn path(&self, log: &Path) -> PathBuf {
        log.join(format!("{:08}-{:08}.log", self.first, self.last))
    }

    pub(super) fn live(&self) -> u64 {
        self.bytes.saturating_sub(self.dead)
    }
}

fn numbers(name: &str) -> Option<(u32, u32)> {
    let (first, last) = name.strip_suffix(".log")?.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && name == format!("{first:08}-{last:08}.log")).then_some((first, last))
}

/// The segments of a log, in order. What a crash left over is deleted.
pub(super) fn list(log: &Path) -> Result<Vec<Segment>, StoreError> {
    let failed = |error| StoreError::io("list", log, &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(log).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.ends_with(".tmp") {
            delete(&entry.path())?;
        } else if let Some((first, last)) = numbers(name) {
            let bytes = entry.metadata().map_err(failed)?.len();
            found.push(Segment { first, last, bytes, dead: 0 });
        }
    }
    // Of two that begin alike the wider comes first.
    found.sort_by_key(|segment| (segment.first, std::cmp::Reverse(segment.last)));
    let mut segments: Vec<Segment> = Vec::with_capacity(found.len());
    for segment in found {
        let covered = segments.last().map_or(0, |segment| segment.last);
        if segment.last <= covered {
            delete(&segment.path(log))?;
        } else if segment.first == covered + 1 {
            segments.push(segment);
        } else {
            let reason = if segment.first > covered {
                format!("before this file, number {} of the log is missing", covered + 1)
            } else {
                format!("this file and the one before it both hold number {covered} of the log")
            };
            return Err(StoreError::Damaged { file: segment.path(log), line: 0, reason });
        }
    }
    Ok(segments)
}

/// Creates an empty segment, durably.
pub(super) fn create(log: &Path, number: u32) -> Result<(Segment, File), StoreError> {
    let segment = Segment { first: number, last: number, bytes: 0, dead: 0 };
    let path = segment.path(log);
    let file = OpenOptions::new()
        .append(true)
        .create_new(true)
        .open(&path)
        .map_err(|error| StoreError::io("create", &path, &error))?;
    sync_folder(log)?;
    Ok((segment, file))
}

/// Calls `each` with the offset, the number and the bytes of every line, its end included. The last one may lack it.
pub(super) fn lines(
    path: &Path,
    mut each: impl FnMut(u64, u64, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let failed = |error| StoreError::io("read", path, &error);
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(failed)?);
    let (mut offset, mut number, mut line) = (0, 0, Vec::new());
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            return Ok(());
        }
        number += 1;
        each(offset, number, &line)?;
        offset += line.len() as u64;
    }
}

/// Deletes a file; one that is not there is deleted already.
pub(super) fn delete(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io("delete", path, &error))
        }
        _ => Ok(()),
    }
}

/// Makes what was created, renamed or deleted in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    // Windows neither can nor need do this: its file system journals names by itself.
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| StoreError::io("sync", folder, &error))?;
    }
    Ok(())
}
