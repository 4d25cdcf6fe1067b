//! What goes into a journal: the events of one run that are kept together.

use std::sync::Arc;

use crate::run::Recorded;

/// Events of one run, at least one, contiguous in `seq`: what the host collected of that run since the last append.
///
/// Cheap to clone, since stores that live in memory keep the batch as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    events: Arc<Vec<Recorded>>,
}

/// Events that are no batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// Leave a run that has nothing new out of the append.
    #[error("a batch holds no event")]
    Empty,
    /// Hand over every event that the run yields, once and in order.
    #[error("a batch goes from seq {before} to seq {found}; seq grows by one")]
    Broken {
        /// The last `seq` in order.
        before: u64,
        /// The one that came after it.
        found: u64,
    },
    /// Events are counted from 1.
    #[error("a batch begins with seq 0; events are counted from 1")]
    Zero,
}

impl Batch {
    /// The batch of these events.
    ///
    /// # Errors
    /// When there are none, or `seq` does not grow by one from a start of at least 1.
    pub fn new(events: Vec<Recorded>) -> Result<Batch, BatchError> {
        let first = events.first().ok_or(BatchError::Empty)?;
        if first.seq == 0 {
            return Err(BatchError::Zero);
        }
        for pair in events.windows(2) {
            if pair[0].seq.checked_add(1) != Some(pair[1].seq) {
                return Err(BatchError::Broken { before: pair[0].seq, found: pair[1].seq });
            }
        }
        Ok(Batch { events: Arc::new(events) })
    }

    /// The events, in order.
    pub fn events(&self) -> &[Recorded] {
        &self.events
    }

    /// The `seq` of the first event, at least 1.
    pub fn first(&self) -> u64 {
        self.events[0].seq
    }

    /// The `seq` of the last event.
    pub fn last(&self) -> u64 {
        self.events[self.events.len() - 1].seq
    }
}

impl TryFrom<Vec<Recorded>> for Batch {
    type Error = BatchError;
    fn try_from(events: Vec<Recorded>) -> Result<Batch, BatchError> {
        Batch::new(events)
    }
}
