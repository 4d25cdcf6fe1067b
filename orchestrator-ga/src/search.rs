//! The generational genetic algorithm as an ask/tell state (Holland, "Adaptation in natural and artificial systems", 1975).
//!
//! Candidate `i` of generation `g` is bred from a stream of (seed, g, i) alone, so the order in which a batch is evaluated, and by
//! how many threads, changes nothing. Nothing here calls a fitness but [`Ga::step`] and [`Ga::run`].
//!
//! ```
//! use orchestrator_core::{ParameterSpace, Seed};
//! use orchestrator_ga::{Ga, GaConfig};
//!
//! let mut search = Ga::new(ParameterSpace::uniform(2, 0.0, 1.0)?, GaConfig::default(), Seed(1))?;
//! while !search.finished() {
//!     // Evaluate the batch wherever and in whatever order you like; answer in its order.
//!     let scores: Vec<_> = search.ask().iter().map(|candidate| Ok(candidate.point[0])).collect();
//!     search.tell(scores)?;
//! }
//! assert!(search.result()?.final_fitness > 0.9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use orchestrator_core::{ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use crate::config::{GaConfig, IMPROVEMENT_MIN};
use crate::error::GaError;
use crate::fitness::{Evaluation, FitnessError, FitnessFn};
use crate::operators::{blend, mutate, tournament};
use crate::outcome::{GaResult, StopReason, region_around};
use crate::population::{Population, Score};
use crate::saved::SavedGa;

/// A point that waits for its fitness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<'a> {
    /// The values, in the order of the space, inside its bounds.
    pub point: &'a [f64],
    /// Where in the search it stands, and its own seed.
    pub evaluation: Evaluation,
}

/// What was measured of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// Which one, counted from 0 (the start population).
    pub index: u32,
    /// The best fitness in it.
    pub best: f64,
    /// The mean fitness of those that have one.
    pub mean: f64,
    /// The mean over the parameters of the deviation of their values, as a share of their widths (0 to 0.5).
    pub diversity: f64,
    /// How many candidates were evaluated for it.
    pub evaluations: usize,
    /// How many of these evaluations failed.
    pub failures: usize,
}

/// A genetic search.
///
/// Call [`ask`](Ga::ask) and [`tell`](Ga::tell) in turn until [`finished`](Ga::finished); then take the [`result`](Ga::result).
/// `ask` may be repeated and gives the same batch. `tell` advances by one generation, or leaves everything as it was and says why.
/// Between any two calls the search can be serialised (with a version); loaded, it goes on as if nothing had happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedGa", into = "SavedGa")]
pub struct Ga {
    pub(crate) space: ParameterSpace,
    pub(crate) config: GaConfig,
    pub(crate) seed: Seed,
    pub(crate) population: Population,
    pub(crate) history: Vec<Generation>,
    pub(crate) best: Option<(Vec<f64>, f64)>,
    pub(crate) stagnant: u32,
    pub(crate) stop: Option<StopReason>,
    pub(crate) warm_starts: usize,
}

impl Ga {
    /// A search from uniformly random points.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(space: ParameterSpace, config: GaConfig, seed: Seed) -> Result<Ga, GaError> {
        Ga::starting_from(space, config, seed, &[])
    }

    /// A search whose start population holds these points, the rest being uniformly random.
    ///
    /// # Errors
    /// When a setting is out of its range, a point is not in the space, or there are more points than the population holds.
    pub fn starting_from(
        space: ParameterSpace,
        config: GaConfig,
        seed: Seed,
        points: &[Vec<f64>],
    ) -> Result<Ga, GaError> {
        config.check()?;
        if points.len() > config.population {
            return Err(GaError::StartCount { found: points.len(), population: config.population });
        }
        for (index, point) in points.iter().enumerate() {
            space.check(point).map_err(|source| GaError::Start { index, source })?;
        }
        let mut population = Population::with_capacity(config.population, space.len());
        for index in 0..config.population {
            match points.get(index) {
                Some(point) => population.push(point, Score::Pending),
                None => {
                    let mut stream = breeding_seed(seed, 0, index).stream();
                    population.push(&space.sample(&mut stream), Score::Pending);
                }
            }
        }
        Ok(Ga {
            space,
            config,
            seed,
            population,
            history: Vec::new(),
            best: None,
            stagnant: 0,
            stop: None,
            warm_starts: points.len(),
        })
    }

    /// The candidates that wait for a fitness; none when the search has ended. May be empty before that too, when no child of
    /// a generation differs from its parent: tell an empty batch then.
    pub fn ask(&self) -> Vec<Candidate<'_>> {
        if self.finished() {
            return Vec::new();
        }
        let generation = self.generation();
        let seed = self.seed.derive("evaluate").index(u64::from(generation));
        self.population
            .pending()
            .map(|index| Candidate {
                point: self.population.point(index),
                evaluation: Evaluation { generation, index, seed: seed.index(index as u64) },
            })
            .collect()
    }

    /// Takes the fitness of every candidate of the batch, in its order, and breeds the next generation unless the search ends.
    ///
    /// # Errors
    /// When the search has ended, the number of scores is wrong, or not one candidate of the generation has a fitness. Nothing
    /// is changed then.
    pub fn tell(
        &mut self,
        scores: impl IntoIterator<Item = Result<f64, FitnessError>>,
    ) -> Result<&Generation, GaError> {
        if self.finished() {
            return Err(GaError::Ended);
        }
        let waiting: Vec<usize> = self.population.pending().collect();
        let scores: Vec<Result<f64, FitnessError>> = scores.into_iter().map(finite).collect();
        if scores.len() != waiting.len() {
            return Err(GaError::Scores { wanted: waiting.len(), found: scores.len() });
        }
        let failures = scores.iter().filter(|score| score.is_err()).count();
        let none_before = self.population.scores().iter().all(|s| s.known().is_none());
        if failures == scores.len() && none_before {
            let last = scores.into_iter().rev().find_map(Result::err);
            return Err(GaError::AllFailed {
                generation: self.generation(),
                count: failures,
                last: last.unwrap_or_else(|| FitnessError::failed("of an earlier failure")),
            });
        }
        for (&index, score) in waiting.iter().zip(&scores) {
            let score = score.as_ref().map_or(Score::Failed, |&f| Score::Known(f));
            self.population.set_score(index, score);
        }
        self.close_generation(scores.len(), failures);
        Ok(self.history.last().expect("a generation was just closed"))
    }

    /// One generation: asks, evaluates in order, tells.
    ///
    /// # Errors
    /// As [`Ga::tell`].
    pub fn step<F: FitnessFn + ?Sized>(&mut self, fitness: &F) -> Result<&Generation, GaError> {
        let scores: Vec<_> = self
            .ask()
            .iter()
            .map(|candidate| fitness.evaluate(candidate.point, &candidate.evaluation))
            .collect();
        self.tell(scores)
    }

    /// All generations that are left, and the result.
    ///
    /// # Errors
    /// As [`Ga::tell`].
    pub fn run<F: FitnessFn + ?Sized>(&mut self, fitness: &F) -> Result<GaResult, GaError> {
        while !self.finished() {
            self.step(fitness)?;
        }
        self.result()
    }

    /// Whether the search has ended.
    pub fn finished(&self) -> bool {
        self.stop.is_some()
    }

    /// The generation that waits for scores, or was the last one; counted from 0.
    pub fn generation(&self) -> u32 {
        let told = self.history.len() as u32;
        if self.finished() { told - 1 } else { told }
    }

    /// What was measured so far, a row a generation.
    pub fn history(&self) -> &[Generation] {
        &self.history
    }

    /// The space that is searched.
    pub fn space(&self) -> &ParameterSpace {
        &self.space
    }

    /// The settings.
    pub fn config(&self) -> &GaConfig {
        &self.config
    }

    /// What was found; before the end, what was found so far.
    ///
    /// # Errors
    /// [`GaError::NothingYet`] before the first generation was told.
    pub fn result(&self) -> Result<GaResult, GaError> {
        let (best, final_fitness) = self.best.clone().ok_or(GaError::NothingYet)?;
        let names = self.space.names().iter().cloned();
        Ok(GaResult {
            optimized_params: names.zip(best.iter().copied()).collect(),
            final_fitness,
            fitness_history: self.history.iter().map(|row| row.best).collect(),
            mean_history: self.history.iter().map(|row| row.mean).collect(),
            diversity_history: self.history.iter().map(|row| row.diversity).collect(),
            evaluations: self.history.iter().map(|row| row.evaluations as u64).sum(),
            failures: self.history.iter().map(|row| row.failures as u64).sum(),
            stop: self.stop.unwrap_or(StopReason::Interrupted),
            stagnant_generations: self.stagnant,
            warm_starts: self.warm_starts,
            region: region_around(&best, &self.population, &self.space),
            best,
        })
    }

    fn close_generation(&mut self, evaluations: usize, failures: usize) {
        let known: Vec<(usize, f64)> = (0..self.population.len())
            .filter_map(|at| self.population.score(at).known().map(|f| (at, f)))
            .collect();
        let place = self.population.ranking()[0];
        let best = self
            .population
            .score(place)
            .known()
            .expect("a generation without any fitness was refused");
        let count = known.len() as f64;
        self.history.push(Generation {
            index: self.history.len() as u32,
            best,
            // Divided first: the sum of two finite numbers may be infinite.
            mean: known.iter().map(|(_, fitness)| fitness / count).sum(),
            diversity: self.population.diversity(&self.space),
            evaluations,
            failures,
        });
        match &mut self.best {
            Some((point, fitness)) => {
                let grain = IMPROVEMENT_MIN * fitness.abs().max(1.0);
                self.stagnant = if best > *fitness + grain { 0 } else { self.stagnant + 1 };
                if best > *fitness {
                    *fitness = best;
                    point.copy_from_slice(self.population.point(place));
                }
            }
            none => *none = Some((self.population.point(place).to_vec(), best)),
        }
        self.stop = self.stop_reason();
        tracing::debug!(generation = self.history.len() - 1, best, "generation evaluated");
        if self.stop.is_none() {
            self.breed();
        }
    }

    fn stop_reason(&self) -> Option<StopReason> {
        let best = self.best.as_ref().map(|(_, fitness)| *fitness);
        if let (Some(best), Some(target)) = (best, self.config.target)
            && best >= target
        {
            return Some(StopReason::Target);
        }
        if self.config.stagnation.is_some_and(|max| self.stagnant >= max) {
            return Some(StopReason::Stagnation);
        }
        (self.history.len() > self.config.generations as usize).then_some(StopReason::Generations)
    }

    /// The next generation: the elites as they are, then children.
    fn breed(&mut self) {
        let generation = self.history.len() as u32;
        let step = self.config.step_at(generation);
        let old = &self.population;
        let ranking = old.ranking();
        let mut rank_of = vec![0; old.len()];
        for (rank, &place) in ranking.iter().enumerate() {
            rank_of[place] = rank;
        }
        let mut next = Population::with_capacity(old.len(), self.space.len());
        for &elite in &ranking[..self.config.elites] {
            next.push(old.point(elite), old.score(elite));
        }
        let mut child = Vec::with_capacity(self.space.len());
        for index in self.config.elites..old.len() {
            let stream = &mut breeding_seed(self.seed, generation, index).stream();
            let mother = tournament(&rank_of, self.config.tournament, stream);
            child.clear();
            child.extend_from_slice(old.point(mother));
            let mut parents = [mother, mother];
            if stream.chance(self.config.crossover_rate) {
                let father = tournament(&rank_of, self.config.tournament, stream);
                blend(&mut child, old.point(father), self.config.blend_alpha, stream);
                parents = [mother, father];
            }
            let bounds = self.space.bounds();
            mutate(&mut child, bounds, self.config.mutation_rate, step, stream);
            self.space.clamp(&mut child);
            // A child that is its parent again keeps the parent's score, and costs no evaluation.
            let score = parents
                .into_iter()
                .find(|&parent| old.point(parent) == child.as_slice())
                .map_or(Score::Pending, |parent| old.score(parent));
            next.push(&child, score);
        }
        self.population = next;
    }
}

/// One stream for each (seed, generation, index).
fn breeding_seed(seed: Seed, generation: u32, index: usize) -> Seed {
    seed.derive("breed").index(u64::from(generation)).index(index as u64)
}

/// A fitness that cannot be ranked or written down is a failure.
fn finite(score: Result<f64, FitnessError>) -> Result<f64, FitnessError> {
    match score {
        Ok(value) if !value.is_finite() => Err(FitnessError::NotFinite { value }),
        other => other,
    }
}
