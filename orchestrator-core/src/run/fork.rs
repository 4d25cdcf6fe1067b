//! A new run out of what another has done: some steps are done again, with all that came of them, and the rest is kept.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::event::{Event, Recorded};
use super::node::Phase;
use super::restore::{RestoreError, replay};
use crate::id::{RunId, SignalName, StepId};
use crate::path::{FramePath, Path};
use crate::random::Seed;
use crate::task::Failure;
use crate::workflow::{Awaited, Kind, Workflow};

/// Why a run cannot be forked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForkError {
    /// Name steps that the workflow has, inside others with a round or item that had begun.
    #[error("there is no step {path} to fork from")]
    UnknownStep {
        /// The path that leads nowhere.
        path: Path,
    },
    /// Name at least one step.
    #[error("a fork needs a step to begin with")]
    NoStep,
    /// The beginning is no longer there; fork from an older copy of the history.
    #[error("the events before {oldest} have been trimmed, and a fork needs all of them")]
    Trimmed {
        /// The oldest event.
        oldest: u64,
    },
    /// Let it be done again too: name it among the steps to fork from.
    #[error(
        "step {path} was undone by its compensation, or will be; what it did is not there to be kept"
    )]
    Undone {
        /// The step.
        path: Path,
    },
    /// The history does not fit the definition.
    #[error(transparent)]
    History(#[from] RestoreError),
}

/// What is done again.
#[derive(Default)]
struct Reset {
    /// The rounds, items and sub-workflows that had begun.
    begun: BTreeSet<(Path, u32)>,
    /// Steps with all that is inside them.
    steps: BTreeSet<Path>,
    /// Steps whose body goes on: inside them something is reset, in these rounds or items.
    reopened: BTreeMap<Path, Reopened>,
}

#[derive(Default)]
struct Reopened {
    /// Whether what is inside comes one after the other, so that a later round comes of an earlier one. Items stand beside each other.
    in_turn: bool,
    within: BTreeSet<u32>,
}

/// The history of a new run in which the steps `from` and all that came of them are still to be done, and everything else is as it was;
/// [`Run::restore`](crate::Run::restore) goes on from there. With `seed`, what is done again draws new random numbers.
///
/// Inside a loop, later rounds are reset too. What a cancellation cut short is reset as well, and what a failed item stopped that is done
/// again; a pause, a cancellation and the end are not kept. A step that was undone, or will be since the run is being unwound, must be
/// among those that are reset: compensation is not taken back by itself. The signal of a wait that is done again can be taken again.
///
/// # Errors
/// When a path leads nowhere, the history is trimmed or does not fit the definition, or an undone step would be kept.
pub fn fork(
    workflow: &Workflow,
    parent: &RunId,
    history: &[Recorded],
    from: &[Path],
    seed: Option<Seed>,
) -> Result<Vec<Recorded>, ForkError> {
    let first = history.first().ok_or(RestoreError::NoStart)?;
    if first.seq != 1 {
        return Err(ForkError::Trimmed { oldest: first.seq });
    }
    if from.is_empty() {
        return Err(ForkError::NoStep);
    }
    let mut reset = Reset { begun: begun(history), ..Reset::default() };
    for path in from {
        reset.add(workflow, path).ok_or_else(|| ForkError::UnknownStep { path: path.clone() })?;
    }
    reset.add_cut_short(workflow, history);
    reset.check_undone(workflow, history)?;
    let returned = reset.returned_signals(workflow, history);
    let seq = history.last().map_or(0, |recorded| recorded.seq);
    let mut forked: Vec<Recorded> = Vec::with_capacity(history.len() + 1);
    for recorded in history {
        if !reset.keeps(&recorded.event) || returned.contains(&recorded.seq) {
            continue;
        }
        let mut event = recorded.event.clone();
        if let (Event::RunStarted { seed: own, .. }, Some(seed)) = (&mut event, seed) {
            *own = seed;
        }
        let started = matches!(event, Event::RunStarted { .. });
        forked.push(Recorded { seq: forked.len() as u64 + 1, at: recorded.at, event });
        if started {
            let event = Event::Forked { parent: parent.clone(), seq, reset: from.to_vec() };
            forked.push(Recorded { seq: forked.len() as u64 + 1, at: recorded.at, event });
        }
    }
    for recorded in history.iter().filter(|recorded| returned.contains(&recorded.seq)) {
        let before = forked.last().map_or(recorded.at, |last| last.at);
        let (seq, at) = (forked.len() as u64 + 1, recorded.at.max(before));
        forked.push(Recorded { seq, at, event: recorded.event.clone() });
    }
    replay(workflow, forked.clone().into(), u64::MAX)?;
    Ok(forked)
}

/// The rounds, items and sub-workflows that a history begins.
fn begun(history: &[Recorded]) -> BTreeSet<(Path, u32)> {
    let begun = history.iter().filter_map(|recorded| match &recorded.event {
        Event::RoundStarted { path, round: index, .. }
        | Event::ItemStarted { path, item: index } => Some((path.clone(), *index)),
        Event::SubWorkflowStarted { path, .. } => Some((path.clone(), 0)),
        _ => None,
    });
    begun.collect()
}

/// The signal that a step waits for, if it does.
fn awaited(root: &Workflow, path: &Path) -> Option<SignalName> {
    let mut workflow = root;
    for (step, _) in path.rounds() {
        workflow = workflow.def(workflow.position(step.as_str())?).step.kind.body()?;
    }
    match &workflow.def(workflow.position(path.step().as_str())?).step.kind {
        Kind::Wait { awaited: Awaited::Signal(name) } => SignalName::parse(name).ok(),
        _ => None,
    }
}

impl Reset {
    /// Adds a step with what comes of it, in its frame and in those around it.
    fn add(&mut self, root: &Workflow, path: &Path) -> Option<()> {
        // The steps around it, each with its workflow.
        let mut around: Vec<(Workflow, Path, u32)> = Vec::new();
        let mut workflow = root.clone();
        let mut frame = FramePath::root();
        for (step, index) in path.rounds() {
            let at = workflow.position(step.as_str())?;
            let body = workflow.def(at).step.kind.body()?.clone();
            let place = frame.step(step.clone());
            self.begun.contains(&(place.clone(), index)).then_some(())?;
            frame = FramePath::round(&place, index);
            around.push((std::mem::replace(&mut workflow, body), place, index));
        }
        self.add_after(&workflow, &path.compensated(), true)?;
        for (workflow, place, index) in around.into_iter().rev() {
            self.add_after(&workflow, &place, false)?;
            let at = workflow.position(place.step().as_str())?;
            let reopened = self.reopened.entry(place).or_default();
            reopened.in_turn = matches!(workflow.def(at).step.kind, Kind::Loop { .. });
            reopened.within.insert(index);
        }
        Some(())
    }

    /// Adds the attempts that failed, and would have been made again, after a cancellation or the stop of a step that goes on. What is
    /// added reopens what is around it, so that more stops may be taken back; at most as often as steps are nested.
    fn add_cut_short(&mut self, workflow: &Workflow, history: &[Recorded]) {
        loop {
            let before = self.steps.len();
            let mut cancelled = false;
            let mut stops: Vec<&Path> = Vec::new();
            for recorded in history {
                match &recorded.event {
                    Event::CancelRequested { .. } => cancelled = true,
                    Event::StepStopping { path, .. } if self.reopened.contains_key(path) => {
                        stops.push(path);
                    }
                    Event::StepFailed { path, attempt: 1.., error }
                        if error.failure != Failure::Terminal
                            && !path.is_compensation()
                            && (cancelled || stops.iter().any(|stop| path.is_inside(stop))) =>
                    {
                        self.add(workflow, path);
                    }
                    _ => {}
                }
            }
            if self.steps.len() == before {
                return;
            }
        }
    }

    /// Refuses to keep what was undone, or what a run that is being unwound is going to undo.
    fn check_undone(&self, workflow: &Workflow, history: &[Recorded]) -> Result<(), ForkError> {
        let parent = replay(workflow, history.to_vec().into(), u64::MAX)?.state;
        let undone = parent.undos.iter().rev().filter(|undo| {
            parent.unwinding.is_some() && !matches!(undo.node.phase, Phase::Failed { .. })
        });
        match undone.map(|undo| undo.path.compensated()).find(|path| !self.covers(path)) {
            Some(path) => Err(ForkError::Undone { path }),
            None => Ok(()),
        }
    }

    /// The signals that nothing uses which is kept, if some were used by what is not. They have to come after the others: a wait takes
    /// the first that is there.
    fn returned_signals(&self, workflow: &Workflow, history: &[Recorded]) -> BTreeSet<u64> {
        let mut unused: BTreeMap<&SignalName, VecDeque<u64>> = BTreeMap::new();
        let mut returned = BTreeSet::new();
        for recorded in history {
            match &recorded.event {
                Event::SignalReceived { name, .. } => {
                    unused.entry(name).or_default().push_back(recorded.seq);
                }
                Event::WaitEnded { path, .. } => {
                    let name = awaited(workflow, path);
                    let signals = name.and_then(|name| unused.get_mut(&name));
                    let used = signals.and_then(VecDeque::pop_front);
                    returned.extend(used.filter(|_| self.covers(path)));
                }
                _ => {}
            }
        }
        if !returned.is_empty() {
            returned.extend(unused.into_values().flatten());
        }
        returned
    }

    /// Adds the descendants of a step in its own frame, and the step itself if that is wanted.
    fn add_after(&mut self, workflow: &Workflow, path: &Path, with_step: bool) -> Option<()> {
        let start = workflow.position(path.step().as_str())?;
        let mut seen = vec![false; workflow.defs().len()];
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            for edge in &workflow.def(at).outgoing {
                if !std::mem::replace(&mut seen[edge.step as usize], true) {
                    open.push(edge.step);
                }
            }
        }
        seen[start as usize] = with_step;
        let steps = (0..).zip(&seen).filter(|(_, seen)| **seen);
        let id = |at: u32| -> StepId { workflow.def(at).id.clone() };
        self.steps.extend(steps.map(|(at, _)| path.frame().step(id(at))));
        Some(())
    }

    /// Whether a step is done again, by itself or because of what is around it.
    fn covers(&self, path: &Path) -> bool {
        if self.steps.contains(path) {
            return true;
        }
        let mut frame = FramePath::root();
        for (step, index) in path.rounds() {
            let place = frame.step(step.clone());
            if self.steps.contains(&place) || self.is_later(&place, index) {
                return true;
            }
            frame = FramePath::round(&place, index);
        }
        false
    }

    /// Whether a round comes after one that is reset.
    fn is_later(&self, place: &Path, round: u32) -> bool {
        let reopened = self.reopened.get(place).filter(|reopened| reopened.in_turn);
        let first = reopened.and_then(|reopened| reopened.within.first());
        first.is_some_and(|first| round > *first)
    }

    fn keeps(&self, event: &Event) -> bool {
        let reopened = |path: &Path| self.reopened.contains_key(path);
        match event {
            Event::RunStarted { .. }
            | Event::Forked { .. }
            | Event::Migrated { .. }
            | Event::SignalReceived { .. } => true,
            Event::Paused
            | Event::Resumed
            | Event::CancelRequested { .. }
            | Event::UnwindingStarted { .. }
            | Event::RunEnded { .. } => false,
            Event::RouteRequested { path, .. }
            | Event::RouteDecided { path, .. }
            | Event::AttemptStarted { path, .. }
            | Event::AttemptRedispatched { path, .. }
            | Event::HeartbeatReceived { path, .. }
            | Event::AttemptFailed { path, .. } => !path.is_compensation() && !self.covers(path),
            Event::StepSucceeded { path, .. }
            | Event::StepFailed { path, .. }
            | Event::StepStopping { path, .. } => {
                !path.is_compensation() && !self.covers(path) && !reopened(path)
            }
            Event::StepSkipped { path }
            | Event::BranchTaken { path, .. }
            | Event::LoopStarted { path, .. }
            | Event::MapExpanded { path, .. }
            | Event::ItemStarted { path, .. }
            | Event::SubWorkflowStarted { path, .. }
            | Event::DecisionRequested { path, .. }
            | Event::DecisionMade { path, .. }
            | Event::WaitStarted { path, .. }
            | Event::WaitEnded { path, .. } => !self.covers(path),
            // A condition was asked of the step where the edge starts; what it said stays with that. One that erred is asked again.
            Event::EdgeDecided { path, from, error, .. } => {
                let before = path.frame().step(from.clone());
                !self.covers(&before)
                    && !reopened(&before)
                    && (error.is_none() || !self.covers(path))
            }
            Event::RoundStarted { path, round, .. } => {
                !self.covers(path) && !self.is_later(path, *round)
            }
            Event::ItemEnded { path, item, .. } => {
                let again =
                    self.reopened.get(path).is_some_and(|again| again.within.contains(item));
                !self.covers(path) && !again
            }
        }
    }
}
