//! The driver of a method with many objectives: it hands out candidates, keeps the budget, and knows the front.
//!
//! It is to [`Nsga2`](super::Nsga2) what [`Search`](crate::Search) is to [`Ga`](crate::Ga), and keeps its promises: exact budgets,
//! failures that rank last and are counted, a state that can be saved between any two batches.

use std::ops::{ControlFlow, Range};
use std::time::Duration;

use orchestrator_core::ParameterSpace;

use super::fronts::Fronts;
use super::hypervolume::Hypervolume;
use super::objectives::{Objectives, ObjectivesFn, ParetoScore};
use super::outcome::{ParetoGeneration, ParetoResult, TradeOff};
use crate::candidates::{Candidate, Candidates, Scores};
use crate::cost::Costs;
use crate::error::GaError;
use crate::fitness::FitnessError;
use crate::generation::History;
use crate::optimizer::Optimizer;
use crate::pending::Pending;
use crate::scratch::Scratch;
use crate::start::check_start_points;
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
    /// Whether any candidate broke no constraint.
    pub(super) feasible: bool,
    /// The hypervolume that the last improvement reached, and how many evaluations there had been then.
    pub(super) improved_to: Option<f64>,
    pub(super) improved_at: u64,
    /// For how many generations there has been no improvement.
    pub(super) stagnant: u32,
    /// Points that were given to start from.
    pub(super) given: usize,
    pub(super) elapsed: Duration,
    pub(super) history: History<ParetoGeneration>,
    pub(super) reason: Option<StopReason>,
    pub(super) scratch: Scratch<Memory>,
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) fronts: Fronts,
    pub(super) hypervolume: Option<Hypervolume>,
    pub(super) scores: Option<Scores>,
}

impl<O: Optimizer> ParetoSearch<O> {
    /// A search by this method until the rules say stop.
    ///
    /// # Errors
    /// When the method has another number of objectives, or the rules make no sense, might never end the search, or look at a
    /// fitness: [`Stop::Target`], [`Stop::Stagnation`] and [`Stop::StagnantEvaluations`] need
    /// [`ParetoSearch::with_reference`].
    pub fn new(
        optimizer: O,
        objectives: Objectives,
        stop: Stop,
    ) -> Result<ParetoSearch<O>, GaError> {
        ParetoSearch::start(optimizer, objectives, None, stop)
    }

    /// The same, measuring the hypervolume below this point in every generation, in the directions of the objectives. The
    /// hypervolume counts as the fitness for the rules that look at one. With many objectives it takes longer than
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
            improved_to: None,
            improved_at: 0,
            stagnant: 0,
            given: 0,
            elapsed: Duration::ZERO,
            history: History::default(),
            reason: None,
            scratch: Scratch::default(),
        })
    }

    /// Starts from points that are known to be good: the front of an earlier search, say. They are evaluated with the first generation,
    /// in place of as many of its points.
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

    /// The candidates that wait for their values, at most as many as the budget has left; none when the search has ended. It may be
    /// none before, when all that was bred is known already: `tell` an empty list then.
    pub fn ask(&self) -> impl ExactSizeIterator<Item = Candidate<'_>> {
        self.candidates().iter()
    }

    /// The candidates of [`ask`](ParetoSearch::ask), as one block.
    pub fn candidates(&self) -> Candidates<'_> {
        self.pending.candidates(self.waiting(), self.optimizer.seed())
    }

    /// Takes the values of every candidate of [`ask`](ParetoSearch::ask), in its order, and advances unless the search ends. A plain
    /// array or vector holds the values of the objectives.
    ///
    /// # Errors
    /// When the search has ended, the number of scores is wrong, or not one candidate so far could be evaluated. Nothing is changed
    /// then.
    pub fn tell<S: Into<ParetoScore>>(
        &mut self,
        scores: impl IntoIterator<Item = Result<S, FitnessError>>,
    ) -> Result<(), GaError> {
        let mut gathered = self.take_scores();
        for score in scores {
            gathered.push_values(|row| match score?.into() {
                ParetoScore::Violation(violation) if violation > 0.0 => Ok(violation),
                ParetoScore::Violation(value) => Err(FitnessError::Violation { value }),
                ParetoScore::Values(values) if values.len() == row.len() => {
                    row.copy_from_slice(&values);
                    Ok(0.0)
                }
                ParetoScore::Values(values) => {
                    let (found, wanted) = (values.len(), row.len());
                    Err(FitnessError::failed(format!("{found} values for {wanted} objectives")))
                }
            });
        }
        self.absorb(gathered, &mut unobserved).map(drop)
    }

    /// Moves the waiting candidates, to where constraints hold say, before they are evaluated. What leaves the space is moved back.
    pub fn repair(&mut self, repair: impl Fn(&mut [f64])) {
        self.repair_if(|point| {
            repair(point);
            true
        });
    }

    /// One batch: asks, evaluates in order, tells. That is a generation, unless the budget cuts it.
    ///
    /// # Errors
    /// As [`ParetoSearch::tell`].
    pub fn step<F: ObjectivesFn + ?Sized>(&mut self, function: &F) -> Result<(), GaError> {
        self.step_observed(function, &mut unobserved).map(drop)
    }

    /// All that is left, and the result.
    ///
    /// # Errors
    /// As [`ParetoSearch::tell`] and [`ParetoSearch::result`].
    pub fn run<F: ObjectivesFn + ?Sized>(&mut self, function: &F) -> Result<ParetoResult, GaError> {
        self.run_observed(function, unobserved)
    }

    /// The same, telling the observer of every generation as soon as it is complete. The observer may look at the search, save it, tell
    /// it the time, give it other rules; or break, and the result then says [`Interrupted`](StopReason::Interrupted). Any `run` goes
    /// on from there.
    ///
    /// # Errors
    /// As [`ParetoSearch::tell`] and [`ParetoSearch::result`].
    pub fn run_observed<F: ObjectivesFn + ?Sized>(
        &mut self,
        function: &F,
        mut observer: impl FnMut(&mut Self, &ParetoGeneration) -> ControlFlow<()>,
    ) -> Result<ParetoResult, GaError> {
        while !self.finished() {
            if self.step_observed(function, &mut observer)?.is_break() {
                break;
            }
        }
        self.result()
    }

    /// Tells how much time has passed since the search began, earlier sessions included, for [`Stop::Elapsed`]. Time never goes back:
    /// less than was told before changes nothing.
    pub fn set_elapsed(&mut self, elapsed: Duration) {
        self.elapsed = self.elapsed.max(elapsed);
        self.reason = self.reason.or(self.stop.reason(&self.standing()));
    }

    /// Replaces the rules, to go on after the end for example. A generation that the old budget had cut is completed first. What has
    /// [`Converged`](StopReason::Converged) stays at its end.
    ///
    /// # Errors
    /// As [`ParetoSearch::new`] for the rules. Nothing is changed then.
    pub fn set_stop(&mut self, stop: Stop) -> Result<(), GaError> {
        check_stop(&stop, self.reference.is_some())?;
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

    /// The generation that waits for its values, counted from 0.
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

    /// The rules.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The method.
    pub fn optimizer(&self) -> &O {
        &self.optimizer
    }

    /// The trade-offs by now: of what the method holds and of the generation under evaluation, what breaks no constraint and is
    /// dominated by none, from the best by the first objective on.
    pub fn front(&self) -> Vec<TradeOff> {
        let costs = self.known_costs();
        let mut fronts = Fronts::default();
        fronts.sort(&costs);
        let trade_off = |&place: &u32| {
            let mut values = costs.row(place as usize).to_vec();
            self.objectives.turn(&mut values);
            TradeOff { point: self.known_point(place as usize).to_vec(), values }
        };
        feasible_front(&costs, &fronts).iter().map(trade_off).collect()
    }

    /// What was found; before the end, what was found so far.
    ///
    /// # Errors
    /// [`GaError::NothingYet`] before anything was evaluated, and [`GaError::Infeasible`], with the candidate that comes nearest, when
    /// all that was evaluated breaks a constraint.
    pub fn result(&self) -> Result<ParetoResult, GaError> {
        let front = self.front();
        if front.is_empty() {
            return Err(self.nothing());
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
            infeasible: self.pending.infeasible,
            stop: self.reason.unwrap_or(StopReason::Interrupted),
            warm_starts: self.optimizer.warm_starts().saturating_add(self.given),
        })
    }

    pub(super) fn measure_below(&self, reference: &[f64]) -> Hypervolume {
        let mut reference = reference.to_vec();
        self.objectives.turn(&mut reference);
        Hypervolume::new(&reference).expect("it was checked when the search was made")
    }

    /// What the method holds and what was evaluated of the generation that waits.
    fn known_costs(&self) -> Costs {
        let mut costs = self.optimizer.population().costs.clone();
        costs.extend(&self.pending.costs);
        costs
    }

    /// The point that the cost at this place belongs to.
    fn known_point(&self, place: usize) -> &[f64] {
        let held = self.optimizer.population().points;
        match place.checked_sub(held.len()) {
            None => held.point(place),
            Some(waiting) => self.pending.batch.point(waiting),
        }
    }

    /// Why there is no front.
    fn nothing(&self) -> GaError {
        let costs = self.known_costs();
        match costs.best().filter(|&place| costs.cost(place).is_known()) {
            None => GaError::NothingYet,
            Some(place) => GaError::Infeasible {
                violation: costs.violation(place),
                nearest: self.known_point(place).to_vec(),
                evaluations: self.pending.evaluations,
            },
        }
    }

    /// The places of the candidates that wait.
    pub(super) fn waiting(&self) -> Range<usize> {
        if self.finished() {
            return 0..0;
        }
        self.pending.waiting(self.stop.room(self.pending.evaluations))
    }

    /// How the search stands to its rules.
    pub(super) fn standing(&self) -> Progress {
        Progress {
            evaluations: self.pending.evaluations,
            generations: self.pending.generation,
            // Without a reference point no rule looks at the value, only at whether there is one.
            fitness: self.feasible.then(|| self.improved_to.unwrap_or(0.0)),
            stagnant_generations: self.stagnant,
            stagnant_evaluations: self.pending.evaluations.saturating_sub(self.improved_at),
            elapsed: self.elapsed,
        }
    }

    fn repair_if(&mut self, repair: impl Fn(&mut [f64]) -> bool) {
        let waiting = self.waiting();
        self.pending.repair(waiting, self.optimizer.space(), repair);
    }

    fn step_observed<F: ObjectivesFn + ?Sized>(
        &mut self,
        function: &F,
        observer: &mut impl FnMut(&mut Self, &ParetoGeneration) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, GaError> {
        self.repair_if(|point| function.repair(point));
        let mut scores = self.take_scores();
        function.evaluate_batch(&self.candidates(), &mut scores);
        self.absorb(scores, observer)
    }

    /// The empty place for scores. Whoever panics with it loses its memory and nothing else.
    fn take_scores(&mut self) -> Scores {
        self.scratch.scores.take().unwrap_or_else(|| Scores::of(self.objectives.len()))
    }
}

/// For who does not want to be told of generations.
fn unobserved<O>(_: &mut ParetoSearch<O>, _: &ParetoGeneration) -> ControlFlow<()> {
    ControlFlow::Continue(())
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
pub(super) fn feasible_front<'a>(costs: &Costs, fronts: &'a Fronts) -> &'a [u32] {
    if fronts.is_empty() {
        return &[];
    }
    let front = fronts.front(0);
    if costs.violation(front[0] as usize) == 0.0 { front } else { &[] }
}
