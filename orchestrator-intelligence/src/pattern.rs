//! Failures that come again: counted by stage and code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::knowledge::Knowledge;

/// A kind of failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailurePattern {
    /// In which stage.
    pub stage: String,
    /// With which code.
    pub code: String,
    /// How often.
    pub count: usize,
    /// Of all remembered failures, from 0 to 1.
    pub share: f64,
    /// The first run it was seen in.
    pub first_run: u64,
    /// The last run it was seen in.
    pub last_run: u64,
}

/// The kinds of failure that are remembered, the most frequent first.
pub fn failure_patterns(knowledge: &Knowledge) -> Vec<FailurePattern> {
    let total = knowledge.failures().len() as f64;
    let mut kinds: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
    for failure in knowledge.failures() {
        let kind = (failure.stage.as_str(), failure.code.as_str());
        kinds.entry(kind).or_default().push(failure.run);
    }
    let mut patterns: Vec<FailurePattern> = kinds
        .into_iter()
        .map(|((stage, code), runs)| FailurePattern {
            stage: stage.to_owned(),
            code: code.to_owned(),
            count: runs.len(),
            share: runs.len() as f64 / total,
            first_run: runs.iter().copied().min().unwrap_or_default(),
            last_run: runs.iter().copied().max().unwrap_or_default(),
        })
        .collect();
    // Stable: equals stay in the order of stage and code.
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.count));
    patterns
}
