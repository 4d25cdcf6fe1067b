//! A router that attends over what it remembers.
//!
//! The query is what the task at hand is like, the keys are what past tasks were like, the values are how they ended: success, cost,
//! duration. Several heads attend, each by its own views of the task (area, text, numbers); what they foretell is averaged by how well they
//! have foretold before, and drawn towards what is usual as far as there is little evidence. The weights say which past tasks spoke,
//! their sum how many. A candidate that is little known is given the benefit of the doubt (an upper confidence bound: Auer,
//! Cesa-Bianchi and Fischer, "Finite-time analysis of the multiarmed bandit problem", 2002; with the normal bound of a kernel estimate
//! for the context: Valko and others, "Finite-time analysis of kernelised contextual bandits", 2013), so everyone is tried, and then judged.
//!
//! Nothing is random but ties, and those are drawn from the request's seed. Nothing here reads a clock.

mod attend;
mod config;
mod explain;
mod features;
mod fields;
mod heads;
mod learn;
mod memory;
mod mind;
mod predict;
mod state;

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use orchestrator_core::{
    Candidate, Decision, Failure, Outcome, Request, RouteError, Router, WorkerName,
};

use crate::embed::{Embedder, TextEmbedder};
pub use config::{Forgetting, RouterConfig, RouterConfigError};
pub use explain::{Explanation, HeadWeight, Weighed};
pub use heads::Head;
pub use learn::{LearnOptions, Learned, LeaveOneOut};
pub use memory::{Memory, PastTask};
use mind::Mind;
pub use predict::Prediction;
pub use state::RouterState;

/// Predicts by attention over a bounded memory, and routes to the best.
///
/// It may be asked and told from several threads at once: no outcome is lost, and their order is that of the calls.
///
/// ```
/// use orchestrator_attention::{AttentionRouter, RouterConfig};
/// use orchestrator_core::Router;
/// let router = AttentionRouter::new(RouterConfig { cost_weight: 0.0, ..Default::default() })?;
/// # let _: &dyn Router = &router;
/// assert!(router.memory().is_empty());
/// # Ok::<(), orchestrator_attention::RouterConfigError>(())
/// ```
pub struct AttentionRouter {
    /// Apart from the rest, so that a slow embedder holds nobody up. Locked first where both are.
    embedder: RwLock<Box<dyn Embedder>>,
    mind: Mutex<Mind>,
}

impl std::fmt::Debug for AttentionRouter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttentionRouter")
            .field("config", &self.config())
            .field("tasks", &self.mind().memory.len())
            .finish_non_exhaustive()
    }
}

impl AttentionRouter {
    /// A router that remembers nothing yet, with the default embedder.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(config: RouterConfig) -> Result<Self, RouterConfigError> {
        let embedder = default_embedder(&config)?;
        Self::with_embedder(config, embedder)
    }

    /// A router that remembers nothing yet, and reads texts with an embedder of the host's.
    ///
    /// # Errors
    /// When a setting is out of its range, or the embedder has no dimensions.
    pub fn with_embedder(
        config: RouterConfig,
        embedder: impl Embedder + 'static,
    ) -> Result<Self, RouterConfigError> {
        let mind = Mind::new(config, embedder.dimensions())?;
        Ok(AttentionRouter { embedder: RwLock::new(Box::new(embedder)), mind: Mutex::new(mind) })
    }

    /// A router that goes on with what another one remembered, under settings of its own. What its heads and its embedder learned is not in a
    /// memory: to go on with that too, see [`AttentionRouter::load`].
    ///
    /// # Errors
    /// When a setting is out of its range, or the memory was made with other dimensions.
    pub fn with_memory(config: RouterConfig, memory: Memory) -> Result<Self, RouterConfigError> {
        let embedder = default_embedder(&config)?;
        let mut mind = Mind::new(config, embedder.dimensions())?;
        mind.recall(memory)?;
        Ok(AttentionRouter { embedder: RwLock::new(Box::new(embedder)), mind: Mutex::new(mind) })
    }

    /// A router that goes on where a saved one with the default embedder was.
    ///
    /// # Errors
    /// When the state is of another version or embedder, or is torn.
    pub fn load(state: RouterState) -> Result<Self, RouterConfigError> {
        let embedder = default_embedder(state.config())?;
        Self::load_with(state, embedder)
    }

    /// A router that goes on where a saved one was, given its embedder anew.
    ///
    /// # Errors
    /// When the state is of another version or embedder, or is torn.
    pub fn load_with(
        state: RouterState,
        mut embedder: impl Embedder + 'static,
    ) -> Result<Self, RouterConfigError> {
        state.restore(&mut embedder)?;
        let mut mind = Mind::new(state.config, embedder.dimensions())?;
        mind.recall(state.memory)?;
        mind.areas = state.areas;
        mind.losses = state.losses;
        Ok(AttentionRouter { embedder: RwLock::new(Box::new(embedder)), mind: Mutex::new(mind) })
    }

    /// All that it would go on with.
    pub fn save(&self) -> RouterState {
        let embedder = self.embedder();
        let mind = self.mind();
        let Mind { config, memory, areas, losses, .. } = &*mind;
        let (config, memory) = (config.clone(), memory.clone());
        RouterState::of(config, memory, areas.clone(), losses.clone(), embedder.as_ref())
    }

    /// Its settings, with what it has learned of them.
    pub fn config(&self) -> RouterConfig {
        self.mind().config.clone()
    }

    /// What it remembers now.
    pub fn memory(&self) -> Memory {
        self.mind().memory.clone()
    }

    /// What a request is like: area, text and numbers side by side, each a unit vector.
    pub fn features(&self, request: &Request) -> Vec<f32> {
        let text = self.text(request);
        let mut mind = self.mind();
        mind.look(request, &text);
        mind.draft.key.iter().map(|&x| f32::from(x) / features::ONE).collect()
    }

    /// What is expected of every candidate, in their order.
    pub fn predict(&self, request: &Request, candidates: &[Candidate]) -> Vec<Prediction> {
        let able: Vec<usize> = (0..candidates.len()).collect();
        let mind = self.consider(request, candidates, &able);
        mind.predictions(candidates, &able)
    }

    /// Whom it would choose, and why: the same decision as [`Router::route`] takes, in full.
    ///
    /// # Errors
    /// When there is no candidate.
    pub fn explain(
        &self,
        request: &Request,
        candidates: &[Candidate],
    ) -> Result<Explanation, RouteError> {
        let able = able(request, candidates);
        let mind = self.consider(request, candidates, &able);
        let (chosen, equals) = mind.choose(request).ok_or_else(nobody)?;
        Ok(mind.explanation(candidates, &able, chosen, equals))
    }

    /// Remembers how an attempt went, where the host knows more than whether it failed: `quality` is from 0 to 1, what lies outside is
    /// brought inside, and what is no number counts as 0. For hosts that judge the answer themselves; the hub calls
    /// [`Router::observe`], so tell each attempt only one of the two ways.
    pub fn observe_quality(&self, outcome: &Outcome, quality: f64) {
        if outcome.error.as_ref().is_some_and(|error| error.failure == Failure::Cancelled) {
            return;
        }
        let quality = if quality.is_nan() { 0.0 } else { quality.clamp(0.0, 1.0) };
        let text = self.text(&outcome.request);
        self.mind().observe(outcome, quality, &text);
        let mut embedder = self.embedder.write().unwrap_or_else(PoisonError::into_inner);
        embedder.observe(&features::text(&outcome.request));
    }

    /// Learns temperature and the weights of the views from what is remembered, by the gradient of the leave-one-out loss; the loss is never
    /// worse afterwards. Takes a time that grows with the square of the tasks.
    ///
    /// ```
    /// use orchestrator_attention::{AttentionRouter, LearnOptions, RouterConfig};
    /// let router = AttentionRouter::new(RouterConfig::default())?;
    /// let learned = router.learn(&LearnOptions::default());
    /// assert_eq!((learned.tasks, learned.steps), (0, 0)); // nothing is remembered yet
    /// # Ok::<(), orchestrator_attention::RouterConfigError>(())
    /// ```
    pub fn learn(&self, options: &LearnOptions) -> Learned {
        let (mut trial, weights) = self.trial(options);
        let learned = trial.learn(&weights, options);
        self.mind().adopt(&learned);
        learned
    }

    /// The leave-one-out loss of what is remembered, under the settings as they are, with its gradient.
    pub fn leave_one_out(&self, options: &LearnOptions) -> LeaveOneOut {
        let (trial, weights) = self.trial(options);
        trial.leave_one_out(&weights)
    }

    fn trial(&self, options: &LearnOptions) -> (learn::Trial, [f64; heads::HEADS]) {
        let mind = self.mind();
        let weights = mind.losses.weights(heads::Value::Success);
        (learn::Trial::of(&mind.config, &mind.memory, mind.layout, options.tasks_max), weights)
    }

    /// Attends, and writes down what is expected of those who are able.
    fn consider(
        &self,
        request: &Request,
        candidates: &[Candidate],
        able: &[usize],
    ) -> MutexGuard<'_, Mind> {
        let embedder = self.embedder();
        let text = embedded(embedder.as_ref(), &features::text(request));
        let declared = able.iter().any(|&at| !candidates[at].capabilities.is_empty());
        let fits = if declared {
            self.fits(embedder.as_ref(), &text, candidates, able)
        } else {
            Vec::new()
        };
        drop(embedder);
        let mut mind = self.mind();
        mind.look(request, &text);
        mind.expect(candidates, able, &fits);
        mind
    }

    /// How well the capabilities of those without experience fit the text; 0 for the others.
    fn fits(
        &self,
        embedder: &dyn Embedder,
        text: &[f32],
        candidates: &[Candidate],
        able: &[usize],
    ) -> Vec<f64> {
        let strange: Vec<bool> = {
            let mind = self.mind();
            able.iter().map(|&at| mind.memory.number(&candidates[at].worker).is_none()).collect()
        };
        let mut words = String::new();
        let fit = |(&at, strange): (&usize, bool)| {
            if !strange || candidates[at].capabilities.is_empty() {
                return 0.0;
            }
            words.clear();
            for capability in &candidates[at].capabilities {
                words.push_str(capability.as_str());
                words.push(' ');
            }
            cosine(text, &embedded(embedder, &words)).max(0.0)
        };
        able.iter().zip(strange).map(fit).collect()
    }

    fn text(&self, request: &Request) -> Vec<f32> {
        embedded(self.embedder().as_ref(), &features::text(request))
    }

    fn embedder(&self) -> RwLockReadGuard<'_, Box<dyn Embedder>> {
        self.embedder.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn mind(&self) -> MutexGuard<'_, Mind> {
        self.mind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Router for AttentionRouter {
    /// On a retry, only those who have tried least are considered.
    fn route(&self, request: &Request, candidates: &[Candidate]) -> Result<Decision, RouteError> {
        let able = able(request, candidates);
        let mind = self.consider(request, candidates, &able);
        let (chosen, equals) = mind.choose(request).ok_or_else(nobody)?;
        Ok(Decision {
            worker: candidates[able[chosen]].worker.clone(),
            rationale: mind.rationale(chosen, equals),
            confidence: mind.confidence(chosen),
            propensity: 1.0 / equals as f64,
        })
    }

    /// Remembers how it ended. Cancelled work says nothing about the worker and is not remembered; costs that are negative or
    /// not finite count as zero.
    fn observe(&self, outcome: &Outcome) {
        self.observe_quality(outcome, if outcome.error.is_none() { 1.0 } else { 0.0 });
    }
}

/// Those who have tried least.
fn able(request: &Request, candidates: &[Candidate]) -> Vec<usize> {
    if request.tried.is_empty() {
        return (0..candidates.len()).collect();
    }
    let tries = |worker: &WorkerName| request.tried.iter().filter(|t| *t == worker).count();
    let least = candidates.iter().map(|c| tries(&c.worker)).min();
    (0..candidates.len()).filter(|&at| Some(tries(&candidates[at].worker)) == least).collect()
}

fn nobody() -> RouteError {
    RouteError { reason: "there is no candidate".to_owned() }
}

fn default_embedder(config: &RouterConfig) -> Result<TextEmbedder, RouterConfigError> {
    config.check()?;
    Ok(TextEmbedder::new(config.dimensions).expect("checked: at least one dimension"))
}

fn embedded(embedder: &dyn Embedder, text: &str) -> Vec<f32> {
    let mut vector = vec![0.0; embedder.dimensions()];
    embedder.embed(text, &mut vector);
    vector
}

/// 0 where either says nothing.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| -> f32 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
    let cosine = f64::from(dot(a, b)) / f64::from(dot(a, a) * dot(b, b)).sqrt();
    if cosine.is_finite() { cosine } else { 0.0 }
}
