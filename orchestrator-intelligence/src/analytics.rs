//! What the records say: rates with their intervals, means, rankings, and where money could be saved.

use std::collections::BTreeMap;

use orchestrator_core::WorkerName;
use serde::{Deserialize, Serialize};

use crate::record::{Complexity, ExecutionOutcome, ExecutionRecord, Risk};
use crate::statistics::{difference_interval, wilson_interval};

/// Rates and means over some records. Cancelled executions are counted, and left out of everything else.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many ended by themselves.
    pub tasks: usize,
    /// How many of these succeeded.
    pub succeeded: usize,
    /// How many were cancelled.
    pub cancelled: usize,
    /// `succeeded / tasks`; 0 without tasks.
    pub success_rate: f64,
    /// The 95 % Wilson interval of the success rate.
    pub success_interval: (f64, f64),
    /// Mean cost of a task.
    pub usd_mean: f64,
    /// Cost of all tasks.
    pub usd_total: f64,
    /// Mean duration of a task.
    pub duration_ms_mean: f64,
    /// Mean number of failed attempts before.
    pub retries_mean: f64,
    /// Share that passed, of those that had quality gates; `None` when none had.
    pub quality_gate_rate: Option<f64>,
}

impl Summary {
    pub(crate) fn of<'a>(records: impl IntoIterator<Item = &'a ExecutionRecord>) -> Summary {
        let (mut tasks, mut succeeded, mut cancelled) = (0_usize, 0_usize, 0_usize);
        let (mut usd, mut ms, mut retries) = (0.0, 0.0, 0.0);
        let (mut gated, mut passed) = (0_usize, 0_usize);
        for record in records {
            match record.outcome {
                ExecutionOutcome::Cancelled => {
                    cancelled += 1;
                    continue;
                }
                ExecutionOutcome::Success => succeeded += 1,
                ExecutionOutcome::Failed => (),
            }
            tasks += 1;
            usd += record.usd;
            ms += record.duration_ms as f64;
            retries += f64::from(record.retries);
            gated += usize::from(record.quality_gates_passed.is_some());
            passed += usize::from(record.quality_gates_passed == Some(true));
        }
        let n = tasks.max(1) as f64;
        Summary {
            tasks,
            succeeded,
            cancelled,
            success_rate: succeeded as f64 / n,
            success_interval: wilson_interval(succeeded, tasks),
            usd_mean: usd / n,
            usd_total: usd,
            duration_ms_mean: ms / n,
            retries_mean: retries / n,
            quality_gate_rate: (gated > 0).then(|| passed as f64 / gated as f64),
        }
    }
}

/// What records are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Who did it.
    Worker,
    /// Who provides the worker; `unknown` where it is not known.
    Provider,
    /// The part of the work.
    Area,
    /// What a mistake would cost.
    Risk,
    /// How large the task is.
    Complexity,
    /// The role that was filled.
    Role,
}

/// What workers are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// The lower end of the success rate's interval, highest first: three of three does not beat 95 of 100.
    Success,
    /// Mean cost, lowest first.
    Cost,
    /// Mean duration, lowest first.
    Duration,
}

/// A cheaper worker whose success rate is not significantly worse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opportunity {
    /// The part of the work.
    pub area: String,
    /// What a mistake would cost there.
    pub risk: Risk,
    /// Who does most of it now.
    pub current: WorkerName,
    /// Who could.
    pub recommended: WorkerName,
    /// Dollars less a task.
    pub usd_saved_per_task: f64,
    /// The success rate of `current`.
    pub current_success_rate: f64,
    /// The success rate of `recommended`.
    pub recommended_success_rate: f64,
    /// The 95 % interval of the difference, recommended less current: its lower end is how much worse it may still be.
    pub difference_interval: (f64, f64),
}

/// Records, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Analytics {
    records: Vec<ExecutionRecord>,
}

impl Analytics {
    /// Over these records.
    pub fn new(records: Vec<ExecutionRecord>) -> Self {
        Analytics { records }
    }

    /// Over those of these records that a condition picks.
    #[must_use]
    pub fn of(&self, keep: impl Fn(&ExecutionRecord) -> bool) -> Analytics {
        Analytics::new(self.records.iter().filter(|r| keep(r)).cloned().collect())
    }

    /// Over all of them.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.records)
    }

    /// A summary for each group, by name.
    pub fn by(&self, dimension: Dimension) -> BTreeMap<String, Summary> {
        let mut groups: BTreeMap<String, Vec<&ExecutionRecord>> = BTreeMap::new();
        for record in &self.records {
            groups.entry(key(record, dimension)).or_default().push(record);
        }
        let summary = |(name, records)| (name, Summary::of::<'_>(records));
        groups.into_iter().map(summary).collect()
    }

    /// The workers with at least `samples_min` tasks, best first; equals in the order of their names.
    pub fn rank(&self, metric: Metric, samples_min: usize) -> Vec<(WorkerName, Summary)> {
        let mut ranked = self.by_worker();
        ranked.retain(|(_, summary)| summary.tasks >= samples_min.max(1));
        ranked.sort_by(|(_, a), (_, b)| match metric {
            Metric::Success => b.success_interval.0.total_cmp(&a.success_interval.0),
            Metric::Cost => a.usd_mean.total_cmp(&b.usd_mean),
            Metric::Duration => a.duration_ms_mean.total_cmp(&b.duration_ms_mean),
        });
        ranked
    }

    fn by_worker(&self) -> Vec<(WorkerName, Summary)> {
        let mut groups: BTreeMap<WorkerName, Vec<&ExecutionRecord>> = BTreeMap::new();
        for record in &self.records {
            groups.entry(record.worker.clone()).or_default().push(record);
        }
        let summary = |(name, records)| (name, Summary::of::<'_>(records));
        groups.into_iter().map(summary).collect()
    }

    /// For each area and risk: who does most of it now, and who could for at least `usd_saved_min` less a task, the largest saving
    /// first. Both need `samples_min` tasks there, and the 95 % interval of the difference of their success rates
    /// ([`difference_interval`]) must not lie wholly below zero: that is the test of "not significantly worse". With few
    /// samples that is easily passed, which is why the interval is part of the answer.
    pub fn opportunities(&self, samples_min: usize, usd_saved_min: f64) -> Vec<Opportunity> {
        let mut cells: BTreeMap<(String, Risk), Vec<ExecutionRecord>> = BTreeMap::new();
        for record in &self.records {
            let cell = (record.area.clone(), record.risk);
            cells.entry(cell).or_default().push(record.clone());
        }
        let mut found = Vec::new();
        for ((area, risk), records) in cells {
            let mut workers = Analytics::new(records).by_worker();
            workers.retain(|(_, summary)| summary.tasks >= samples_min.max(1));
            // The first by name among those with most tasks: `max_by_key` would give the last.
            let Some((current, now)) = workers.iter().rev().max_by_key(|(_, s)| s.tasks) else {
                continue;
            };
            let cheaper = workers.iter().filter_map(|(worker, then)| {
                let saved = now.usd_mean - then.usd_mean;
                let interval =
                    difference_interval((then.succeeded, then.tasks), (now.succeeded, now.tasks));
                let worthwhile = saved > 0.0 && saved >= usd_saved_min && interval.1 >= 0.0;
                worthwhile.then(|| Opportunity {
                    area: area.clone(),
                    risk,
                    current: current.clone(),
                    recommended: worker.clone(),
                    usd_saved_per_task: saved,
                    current_success_rate: now.success_rate,
                    recommended_success_rate: then.success_rate,
                    difference_interval: interval,
                })
            });
            found.extend(cheaper);
        }
        found.sort_by(|a, b| b.usd_saved_per_task.total_cmp(&a.usd_saved_per_task));
        found
    }
}

fn key(record: &ExecutionRecord, dimension: Dimension) -> String {
    match dimension {
        Dimension::Worker => record.worker.to_string(),
        Dimension::Provider => record.provider.clone().unwrap_or_else(|| "unknown".to_owned()),
        Dimension::Area => record.area.clone(),
        Dimension::Risk => match record.risk {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
        }
        .to_owned(),
        Dimension::Complexity => match record.complexity {
            Complexity::Small => "small",
            Complexity::Medium => "medium",
            Complexity::Large => "large",
        }
        .to_owned(),
        Dimension::Role => record.role.to_string(),
    }
}
