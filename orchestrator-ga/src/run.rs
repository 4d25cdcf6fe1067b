//! Driving a search with a fitness that is called here and now.

use std::ops::ControlFlow;

use crate::error::GaError;
use crate::fitness::FitnessFn;
use crate::generation::Generation;
use crate::optimizer::Optimizer;
use crate::outcome::SearchResult;
use crate::search::{Search, unobserved};

impl<O: Optimizer> Search<O> {
    /// One batch: asks, evaluates in order, tells. That is a generation, unless the budget cuts it.
    ///
    /// # Errors
    /// As [`Search::tell`].
    pub fn step<F: FitnessFn + ?Sized>(&mut self, fitness: &F) -> Result<(), GaError> {
        self.step_observed(fitness, &mut unobserved).map(drop)
    }

    /// All that is left, and the result.
    ///
    /// # Errors
    /// As [`Search::tell`] and [`Search::result`].
    pub fn run<F: FitnessFn + ?Sized>(&mut self, fitness: &F) -> Result<SearchResult, GaError> {
        self.run_observed(fitness, unobserved)
    }

    /// The same, telling the observer of every generation as soon as it is complete, those that are empty among them. The observer may
    /// look at the search, save it, tell it the time, give it other rules; or break, and the result then says
    /// [`Interrupted`](crate::StopReason::Interrupted). Any `run` goes on from there.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use orchestrator_core::{ParameterSpace, Seed};
    /// use orchestrator_ga::{Ga, GaConfig};
    ///
    /// let mut search = Ga::search(ParameterSpace::uniform(2, 0.0, 1.0)?, GaConfig::documents(), Seed(1))?;
    /// let found = search.run_observed(&|x: &[f64]| x[0] * x[1], |search, generation| {
    ///     println!("{}: {:.3}, {:.0}% done", generation.index, generation.best, 100.0 * search.progress());
    ///     if generation.diversity < 0.1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    /// })?;
    /// # assert!(found.final_fitness > 0.5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Search::tell`] and [`Search::result`].
    pub fn run_observed<F: FitnessFn + ?Sized>(
        &mut self,
        fitness: &F,
        mut observer: impl FnMut(&mut Self, &Generation) -> ControlFlow<()>,
    ) -> Result<SearchResult, GaError> {
        while !self.finished() {
            if self.step_observed(fitness, &mut observer)?.is_break() {
                break;
            }
        }
        self.result()
    }

    pub(crate) fn step_observed<F: FitnessFn + ?Sized>(
        &mut self,
        fitness: &F,
        observer: &mut impl FnMut(&mut Self, &Generation) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, GaError> {
        self.repair_if(|point| fitness.repair(point));
        let mut scores = self.take_scores();
        fitness.evaluate_batch(&self.candidates(), &mut scores);
        self.absorb(scores, observer)
    }
}
