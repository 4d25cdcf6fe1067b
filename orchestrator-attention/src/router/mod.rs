//! A router that attends over what it remembers.
//!
//! The query is what the task at hand is like, the keys are what past tasks were like, the values are how they ended. For each
//! candidate the softmax over its own past tasks gives a predicted success, cost and duration, the weights say which past
//! tasks spoke, and 1/Σw² (Kish's effective sample size) says how many. A prediction is drawn towards a prior as if it had
//! been seen `prior_weight` times, so an unknown candidate stands at the prior with the whole exploration bonus: it is
//! tried, and then judged. Nothing is random but ties, and those are drawn from the request's seed.
//!
//! It does not learn its scales: temperature and weights are settings.

mod config;
mod memory;

use std::sync::{Mutex, PoisonError};

use orchestrator_core::{
    Candidate, Decision, Failure, Outcome, PAYLOAD_BYTES_MAX, Request, RouteError, Router,
    WorkerName,
};
use serde::{Deserialize, Serialize};

use crate::embed::FeatureHasher;
use crate::error::AttentionError;
use crate::kernel::softmax;
pub use config::{RouterConfig, RouterConfigError};
pub use memory::{Memory, PastTask};

/// How much of goal and input is read, each: enough to tell tasks apart, and a bound on the time of a decision.
const TEXT_BYTES_MAX: usize = 4096;

/// How many past tasks a prediction names.
const WEIGHED_MAX: usize = 3;

/// Scores nearer than this are a tie.
const TIE: f64 = 1e-12;

/// What is expected of one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The candidate.
    pub worker: WorkerName,
    /// Chance of success, from 0 to 1.
    pub success: f64,
    /// Dollars; for a stranger the mean of the others.
    pub usd: f64,
    /// Milliseconds; for a stranger the mean of the others.
    pub duration_ms: f64,
    /// How many past tasks spoke, by weight.
    pub effective_samples: f64,
    /// What it is chosen by: success less weighted cost and duration, with the exploration bonus.
    pub score: f64,
    /// The past tasks that weighed most, with their weights.
    pub weighed: Vec<(String, f64)>,
}

/// Predicts by attention over a bounded memory, and routes to the best.
///
/// ```
/// use orchestrator_attention::{AttentionRouter, RouterConfig};
/// use orchestrator_core::Router;
/// let router = AttentionRouter::new(RouterConfig { cost_weight: 0.0, ..Default::default() })?;
/// # let _: &dyn Router = &router;
/// assert!(router.memory().is_empty());
/// # Ok::<(), orchestrator_attention::RouterConfigError>(())
/// ```
#[derive(Debug)]
pub struct AttentionRouter {
    config: RouterConfig,
    hasher: FeatureHasher,
    memory: Mutex<Memory>,
}

impl AttentionRouter {
    /// A router that remembers nothing yet.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(config: RouterConfig) -> Result<Self, RouterConfigError> {
        let memory = Memory::new(config.memory_max);
        Self::with_memory(config, memory)
    }

    /// A router that goes on with what another one remembered.
    ///
    /// # Errors
    /// When a setting is out of its range, or the memory was made by another version or with other dimensions.
    pub fn with_memory(config: RouterConfig, memory: Memory) -> Result<Self, RouterConfigError> {
        config.check()?;
        let hasher = FeatureHasher::new(config.dimensions)
            .map_err(|_: AttentionError| unreachable!("checked: at least one dimension"))?;
        memory
            .known_version()
            .map_err(|(found, known)| RouterConfigError::Version { found, known })?;
        let wanted = VIEWS * config.dimensions;
        if let Some(task) = memory.tasks().find(|task| task.features.len() != wanted) {
            return Err(RouterConfigError::Features {
                label: task.label.clone(),
                found: task.features.len(),
                wanted,
            });
        }
        Ok(AttentionRouter {
            hasher,
            memory: Mutex::new(memory.with_capacity(config.memory_max)),
            config,
        })
    }

    /// What it remembers now: to be written down, and given to [`AttentionRouter::with_memory`].
    pub fn memory(&self) -> Memory {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a request is like: its views side by side, each a unit vector times the root of its share.
    pub fn features(&self, request: &Request) -> Vec<f64> {
        let place = format!("{} {}", request.role, request.path);
        let input = request.input.as_json();
        let text =
            format!("{} {}", start(&request.goal, TEXT_BYTES_MAX), start(input, TEXT_BYTES_MAX));
        let fields: std::collections::BTreeMap<String, number::Field> =
            request.input.to().unwrap_or_default();
        let size = (input.len() as f64).ln_1p() / (PAYLOAD_BYTES_MAX as f64).ln_1p();
        let numbers = fields
            .iter()
            .filter_map(|(name, field)| field.number().map(|number| (name.as_str(), number)))
            .chain([(" size", size), (" attempt", f64::from(request.attempt))]);
        let views = [
            (self.config.place_weight, self.hasher.text(&place)),
            (self.config.text_weight, self.hasher.text(&text)),
            (self.config.number_weight, self.hasher.numbers(numbers)),
        ];
        let share = |(weight, view): (f64, Vec<f64>)| {
            let root = weight.sqrt();
            view.into_iter().map(move |x| root * x)
        };
        views.into_iter().flat_map(share).collect()
    }

    /// What is expected of every candidate, in their order.
    pub fn predict(&self, request: &Request, candidates: &[Candidate]) -> Vec<Prediction> {
        let query = self.features(request);
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut predictions: Vec<Prediction> = candidates
            .iter()
            .map(|candidate| self.recall(&memory, &query, &candidate.worker))
            .collect();
        drop(memory);
        self.score(&mut predictions);
        predictions
    }

    /// Attention over what one worker did.
    fn recall(&self, memory: &Memory, query: &[f64], worker: &WorkerName) -> Prediction {
        let decay = std::f64::consts::LN_2 / self.config.half_life;
        let (tasks, mut weights): (Vec<&PastTask>, Vec<f64>) = memory
            .tasks()
            .enumerate()
            .filter(|(_, task)| task.worker == *worker)
            .map(|(age, task)| {
                let dot: f64 = query.iter().zip(&task.features).map(|(q, k)| q * k).sum();
                (task, dot / self.config.temperature - decay * age as f64)
            })
            .unzip();
        softmax(&mut weights);
        let attended = |value: &dyn Fn(&PastTask) -> f64| -> f64 {
            tasks.iter().zip(&weights).map(|(task, w)| w * value(task)).sum()
        };
        let squares: f64 = weights.iter().map(|w| w * w).sum();
        let samples = if squares > 0.0 { 1.0 / squares } else { 0.0 };
        let RouterConfig { prior_success, prior_weight, .. } = self.config;
        let seen = attended(&|task| f64::from(u8::from(task.success)));
        let mut order: Vec<usize> = (0..tasks.len()).collect();
        order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
        Prediction {
            worker: worker.clone(),
            success: (samples * seen + prior_weight * prior_success) / (samples + prior_weight),
            usd: attended(&|task| task.usd),
            duration_ms: attended(&|task| task.duration_ms as f64),
            effective_samples: samples,
            score: 0.0,
            weighed: order
                .into_iter()
                .take(WEIGHED_MAX)
                .map(|at| (tasks[at].label.clone(), weights[at]))
                .collect(),
        }
    }

    /// Gives strangers the others' mean cost, and everyone a score.
    fn score(&self, predictions: &mut [Prediction]) {
        let known: Vec<(f64, f64)> = predictions
            .iter()
            .filter(|prediction| prediction.effective_samples > 0.0)
            .map(|prediction| (prediction.usd, prediction.duration_ms))
            .collect();
        let count = known.len().max(1) as f64;
        let usd_mean = known.iter().map(|(usd, _)| usd).sum::<f64>() / count;
        let ms_mean = known.iter().map(|(_, ms)| ms).sum::<f64>() / count;
        let usd_max = known.iter().map(|(usd, _)| *usd).fold(0.0, f64::max);
        let ms_max = known.iter().map(|(_, ms)| *ms).fold(0.0, f64::max);
        let share = |part: f64, max: f64| if max > 0.0 { part / max } else { 0.0 };
        for prediction in predictions {
            if prediction.effective_samples == 0.0 {
                prediction.usd = usd_mean;
                prediction.duration_ms = ms_mean;
            }
            prediction.score = prediction.success
                - self.config.cost_weight * share(prediction.usd, usd_max)
                - self.config.duration_weight * share(prediction.duration_ms, ms_max)
                + self.config.exploration / (1.0 + prediction.effective_samples).sqrt();
        }
    }
}

/// Place, text, numbers.
const VIEWS: usize = 3;

/// The beginning of a text, cut between characters.
fn start(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Router for AttentionRouter {
    /// On a retry, only those who have tried least are considered.
    fn route(&self, request: &Request, candidates: &[Candidate]) -> Result<Decision, RouteError> {
        let tries = |worker: &WorkerName| request.tried.iter().filter(|t| *t == worker).count();
        let least = candidates.iter().map(|c| tries(&c.worker)).min();
        let able: Vec<Candidate> =
            candidates.iter().filter(|c| Some(tries(&c.worker)) == least).cloned().collect();
        let predictions = self.predict(request, &able);
        let best = predictions.iter().map(|p| p.score).fold(f64::NEG_INFINITY, f64::max);
        let ties: Vec<&Prediction> = predictions.iter().filter(|p| p.score >= best - TIE).collect();
        if ties.is_empty() {
            return Err(RouteError { reason: "there is no candidate".to_owned() });
        }
        let chosen = ties[request.seed.derive("attention_router").stream().below(ties.len())];
        Ok(Decision {
            worker: chosen.worker.clone(),
            rationale: rationale(chosen, ties.len()),
            confidence: chosen.effective_samples
                / (chosen.effective_samples + self.config.prior_weight),
            propensity: 1.0 / ties.len() as f64,
        })
    }

    /// Remembers how it ended. Cancelled work says nothing about the worker and is not remembered; costs that are negative or
    /// not finite count as zero.
    fn observe(&self, outcome: &Outcome) {
        if let Some(error) = &outcome.error
            && error.failure == Failure::Cancelled
        {
            return;
        }
        let request = &outcome.request;
        let usd = outcome.usage.usd;
        let task = PastTask {
            label: format!("{}:{}:{}", request.run, request.path, request.attempt),
            worker: outcome.worker.clone(),
            features: self.features(request),
            success: outcome.error.is_none(),
            usd: if usd.is_finite() { usd.max(0.0) } else { 0.0 },
            duration_ms: outcome.duration_ms,
        };
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).remember(task);
    }
}

fn rationale(chosen: &Prediction, ties: usize) -> String {
    let tie = if ties > 1 { format!(", drawn among {ties} equals") } else { String::new() };
    if chosen.weighed.is_empty() {
        return format!("nothing is known about it yet, so it is tried{tie}");
    }
    let named: Vec<String> = chosen
        .weighed
        .iter()
        .map(|(label, weight)| format!("{label} ({:.0} %)", 100.0 * weight))
        .collect();
    format!(
        "expected success {:.2} at {:.4} USD in {:.0} ms from {:.1} effective past tasks{tie}; weighed most: {}",
        chosen.success,
        chosen.usd,
        chosen.duration_ms,
        chosen.effective_samples,
        named.join(", ")
    )
}

/// The numbers among the fields of an input, read without naming a JSON library.
mod number {
    use serde::Deserialize;
    use serde::de::IgnoredAny;

    #[derive(Deserialize)]
    #[serde(untagged)]
    pub(super) enum Field {
        Number(f64),
        Other(IgnoredAny),
    }

    impl Field {
        pub(super) fn number(&self) -> Option<f64> {
            match self {
                Field::Number(number) => Some(*number),
                Field::Other(_) => None,
            }
        }
    }
}
