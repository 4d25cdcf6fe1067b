//! A router that learns from what became of its choices.
//!
//! It looks at the records of the narrowest group of tasks that has enough of them: same role, area, risk and complexity; then without
//! complexity; then same role and area; then same role. Where even the last has no candidate with `min_samples` records, it
//! falls back to the declared order and says so. On a retry only those who have tried the step least are considered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use orchestrator_core::{
    Candidate, Decision, DeclaredOrder, Failure, Outcome, Request, RouteError, Router, Seed,
    Timestamp, WorkerName,
};
use serde::{Deserialize, Serialize};

use crate::analytics::{Analytics, Opportunity, Summary};
use crate::bandit::{Bandit, ThompsonSampling, Ucb1, draw};
use crate::config::{BanditKind, LearningConfig, LearningConfigError, RoutingStrategy};
use crate::profile::TaskProfile;
use crate::record::{ErrorRecord, ExecutionOutcome, ExecutionRecord};

/// What has been learnt so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearningSummary {
    /// The strategy.
    pub strategy: RoutingStrategy,
    /// Over all records.
    pub overall: Summary,
    /// Where money could be saved.
    pub opportunities: Vec<Opportunity>,
}

/// Routes by what it has seen.
///
/// ```
/// use orchestrator_core::Router;
/// use orchestrator_intelligence::{AdaptiveRouter, LearningConfig, RoutingStrategy};
/// let router = AdaptiveRouter::new(RoutingStrategy::Learning, LearningConfig::default())?
///     .with_provider("sonnet".parse().unwrap(), "claude");
/// # let _: &dyn Router = &router;
/// assert_eq!(router.summary().overall.tasks, 0);
/// # Ok::<(), orchestrator_intelligence::LearningConfigError>(())
/// ```
#[derive(Debug)]
pub struct AdaptiveRouter {
    strategy: RoutingStrategy,
    config: LearningConfig,
    providers: BTreeMap<WorkerName, String>,
    records: Mutex<VecDeque<ExecutionRecord>>,
}

impl AdaptiveRouter {
    /// A router that has seen nothing yet.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(
        strategy: RoutingStrategy,
        config: LearningConfig,
    ) -> Result<Self, LearningConfigError> {
        config.check()?;
        Ok(AdaptiveRouter {
            strategy,
            config,
            providers: BTreeMap::new(),
            records: Mutex::new(VecDeque::new()),
        })
    }

    /// The same router, that has seen these records too, oldest first.
    #[must_use]
    pub fn with_records(self, records: impl IntoIterator<Item = ExecutionRecord>) -> Self {
        for record in records {
            self.remember(record);
        }
        self
    }

    /// The same router, that notes who provides a worker.
    #[must_use]
    pub fn with_provider(mut self, worker: WorkerName, provider: impl Into<String>) -> Self {
        self.providers.insert(worker, provider.into());
        self
    }

    /// What it has seen, oldest first.
    pub fn records(&self) -> Vec<ExecutionRecord> {
        self.lock().iter().cloned().collect()
    }

    /// What it has learnt.
    pub fn summary(&self) -> LearningSummary {
        let analytics = Analytics::new(self.records());
        LearningSummary {
            strategy: self.strategy,
            overall: analytics.summary(),
            opportunities: analytics.opportunities(self.config.min_samples, 0.0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<ExecutionRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, record: ExecutionRecord) {
        let mut records = self.lock();
        records.push_back(record);
        while records.len() > self.config.records_max {
            records.pop_front();
        }
    }

    /// The candidates' summaries in the narrowest group where `enough` of them have `min_samples`; the broadest when none has.
    fn seen(&self, request: &Request, able: &[&Candidate], enough: usize) -> Seen {
        let wanted = TaskProfile::of(&request.input, &request.role);
        let records = self.lock();
        let within = |(group, belongs): (&'static str, Belongs)| {
            let mut of: Vec<Vec<&ExecutionRecord>> = vec![Vec::new(); able.len()];
            for record in records.iter() {
                if record.role == request.role
                    && belongs(&wanted, record)
                    && let Some(at) = able.iter().position(|c| c.worker == record.worker)
                {
                    of[at].push(record);
                }
            }
            let summaries = of.into_iter().map(Summary::of::<'_>).collect();
            Seen { group, summaries }
        };
        let [narrow @ .., broadest] = GROUPS;
        narrow
            .into_iter()
            .map(within)
            .find(|seen| self.sampled_count(seen) >= enough)
            .unwrap_or_else(|| within(broadest))
    }

    fn sampled_count(&self, seen: &Seen) -> usize {
        seen.summaries.iter().filter(|s| self.sampled(s)).count()
    }

    fn sampled(&self, summary: &Summary) -> bool {
        summary.tasks >= self.config.min_samples
    }

    /// Success and saving, weighted, in [0, 1].
    fn worth(&self, success: f64, usd: f64, usd_max: f64) -> f64 {
        let LearningConfig { success_weight, cost_weight, .. } = self.config;
        let saving = if usd_max > 0.0 { 1.0 - usd / usd_max } else { 1.0 };
        (success_weight * success + cost_weight * saving) / (success_weight + cost_weight)
    }

    /// The best of the sampled candidates under a fixed rule.
    fn greedy(&self, seen: &Seen) -> Option<(usize, String)> {
        let usd_max = seen.usd_max();
        let score = |summary: &Summary| match self.strategy {
            RoutingStrategy::Performance => Some(summary.success_rate),
            RoutingStrategy::Cost => {
                (summary.success_rate >= self.config.quality_min).then_some(-summary.usd_mean)
            }
            RoutingStrategy::Baseline | RoutingStrategy::Balanced | RoutingStrategy::Learning => {
                Some(self.worth(summary.success_rate, summary.usd_mean, usd_max))
            }
        };
        let mut best: Option<(usize, f64)> = None;
        for (at, summary) in seen.summaries.iter().enumerate() {
            if !self.sampled(summary) {
                continue;
            }
            let Some(score) = score(summary) else {
                continue;
            };
            // Equals: the cheaper one, then the one declared first.
            let better = best.is_none_or(|(other, highest)| {
                let cheaper = summary.usd_mean < seen.summaries[other].usd_mean;
                score > highest || (score == highest && cheaper)
            });
            if better {
                best = Some((at, score));
            }
        }
        best.map(|(at, score)| {
            let why = match self.strategy {
                RoutingStrategy::Performance => "the highest success rate".to_owned(),
                RoutingStrategy::Cost => {
                    let least = 100.0 * self.config.quality_min;
                    format!("the cheapest with at least {least:.0} % success")
                }
                RoutingStrategy::Baseline
                | RoutingStrategy::Balanced
                | RoutingStrategy::Learning => {
                    format!("the best of success and saving ({score:.3})")
                }
            };
            (at, why)
        })
    }

    /// The bandit's distribution, mixed with anyone.
    fn explore(&self, seen: &Seen, seed: Seed) -> (usize, f64, String) {
        let usd_max = seen.usd_max();
        let arms = seen.summaries.len();
        let mut bandit: Box<dyn Bandit> = match self.config.bandit {
            BanditKind::Thompson => Box::new(ThompsonSampling::new(arms)),
            BanditKind::Ucb1 => Box::new(Ucb1::new(arms)),
        };
        for (arm, summary) in seen.summaries.iter().enumerate() {
            // The worth is linear in success and cost, so the mean reward of a task is the worth of the means.
            let reward = self.worth(summary.success_rate, summary.usd_mean, usd_max);
            for _ in 0..summary.tasks {
                bandit.learn(arm, reward);
            }
        }
        let anyone = self.config.exploration_rate / arms as f64;
        let keep = 1.0 - self.config.exploration_rate;
        let mixed: Vec<f64> =
            bandit.probabilities().into_iter().map(|p| keep * p + anyone).collect();
        let choice = draw(&mixed, &mut seed.derive("adaptive_router").stream());
        let why = format!("drawn with probability {:.3} to learn and to use", choice.propensity);
        (choice.arm, choice.propensity, why)
    }
}

/// Whether a record belongs to a group of tasks like this one.
type Belongs = fn(&TaskProfile, &ExecutionRecord) -> bool;

/// Groups of the same role, the narrowest first.
const GROUPS: [(&str, Belongs); 4] = [
    ("this area, risk and complexity", |p, r| {
        r.area == p.area && r.risk == p.risk && r.complexity == p.complexity
    }),
    ("this area and risk", |p, r| r.area == p.area && r.risk == p.risk),
    ("this area", |p, r| r.area == p.area),
    ("this role", |_, _| true),
];

struct Seen {
    group: &'static str,
    summaries: Vec<Summary>,
}

impl Seen {
    fn usd_max(&self) -> f64 {
        self.summaries.iter().map(|s| s.usd_mean).fold(0.0, f64::max)
    }
}

impl Router for AdaptiveRouter {
    fn route(&self, request: &Request, candidates: &[Candidate]) -> Result<Decision, RouteError> {
        let declared = DeclaredOrder.route(request, candidates)?;
        let tries = |c: &Candidate| request.tried.iter().filter(|t| **t == c.worker).count();
        let least = candidates.iter().map(tries).min();
        let able: Vec<&Candidate> = candidates.iter().filter(|c| Some(tries(c)) == least).collect();
        let fallback = |why: String| {
            Ok(Decision {
                rationale: format!("{}; {why}", declared.rationale),
                confidence: 0.0,
                ..declared.clone()
            })
        };
        let (at, propensity, why, seen) = match self.strategy {
            RoutingStrategy::Baseline => return Ok(declared),
            RoutingStrategy::Performance | RoutingStrategy::Cost | RoutingStrategy::Balanced => {
                // A comparison takes two; a single candidate is compared with nobody.
                let enough = able.len().min(2);
                let seen = self.seen(request, &able, enough);
                if self.sampled_count(&seen) < enough {
                    let least = self.config.min_samples;
                    return fallback(format!("fewer than {enough} have {least} records"));
                }
                let Some((at, why)) = self.greedy(&seen) else {
                    let least = 100.0 * self.config.quality_min;
                    return fallback(format!("nobody reaches {least:.0} % success"));
                };
                (at, 1.0, why, seen)
            }
            RoutingStrategy::Learning => {
                // A bandit weighs ignorance itself: where no group is known for all, it starts in the broadest.
                let seen = self.seen(request, &able, able.len());
                let (at, propensity, why) = self.explore(&seen, request.seed);
                (at, propensity, why, seen)
            }
        };
        let summary = &seen.summaries[at];
        let (low, high) = summary.success_interval;
        Ok(Decision {
            worker: able[at].worker.clone(),
            rationale: format!(
                "{why}: {} of {} succeeded at {:.4} USD in {}",
                summary.succeeded, summary.tasks, summary.usd_mean, seen.group
            ),
            confidence: 1.0 - (high - low),
            propensity,
        })
    }

    /// Remembers how it ended. A cost that is negative or not finite counts as zero.
    fn observe(&self, outcome: &Outcome) {
        let request = &outcome.request;
        let profile = TaskProfile::of(&request.input, &request.role);
        let ended = match &outcome.error {
            None => ExecutionOutcome::Success,
            Some(error) if error.failure == Failure::Cancelled => ExecutionOutcome::Cancelled,
            Some(_) => ExecutionOutcome::Failed,
        };
        let usd = outcome.usage.usd;
        let task = format!("{}:{}:{}", request.run, request.path, request.attempt);
        let base = ExecutionRecord::new(task, request.role.clone(), outcome.worker.clone(), ended);
        self.remember(ExecutionRecord {
            area: profile.area,
            risk: profile.risk,
            complexity: profile.complexity,
            provider: self.providers.get(&outcome.worker).cloned(),
            // A router is told no time; the tracker of the worker is.
            at: Timestamp(0),
            duration_ms: outcome.duration_ms,
            usd: if usd.is_finite() { usd.max(0.0) } else { 0.0 },
            tokens: outcome.usage.tokens,
            retries: request.attempt.saturating_sub(1),
            error: outcome.error.as_ref().map(|error| ErrorRecord {
                kind: error.code.clone(),
                message: error.message.clone(),
            }),
            ..base
        });
    }
}
