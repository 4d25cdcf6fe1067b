//! The driver of a method: it hands out candidates, keeps the budget, and knows the best.
//!
//! Nothing here proposes a point, and nothing calls a fitness but [`Search::step`] and [`Search::run`].
//!
//! ```
//! use orchestrator_core::{ParameterSpace, Seed};
//! use orchestrator_ga::{Ga, GaConfig, Search, Stop};
//!
//! let ga = Ga::new(ParameterSpace::uniform(2, 0.0, 1.0)?, GaConfig::default(), Seed(1))?;
//! let mut search = Search::new(ga, Stop::Evaluations(400))?;
//! while !search.finished() {
//!     // Evaluate the batch wherever and in whatever order you like; answer in its order.
//!     let scores: Vec<_> = search.ask().map(|candidate| Ok(candidate.point[0])).collect();
//!     search.tell(scores)?;
//! }
//! assert!(search.result()?.final_fitness > 0.9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use orchestrator_core::{ParameterSpace, Seed};

use crate::batch::Batch;
use crate::cost::{Cost, Costs};
use crate::error::GaError;
use crate::fitness::{Evaluation, FitnessError, FitnessFn, Score};
use crate::generation::{Generation, History};
use crate::optimizer::Optimizer;
use crate::outcome::{SearchResult, region_around};
use crate::stop::{Progress, Stop, StopReason};

/// What counts as an improvement, as a share of the best fitness (of 1 when that is smaller): less is rounding.
pub const IMPROVEMENT_MIN: f64 = 1e-9;
/// How many generations in a row may be empty, all that was bred being known already, before the method counts as converged.
pub const EMPTY_GENERATIONS_MAX: u32 = 100;

/// A point that waits for its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<'a> {
    /// The values, in the order of the space, inside its bounds.
    pub point: &'a [f64],
    /// Where in the search it stands, and its own seed.
    pub evaluation: Evaluation,
}

/// A search in progress.
///
/// Call [`ask`](Search::ask) and [`tell`](Search::tell) in turn until [`finished`](Search::finished); then take the
/// [`result`](Search::result). `ask` may be repeated and gives the same candidates. `tell` advances, or leaves everything as it
/// was and says why. Between any two calls the search can be serialised (with a version), if its method can; loaded, it goes on as
/// if nothing had happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Search<O> {
    pub(crate) optimizer: O,
    pub(crate) stop: Stop,
    /// The generation that waits for costs.
    pub(crate) batch: Batch,
    /// The costs of its first candidates: a budget may cut a generation in two.
    pub(crate) costs: Costs,
    pub(crate) failures_of_batch: usize,
    pub(crate) generation: u32,
    pub(crate) evaluations: u64,
    pub(crate) failures: u64,
    pub(crate) best: Option<(Vec<f64>, f64)>,
    pub(crate) stagnant: u32,
    pub(crate) history: History,
    pub(crate) reason: Option<StopReason>,
}

impl<O: Optimizer> Search<O> {
    /// A search by this method until the rules say stop.
    ///
    /// # Errors
    /// When the rules make no sense, or might never end the search.
    pub fn new(mut optimizer: O, stop: Stop) -> Result<Search<O>, GaError> {
        stop.check()?;
        if optimizer.objectives() != 1 {
            return Err(GaError::Objectives { found: optimizer.objectives() });
        }
        let mut batch = Batch::new(optimizer.space().len());
        optimizer.ask(&mut batch);
        Ok(Search {
            optimizer,
            stop,
            batch,
            costs: Costs::new(1),
            failures_of_batch: 0,
            generation: 0,
            evaluations: 0,
            failures: 0,
            best: None,
            stagnant: 0,
            history: History::default(),
            reason: None,
        })
    }

    /// The candidates that wait for a score, at most as many as the budget has left; none when the search has ended.
    pub fn ask(&self) -> impl ExactSizeIterator<Item = Candidate<'_>> {
        let seed = self.evaluation_seed();
        self.waiting().map(move |index| self.candidate(index, seed))
    }

    /// Takes the score of every candidate of [`ask`](Search::ask), in its order, and advances unless the search ends. A plain
    /// `Ok(f64)` is a fitness.
    ///
    /// # Errors
    /// When the search has ended, the number of scores is wrong, or not one candidate so far could be evaluated. Nothing is changed
    /// then.
    pub fn tell<S: Into<Score>>(
        &mut self,
        scores: impl IntoIterator<Item = Result<S, FitnessError>>,
    ) -> Result<(), GaError> {
        let scores: Vec<_> = scores.into_iter().map(|score| score.map(Into::into)).collect();
        self.absorb(&scores)
    }

    /// Moves the waiting candidates, to where constraints hold say, before they are evaluated. What leaves the space is moved back.
    pub fn repair(&mut self, repair: impl Fn(&mut [f64])) {
        for index in self.waiting() {
            let point = self.batch.point_mut(index);
            repair(point);
            self.optimizer.space().clamp(point);
        }
    }

    /// One batch: asks, evaluates in order, tells. That is a generation, unless the budget cuts it.
    ///
    /// # Errors
    /// As [`Search::tell`].
    pub fn step<F: FitnessFn + ?Sized>(&mut self, fitness: &F) -> Result<(), GaError> {
        self.repair(|point| fitness.repair(point));
        let seed = self.evaluation_seed();
        let scores: Vec<_> =
            self.waiting().map(|index| score(fitness, &self.candidate(index, seed))).collect();
        self.absorb(&scores)
    }

    /// All that is left, and the result.
    ///
    /// # Errors
    /// As [`Search::tell`].
    pub fn run<F: FitnessFn + ?Sized>(&mut self, fitness: &F) -> Result<SearchResult, GaError> {
        while !self.finished() {
            self.step(fitness)?;
        }
        self.result()
    }

    /// Whether the search has ended.
    pub fn finished(&self) -> bool {
        self.reason.is_some()
    }

    /// Replaces the rules, to go on after the end for example. A generation that the old budget had cut is completed first.
    ///
    /// # Errors
    /// When the rules make no sense, or might never end the search.
    pub fn set_stop(&mut self, stop: Stop) -> Result<(), GaError> {
        stop.check()?;
        self.reason = stop.reason(&self.progress());
        self.stop = stop;
        Ok(())
    }

    /// The generation that waits for scores, counted from 0.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// How many candidates were evaluated.
    pub fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// What was measured so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The space that is searched.
    pub fn space(&self) -> &ParameterSpace {
        self.optimizer.space()
    }

    /// The method.
    pub fn optimizer(&self) -> &O {
        &self.optimizer
    }

    /// What was found; before the end, what was found so far.
    ///
    /// # Errors
    /// [`GaError::NothingYet`] before a candidate that breaks no constraint was evaluated.
    pub fn result(&self) -> Result<SearchResult, GaError> {
        let (best, final_fitness) = self.best.clone().ok_or(GaError::NothingYet)?;
        let names = self.space().names().iter().cloned();
        Ok(SearchResult {
            optimized_params: names.zip(best.iter().copied()).collect(),
            final_fitness,
            fitness_history: self.history.rows().iter().map(|row| row.best).collect(),
            mean_history: self.history.rows().iter().map(|row| row.mean).collect(),
            diversity_history: self.history.rows().iter().map(|row| row.diversity).collect(),
            evaluations: self.evaluations,
            failures: self.failures,
            stop: self.reason.unwrap_or(StopReason::Interrupted),
            stagnant_generations: self.stagnant,
            warm_starts: self.optimizer.warm_starts(),
            region: region_around(&best, self.optimizer.population(), self.space()),
            best,
        })
    }

    /// The places of the candidates that wait.
    fn waiting(&self) -> std::ops::Range<usize> {
        if self.finished() {
            return 0..0;
        }
        let told = self.costs.len();
        let room = usize::try_from(self.stop.room(self.evaluations)).unwrap_or(usize::MAX);
        told..self.batch.len().min(told.saturating_add(room))
    }

    fn evaluation_seed(&self) -> Seed {
        self.optimizer.seed().derive("evaluate").index(u64::from(self.generation))
    }

    fn candidate(&self, index: usize, seed: Seed) -> Candidate<'_> {
        let evaluation =
            Evaluation { generation: self.generation, index, seed: seed.index(index as u64) };
        Candidate { point: self.batch.point(index), evaluation }
    }

    fn progress(&self) -> Progress {
        Progress {
            evaluations: self.evaluations,
            generations: self.generation,
            fitness: self.best.as_ref().map(|(_, fitness)| *fitness),
            stagnant: self.stagnant,
        }
    }

    fn absorb(&mut self, scores: &[Result<Score, FitnessError>]) -> Result<(), GaError> {
        if self.finished() {
            return Err(GaError::Ended);
        }
        let waiting = self.waiting();
        if scores.len() != waiting.len() {
            return Err(GaError::Scores { wanted: waiting.len(), found: scores.len() });
        }
        let before = self.costs.len();
        let mut last = None;
        for score in scores {
            self.costs.push(cost(score).unwrap_or_else(|error| {
                last = Some(error);
                Cost::FAILED
            }));
        }
        let failures =
            (before..self.costs.len()).filter(|&at| !self.costs.cost(at).is_known()).count();
        if let Some(last) = last
            && failures == scores.len()
            && self.failures == self.evaluations
        {
            self.costs.truncate(before);
            let generation = self.generation;
            return Err(GaError::AllFailed { generation, count: failures, last });
        }
        self.evaluations += scores.len() as u64;
        self.failures += failures as u64;
        self.failures_of_batch += failures;
        self.keep_best(before);
        if self.costs.len() == self.batch.len() {
            self.close_generation();
        }
        self.reason = self.reason.or(self.stop.reason(&self.progress()));
        Ok(())
    }

    fn keep_best(&mut self, from: usize) {
        for index in from..self.costs.len() {
            let cost = self.costs.cost(index);
            if !cost.is_feasible() || !cost.is_known() {
                continue;
            }
            match &mut self.best {
                Some((point, fitness)) => {
                    if -cost.value > *fitness {
                        *fitness = -cost.value;
                        point.copy_from_slice(self.batch.point(index));
                    }
                }
                none => *none = Some((self.batch.point(index).to_vec(), -cost.value)),
            }
        }
    }

    /// Gives a complete generation to the method, measures, and asks for the next; again while the next is empty.
    fn close_generation(&mut self) {
        for _ in 0..EMPTY_GENERATIONS_MAX {
            let evaluated = self.costs.len();
            self.optimizer.tell(&mut self.batch, &mut self.costs);
            let row = Generation::of(
                self.generation,
                self.optimizer.population(),
                self.optimizer.space(),
                evaluated,
                std::mem::take(&mut self.failures_of_batch),
            );
            tracing::debug!(generation = row.index, best = row.best, "generation evaluated");
            self.note_improvement();
            self.history.push(row);
            self.generation += 1;
            self.batch.clear();
            self.costs.clear();
            self.optimizer.ask(&mut self.batch);
            self.reason = match self.stop.reason(&self.progress()) {
                None if self.optimizer.converged() => Some(StopReason::Converged),
                reason => reason,
            };
            if self.finished() || !self.batch.is_empty() {
                return;
            }
        }
        self.reason = Some(StopReason::Converged);
    }

    fn note_improvement(&mut self) {
        let best = self.best.as_ref().map(|(_, fitness)| *fitness);
        let improved = match (self.history.best(), best) {
            (Some(before), Some(now)) => now > before + IMPROVEMENT_MIN * before.abs().max(1.0),
            (None, now) => now.is_some(),
            (Some(_), None) => false,
        };
        self.stagnant =
            if improved || self.history.rows().is_empty() { 0 } else { self.stagnant + 1 };
        if let Some(now) = best {
            self.history.note_best(now);
        }
    }
}

/// Asks the fitness about a candidate: the violation first, the fitness only when there is none.
#[inline]
fn score<F: FitnessFn + ?Sized>(
    fitness: &F,
    candidate: &Candidate<'_>,
) -> Result<Score, FitnessError> {
    let violation = fitness.violation(candidate.point);
    if violation == 0.0 {
        fitness.evaluate(candidate.point, &candidate.evaluation).map(Score::Fitness)
    } else {
        Ok(Score::Violation(violation))
    }
}

/// A score that cannot be ranked or written down is a failure.
#[inline]
fn cost(score: &Result<Score, FitnessError>) -> Result<Cost, FitnessError> {
    match score {
        Ok(Score::Fitness(fitness)) if fitness.is_finite() => Ok(Cost::feasible(-fitness)),
        Ok(Score::Fitness(value)) => Err(FitnessError::NotFinite { value: *value }),
        Ok(Score::Violation(violation)) if *violation > 0.0 && violation.is_finite() => {
            Ok(Cost { violation: *violation, value: f64::INFINITY })
        }
        Ok(Score::Violation(value)) => Err(FitnessError::Violation { value: *value }),
        Err(error) => Err(error.clone()),
    }
}
