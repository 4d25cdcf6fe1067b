//! The driver of a method with many objectives: it hands out candidates, keeps the budget, and knows the front.
//!
//! It is to [`Nsga2`](super::Nsga2) what [`Search`](crate::Search) is to [`Ga`](crate::Ga), and keeps its promises: exact budgets,
//! failures that rank last and are counted, a state that can be saved between any two batches.

use orchestrator_core::ParameterSpace;

use super::fronts::Fronts;
use super::hypervolume::Hypervolume;
use super::objectives::{Objectives, ObjectivesFn, Scores};
use super::outcome::{ParetoGeneration, ParetoResult, TradeOff};
use super::scratch::Scratch;
use crate::cost::Costs;
use crate::error::GaError;
use crate::fitness::FitnessError;
use crate::generation::History;
use crate::optimizer::Optimizer;
use crate::pending::Pending;
use crate::search::{Candidate, EMPTY_GENERATIONS_MAX, IMPROVEMENT_MIN};
use crate::stop::{Progress, Stop, StopReason};

/// A search over many objectives in progress.
///
/// Call [`ask`](ParetoSearch::ask) and [`tell`](ParetoSearch::tell) in turn until [`finished`](ParetoSearch::finished); then take
/// the [`result`](ParetoSearch::result). `ask` may be repeated and gives the same candidates. `tell` advances, or leaves everything
/// as it was and says why. Between any two calls the search can be serialised (with a version), if its method can; loaded, it goes
/// on as if nothing had happened.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::Stop;
/// use orchestrator_ga::pareto::{Nsga2, Nsga2Config, Objectives};
///
/// let objectives = Objectives::minimize(["near", "far"])?;
/// let space = ParameterSpace::uniform(2, 0.0, 1.0)?;
/// let mut search = Nsga2::search(space, objectives, Nsga2Config::default(), Seed(1), Stop::Evaluations(450))?;
/// while !search.finished() {
///     // Evaluate the batch wherever and in whatever order you like; answer in its order.
///     let scores: Vec<_> = search.ask().map(|c| Ok([c.point[0], 1.0 - c.point[0] + c.point[1]])).collect();
///     search.tell(scores)?;
/// }
/// assert_eq!(search.evaluations(), 450);
/// assert!(search.front().iter().all(|trade_off| trade_off.values[0] == trade_off.point[0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ParetoSearch<O> {
    pub(super) optimizer: O,
    pub(super) objectives: Objectives,
    /// In the directions of the user.
    pub(super) reference: Option<Vec<f64>>,
    pub(super) stop: Stop,
    pub(super) pending: Pending,
    pub(super) feasible: bool,
    pub(super) stagnant: u32,
    pub(super) history: History<ParetoGeneration>,
    pub(super) reason: Option<StopReason>,
    pub(super) scratch: Scratch<Memory>,
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    fronts: Fronts,
    hypervolume: Option<Hypervolume>,
}

impl<O: Optimizer> ParetoSearch<O> {
    /// A search by this method until the rules say stop.
    ///
    /// # Errors
    /// When the method has another number of objectives, or the rules make no sense, might never end the search, or look at a
    /// fitness: [`Stop::Target`] and [`Stop::Stagnation`] need [`ParetoSearch::with_reference`].
    pub fn new(
        optimizer: O,
        objectives: Objectives,
        stop: Stop,
    ) -> Result<ParetoSearch<O>, GaError> {
        ParetoSearch::start(optimizer, objectives, None, stop)
    }

    /// The same, measuring the hypervolume below this point in every generation, in the directions of the objectives. The
    /// hypervolume counts as the fitness for [`Stop::Target`] and [`Stop::Stagnation`]. With many objectives it takes longer than
    /// everything else.
    ///
    /// # Errors
    /// As [`ParetoSearch::new`], and when the point has another number of objectives, is not finite, or has more than
    /// [`HYPERVOLUME_OBJECTIVES_MAX`](super::HYPERVOLUME_OBJECTIVES_MAX).
    pub fn with_reference(
        optimizer: O,
        objectives: Objectives,
        reference: &[f64],
        stop: Stop,
    ) -> Result<ParetoSearch<O>, GaError> {
        ParetoSearch::start(optimizer, objectives, Some(reference.to_vec()), stop)
    }

    fn start(
        mut optimizer: O,
        objectives: Objectives,
        reference: Option<Vec<f64>>,
        stop: Stop,
    ) -> Result<ParetoSearch<O>, GaError> {
        check(&optimizer, &objectives, reference.as_deref(), &stop)?;
        let mut pending = Pending::new(optimizer.space().len(), objectives.len());
        optimizer.ask(&mut pending.batch);
        Ok(ParetoSearch {
            optimizer,
            objectives,
            reference,
            stop,
            pending,
            feasible: false,
            stagnant: 0,
            history: History::default(),
            reason: None,
            scratch: Scratch::default(),
        })
    }

    /// The candidates that wait for their values, at most as many as the budget has left; none when the search has ended.
    pub fn ask(&self) -> impl ExactSizeIterator<Item = Candidate<'_>> {
        let seed = self.pending.evaluation_seed(self.optimizer.seed());
        self.waiting().map(move |index| self.pending.candidate(index, seed))
    }

    /// Takes the values of every candidate of [`ask`](ParetoSearch::ask), in its order, and advances unless the search ends. A plain
    /// array or vector holds the values of the objectives.
    ///
    /// # Errors
    /// When the search has ended, the number of scores is wrong, or not one candidate so far could be evaluated. Nothing is changed
    /// then.
    pub fn tell<S: Into<Scores>>(
        &mut self,
        scores: impl IntoIterator<Item = Result<S, FitnessError>>,
    ) -> Result<(), GaError> {
        let mut scores: Vec<_> = scores.into_iter().map(|score| score.map(Into::into)).collect();
        let waiting = self.waiting();
        if self.finished() {
            return Err(GaError::Ended);
        }
        if scores.len() != waiting.len() {
            return Err(GaError::Scores { wanted: waiting.len(), found: scores.len() });
        }
        let first = waiting.start;
        self.absorb(|objectives, candidate, row| {
            let score = &mut scores[candidate.evaluation.index - first];
            match std::mem::replace(score, Ok(Scores::Violation(f64::NAN)))? {
                Scores::Values(values) if values.len() == row.len() => {
                    row.copy_from_slice(&values);
                    finite_costs(objectives, row)
                }
                Scores::Values(values) => Err(FitnessError::failed(format!(
                    "{} values for {} objectives",
                    values.len(),
                    row.len()
                ))),
                Scores::Violation(violation) => known_violation(violation),
            }
        })
    }

    /// Moves the waiting candidates, to where constraints hold say, before they are evaluated. What leaves the space is moved back.
    pub fn repair(&mut self, repair: impl Fn(&mut [f64])) {
        let waiting = self.waiting();
        self.pending.repair(waiting, self.optimizer.space(), repair);
    }

    /// One batch: asks, evaluates in order, tells. That is a generation, unless the budget cuts it.
    ///
    /// # Errors
    /// As [`ParetoSearch::tell`].
    pub fn step<F: ObjectivesFn + ?Sized>(&mut self, function: &F) -> Result<(), GaError> {
        if self.finished() {
            return Err(GaError::Ended);
        }
        self.repair(|point| function.repair(point));
        self.absorb(|objectives, candidate, row| {
            let violation = function.violation(candidate.point);
            if violation != 0.0 {
                return known_violation(violation);
            }
            // What is not written stays without a value, which is a failure.
            row.fill(f64::NAN);
            function.evaluate(candidate.point, row, &candidate.evaluation)?;
            finite_costs(objectives, row)
        })
    }

    /// All that is left, and the result.
    ///
    /// # Errors
    /// As [`ParetoSearch::tell`] and [`ParetoSearch::result`].
    pub fn run<F: ObjectivesFn + ?Sized>(&mut self, function: &F) -> Result<ParetoResult, GaError> {
        while !self.finished() {
            self.step(function)?;
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
    /// As [`ParetoSearch::new`] for the rules.
    pub fn set_stop(&mut self, stop: Stop) -> Result<(), GaError> {
        check_stop(&stop, self.reference.is_some())?;
        self.reason = stop.reason(&self.progress());
        self.stop = stop;
        Ok(())
    }

    /// The generation that waits for its values, counted from 0.
    pub fn generation(&self) -> u32 {
        self.pending.generation
    }

    /// How many candidates were evaluated.
    pub fn evaluations(&self) -> u64 {
        self.pending.evaluations
    }

    /// What was measured so far.
    pub fn history(&self) -> &History<ParetoGeneration> {
        &self.history
    }

    /// The space that is searched.
    pub fn space(&self) -> &ParameterSpace {
        self.optimizer.space()
    }

    /// What is sought.
    pub fn objectives(&self) -> &Objectives {
        &self.objectives
    }

    /// The method.
    pub fn optimizer(&self) -> &O {
        &self.optimizer
    }

    /// The trade-offs by now: of what the method holds and of the generation under evaluation, what breaks no constraint and is
    /// dominated by none, from the best by the first objective on.
    pub fn front(&self) -> Vec<TradeOff> {
        let population = self.optimizer.population();
        let held = population.points.len();
        let mut costs = population.costs.clone();
        costs.append(&self.pending.costs);
        let mut fronts = Fronts::default();
        fronts.sort(&costs);
        let trade_off = |&place: &u32| {
            let place = place as usize;
            let point = match place.checked_sub(held) {
                None => population.points.point(place),
                Some(waiting) => self.pending.batch.point(waiting),
            };
            let mut values = costs.row(place).to_vec();
            self.objectives.turn(&mut values);
            TradeOff { point: point.to_vec(), values }
        };
        feasible_front(&costs, &fronts).iter().map(trade_off).collect()
    }

    /// What was found; before the end, what was found so far.
    ///
    /// # Errors
    /// [`GaError::NothingYet`] before a candidate that breaks no constraint was evaluated.
    pub fn result(&self) -> Result<ParetoResult, GaError> {
        let front = self.front();
        if front.is_empty() {
            return Err(GaError::NothingYet);
        }
        let measure = self.reference.as_ref().map(|reference| {
            let mut rows: Vec<Vec<f64>> =
                front.iter().map(|trade_off| trade_off.values.clone()).collect();
            rows.iter_mut().for_each(|row| self.objectives.turn(row));
            self.measure_below(reference).of(rows.iter().map(Vec::as_slice))
        });
        let rows = self.history.rows();
        Ok(ParetoResult {
            parameters: self.space().names().to_vec(),
            objectives: self.objectives.as_slice().to_vec(),
            front,
            hypervolume: measure,
            front_history: rows.iter().map(|row| row.front).collect(),
            hypervolume_history: rows.iter().filter_map(|row| row.hypervolume).collect(),
            evaluations: self.pending.evaluations,
            failures: self.pending.failures,
            stop: self.reason.unwrap_or(StopReason::Interrupted),
            warm_starts: self.optimizer.warm_starts(),
        })
    }

    fn measure_below(&self, reference: &[f64]) -> Hypervolume {
        let mut reference = reference.to_vec();
        self.objectives.turn(&mut reference);
        Hypervolume::new(&reference).expect("it was checked when the search was made")
    }

    /// The places of the candidates that wait.
    fn waiting(&self) -> std::ops::Range<usize> {
        if self.finished() {
            return 0..0;
        }
        self.pending.waiting(self.stop.room(self.pending.evaluations))
    }

    fn progress(&self) -> Progress {
        Progress {
            evaluations: self.pending.evaluations,
            generations: self.pending.generation,
            // Without a reference point no rule looks at the value, only at whether there is one.
            fitness: self.feasible.then(|| self.history.best().unwrap_or(0.0)),
            stagnant: self.stagnant,
        }
    }

    fn absorb(
        &mut self,
        mut measure: impl FnMut(&Objectives, &Candidate<'_>, &mut [f64]) -> Result<f64, FitnessError>,
    ) -> Result<(), GaError> {
        let waiting = self.waiting();
        let before = waiting.start;
        let ParetoSearch { pending, objectives, optimizer, .. } = self;
        let complete = pending.absorb(waiting, optimizer.seed(), |candidate, row| {
            measure(objectives, candidate, row)
        })?;
        self.feasible |=
            (before..self.pending.costs.len()).any(|at| self.pending.costs.violation(at) == 0.0);
        if complete {
            self.close_generation();
        }
        self.reason = self.reason.or(self.stop.reason(&self.progress()));
        Ok(())
    }

    /// Gives a complete generation to the method, measures, and asks for the next; again while the next is empty.
    fn close_generation(&mut self) {
        for _ in 0..EMPTY_GENERATIONS_MAX {
            let evaluations = self.pending.costs.len();
            self.optimizer.tell(&mut self.pending.batch, &mut self.pending.costs);
            let index = self.pending.generation;
            let failures = self.pending.advance();
            let (front, hypervolume) = self.measure();
            tracing::debug!(generation = index, front, hypervolume, "generation evaluated");
            self.note_improvement(hypervolume);
            self.history.push(ParetoGeneration {
                index,
                front,
                hypervolume,
                evaluations,
                failures,
            });
            self.optimizer.ask(&mut self.pending.batch);
            self.reason = match self.stop.reason(&self.progress()) {
                None if self.optimizer.converged() => Some(StopReason::Converged),
                reason => reason,
            };
            if self.finished() || !self.pending.batch.is_empty() {
                return;
            }
        }
        self.reason = Some(StopReason::Converged);
    }

    /// The size of the front that the method holds, and what it dominates.
    fn measure(&mut self) -> (usize, Option<f64>) {
        if let (None, Some(reference)) = (&self.scratch.hypervolume, &self.reference) {
            self.scratch.hypervolume = Some(self.measure_below(reference));
        }
        let Memory { fronts, hypervolume } = &mut *self.scratch;
        let costs = self.optimizer.population().costs;
        fronts.sort(costs);
        let front = feasible_front(costs, fronts);
        let rows = front.iter().map(|&place| costs.row(place as usize));
        (front.len(), hypervolume.as_mut().map(|measure| measure.of(rows)))
    }

    fn note_improvement(&mut self, hypervolume: Option<f64>) {
        let Some(now) = hypervolume else { return };
        let before = self.history.best();
        let improved = before.is_none_or(|best| now > best + IMPROVEMENT_MIN * best.abs().max(1.0));
        self.stagnant = if improved { 0 } else { self.stagnant + 1 };
        self.history.note_best(before.map_or(now, |best| best.max(now)));
    }
}

/// Whether a search can be made out of these parts.
pub(super) fn check<O: Optimizer>(
    optimizer: &O,
    objectives: &Objectives,
    reference: Option<&[f64]>,
    stop: &Stop,
) -> Result<(), GaError> {
    check_stop(stop, reference.is_some())?;
    if optimizer.objectives() != objectives.len() {
        let (wanted, found) = (objectives.len(), optimizer.objectives());
        return Err(GaError::MethodObjectives { wanted, found });
    }
    if let Some(reference) = reference {
        if reference.len() != objectives.len() {
            let (wanted, found) = (objectives.len(), reference.len());
            return Err(GaError::ReferenceLength { wanted, found });
        }
        Hypervolume::new(reference)?;
    }
    Ok(())
}

fn check_stop(stop: &Stop, has_reference: bool) -> Result<(), GaError> {
    stop.check()?;
    if stop.looks_at_fitness() && !has_reference {
        return Err(GaError::Stop { what: "a target or a stagnation without a reference point" });
    }
    Ok(())
}

/// The members of the first front, if they break no constraint.
fn feasible_front<'a>(costs: &Costs, fronts: &'a Fronts) -> &'a [u32] {
    if fronts.is_empty() {
        return &[];
    }
    let front = fronts.front(0);
    if costs.violation(front[0] as usize) == 0.0 { front } else { &[] }
}

/// Turns values into costs; one that is not finite cannot be ranked or written down.
#[inline]
fn finite_costs(objectives: &Objectives, row: &mut [f64]) -> Result<f64, FitnessError> {
    if let Some(&value) = row.iter().find(|value| !value.is_finite()) {
        return Err(FitnessError::NotFinite { value });
    }
    objectives.turn(row);
    Ok(0.0)
}

fn known_violation(violation: f64) -> Result<f64, FitnessError> {
    if violation > 0.0 && violation.is_finite() {
        Ok(violation)
    } else {
        Err(FitnessError::Violation { value: violation })
    }
}
