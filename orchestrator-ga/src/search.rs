//! The driver of a method: it hands out candidates, keeps the budget, and knows the best.
//!
//! Nothing here proposes a point, calls a fitness or reads a clock. [`Search::run`] and its siblings do call a fitness; they are
//! written in terms of what is here.
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

use std::ops::{ControlFlow, Range};
use std::time::Duration;

use orchestrator_core::ParameterSpace;

use crate::candidates::{Candidate, Candidates, Score, Scores};
use crate::error::GaError;
use crate::fitness::FitnessError;
use crate::generation::{Generation, History};
use crate::optimizer::Optimizer;
use crate::outcome::{SearchResult, region_around};
use crate::pending::Pending;
use crate::start::check_start_points;
use crate::stop::{Progress, Stop, StopReason};

/// A search in progress.
///
/// Call [`ask`](Search::ask) and [`tell`](Search::tell) in turn until [`finished`](Search::finished); then take the
/// [`result`](Search::result). `ask` may be repeated and gives the same candidates. `tell` advances, or leaves everything as it
/// was and says why. Between any two calls the search can be serialised (with a version), if its method can; loaded, it goes on as
/// if nothing had happened. To go on after the end, [`set_stop`](Search::set_stop).
#[derive(Debug, Clone, PartialEq)]
pub struct Search<O> {
    pub(crate) optimizer: O,
    pub(crate) stop: Stop,
    pub(crate) pending: Pending,
    /// The best candidate that breaks no constraint, and its fitness.
    pub(crate) best: Option<(Vec<f64>, f64)>,
    /// Until there is one: the candidate that breaks them least, and how far.
    pub(crate) nearest: Option<(Vec<f64>, f64)>,
    /// What the last improvement reached: the fitness, or the violation while nothing is feasible.
    pub(crate) improved_to: Option<(f64, f64)>,
    /// How many evaluations there had been then.
    pub(crate) improved_at: u64,
    /// For how many generations there has been none.
    pub(crate) stagnant: u32,
    /// Points that were given to start from.
    pub(crate) given: usize,
    pub(crate) elapsed: Duration,
    pub(crate) history: History,
    pub(crate) reason: Option<StopReason>,
    /// Where scores are gathered; empty between any two calls.
    pub(crate) scores: Scores,
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
        let mut pending = Pending::new(optimizer.space().len(), 1);
        optimizer.ask(&mut pending.batch);
        Ok(Search {
            optimizer,
            stop,
            pending,
            best: None,
            nearest: None,
            improved_to: None,
            improved_at: 0,
            stagnant: 0,
            given: 0,
            elapsed: Duration::ZERO,
            history: History::default(),
            reason: None,
            scores: Scores::new(),
        })
    }

    /// Starts from points that are known to be good, the best first: the [`best`](SearchResult::best) of earlier results, say. They are
    /// evaluated with the first generation, in place of as many of its points.
    ///
    /// ```
    /// use orchestrator_core::{ParameterSpace, Seed};
    /// use orchestrator_ga::{Ga, GaConfig};
    /// let space = ParameterSpace::uniform(2, -1.0, 1.0)?;
    /// let mut search = Ga::search(space, GaConfig::documents(), Seed(1))?;
    /// search.start_from(&[vec![0.1, 0.2]])?;
    /// assert_eq!(search.ask().next().unwrap().point, [0.1, 0.2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When a point is not in the space, there are more points than the first generation has, the search was started from points
    /// already, or something was evaluated. Nothing is changed then.
    pub fn start_from(&mut self, points: &[Vec<f64>]) -> Result<(), GaError> {
        if self.pending.evaluations > 0 || self.given > 0 {
            return Err(GaError::Started);
        }
        check_start_points(self.space(), points, self.pending.batch.len())?;
        self.optimizer.start_from(points, &mut self.pending.batch);
        self.given = points.len();
        Ok(())
    }

    /// The candidates that wait for a score, at most as many as the budget has left; none when the search has ended. It may be none
    /// before, when all that was bred is known already: `tell` an empty list then.
    pub fn ask(&self) -> impl ExactSizeIterator<Item = Candidate<'_>> {
        self.candidates().iter()
    }

    /// The candidates of [`ask`](Search::ask), as one block.
    pub fn candidates(&self) -> Candidates<'_> {
        self.pending.candidates(self.waiting(), self.optimizer.seed())
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
        let mut gathered = self.take_scores();
        scores.into_iter().for_each(|score| gathered.push(score));
        self.absorb(gathered, &mut unobserved).map(drop)
    }

    /// Moves the waiting candidates, to where constraints hold say, before they are evaluated. What leaves the space is moved back.
    pub fn repair(&mut self, repair: impl Fn(&mut [f64])) {
        self.repair_if(|point| {
            repair(point);
            true
        });
    }

    /// Tells how much time has passed since the search began, earlier sessions included, for [`Stop::Elapsed`]. Time never goes back:
    /// less than was told before changes nothing.
    pub fn set_elapsed(&mut self, elapsed: Duration) {
        self.elapsed = self.elapsed.max(elapsed);
        self.reason = self.reason.or(self.stop.reason(&self.standing()));
    }

    /// Replaces the rules, to go on after the end for example. A generation that the old budget had cut is completed first. What has
    /// [`Converged`](StopReason::Converged) stays at its end. The method keeps the plan that it was made with: the falling step of
    /// [`GaConfig::generations`](crate::GaConfig::generations), the shrinking population of
    /// [`DeConfig::evaluations`](crate::DeConfig::evaluations), and the whole of [`Auto`](crate::Auto), which may soon end.
    ///
    /// # Errors
    /// When the rules make no sense, or might never end the search. Nothing is changed then.
    pub fn set_stop(&mut self, stop: Stop) -> Result<(), GaError> {
        stop.check()?;
        self.stop = stop;
        if self.reason != Some(StopReason::Converged) {
            self.reason = self.stop.reason(&self.standing());
        }
        Ok(())
    }

    /// Whether the search has ended.
    pub fn finished(&self) -> bool {
        self.reason.is_some()
    }

    /// How much of what the rules allow is used up, 0 to 1. A target or a stagnation may end the search before.
    pub fn progress(&self) -> f64 {
        if self.finished() { 1.0 } else { self.stop.used(&self.standing()) }
    }

    /// The generation that waits for scores, counted from 0.
    pub fn generation(&self) -> u32 {
        self.pending.generation
    }

    /// How many candidates were evaluated.
    pub fn evaluations(&self) -> u64 {
        self.pending.evaluations
    }

    /// How much time the host has told of.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The best candidate so far that breaks no constraint, and its fitness.
    pub fn best(&self) -> Option<(&[f64], f64)> {
        self.best.as_ref().map(|(point, fitness)| (&point[..], *fitness))
    }

    /// What was measured so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The space that is searched.
    pub fn space(&self) -> &ParameterSpace {
        self.optimizer.space()
    }

    /// The rules.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The method.
    pub fn optimizer(&self) -> &O {
        &self.optimizer
    }

    /// What was found; before the end, what was found so far.
    ///
    /// # Errors
    /// [`GaError::NothingYet`] before anything was evaluated, and [`GaError::Infeasible`], with the candidate that comes nearest, when all
    /// that was evaluated breaks a constraint.
    pub fn result(&self) -> Result<SearchResult, GaError> {
        let Some((best, final_fitness)) = self.best.clone() else {
            return Err(match self.nearest.clone() {
                None => GaError::NothingYet,
                Some((nearest, violation)) => GaError::Infeasible {
                    violation,
                    nearest,
                    evaluations: self.pending.evaluations,
                },
            });
        };
        let names = self.space().names().iter().cloned();
        Ok(SearchResult {
            optimized_params: names.zip(best.iter().copied()).collect(),
            final_fitness,
            fitness_history: self.history.rows().iter().map(|row| row.best).collect(),
            mean_history: self.history.rows().iter().map(|row| row.mean).collect(),
            diversity_history: self.history.rows().iter().map(|row| row.diversity).collect(),
            evaluations: self.pending.evaluations,
            failures: self.pending.failures,
            infeasible: self.pending.infeasible,
            improved_at: self.improved_at,
            stop: self.reason.unwrap_or(StopReason::Interrupted),
            stagnant_generations: self.stagnant,
            warm_starts: self.optimizer.warm_starts().max(self.given),
            region: region_around(&best, self.optimizer.population(), self.space()),
            best,
        })
    }

    /// The places of the candidates that wait.
    pub(crate) fn waiting(&self) -> Range<usize> {
        if self.finished() {
            return 0..0;
        }
        self.pending.waiting(self.stop.room(self.pending.evaluations))
    }

    /// How the search stands to its rules.
    pub(crate) fn standing(&self) -> Progress {
        Progress {
            evaluations: self.pending.evaluations,
            generations: self.pending.generation,
            fitness: self.best.as_ref().map(|(_, fitness)| *fitness),
            stagnant_generations: self.stagnant,
            stagnant_evaluations: self.pending.evaluations.saturating_sub(self.improved_at),
            elapsed: self.elapsed,
        }
    }

    /// As [`Search::repair`], by a closure that says whether it moved its point.
    pub(crate) fn repair_if(&mut self, repair: impl Fn(&mut [f64]) -> bool) {
        let waiting = self.waiting();
        self.pending.repair(waiting, self.optimizer.space(), repair);
    }

    /// The empty place for scores. Whoever panics with it loses its memory and nothing else.
    pub(crate) fn take_scores(&mut self) -> Scores {
        std::mem::replace(&mut self.scores, Scores::new())
    }
}

/// For who does not want to be told of generations.
pub(crate) fn unobserved<O>(_: &mut Search<O>, _: &Generation) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
