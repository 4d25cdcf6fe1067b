//! A dry run: drives a [`Run`](crate::Run) in virtual time and says how long it takes, and why.
//!
//! What it drives is the state machine itself and no model of it, so that joins, loops, retries and failures behave as they will in earnest;
//! only the workers are thought of: each attempt takes the time that it is said or was recorded to take, and gives the answer that it is
//! said or was recorded to give. At every instant the workers whose attempts end are free first, then attempts that are ready start, in
//! definition order, as long as a worker is free.
//!
//! It reads no clock, knows no futures, and calls no worker. It does not seek the best schedule, nor does it know queues between hosts,
//! priorities, or workers that differ in speed. Attempts count in nanoseconds; a run counts in milliseconds, and what a rest between two
//! attempts lacks below that is waited for here.
//!
//! ```
//! use orchestrator_core::{DryRun, Role, Step, Workflow};
//! use std::{num::NonZeroUsize, time::Duration};
//!
//! let workflow = Workflow::builder("diamond")
//!     .step(Step::task("a", Role::GENERIC))
//!     .step(Step::task("b", Role::GENERIC).after("a"))
//!     .step(Step::task("c", Role::GENERIC).after("a"))
//!     .step(Step::task("d", Role::GENERIC).after_all(["b", "c"]))
//!     .build()?;
//! let seconds = |step: &str| if step == "c" { 5 } else { 2 };
//! let dry_run = DryRun::new(&workflow)
//!     .workers(NonZeroUsize::new(2).unwrap())
//!     .duration(|path, _attempt| Duration::from_secs(seconds(path.step().as_str())));
//!
//! let report = dry_run.report()?;
//! assert_eq!((report.steps, report.edges, report.depth), (4, 4, 3));
//! assert_eq!(report.makespan, Duration::from_secs(9));
//! assert_eq!(format!("{:?}", report.critical_path), "[a, c, d]");
//!
//! let alone = dry_run.what_if([NonZeroUsize::MIN])?;
//! assert_eq!(alone[0].makespan, Duration::from_secs(11));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod place;
mod recorded;
mod report;
mod shape;
mod simulate;
mod trace;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

pub use report::{DryRunReport, WhatIf};

use crate::id::StepId;
use crate::path::Path;
use crate::payload::Payload;
use crate::run::{Command, Input, InputError, Recorded, RunOptions};
use crate::task::{Task, TaskError, TaskOutput};
use crate::workflow::Workflow;
use simulate::Simulation;

/// Why there is nothing to report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DryRunError {
    /// Say how long it takes, with [`Step::expected`](crate::Step::expected), [`DryRun::duration`] or [`DryRun::durations`], or record a run that got that far.
    #[error("nobody has said how long attempt {attempt} of step {path} takes")]
    NoDuration {
        /// The step.
        path: Path,
        /// Which attempt, counted from 1.
        attempt: u32,
    },
    /// Virtual time ends after 2^64 seconds; give shorter durations.
    #[error("step {path} ends beyond the end of time")]
    TooLong {
        /// The step.
        path: Path,
    },
    /// The run waits for something that nobody will say: a command without a reply. See [`DryRun::replies`] and [`DryRun::input_at`].
    #[error("after {} s nothing more happens, and the run is not over; open steps: {}", at.as_secs_f64(), names(open))]
    Stalled {
        /// The virtual time.
        at: Duration,
        /// The steps of the workflow itself that have not ended, in definition order.
        open: Vec<StepId>,
    },
    /// A reply or a scheduled input names what is not there.
    #[error("the run refused an input: {0}")]
    Input(#[from] InputError),
}

fn names(steps: &[StepId]) -> String {
    steps.iter().map(StepId::as_str).collect::<Vec<_>>().join(", ")
}

type Durations<'a> = Box<dyn Fn(&Path, u32) -> Option<Duration> + 'a>;
type Answers<'a> = Box<dyn Fn(&Task) -> Result<TaskOutput, TaskError> + 'a>;
type Replies<'a> = Box<dyn Fn(&Command) -> Option<(Duration, Input)> + 'a>;

/// What is thought of the world in which a workflow shall run. The closures are called once an attempt or command in every simulation, and
/// there are several: the same arguments must give the same result.
pub struct DryRun<'a> {
    workflow: Workflow,
    options: RunOptions,
    workers: NonZeroUsize,
    durations: Durations<'a>,
    answers: Answers<'a>,
    replies: Replies<'a>,
    inputs: Vec<(Duration, Input)>,
}

impl<'a> DryRun<'a> {
    /// A dry run on one worker. Attempts take as long as their steps are [expected](crate::Step::expected) to; every attempt succeeds and gives `null` unless
    /// [`answers`](DryRun::answers) says otherwise (what joins do with the outputs of many would else grow from step to step).
    pub fn new(workflow: &Workflow) -> DryRun<'a> {
        let authored = workflow.clone();
        DryRun {
            workflow: workflow.clone(),
            options: RunOptions::new("dry-run", "a dry run").expect("a valid name"),
            workers: NonZeroUsize::MIN,
            durations: Box::new(move |path, _| place::expected(&authored, path)),
            answers: Box::new(|_| Ok(Payload::null().into())),
            replies: Box::new(|_| None),
            inputs: Vec::new(),
        }
    }

    /// How many attempts can be made at the same time.
    #[must_use]
    pub fn workers(self, workers: NonZeroUsize) -> Self {
        DryRun { workers, ..self }
    }

    /// The arguments of the run: its goal, input, seed and staff.
    #[must_use]
    pub fn options(self, options: RunOptions) -> Self {
        DryRun { options, ..self }
    }

    /// How long an attempt (counted from 1) of a step takes.
    #[must_use]
    pub fn duration(self, duration: impl Fn(&Path, u32) -> Duration + 'a) -> Self {
        let durations = move |path: &Path, attempt| Some(duration(path, attempt));
        DryRun { durations: Box::new(durations), ..self }
    }

    /// How long every attempt of a step takes, in whatever round.
    #[must_use]
    pub fn durations(self, durations: BTreeMap<StepId, Duration>) -> Self {
        let durations = move |path: &Path, _| durations.get(path.step()).copied();
        DryRun { durations: Box::new(durations), ..self }
    }

    /// Durations and answers as a run had them, attempt for attempt: from the event with which an attempt began (or was handed out again,
    /// the last time) to the one with which it ended. The time for which it waited for a free place counts as its own: a history does not
    /// tell them apart. An output is recorded as the step's transformer had left it, which is called again on it; for steps where
    /// that matters call [`answers`](DryRun::answers) after this.
    #[must_use]
    pub fn recorded(self, history: &[Recorded]) -> Self {
        let recording = std::rc::Rc::new(recorded::Recording::of(history));
        let answers = recording.clone();
        DryRun {
            durations: Box::new(move |path, attempt| recording.duration(path, attempt)),
            answers: Box::new(move |task| answers.answer(task)),
            ..self
        }
    }

    /// What a worker says.
    #[must_use]
    pub fn answers(self, answers: impl Fn(&Task) -> Result<TaskOutput, TaskError> + 'a) -> Self {
        DryRun { answers: Box::new(answers), ..self }
    }

    /// What the outside says to commands other than [`Command::Execute`], and after how long. For `None` the router takes the first
    /// candidate at once, and everything else is met with silence.
    #[must_use]
    pub fn replies(self, replies: impl Fn(&Command) -> Option<(Duration, Input)> + 'a) -> Self {
        DryRun { replies: Box::new(replies), ..self }
    }

    /// Tells the run something unasked, so long after its start: that it is cancelled, say. Has no effect once the run is over.
    #[must_use]
    pub fn input_at(mut self, instant: Duration, input: Input) -> Self {
        self.inputs.push((instant, input));
        self
    }

    /// Runs it, on the given number of workers and on as many as there are attempts (which gives the critical path).
    ///
    /// # Errors
    /// When the durations, replies or inputs do not suffice to get to an end.
    pub fn report(&self) -> Result<DryRunReport, DryRunError> {
        let trace = Simulation::new(self, self.workers).finish()?;
        let unlimited = match trace.somebody_waited {
            true => Some(Simulation::new(self, NonZeroUsize::MAX).finish()?),
            false => None,
        };
        let widest = unlimited.as_ref().unwrap_or(&trace);
        let shape = shape::shape(&self.workflow, &trace);
        Ok(DryRunReport {
            workers: self.workers,
            steps: shape.steps,
            edges: shape.edges,
            depth: shape.depth,
            attempts: trace.attempts.len() as u64,
            makespan: trace.makespan,
            critical_path: widest.critical_path(),
            critical_path_length: widest.makespan,
            utilisation: trace.utilisation(self.workers),
            result: trace.result,
        })
    }

    /// What other numbers of workers would give, in the order in which they are asked for.
    ///
    /// # Errors
    /// As [`report`](DryRun::report).
    pub fn what_if(
        &self,
        workers: impl IntoIterator<Item = NonZeroUsize>,
    ) -> Result<Vec<WhatIf>, DryRunError> {
        let simulate = |workers| {
            let trace = Simulation::new(self, workers).finish()?;
            let (makespan, utilisation) = (trace.makespan, trace.utilisation(workers));
            Ok(WhatIf { workers, makespan, utilisation })
        };
        workers.into_iter().map(simulate).collect()
    }
}
