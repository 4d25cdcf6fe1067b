//! What a history says of its attempts: how long they took, and what came of them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::path::Path;
use crate::payload::Payload;
use crate::run::{Event, Recorded};
use crate::task::{Task, TaskError, TaskOutput};
use crate::time::Timestamp;

type Answer = Result<TaskOutput, TaskError>;

/// Attempts that began and ended.
pub(super) struct Recording(BTreeMap<(Path, u32), (Duration, Answer)>);

impl Recording {
    pub(super) fn of(history: &[Recorded]) -> Recording {
        let mut begun: BTreeMap<(&Path, u32), Timestamp> = BTreeMap::new();
        let mut ended = BTreeMap::new();
        for Recorded { at, event, .. } in history {
            let mut end = |path, attempt, answer| {
                // A step that fails before its first attempt has none that began.
                if let Some(since) = begun.get(&(path, attempt)) {
                    ended.insert((path.clone(), attempt), (at.since(*since), answer));
                }
            };
            match event {
                Event::AttemptStarted { path, attempt, .. }
                | Event::RouteDecided { path, attempt, .. }
                | Event::AttemptRedispatched { path, attempt, .. } => {
                    begun.insert((path, *attempt), *at);
                }
                Event::StepSucceeded { path, attempt, output, usage } => {
                    let output = TaskOutput { payload: output.clone(), usage: *usage };
                    end(path, *attempt, Ok(output));
                }
                Event::AttemptFailed { path, attempt, error, .. }
                | Event::StepFailed { path, attempt, error } => {
                    end(path, *attempt, Err(error.clone()));
                }
                // Nothing else is the beginning or the end of an attempt.
                _ => {}
            }
        }
        Recording(ended)
    }

    fn find(&self, path: &Path, attempt: u32) -> Option<&(Duration, Answer)> {
        self.0.get(&(path.clone(), attempt))
    }

    pub(super) fn duration(&self, path: &Path, attempt: u32) -> Option<Duration> {
        self.find(path, attempt).map(|(duration, _)| *duration)
    }

    /// An attempt that was not recorded has no duration either, and ends the dry run with that.
    pub(super) fn answer(&self, task: &Task) -> Answer {
        let found = self.find(task.path(), task.attempt());
        found.map_or_else(|| Ok(Payload::null().into()), |(_, answer)| answer.clone())
    }
}
