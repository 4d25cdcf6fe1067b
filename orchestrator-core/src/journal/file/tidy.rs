//! Gives disk space back: writes segments anew without the lines that nobody needs.
//!
//! Lines keep their order. The new file is complete and durable before it takes the place of the old ones, and its name says which
//! those are, so that a crash in between leaves nothing worse than a file to be deleted.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::ops::RangeInclusive;
use std::path::Path;

use super::index::{Extent, Grave, Index};
use super::line::Body;
use super::live::live_lines;
use super::project::Folders;
use super::segment::{Segment, delete, sync_folder};
use crate::id::RunId;
use crate::journal::StoreError;

/// Writes segments anew until the closed ones hold at most as many dead bytes as live ones, and one segment's worth.
pub(super) fn tidy(
    folders: &Folders,
    index: &mut Index,
    segment_bytes: u64,
) -> Result<(), Trouble> {
    loop {
        let closed = &index.segments[..index.segments.len() - 1];
        let dead: u64 = closed.iter().map(|segment| segment.dead).sum();
        let live: u64 = closed.iter().map(Segment::live).sum();
        if dead <= live + segment_bytes {
            return Ok(());
        }
        let Some(worst) = (0..closed.len()).max_by_key(|at| closed[*at].dead) else {
            return Ok(());
        };
        let group = group(closed, worst, segment_bytes);
        merge(folders, index, group)?;
    }
}

/// The segment with its neighbours, as far as all that is live in them fits into one.
fn group(closed: &[Segment], worst: usize, segment_bytes: u64) -> RangeInclusive<usize> {
    let (mut from, mut to) = (worst, worst);
    let mut live = closed[worst].live();
    while to + 1 < closed.len() && live + closed[to + 1].live() <= segment_bytes {
        to += 1;
        live += closed[to].live();
    }
    while from > 0 && live + closed[from - 1].live() <= segment_bytes {
        from -= 1;
        live += closed[from].live();
    }
    from..=to
}

/// What of a run is in the new file.
#[derive(Default)]
struct Moved {
    /// Run, last seq, bytes; consecutive lines of a run are together.
    extents: Vec<(RunId, u64, u64)>,
    snapshots: Vec<(RunId, u64)>,
    bytes: u64,
}

/// Why disk space was not given back.
pub(super) struct Trouble {
    pub(super) error: StoreError,
    /// Whether it is unknown what the folder holds now.
    pub(super) fatal: bool,
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Trouble {
        Trouble { error, fatal: false }
    }
}

fn merge(
    folders: &Folders,
    index: &mut Index,
    group: RangeInclusive<usize>,
) -> Result<(), Trouble> {
    let old: Vec<Segment> = index.segments[group.clone()].to_vec();
    let ids: BTreeSet<u32> = old.iter().map(|segment| segment.first).collect();
    let (first, last) = (old[0].first, old[old.len() - 1].last);
    let mut new = Segment { first, last, bytes: 0, dead: 0 };
    let path = new.path(&folders.log);
    let tmp = path.with_extension("tmp");
    let (graves, buried) = buried(index, &ids);
    let before = std::mem::replace(&mut index.graves, graves);
    let moved = write(folders, index, &old, &tmp).and_then(|moved| {
        let renamed = fs::rename(&tmp, &path);
        renamed.map_err(|error| StoreError::io("rename", &tmp, &error))?;
        Ok(moved)
    });
    let moved = match moved {
        Ok(moved) => moved,
        Err(error) => {
            index.graves = before;
            return Err(error.into());
        }
    };
    new.bytes = moved.bytes;
    for grave in buried {
        index.segment_mut(grave.segment).dead += grave.bytes;
    }
    index.segments.splice(group, [new]);
    settle(index, &ids, first, moved);
    clean(folders, &old, &path).map_err(|error| Trouble { error, fatal: true })
}

/// Deletes what the new file stands for, once that is durable.
fn clean(folders: &Folders, old: &[Segment], new: &Path) -> Result<(), StoreError> {
    sync_folder(&folders.log)?;
    for segment in old {
        let old = segment.path(&folders.log);
        if old != new {
            delete(&old)?;
        }
    }
    sync_folder(&folders.log)
}

/// The removals that are still needed once the group is clean, and those that are not.
fn buried(index: &Index, group: &BTreeSet<u32>) -> (Vec<Grave>, Vec<Grave>) {
    let clean = index.graves.iter().cloned().map(|mut grave| {
        grave.haunted.retain(|segment| !group.contains(segment));
        grave
    });
    clean.partition(|grave| !grave.haunted.is_empty())
}

fn write(
    folders: &Folders,
    index: &Index,
    old: &[Segment],
    tmp: &Path,
) -> Result<Moved, StoreError> {
    let failed = |error| StoreError::io("write", tmp, &error);
    let mut out = BufWriter::with_capacity(1 << 16, File::create(tmp).map_err(failed)?);
    let mut moved = Moved::default();
    let mut wrote = Ok(());
    for segment in old {
        live_lines(index, &folders.log, segment, |_, bytes, line| {
            let run = || RunId::parse(line.run).expect("the index knows this run");
            match line.body {
                Body::Event(_) => match moved.extents.last_mut() {
                    Some((of, last_seq, sum)) if of.as_str() == line.run => {
                        *last_seq = line.seq;
                        *sum += bytes.len() as u64;
                    }
                    Some(_) | None => moved.extents.push((run(), line.seq, bytes.len() as u64)),
                },
                Body::Snapshot(_) => moved.snapshots.push((run(), moved.bytes)),
                Body::Removed => {}
            }
            moved.bytes += bytes.len() as u64;
            if wrote.is_ok() {
                wrote = out.write_all(bytes);
            }
        })?;
    }
    wrote.map_err(failed)?;
    out.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
    Ok(moved)
}

/// Points the index to the new segment.
fn settle(index: &mut Index, group: &BTreeSet<u32>, first: u32, moved: Moved) {
    for entry in index.runs.values_mut() {
        entry.dead.retain(|segment| !group.contains(segment));
        entry.extents.retain(|extent| !group.contains(&extent.segment));
    }
    for (run, last_seq, bytes) in moved.extents {
        let entry = index.runs.get_mut(&run).expect("only lines of known runs are live");
        let at = entry.extents.partition_point(|extent| extent.segment <= first);
        match at.checked_sub(1).map(|before| &mut entry.extents[before]) {
            Some(extent) if extent.segment == first => {
                extent.last_seq = last_seq;
                extent.bytes += bytes;
            }
            Some(_) | None => {
                entry.extents.insert(at, Extent { segment: first, last_seq, bytes });
            }
        }
    }
    for (run, offset) in moved.snapshots {
        let entry = index.runs.get_mut(&run).expect("only snapshots of known runs are live");
        if let Some(snapshot) = &mut entry.snapshot {
            (snapshot.segment, snapshot.offset) = (first, offset);
        }
    }
    for grave in &mut index.graves {
        if group.contains(&grave.segment) {
            grave.segment = first;
        }
    }
}
