//! Batches as lines, made before any lock is taken.

use super::line;
use crate::id::RunId;
use crate::journal::{Batch, StoreError};

/// What a line of an event is expected to need.
const LINE_BYTES: usize = 256;

/// The lines of some batches, one after the other.
pub(super) struct Encoded {
    bytes: Vec<u8>,
    crcs: Vec<u32>,
    /// Where the bytes and the checksums of each batch end.
    ends: Vec<(usize, usize)>,
}

/// The lines of one batch.
pub(super) struct BatchLines<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) crcs: &'a [u32],
}

impl Encoded {
    pub(super) fn of(batches: &[(RunId, Batch)]) -> Result<Encoded, StoreError> {
        let events: usize = batches.iter().map(|(_, batch)| batch.events().len()).sum();
        let mut bytes = Vec::with_capacity(events * LINE_BYTES);
        let mut crcs = Vec::with_capacity(events);
        let mut ends = Vec::with_capacity(batches.len());
        for (run, batch) in batches {
            for recorded in batch.events() {
                let more = batch.last() - recorded.seq;
                let crc = line::write_event(&mut bytes, run, recorded, more).map_err(|error| {
                    let (run, seq) = (run.clone(), recorded.seq);
                    StoreError::Encode { run, seq, reason: error.to_string() }
                })?;
                crcs.push(crc);
            }
            ends.push((bytes.len(), crcs.len()));
        }
        Ok(Encoded { bytes, crcs, ends })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn batches(&self) -> impl Iterator<Item = BatchLines<'_>> {
        self.ends.iter().scan((0, 0), |from, end| {
            let lines =
                BatchLines { bytes: &self.bytes[from.0..end.0], crcs: &self.crcs[from.1..end.1] };
            *from = *end;
            Some(lines)
        })
    }
}
