//! What a dry run found.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::path::Path;
use crate::run::RunResult;

/// How a workflow ran in virtual time. Serialises with all durations in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DryRunReport {
    /// How many attempts could be made at the same time.
    pub workers: NonZeroUsize,
    /// How many steps had an attempt: one that was skipped does not count, one in two rounds of a loop counts twice, and what only holds
    /// others (a loop) counts nothing itself.
    pub steps: u64,
    /// From how many steps to how many others an edge leads, where both had an attempt, or hold one that had; in every round.
    pub edges: u64,
    /// How many of the steps that had an attempt lie on the longest way, by their number.
    pub depth: u64,
    /// How many attempts were made.
    pub attempts: u64,
    /// From the start of the run to its end.
    #[serde(rename = "makespan_s", serialize_with = "in_seconds")]
    pub makespan: Duration,
    /// The steps that decide how long the run takes when nobody waits for a worker, first to last: each began when the one before it ended (or
    /// after a rest or an answer from outside that this one asked for). Where several chains take equally long, it is the one through the
    /// steps that come first in the definition, found from the end.
    pub critical_path: Vec<Path>,
    /// What the run takes when nobody waits for a worker; with joins of every edge, no number of workers takes less.
    #[serde(rename = "critical_path_s", serialize_with = "in_seconds")]
    pub critical_path_length: Duration,
    /// The share of the workers' time until the end that they worked, from 0 to 1; 0 when nothing took any time.
    pub utilisation: f64,
    /// How the run ended.
    pub result: RunResult,
}

/// What another number of workers would give.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WhatIf {
    /// How many attempts could be made at the same time.
    pub workers: NonZeroUsize,
    /// From the start of the run to its end.
    #[serde(rename = "makespan_s", serialize_with = "in_seconds")]
    pub makespan: Duration,
    /// As [`DryRunReport::utilisation`].
    pub utilisation: f64,
}

impl DryRunReport {
    /// [`makespan`](DryRunReport::makespan) in seconds: the float next to it.
    pub fn makespan_s(&self) -> f64 {
        seconds(self.makespan)
    }

    /// [`critical_path_length`](DryRunReport::critical_path_length) in seconds: the float next to it.
    pub fn critical_path_s(&self) -> f64 {
        seconds(self.critical_path_length)
    }
}

/// Read from decimal digits, which rounds once: `Duration::as_secs_f64` rounds twice, and shows 0.30000000000000004 where 0.3 was given.
fn seconds(duration: Duration) -> f64 {
    let digits = format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos());
    digits.parse().expect("digits with one point are a number")
}

fn in_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(seconds(*duration))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_printed_as_they_were_given() {
        for (secs, nanos, text) in [
            (0, 300_000_000, "0.3"),
            (412, 806_000_000, "412.806"),
            (12_345_678, 123_000_000, "12345678.123"),
            (0, 1, "0.000000001"),
            (3, 0, "3"),
        ] {
            assert_eq!(seconds(Duration::new(secs, nanos)).to_string(), text);
        }
    }
}
