//! Opening: reads every line of the log once, and makes the index of it.
//!
//! A crash can leave an end that was not acknowledged: a line without its end, bytes that are no line, a batch that is not whole. At the
//! end of the last segment, with nothing whole after it, that is cut off and reported. Anywhere else it is damage, and an error.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use super::index::{Index, Lines, RunIndex, SnapshotAt};
use super::line::{self, Body, Fault, Line};
use super::live::{damaged, run_id, unreadable};
use super::project::chain;
use super::segment::{self, Segment};
use crate::id::RunId;
use crate::journal::StoreError;

/// The end of a log that a crash left unfinished, and that was cut off. Nothing of it had been acknowledged, unless the disk lost what it
/// had promised to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cut {
    /// The file.
    pub file: PathBuf,
    /// Its length now.
    pub offset: u64,
    /// How many bytes were cut off.
    pub bytes: u64,
}

/// The index while it is made.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) index: Index,
    /// Names that were removed at some time.
    pub(super) removed: BTreeSet<RunId>,
    /// Of each run, what the digest of its projection needs.
    traces: BTreeMap<RunId, Trace>,
}

/// Checksum and length of the lines from `first` on.
#[derive(Default)]
struct Trace {
    first: u64,
    lines: Vec<(u32, u32)>,
    /// Events between two that are there are missing; right only if a snapshot later in the log contains them.
    missing: Option<Missing>,
}

struct Missing {
    upto: u64,
    file: PathBuf,
    line: u64,
}

/// A batch whose first lines have been read.
struct Open {
    run: String,
    seq: u64,
    more: u64,
    offset: u64,
}

impl Scan {
    /// Reads all segments; gives the cut that must be made in the last one, if any.
    pub(super) fn read(
        &mut self,
        log: &Path,
        segments: Vec<Segment>,
    ) -> Result<Option<Cut>, StoreError> {
        let last = segments.last().map(|segment| segment.first);
        self.index.segments = segments.clone();
        let mut cut = None;
        for segment in &segments {
            let end = self.segment(log, segment)?;
            if let Some((offset, number, reason)) = end {
                let file = segment.path(log);
                if Some(segment.first) != last {
                    return Err(damaged(&file, number, reason));
                }
                self.index.active().bytes = offset;
                cut = Some(Cut { file, offset, bytes: segment.bytes - offset });
            }
        }
        self.finish()?;
        Ok(cut)
    }

    /// Reads one segment; gives offset, line and reason of an end that is not whole.
    fn segment(
        &mut self,
        log: &Path,
        segment: &Segment,
    ) -> Result<Option<(u64, u64, &'static str)>, StoreError> {
        let path = segment.path(log);
        let mut open: Option<Open> = None;
        // Lines of a batch count when the batch is whole.
        let mut held: Vec<(u64, u64, Vec<u8>)> = Vec::new();
        let mut torn: Option<(u64, u64, &'static str)> = None;
        segment::lines(&path, |offset, number, bytes| {
            let line = match line::read(bytes) {
                _ if torn.is_none() && !bytes.ends_with(b"\n") => {
                    Err(Fault::Broken("it has no end"))
                }
                other => other,
            };
            let line = match (line, torn) {
                (Ok(line), None) => line,
                (Ok(_), Some((_, number, reason))) => return Err(damaged(&path, number, reason)),
                (Err(Fault::Broken(reason)), None) => {
                    torn = Some((offset, number, reason));
                    return Ok(());
                }
                (Err(Fault::Broken(_)), Some(_)) => return Ok(()),
                (Err(fault @ Fault::Version(_)), _) => {
                    return Err(unreadable(&path, number, &fault));
                }
            };
            let goes_on = match &open {
                Some(open) => {
                    let next = (open.run.as_str(), open.seq + 1, open.more - 1);
                    if next != (line.run, line.seq, line.more) {
                        return Err(damaged(&path, number, "the batch before it is not whole"));
                    }
                    line.more > 0
                }
                None => line.more > 0,
            };
            if goes_on {
                let start = open.as_ref().map_or(offset, |open| open.offset);
                let run = line.run.to_owned();
                open = Some(Open { run, seq: line.seq, more: line.more, offset: start });
                held.push((offset, number, bytes.to_vec()));
                return Ok(());
            }
            open = None;
            for (offset, number, bytes) in held.drain(..) {
                let line = line::read(&bytes).map_err(|fault| unreadable(&path, number, &fault))?;
                self.line(&path, segment.first, offset, number, bytes.len() as u64, &line)?;
            }
            self.line(&path, segment.first, offset, number, bytes.len() as u64, &line)?;
            Ok(())
        })?;
        if let Some(open) = open {
            let first = held.first().map_or(0, |(_, number, _)| *number);
            let (_, number, reason) = torn.unwrap_or((0, first, "its batch is not whole"));
            torn = Some((open.offset, number, reason));
        }
        Ok(torn)
    }

    fn line(
        &mut self,
        path: &Path,
        segment: u32,
        offset: u64,
        number: u64,
        bytes: u64,
        line: &Line<'_>,
    ) -> Result<(), StoreError> {
        match line.body {
            Body::Event(_) => self.event(path, segment, number, bytes, line),
            Body::Snapshot(_) => {
                self.enter(path, number, line.run)?;
                let entry = self.index.runs.get_mut(line.run).expect("it was just entered");
                if line.seq <= entry.base() {
                    return Err(damaged(path, number, "its snapshot is older than the one before"));
                }
                if line.seq >= entry.last_seq {
                    entry.last_seq = line.seq;
                    entry.last_at = line.at;
                    entry.ended = line.ends();
                }
                let at = SnapshotAt { seq: line.seq, segment, offset, bytes, crc: line.crc };
                self.index.take_snapshot(line.run, at);
                let trace = self.traces.get_mut(line.run).expect("it was just entered");
                let covered = (line.seq + 1).saturating_sub(trace.first);
                let covered = usize::try_from(covered).unwrap_or(usize::MAX);
                trace.lines.drain(..covered.min(trace.lines.len()));
                trace.first = trace.first.max(line.seq + 1);
                trace.missing.take_if(|missing| missing.upto <= line.seq);
                Ok(())
            }
            Body::Removed => {
                self.index.take_removal(line.run, segment, bytes);
                self.traces.remove(line.run);
                self.removed.insert(run_id(path, number, line.run)?);
                Ok(())
            }
        }
    }

    fn enter(&mut self, path: &Path, number: u64, run: &str) -> Result<(), StoreError> {
        if !self.index.runs.contains_key(run) {
            let run = run_id(path, number, run)?;
            self.index.runs.insert(run.clone(), RunIndex::default());
            self.traces.insert(run, Trace { first: 1, ..Trace::default() });
        }
        Ok(())
    }

    fn event(
        &mut self,
        path: &Path,
        segment: u32,
        number: u64,
        bytes: u64,
        line: &Line<'_>,
    ) -> Result<(), StoreError> {
        self.enter(path, number, line.run)?;
        let entry = self.index.runs.get_mut(line.run).expect("it was just entered");
        let trace = self.traces.get_mut(line.run).expect("it was just entered");
        if line.seq <= entry.last_seq {
            let reason =
                format!("seq {} of run {} comes after {}", line.seq, line.run, entry.last_seq);
            return Err(damaged(path, number, reason));
        }
        if line.seq > entry.last_seq + 1 {
            let file = path.to_owned();
            trace.missing = Some(Missing { upto: line.seq - 1, file, line: number });
            trace.lines.clear();
            trace.first = line.seq;
        }
        let ended = line.ends();
        entry.take_events(Lines { segment, last_seq: line.seq, last_at: line.at, ended, bytes });
        trace.lines.push((line.crc, u32::try_from(bytes).unwrap_or(u32::MAX)));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        for (run, trace) in std::mem::take(&mut self.traces) {
            let entry = self.index.runs.get_mut(&run).expect("every trace is of a run");
            if let Some(Missing { upto, file, line }) = trace.missing {
                let reason = format!("events of run {run} up to seq {upto} are missing before it");
                return Err(StoreError::Damaged { file, line, reason });
            }
            for (crc, bytes) in trace.lines {
                entry.digest = chain(entry.digest, crc);
                entry.bytes += u64::from(bytes);
            }
        }
        Ok(())
    }
}

impl Cut {
    /// Cuts the file, durably.
    pub(super) fn make(&self) -> Result<(), StoreError> {
        OpenOptions::new()
            .write(true)
            .open(&self.file)
            .and_then(|file| {
                file.set_len(self.offset)?;
                file.sync_all()
            })
            .map_err(|error| StoreError::io("cut", &self.file, &error))
    }
}
