//! Driving a search with a fitness whose answers are awaited, several at once.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::async_fitness::AsyncFitnessFn;
use crate::candidates::{Candidate, Score};
use crate::error::GaError;
use crate::fitness::FitnessError;
use crate::generation::Generation;
use crate::optimizer::Optimizer;
use crate::outcome::SearchResult;
use crate::search::{Search, unobserved};

impl<O: Optimizer> Search<O> {
    /// As [`Search::step`], with at most `concurrency` evaluations in flight. A next one begins as soon as any ends; the answers are
    /// ordered, so that the search does not depend on which came first.
    ///
    /// To cancel, drop the future: evaluations in flight are dropped with it, the answers of this batch are lost, and the search
    /// stands where it stood before the batch.
    ///
    /// # Errors
    /// As [`Search::tell`].
    pub async fn step_async<F: AsyncFitnessFn + ?Sized>(
        &mut self,
        fitness: &F,
        concurrency: NonZeroUsize,
    ) -> Result<(), GaError> {
        self.step_async_observed(fitness, concurrency, &mut unobserved).await.map(drop)
    }

    /// As [`Search::run`], with at most `concurrency` evaluations in flight. Dropped, it may be called again.
    ///
    /// # Errors
    /// As [`Search::tell`] and [`Search::result`].
    pub async fn run_async<F: AsyncFitnessFn + ?Sized>(
        &mut self,
        fitness: &F,
        concurrency: NonZeroUsize,
    ) -> Result<SearchResult, GaError> {
        self.run_async_observed(fitness, concurrency, unobserved).await
    }

    /// As [`Search::run_observed`], with at most `concurrency` evaluations in flight.
    ///
    /// # Errors
    /// As [`Search::tell`] and [`Search::result`].
    pub async fn run_async_observed<F: AsyncFitnessFn + ?Sized>(
        &mut self,
        fitness: &F,
        concurrency: NonZeroUsize,
        mut observer: impl FnMut(&mut Self, &Generation) -> ControlFlow<()>,
    ) -> Result<SearchResult, GaError> {
        while !self.finished() {
            let flow = self.step_async_observed(fitness, concurrency, &mut observer).await?;
            if flow.is_break() {
                break;
            }
        }
        self.result()
    }

    async fn step_async_observed<F: AsyncFitnessFn + ?Sized>(
        &mut self,
        fitness: &F,
        concurrency: NonZeroUsize,
        observer: &mut impl FnMut(&mut Self, &Generation) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, GaError> {
        self.repair_if(|point| fitness.repair(point));
        let candidates = self.candidates();
        let mut answers = Vec::new();
        answers.resize_with(candidates.len(), || None);
        let mut in_flight = FuturesUnordered::new();
        let mut next = 0;
        loop {
            while next < candidates.len() && in_flight.len() < concurrency.get() {
                let point = candidates.point(next);
                let candidate = Candidate { point, evaluation: candidates.evaluation(next) };
                in_flight.push(answer(fitness, next, candidate));
                next += 1;
            }
            let Some((at, score)) = in_flight.next().await else { break };
            answers[at] = Some(score);
        }
        drop(in_flight);
        let mut scores = self.take_scores();
        answers.into_iter().flatten().for_each(|score| scores.push(score));
        self.absorb(scores, observer)
    }
}

/// The score of a candidate, with the place where it belongs.
async fn answer<F: AsyncFitnessFn + ?Sized>(
    fitness: &F,
    at: usize,
    candidate: Candidate<'_>,
) -> (usize, Result<Score, FitnessError>) {
    let violation = fitness.violation(candidate.point);
    let score = if violation <= 0.0 {
        fitness.evaluate(candidate.point, candidate.evaluation).await.map(Score::Fitness)
    } else {
        Ok(Score::Violation(violation))
    };
    (at, score)
}
