//! Attempts: who makes them, how often, when the next one begins, and how they end.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Cause, Checked, Phase, Place, Reference, Rule, broken, frames, must};
use crate::id::{Capability, Role, WorkerName};
use crate::path::Path;
use crate::payload::Payload;
use crate::retry::RetryPolicy;
use crate::run::{AttemptId, Event, Input};
use crate::task::{Failure, TaskError};
use crate::time::Timestamp;
use crate::workflow::{Kind, Step};

impl<'m> Reference<'m> {
    /// Where the attempts of a path are counted.
    fn place(&self, path: &Path) -> Checked<Place> {
        let text = path.to_string();
        if !path.is_compensation() {
            return self.step(path).map(|(key, at)| Place::Step(key, at));
        }
        let undo = self.undos.iter().position(|undo| self.undo_path(undo) == text);
        undo.map(Place::Undo).ok_or_else(|| (Rule::Unwinding, "there is nothing to undo".into()))
    }

    fn phase(&self, place: &Place) -> &Phase {
        match place {
            Place::Step(key, at) => &self.node(key, *at).phase,
            Place::Undo(at) => &self.undos[*at].phase,
        }
    }

    fn phase_mut(&mut self, place: &Place) -> &mut Phase {
        match place {
            Place::Step(key, at) => &mut self.node_mut(key, *at).phase,
            Place::Undo(at) => &mut self.undos[*at].phase,
        }
    }

    /// Who is to do it, and how often.
    fn policy(
        &self,
        place: &Place,
    ) -> Checked<(&'m Role, &'m BTreeSet<Capability>, &'m RetryPolicy)> {
        const NONE: &BTreeSet<Capability> = &BTreeSet::new();
        match place {
            Place::Step(key, at) => match (self.def(key, *at).kind(), &self.def(key, *at).step) {
                (Kind::Task { role, requires }, step) => Ok((role, requires, &step.retry)),
                _ => broken(Rule::Attempts, "only tasks and compensations have attempts"),
            },
            Place::Undo(at) => {
                let (key, at) = &self.undos[*at].place;
                let undo = self.def(key, *at).step.compensation.as_ref();
                let undo = undo.expect("only what can be undone is kept");
                Ok((&undo.role, NONE, &undo.retry))
            }
        }
    }

    /// The step as it is written: an attempt to undo it may take as long as one to do it.
    fn written(&self, place: &Place) -> &'m Step {
        let (key, at) = match place {
            Place::Step(key, at) => (key, at),
            Place::Undo(undo) => (&self.undos[*undo].place.0, &self.undos[*undo].place.1),
        };
        &self.def(key, *at).step
    }

    /// Who is able to play a role.
    pub(super) fn able(&self, role: &Role, requires: &BTreeSet<Capability>) -> Vec<WorkerName> {
        let staff = self.terms.staff.iter().filter(|(filled, _)| filled == role);
        let staff: Vec<_> = staff.map(|(_, candidate)| candidate).collect();
        if staff.is_empty() {
            let name = WorkerName::parse(role).expect("a role's name is a name");
            return vec![name];
        }
        let able = staff.into_iter().filter(|candidate| {
            requires.iter().all(|needed| candidate.capabilities.contains(needed))
        });
        able.map(|candidate| candidate.worker.clone()).collect()
    }

    /// Whether work of this kind may begin at all.
    fn may_attempt(&self, place: &Place) -> Checked {
        match place {
            Place::Step(key, _) => self.may_work(key),
            Place::Undo(at) => {
                must(!self.paused, Rule::Pause, || "the run is paused".into())?;
                let unwinds = self.unwinding.is_some();
                must(unwinds, Rule::Unwinding, || "the run does not unwind".into())?;
                let later = self.undos[at + 1..].iter().all(|undo| undo.phase.is_end());
                must(later, Rule::Unwinding, || "a later success is to be undone first".into())
            }
        }
    }

    /// An attempt begins, or is routed.
    fn attempt_begins(
        &mut self,
        path: &Path,
        attempt: u32,
        worker: Option<&WorkerName>,
        input: Option<&Payload>,
    ) -> Checked {
        let place = self.place(path)?;
        let (role, requires, retry) = self.policy(&place)?;
        match (self.phase(&place).clone(), &place) {
            (Phase::Resting { attempt: last, until }, _) => {
                self.may_attempt(&place)?;
                must(attempt == last + 1, Rule::Attempts, || format!("after attempt {last}"))?;
                must(self.at >= until, Rule::Attempts, || format!("it rests until {until}"))?;
                must(input.is_none(), Rule::Value, || "the input is known".into())?;
            }
            (_, Place::Step(key, at)) => {
                must(attempt == 1, Rule::Attempts, || "the first is number 1".into())?;
                self.begin(key, *at, input)?;
            }
            (phase, Place::Undo(at)) => {
                self.may_attempt(&place)?;
                must(phase == Phase::Waiting && attempt == 1, Rule::Unwinding, || {
                    format!("the compensation is at {phase:?}")
                })?;
                let given = &self.undos[*at].output;
                must(input.is_none_or(|input| input == given), Rule::Value, || {
                    "a compensation gets the output of its step".into()
                })?;
            }
        }
        let max = retry.attempts_max;
        must(attempt <= max, Rule::Attempts, || format!("there are {max}"))?;
        let able = self.able(role, requires);
        let fits = match worker {
            Some(worker) => able == [worker.clone()],
            None => able.len() > 1,
        };
        must(fits, Rule::Value, || format!("able are {able:?}"))?;
        let (began, redispatches) = (self.at, 0);
        *self.phase_mut(&place) = match worker {
            Some(_) => Phase::Working { attempt, redispatches, began, beat: began },
            None => Phase::Routing { attempt, redispatches },
        };
        Ok(())
    }

    pub(super) fn attempt_event(&mut self, event: &Event, cause: Cause<'_>) -> Checked {
        match event {
            Event::RouteRequested { path, attempt, input } => {
                self.attempt_begins(path, *attempt, None, input.as_ref())
            }
            Event::AttemptStarted { path, attempt, worker, input } => {
                self.attempt_begins(path, *attempt, Some(worker), input.as_ref())
            }
            Event::RouteDecided { path, attempt, decision } => {
                let place = self.place(path)?;
                let (role, requires, _) = self.policy(&place)?;
                let open =
                    matches!(self.phase(&place), Phase::Routing { attempt: a, .. } if a == attempt);
                must(open, Rule::Attempts, || "nobody was asked".into())?;
                if let Place::Step(key, _) = &place {
                    must(self.cancelled.is_none(), Rule::Cancel, || "the run is cancelled".into())?;
                    must(self.alive(key), Rule::Frames, || "it has ended or stops".into())?;
                }
                let told = matches!(cause, Cause::Unknown)
                    || matches!(cause, Cause::Told(Input::Routed { attempt: id, result: Ok(said) })
                        if is(id, path, *attempt) && said == decision);
                must(told, Rule::Cause, || "the router did not say so".into())?;
                let able = self.able(role, requires);
                let fits = able.contains(&decision.worker);
                must(fits, Rule::Value, || format!("able are {able:?}"))?;
                let began = self.at;
                *self.phase_mut(&place) =
                    Phase::Working { attempt: *attempt, redispatches: 0, began, beat: began };
                Ok(())
            }
            Event::AttemptRedispatched { path, attempt, redispatches } => {
                self.redispatched(path, *attempt, *redispatches, cause)
            }
            Event::HeartbeatReceived { path, attempt } => self.heartbeat(path, *attempt, cause),
            Event::AttemptFailed { path, attempt, error, retry_at } => {
                let place = self.place(path)?;
                let (.., retry) = self.policy(&place)?;
                self.in_attempt(&place, *attempt)?;
                let again = self.may_repeat(&place, *attempt, error)?;
                must(again, Rule::Attempts, || "there is no further attempt".into())?;
                self.check_failure(&place, path, *attempt, error, cause)?;
                let (least, most) = rest(retry, *attempt, error);
                let fits = (self.at.after(least)..=self.at.after(most)).contains(retry_at);
                must(fits, Rule::Attempts, || format!("it rests for {least:?} to {most:?}"))?;
                *self.phase_mut(&place) = Phase::Resting { attempt: *attempt, until: *retry_at };
                Ok(())
            }
            Event::StepSucceeded { path, attempt, output, .. } => {
                let place = self.place(path)?;
                self.in_attempt(&place, *attempt)?;
                let made = |given: &Payload| match &place {
                    Place::Undo(_) => self.limited(given.clone()),
                    Place::Step(key, at) => {
                        let transformer = self.def(key, *at).step.output.as_ref();
                        self.transformed(key, *at, transformer, given)
                    }
                };
                let told = match cause {
                    Cause::Unknown => true,
                    Cause::Told(Input::Answered { attempt: id, result: Ok(said) }) => {
                        is(id, path, *attempt) && made(&said.payload).as_ref() == Ok(output)
                    }
                    Cause::Restored | Cause::Told(_) => false,
                };
                must(told, Rule::Cause, || "the worker did not say so".into())?;
                let phase = Phase::Succeeded { output: output.clone() };
                self.end_place(&place, phase)
            }
            _ => unreachable!("not an event of an attempt"),
        }
    }

    fn redispatched(
        &mut self,
        path: &Path,
        attempt: u32,
        redispatches: u32,
        cause: Cause<'_>,
    ) -> Checked {
        let restored = matches!(cause, Cause::Unknown | Cause::Restored);
        must(restored, Rule::Redispatches, || "the host was not down".into())?;
        must(self.cancelled.is_none() || path.is_compensation(), Rule::Cancel, || {
            "the run is cancelled".into()
        })?;
        let max = self.terms.redispatches_max;
        must(redispatches <= max, Rule::Redispatches, || format!("there are {max}"))?;
        let (place, now) = (self.place(path)?, self.at);
        if let Place::Step(key, _) = &place {
            must(self.alive(key), Rule::Frames, || "what it is part of has ended or stops".into())?;
        }
        match self.phase_mut(&place) {
            Phase::Routing { attempt: a, redispatches: r } if *a == attempt => {
                must(redispatches == *r + 1, Rule::Redispatches, || "miscounted".into())?;
                *r = redispatches;
            }
            Phase::Working { attempt: a, redispatches: r, began, beat } if *a == attempt => {
                must(redispatches == *r + 1, Rule::Redispatches, || "miscounted".into())?;
                (*r, *began, *beat) = (redispatches, now, now);
            }
            other => return broken(Rule::Redispatches, format!("it is at {other:?}")),
        }
        Ok(())
    }

    fn heartbeat(&mut self, path: &Path, attempt: u32, cause: Cause<'_>) -> Checked {
        let told = matches!(cause, Cause::Unknown)
            || matches!(cause, Cause::Told(Input::Heartbeat { attempt: id }) if is(id, path, attempt));
        must(told, Rule::Cause, || "nobody sent it".into())?;
        let (place, now) = (self.place(path)?, self.at);
        let Some(limit) = self.written(&place).timeouts.heartbeat_ms else {
            return broken(Rule::Deadline, "the step needs no heartbeat");
        };
        match self.phase_mut(&place) {
            Phase::Working { attempt: a, beat, .. } if *a == attempt => {
                let often = now < beat.after(Duration::from_millis(limit / 2));
                must(!often, Rule::Deadline, || "recorded more than twice in its time".into())?;
                *beat = now;
                Ok(())
            }
            other => broken(Rule::Attempts, format!("it is at {other:?}")),
        }
    }

    fn in_attempt(&self, place: &Place, attempt: u32) -> Checked {
        match self.phase(place) {
            Phase::Routing { attempt: a, .. } | Phase::Working { attempt: a, .. }
                if *a == attempt =>
            {
                Ok(())
            }
            other => broken(Rule::Attempts, format!("it is at {other:?}")),
        }
    }

    /// Whether the policy and the state of the run allow another attempt after this failure.
    fn may_repeat(&self, place: &Place, attempt: u32, error: &TaskError) -> Checked<bool> {
        let (.., retry) = self.policy(place)?;
        let by_kind = match error.failure {
            Failure::Retryable { .. } => true,
            Failure::OutcomeUnknown => retry.repeat_unknown,
            Failure::Terminal | Failure::Cancelled => false,
        };
        let wanted = match place {
            Place::Step(key, _) => self.cancelled.is_none() && self.alive(key),
            Place::Undo(_) => true,
        };
        Ok(wanted
            && by_kind
            && attempt < retry.attempts_max
            && !retry.never_on.contains(&error.code))
    }

    /// Whether an attempt may fail like this: somebody said so, or its time is up.
    fn check_failure(
        &self,
        place: &Place,
        path: &Path,
        attempt: u32,
        error: &TaskError,
        cause: Cause<'_>,
    ) -> Checked {
        let timeouts = &self.written(place).timeouts;
        let late = |since: Timestamp, limit: Option<u64>| {
            limit.is_some_and(|limit| self.at >= since.after(Duration::from_millis(limit)))
        };
        let timed_out = match (self.phase(place), error.code.as_str()) {
            (Phase::Working { began, .. }, "attempt_timeout") => late(*began, timeouts.attempt_ms),
            (Phase::Working { beat, .. }, "heartbeat_timeout") => {
                late(*beat, timeouts.heartbeat_ms)
            }
            _ => false,
        };
        let said = match cause {
            Cause::Unknown => true,
            Cause::Told(Input::Answered { attempt: id, result: Err(said) }) => {
                is(id, path, attempt) && said == error
            }
            Cause::Told(Input::Answered { attempt: id, result: Ok(said) }) => {
                let made = match place {
                    Place::Undo(_) => self.limited(said.payload.clone()),
                    Place::Step(key, at) => {
                        let transformer = self.def(key, *at).step.output.as_ref();
                        self.transformed(key, *at, transformer, &said.payload)
                    }
                };
                is(id, path, attempt) && made.is_err_and(|wanted| frames::same(&wanted, error))
            }
            Cause::Told(Input::Routed { attempt: id, result }) => {
                let stopped = match place {
                    Place::Step(key, _) => self.cancelled.is_some() || !self.alive(key),
                    Place::Undo(_) => false,
                };
                let cancelled = stopped && *error == TaskError::cancelled();
                is(id, path, attempt) && (cancelled || result.is_err() && error.code == "no_route")
            }
            Cause::Told(_) | Cause::Restored => false,
        };
        // Under the history alone an end in good time is as good as any answer.
        let wrong = matches!(error.code.as_str(), "attempt_timeout" | "heartbeat_timeout")
            && !timed_out
            && !matches!(cause, Cause::Told(Input::Answered { .. }));
        must((said || timed_out) && !wrong, Rule::Cause, || format!("nobody said so: {cause:?}"))
    }

    /// A step or a compensation has failed for good while attempts were being made.
    pub(super) fn attempts_failed(
        &mut self,
        path: &Path,
        attempt: u32,
        error: &TaskError,
        cause: Cause<'_>,
    ) -> Checked {
        let place = self.place(path)?;
        let ends = Phase::Failed { error: error.clone() };
        match self.phase(&place).clone() {
            Phase::Waiting if attempt == 0 => {
                // A compensation that nobody is able to do.
                let (role, requires, _) = self.policy(&place)?;
                self.may_attempt(&place)?;
                let nobody = self.able(role, requires).is_empty() && error.code == "no_worker";
                must(nobody, Rule::Value, || "somebody is able to do it".into())?;
                return self.end_place(&place, ends);
            }
            // What is restored under another staff; or a rest that is cut short by the step's own time.
            Phase::Resting { attempt: last, .. } => {
                must(attempt == last, Rule::Attempts, || format!("the last was {last}"))?;
                must(self.over_time(&place, error), Rule::Attempts, || "it rests".into())?;
                return self.end_place(&place, ends);
            }
            _ => {}
        }
        self.in_attempt(&place, attempt)?;
        if self.over_time(&place, error) {
            return self.end_place(&place, ends);
        }
        let restored = matches!(cause, Cause::Restored | Cause::Unknown);
        let handed_out = match self.phase(&place) {
            Phase::Routing { redispatches, .. } | Phase::Working { redispatches, .. } => {
                *redispatches
            }
            _ => 0,
        };
        let stopped = match &place {
            Place::Step(key, _) => self.cancelled.is_some() || !self.alive(key),
            Place::Undo(_) => false,
        };
        let lost = error.code == "worker_lost" && handed_out == self.terms.redispatches_max;
        let gone = stopped && *error == TaskError::cancelled();
        if !(restored && (lost || gone)) {
            let again = self.may_repeat(&place, attempt, error)?;
            must(!again, Rule::Attempts, || "there is a further attempt".into())?;
            self.check_failure(&place, path, attempt, error, cause)?;
        }
        self.end_place(&place, ends)
    }

    /// Whether this is the failure of a step whose own time is up.
    fn over_time(&self, place: &Place, error: &TaskError) -> bool {
        let Place::Step(key, at) = place else { return false };
        error.code == "step_timeout" && self.step_late(key, *at)
    }

    pub(super) fn step_late(&self, key: &str, at: usize) -> bool {
        let limit = self.def(key, at).step.timeouts.step_ms;
        let started = self.node(key, at).started;
        limit.is_some_and(|limit| self.at >= started.after(Duration::from_millis(limit)))
    }

    fn end_place(&mut self, place: &Place, phase: Phase) -> Checked {
        match place {
            Place::Step(key, at) => self.end(key, *at, phase),
            Place::Undo(at) => {
                self.undos[*at].phase = phase;
                Ok(())
            }
        }
    }

    /// Whether the attempt waits for the answer of a worker (`true`) or a router; `None` when it waits for nobody.
    pub(in crate::testkit) fn awaits(&self, id: &AttemptId) -> Option<bool> {
        let place = self.place(&id.path).ok()?;
        match self.phase(&place) {
            Phase::Working { attempt, .. } if *attempt == id.attempt => Some(true),
            Phase::Routing { attempt, .. } if *attempt == id.attempt => Some(false),
            _ => None,
        }
    }

    /// Whether somebody listens for heartbeats of this attempt.
    pub(in crate::testkit) fn hears(&self, id: &AttemptId) -> bool {
        self.place(&id.path).is_ok_and(|place| {
            self.awaits(id) == Some(true) && self.written(&place).timeouts.heartbeat_ms.is_some()
        })
    }

    /// What a worker is to get and to see. The sight of a compensation is not laid down.
    pub(in crate::testkit) fn hand_out(
        &self,
        path: &Path,
    ) -> Option<(Payload, Option<crate::Context>)> {
        match self.place(path).ok()? {
            Place::Step(key, at) => {
                let node = self.node(&key, at);
                Some((node.input.clone(), Some(self.context(&key, node.sees.clone()))))
            }
            Place::Undo(at) => Some((self.undos[at].output.clone(), None)),
        }
    }
}

fn is(id: &AttemptId, path: &Path, attempt: u32) -> bool {
    id.path == *path && id.attempt == attempt
}

/// The shortest and the longest rest after a failure: jitter only shortens, and what the worker asked for counts if it is longer.
fn rest(retry: &RetryPolicy, attempt: u32, error: &TaskError) -> (Duration, Duration) {
    let floor = match error.failure {
        Failure::Retryable { after_ms } => after_ms.unwrap_or(0),
        Failure::Terminal | Failure::Cancelled | Failure::OutcomeUnknown => 0,
    };
    let mut delay = retry.delay_ms.min(retry.delay_ms_max);
    for _ in 1..attempt {
        delay = delay.saturating_mul(u64::from(retry.growth_percent)) / 100;
        delay = delay.min(retry.delay_ms_max);
    }
    let jitter = delay.saturating_mul(u64::from(retry.jitter_percent)) / 100;
    let least = (delay - jitter).max(floor);
    (Duration::from_millis(least), Duration::from_millis(delay.max(floor)))
}
