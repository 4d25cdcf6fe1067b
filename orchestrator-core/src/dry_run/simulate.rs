//! One simulation: a run, workers that are counted, and the instants at which something happens.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::num::NonZeroUsize;
use std::time::Duration;

use super::place::{Key, key};
use super::trace::{Attempt, AttemptIx, Note, Phase, Steps, Trace};
use super::{DryRun, DryRunError};
use crate::path::Path;
use crate::route::{DeclaredOrder, Router};
use crate::run::{AttemptId, Command, Input, Run, StepStatus};
use crate::task::{Task, TaskError, TaskOutput};
use crate::time::Timestamp;

pub(super) struct Simulation<'r> {
    plan: &'r DryRun<'r>,
    run: Run,
    now: Duration,
    /// How many times something has ended. What ends at the same instant is one batch, except what takes no time: it ends in the next.
    batch: u64,
    free: usize,
    somebody_waited: bool,
    attempts: Vec<Attempt>,
    steps: Steps,
    ready: BinaryHeap<Reverse<(Key, AttemptIx)>>,
    working: BinaryHeap<Reverse<(Duration, Key, AttemptIx)>>,
    resting: BinaryHeap<Reverse<(Duration, Key, AttemptIx)>>,
    /// What the outside will say when, in the order in which that was settled, and what caused it.
    inputs: BTreeMap<(Duration, usize), (Input, Option<AttemptIx>)>,
    inputs_made: usize,
}

impl<'r> Simulation<'r> {
    pub(super) fn new(plan: &'r DryRun<'_>, workers: NonZeroUsize) -> Simulation<'r> {
        let mut simulation = Simulation {
            plan,
            run: Run::new(plan.workflow.clone(), plan.options.clone()),
            now: Duration::ZERO,
            batch: 0,
            free: workers.get(),
            somebody_waited: false,
            attempts: Vec::new(),
            steps: Steps::of(&plan.workflow),
            ready: BinaryHeap::new(),
            working: BinaryHeap::new(),
            resting: BinaryHeap::new(),
            inputs: BTreeMap::new(),
            inputs_made: 0,
        };
        for (instant, input) in &plan.inputs {
            simulation.say_at(*instant, input.clone(), None);
        }
        simulation
    }

    pub(super) fn finish(mut self) -> Result<Trace, DryRunError> {
        self.tell(Input::Started, None)?;
        loop {
            // Routes are chosen before work begins, so that what is ready at this instant begins in definition order.
            while let Some(said) = self.inputs.first_entry()
                && said.key().0 <= self.now
                && self.run.result().is_none()
            {
                let (input, cause) = said.remove();
                self.tell(input, cause)?;
            }
            if let Some(result) = self.run.result() {
                return Ok(Trace {
                    result: result.clone(),
                    makespan: self.now,
                    somebody_waited: self.somebody_waited,
                    attempts: self.attempts,
                    steps: self.steps,
                });
            }
            self.begin_work()?;
            self.now = self.next_instant().ok_or_else(|| self.stalled())?;
            self.batch += 1;
            self.end_work()?;
            self.pass_time()?;
            while let Some(Reverse((instant, ..))) = self.resting.peek()
                && *instant <= self.now
                && let Some(Reverse((_, key, attempt))) = self.resting.pop()
            {
                self.ready.push(Reverse((key, attempt)));
            }
        }
    }

    fn begin_work(&mut self) -> Result<(), DryRunError> {
        while self.free > 0
            && let Some(Reverse((key, ix))) = self.ready.pop()
        {
            let attempt = &mut self.attempts[ix];
            match std::mem::replace(&mut attempt.phase, Phase::Never) {
                Phase::Waiting(answer) => {
                    attempt.phase = Phase::Working { since: self.now, answer };
                    let end = self.now.checked_add(attempt.duration);
                    let too_long = || DryRunError::TooLong { path: attempt.id.path.clone() };
                    self.working.push(Reverse((end.ok_or_else(too_long)?, key, ix)));
                    self.free -= 1;
                }
                // Called off while it waited.
                phase => attempt.phase = phase,
            }
        }
        self.somebody_waited |= !self.ready.is_empty();
        Ok(())
    }

    /// The next instant at which something can happen.
    fn next_instant(&mut self) -> Option<Duration> {
        while let Some(Reverse((.., ix))) = self.working.peek()
            && !matches!(self.attempts[*ix].phase, Phase::Working { .. })
        {
            self.working.pop();
        }
        let ends = self.working.peek().map(|Reverse((instant, ..))| *instant);
        let rests = self.resting.peek().map(|Reverse((instant, ..))| *instant);
        let says = self.inputs.first_key_value().map(|((instant, _), _)| *instant);
        let deadline = self.run.next_deadline().map(|at| Duration::from_millis(at.0));
        let next = [ends, rests, says, deadline].into_iter().flatten().min()?;
        Some(next.max(self.now))
    }

    /// Frees the workers whose attempts end now, then says what came of them, in definition order.
    fn end_work(&mut self) -> Result<(), DryRunError> {
        let mut ended = Vec::new();
        while let Some(Reverse((instant, ..))) = self.working.peek()
            && *instant <= self.now
            && let Some(Reverse((_, _, ix))) = self.working.pop()
        {
            if let Some(answer) = self.end(ix) {
                ended.push((ix, answer));
            }
        }
        for (ix, result) in ended {
            let attempt = self.attempts[ix].id.clone();
            self.tell(Input::Answered { attempt, result }, Some(ix))?;
        }
        Ok(())
    }

    /// Frees the worker of an attempt, if one is at it, and gives what it would have said.
    fn end(&mut self, ix: AttemptIx) -> Option<Result<TaskOutput, TaskError>> {
        let (until, batch) = (self.now, self.batch);
        let phase = &mut self.attempts[ix].phase;
        match std::mem::replace(phase, Phase::Never) {
            Phase::Working { since, answer } => {
                *phase = Phase::Ended { since, until, batch };
                self.free += 1;
                Some(answer)
            }
            Phase::Waiting(answer) => Some(answer),
            over @ (Phase::Ended { .. } | Phase::Never) => {
                *phase = over;
                None
            }
        }
    }

    /// Tells the run of a deadline that has come.
    fn pass_time(&mut self) -> Result<(), DryRunError> {
        let due = self.run.next_deadline().filter(|&deadline| deadline <= self.timestamp());
        if due.is_some() {
            self.tell(Input::TimePassed, None)?;
            if self.run.next_deadline() == due && self.run.result().is_none() {
                // It would come again for ever.
                return Err(self.stalled());
            }
        }
        Ok(())
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp::default().after(self.now)
    }

    fn stalled(&self) -> DryRunError {
        let open = |path: &Path| match self.run.status(path) {
            Some(StepStatus::Succeeded | StepStatus::Failed | StepStatus::Skipped) => false,
            None
            | Some(
                StepStatus::Waiting
                | StepStatus::Running
                | StepStatus::Resting
                | StepStatus::Awaiting
                | StepStatus::Stopping,
            ) => true,
        };
        let steps = self.plan.workflow.steps().filter(|step| {
            open(&Path::parse(step.as_str()).expect("the name of a step is a path"))
        });
        DryRunError::Stalled { at: self.now, open: steps.cloned().collect() }
    }

    fn say_at(&mut self, instant: Duration, input: Input, cause: Option<AttemptIx>) {
        self.inputs.insert((instant, self.inputs_made), (input, cause));
        self.inputs_made += 1;
    }

    /// Hands an input to the run, and carries out what follows.
    fn tell(&mut self, input: Input, cause: Option<AttemptIx>) -> Result<(), DryRunError> {
        let told = self.timestamp();
        self.run.handle(told, input)?;
        while let Some(recorded) = self.run.poll_event() {
            let (now, batch, seq) = (self.now, self.batch, recorded.seq);
            self.steps.note(&recorded.event, &Note { now, told, batch, seq, cause });
        }
        self.run.committed(u64::MAX);
        while let Some(command) = self.run.poll_command() {
            self.carry_out(&command)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, command: &Command) -> Result<(), DryRunError> {
        let (path, said) = match command {
            Command::Execute { attempt, task, .. } => return self.hand_out(attempt, task),
            Command::Cancel { attempt } => return self.call_off(attempt),
            // Whoever would have answered is not asked again.
            Command::Withdraw { .. } => return Ok(()),
            // Without an answer the decision's deadline comes, if it has one.
            Command::Decide { path, .. } => match (self.plan.replies)(command) {
                Some(said) => (path, said),
                None => return Ok(()),
            },
            Command::Route { attempt, request, candidates } => {
                let said = (self.plan.replies)(command).unwrap_or_else(|| {
                    let result = DeclaredOrder.route(request, candidates);
                    (Duration::ZERO, Input::Routed { attempt: attempt.clone(), result })
                });
                (&attempt.path, said)
            }
        };
        let key = key(&self.plan.workflow, path);
        let cause = self.steps.get(&key).and_then(|seen| seen.latest.or(seen.cause));
        let instant = self.now.checked_add(said.0);
        let too_long = || DryRunError::TooLong { path: path.clone() };
        self.say_at(instant.ok_or_else(too_long)?, said.1, cause);
        Ok(())
    }

    fn hand_out(&mut self, id: &AttemptId, task: &Task) -> Result<(), DryRunError> {
        let AttemptId { path, attempt } = id.clone();
        let duration = (self.plan.durations)(&path, attempt);
        let duration = duration.ok_or(DryRunError::NoDuration { path: path.clone(), attempt })?;
        let key = key(&self.plan.workflow, &path);
        let ix = self.attempts.len();
        let seen = self.steps.at(key.clone());
        let cause = seen.latest.replace(ix).or(seen.cause);
        let ready_at = seen.rests_until.max(self.now);
        self.attempts.push(Attempt {
            key: key.clone(),
            id: id.clone(),
            duration,
            phase: Phase::Waiting((self.plan.answers)(task)),
            begun: seen.begun,
            cause,
        });
        if ready_at > self.now {
            self.resting.push(Reverse((ready_at, key, ix)));
        } else {
            self.ready.push(Reverse((key, ix)));
        }
        Ok(())
    }

    /// A worker that is told to stop does so at once.
    fn call_off(&mut self, id: &AttemptId) -> Result<(), DryRunError> {
        let key = key(&self.plan.workflow, &id.path);
        let latest = self.steps.get(&key).and_then(|seen| seen.latest);
        if let Some(ix) = latest.filter(|&ix| self.attempts[ix].id == *id)
            && self.end(ix).is_some()
        {
            let result = Err(TaskError::cancelled());
            self.say_at(self.now, Input::Answered { attempt: id.clone(), result }, Some(ix));
        }
        Ok(())
    }
}
