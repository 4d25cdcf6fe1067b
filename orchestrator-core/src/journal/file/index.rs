//! What an open store knows of its log without reading it: for each run where it ends and which segments hold something of it, for each
//! segment how much of it is still of use.
//!
//! Memory: a fixed part for each run, an entry for each pair of a run and a segment with something of that run, and the lines that are not
//! yet in the run's projection, which the store bounds for all runs together. No event is kept for longer.

use std::collections::{BTreeMap, BTreeSet};

use super::segment::Segment;
use crate::id::RunId;

#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) runs: BTreeMap<RunId, RunIndex>,
    /// In order; never empty once the store is open; the last one is written to.
    pub(super) segments: Vec<Segment>,
    /// Removals that must stay in the log, since it still holds lines of the run that they forget.
    pub(super) graves: Vec<Grave>,
}

#[derive(Debug, Default)]
pub(super) struct RunIndex {
    pub(super) last_seq: u64,
    pub(super) last_at: u64,
    pub(super) ended: bool,
    pub(super) snapshot: Option<SnapshotAt>,
    /// Where events after the snapshot are, in order; an entry for a segment.
    pub(super) extents: Vec<Extent>,
    /// Segments with lines of this run that are of no use any more.
    pub(super) dead: BTreeSet<u32>,
    /// The length of all event lines after the snapshot: what the projection should hold.
    pub(super) bytes: u64,
    /// The checksum of those lines' checksums, in order.
    pub(super) digest: u32,
    /// How much of that its projection holds; `None` when it must be written anew.
    pub(super) projected: Option<u64>,
    /// What the projection lacks. Without `projected`, this is everything, or (if shorter than `bytes`) nothing to go by.
    pub(super) pending: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The first number of the segment.
    pub(super) segment: u32,
    pub(super) last_seq: u64,
    pub(super) bytes: u64,
}

/// Where the line of a snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SnapshotAt {
    pub(super) seq: u64,
    pub(super) segment: u32,
    pub(super) offset: u64,
    pub(super) bytes: u64,
    pub(super) crc: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Grave {
    pub(super) run: RunId,
    /// Where the removal is written.
    pub(super) segment: u32,
    pub(super) bytes: u64,
    /// The segments with lines of the run.
    pub(super) haunted: BTreeSet<u32>,
}

/// One or more event lines of a run that lie one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines {
    pub(super) segment: u32,
    pub(super) last_seq: u64,
    pub(super) last_at: u64,
    pub(super) ended: bool,
    pub(super) bytes: u64,
}

impl RunIndex {
    /// The last event that the snapshot contains; 0 without one.
    pub(super) fn base(&self) -> u64 {
        self.snapshot.map_or(0, |snapshot| snapshot.seq)
    }

    pub(super) fn take_events(&mut self, lines: Lines) {
        self.last_seq = lines.last_seq;
        self.last_at = lines.last_at;
        self.ended = lines.ended;
        match self.extents.last_mut() {
            Some(extent) if extent.segment == lines.segment => {
                extent.last_seq = lines.last_seq;
                extent.bytes += lines.bytes;
            }
            Some(_) | None => self.extents.push(Extent {
                segment: lines.segment,
                last_seq: lines.last_seq,
                bytes: lines.bytes,
            }),
        }
    }

    /// Whether any line in that segment may be an event after the snapshot.
    pub(super) fn lives_in(&self, segment: u32) -> bool {
        self.extents.iter().any(|extent| extent.segment == segment)
    }

    /// All segments with anything of this run.
    fn traces(&self) -> BTreeSet<u32> {
        let mut traces = self.dead.clone();
        traces.extend(self.extents.iter().map(|extent| extent.segment));
        traces.extend(self.snapshot.map(|snapshot| snapshot.segment));
        traces
    }
}

impl Index {
    pub(super) fn segment_mut(&mut self, first: u32) -> &mut Segment {
        let at = self.segments.binary_search_by_key(&first, |segment| segment.first);
        &mut self.segments[at.expect("runs point to segments that are there")]
    }

    pub(super) fn segment(&self, first: u32) -> &Segment {
        let at = self.segments.binary_search_by_key(&first, |segment| segment.first);
        &self.segments[at.expect("runs point to segments that are there")]
    }

    pub(super) fn active(&mut self) -> &mut Segment {
        self.segments.last_mut().expect("an open store has a segment")
    }

    /// The run has a snapshot now; what it contains is dead. Bytes count as dead once all of the run's in a segment are.
    pub(super) fn take_snapshot(&mut self, run: &str, at: SnapshotAt) {
        let Some(entry) = self.runs.get_mut(run) else { return };
        let before = entry.snapshot.replace(at);
        let mut freed: Vec<(u32, u64)> = Vec::new();
        if let Some(before) = before {
            entry.dead.insert(before.segment);
            freed.push((before.segment, before.bytes));
        }
        entry.extents.retain(|extent| {
            // The first event of an extent is not known: even one that stays may have become dead in part.
            entry.dead.insert(extent.segment);
            let covered = extent.last_seq <= at.seq;
            if covered {
                freed.push((extent.segment, extent.bytes));
            }
            !covered
        });
        for (segment, bytes) in freed {
            self.segment_mut(segment).dead += bytes;
        }
    }

    /// The run is forgotten by a line of so many bytes in that segment.
    pub(super) fn take_removal(&mut self, run: &str, segment: u32, bytes: u64) {
        let Some((run, entry)) = self.runs.remove_entry(run) else {
            self.segment_mut(segment).dead += bytes;
            return;
        };
        let haunted = entry.traces();
        for extent in &entry.extents {
            self.segment_mut(extent.segment).dead += extent.bytes;
        }
        if let Some(snapshot) = entry.snapshot {
            self.segment_mut(snapshot.segment).dead += snapshot.bytes;
        }
        self.graves.push(Grave { run, segment, bytes, haunted });
    }
}
