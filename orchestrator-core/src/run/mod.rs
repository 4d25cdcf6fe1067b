//! A run: the sans-IO state machine that decides who works when.
//!
//! Nothing in this folder reads a clock, draws a random number, spawns, sleeps, prints, or touches a file, a socket or a future, and
//! nothing iterates in an order that is not defined. The same definition, options and sequence of `(now, Input)` give the same bytes.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod apply;
mod command;
mod decide;
mod emit;
mod event;
mod fits;
mod fork;
mod history;
mod input;
mod join;
mod migrate;
mod node;
mod options;
mod restore;
mod settle;
mod sight;
mod snapshot;
mod state;
mod view;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

pub use apply::Misfit;
pub use command::Command;
pub use event::{Decided, Event, Recorded, RunResult};
pub use fork::{ForkError, fork};
pub use input::{AttemptId, Handled, Ignored, Input, InputError};
pub use migrate::migrate;
pub(crate) use migrate::stand_in;
pub use options::{REDISPATCHES_MAX, RunOptions, SIGNALS_MAX, Staff};
pub use restore::{Past, RestoreError};
pub use snapshot::Snapshot;
pub use view::{RunView, StepView};

use crate::id::RunId;
use crate::path::Path;
use crate::payload::Payload;
use crate::time::Timestamp;
use crate::workflow::Workflow;
use history::History;
use node::{NodeIx, Phase};
use state::State;

/// One execution of a workflow, driven by its host.
///
/// # Contract
/// 1. [`handle`](Run::handle) takes one input with the present time. Its events are one batch: keep all of them or none.
/// 2. [`poll_event`](Run::poll_event) yields each event once. Persist them in order; then say so with
///    [`committed`](Run::committed). A host that keeps nothing commits at once.
/// 3. [`poll_command`](Run::poll_command) yields each command once, and none whose cause is not committed. Carry it out; its
///    result is an input. A run that is over yields none: what is still handed out then, an attempt that ran out of time say, is no
///    longer wanted, and the host tells it so.
/// 4. [`next_deadline`](Run::next_deadline) says when to send [`Input::TimePassed`] if nothing else happens.
///
/// The calls may come in any order and as often as one likes. An answer that is late or comes twice is [`Handled::Ignored`]
/// and leaves no event; an id that never was is an error and changes nothing.
///
/// ```
/// use orchestrator_core::{Command, Input, Role, Run, RunOptions, Step, Timestamp, Workflow};
///
/// let workflow = Workflow::builder("greet").step(Step::task("hello", Role::GENERIC)).build()?;
/// let mut run = Run::new(workflow, RunOptions::new("run-1", "greet the world")?);
/// let now = Timestamp(0);
/// run.handle(now, Input::Started)?;
/// while run.result().is_none() {
///     while let Some(recorded) = run.poll_event() {
///         let seq = recorded.seq; // a host with a store writes the event here
///         run.committed(seq);
///     }
///     while let Some(command) = run.poll_command() {
///         if let Command::Execute { attempt, task, .. } = command {
///             let result = Ok(task.input().clone().into()); // the host works here
///             run.handle(now, Input::Answered { attempt, result })?;
///         }
///     }
/// }
/// assert_eq!(run.outcome().unwrap().outputs.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Run {
    workflow: Workflow,
    options: RunOptions,
    state: State,
    /// The instant of the last event: time does not run backwards.
    now: Timestamp,
    history: History,
    /// The last event that has been polled.
    polled: u64,
    committed: u64,
    /// Commands with the event that caused them, in order.
    commands: VecDeque<(u64, emit::Pending)>,
    result: Option<RunResult>,
}

/// What a step is at, as its host sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepStatus {
    /// Its join has not fired.
    Waiting,
    /// A router, a worker or a loop's body is at it.
    Running,
    /// It rests before its next attempt.
    Resting,
    /// It waits for a person, a signal or an instant.
    Awaiting,
    /// It will fail as soon as what it has under way has been answered.
    Stopping,
    /// It has succeeded.
    Succeeded,
    /// It has failed.
    Failed,
    /// It will not be done.
    Skipped,
}

/// How a run ended and what its steps gave: canonical, and without times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunOutcome {
    /// How it ended.
    pub result: RunResult,
    /// The output of every step that succeeded, those inside rounds and items included.
    pub outputs: BTreeMap<Path, Payload>,
    /// The compensations that failed, in the order of their paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncompensated: Vec<Path>,
}

impl Run {
    /// A run that has not started.
    pub fn new(workflow: Workflow, options: RunOptions) -> Run {
        Run {
            workflow,
            options,
            state: State::default(),
            now: Timestamp::default(),
            history: History::default(),
            polled: 0,
            committed: 0,
            commands: VecDeque::new(),
            result: None,
        }
    }

    /// Takes an input, as of `now`; a `now` before the last event counts as that event's.
    ///
    /// # Errors
    /// When the input names what never was. Nothing has changed then.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Result<Handled, InputError> {
        let (before, events) = (self.now, self.event_count());
        self.now = before.max(now);
        let handled = self.decide(input);
        if self.event_count() == events {
            // Events alone change a run: time that left no trace in the history would be forgotten by a restore.
            self.now = before;
        }
        handled
    }

    /// The next event that has not been polled.
    pub fn poll_event(&mut self) -> Option<Recorded> {
        let recorded = self.history.recorded(self.polled + 1, &self.state)?;
        self.polled += 1;
        Some(recorded)
    }

    /// Says that every event up to `seq` is safe; commands that they caused may go out. A number that no event has yet counts as the
    /// last that one has.
    pub fn committed(&mut self, seq: u64) {
        self.committed = self.committed.max(seq.min(self.event_count()));
    }

    /// Says that every event that has been polled is safe: the short form for hosts without a store.
    pub fn commit_polled(&mut self) {
        self.committed(self.polled);
    }

    /// When to send [`Input::TimePassed`], if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if self.state.paused {
            return None;
        }
        self.state.deadlines.first().map(|(instant, _, _)| *instant)
    }

    /// The name of the run.
    pub fn id(&self) -> &RunId {
        &self.options.id
    }

    /// The definition that it follows.
    pub fn workflow(&self) -> &Workflow {
        &self.workflow
    }

    /// How it ended, once it has.
    pub fn result(&self) -> Option<&RunResult> {
        self.result.as_ref()
    }

    /// Everything that happened, from the first event on that has not been [trimmed](Run::trim). Made anew by every call, at a cost of
    /// its length; of a single event, [`event`](Run::event) is cheaper.
    pub fn history(&self) -> Vec<Recorded> {
        let first = self.history.base() + 1;
        (first..=self.history.last()).filter_map(|seq| self.event(seq)).collect()
    }

    /// The event with a number, counted from 1; `None` if it has not happened or has been trimmed.
    pub fn event(&self, seq: u64) -> Option<Recorded> {
        self.history.recorded(seq, &self.state)
    }

    /// The number of the oldest event that is kept, or of the next one if none is.
    pub(crate) fn oldest_event(&self) -> u64 {
        self.history.base() + 1
    }

    /// How many events there have been, those that were trimmed included: the number of the last one.
    pub fn event_count(&self) -> u64 {
        self.history.last()
    }

    /// Forgets events up to `seq` that have been polled and committed, some of the last of them excepted: of use when a
    /// [`snapshot`](Run::snapshot) of them is safe. Their effect stays.
    pub fn trim(&mut self, seq: u64) {
        self.history.trim(seq.min(self.polled).min(self.committed));
    }

    /// How many attempts and routings are unanswered.
    pub fn in_flight(&self) -> usize {
        self.state.in_flight() as usize
    }

    /// What a step is at; `None` when there is no such step, or its round has not begun.
    pub fn status(&self, path: &Path) -> Option<StepStatus> {
        self.state.locate(path).ok().map(|node| self.state.status(node))
    }

    /// How the run ended and what its steps gave, once it is over. Of a loop the rounds that are kept.
    pub fn outcome(&self) -> Option<RunOutcome> {
        let result = self.result.clone()?;
        let outputs = self.state.nodes().filter(|(node, _)| !node.is_undo());
        let outputs = outputs.filter_map(|(node, _)| {
            Some((self.state.path(node), self.state.output(node)?.clone()))
        });
        // In the order of the paths: that in which they were tried tells who answered first.
        let mut uncompensated = self.state.uncompensated.clone();
        uncompensated.sort();
        Some(RunOutcome { result, outputs: outputs.collect(), uncompensated })
    }
}

impl State {
    fn status(&self, node: NodeIx) -> StepStatus {
        match &self.node(node).phase {
            Phase::Waiting => StepStatus::Waiting,
            Phase::Routing { .. } | Phase::Working { .. } | Phase::Inside => StepStatus::Running,
            Phase::Resting { .. } => StepStatus::Resting,
            Phase::Asking | Phase::Awaiting => StepStatus::Awaiting,
            Phase::Stopping { .. } => StepStatus::Stopping,
            Phase::Succeeded { .. } => StepStatus::Succeeded,
            Phase::Failed { .. } => StepStatus::Failed,
            Phase::Skipped => StepStatus::Skipped,
        }
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("id", &self.options.id)
            .field("workflow", &self.workflow)
            .field("events", &self.event_count())
            .field("result", &self.result)
            .finish_non_exhaustive()
    }
}
