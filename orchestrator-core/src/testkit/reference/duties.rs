//! What has to happen next: asked when an input has been handled, nothing of it may be left. And what the run must say of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Checked, Phase, Reference, Rule, broken, frames::Next};
use crate::path::Path;
use crate::payload::Payload;
use crate::run::StepStatus;
use crate::time::Timestamp;
use crate::workflow::{Awaited, Kind, Step};

impl<'m> Reference<'m> {
    /// Says what should have followed from the last input and did not.
    pub(in crate::testkit) fn nothing_missing(&self) -> Checked {
        if self.result.is_some() || self.seq == 0 {
            return Ok(());
        }
        let missing = |what: String| broken(Rule::Missing, what);
        if self.in_flight() == 0 {
            if self.unwinding.is_some() {
                let next = self.undos.iter().rev().find(|undo| !undo.phase.is_end());
                return match next {
                    None => missing("everything is undone, and the run has not ended".into()),
                    Some(_) if self.paused => Ok(()),
                    Some(undo) => match undo.phase {
                        Phase::Resting { .. } => Ok(()),
                        _ => missing(format!("{} should go on", self.undo_path(undo))),
                    },
                };
            }
            if self.cancelled.is_some() {
                return missing("nothing is in flight, and the cancelled run has not ended".into());
            }
            if self.settled("") {
                return missing("every step has ended, and the run has not".into());
            }
        }
        if self.paused || self.unwinding.is_some() || self.cancelled.is_some() {
            return Ok(());
        }
        for key in self.frames.keys().filter(|key| self.alive(key)) {
            for at in 0..self.frames[key].nodes.len() {
                if let Some(what) = self.undone(key, at) {
                    let id = self.def(key, at).id();
                    return missing(format!("{key}{id} {what}"));
                }
            }
        }
        Ok(())
    }

    /// What a step should have done by now.
    fn undone(&self, key: &str, at: usize) -> Option<String> {
        let (node, def) = (self.node(key, at), self.def(key, at));
        for edge in &def.edges {
            let asks = matches!(edge.fires, crate::testkit::model::Fires::When(_));
            let succeeded = matches!(self.node(key, edge.from).phase, Phase::Succeeded { .. });
            if asks && succeeded && !node.decided.contains_key(&edge.from) {
                return Some("has an edge whose condition was not asked".into());
            }
        }
        match &node.phase {
            Phase::Waiting if node.condition_error.is_some() => Some("should have failed".into()),
            Phase::Waiting => match node.ready? {
                (_, true) => Some("should have started".into()),
                (_, false) => Some("should have been skipped".into()),
            },
            Phase::Open => match self.completion(key, at) {
                Ok(Next::Open) => {
                    let Kind::Map { concurrency_max, .. } = def.kind() else { return None };
                    let settled = (0..node.begun).find(|&item| {
                        node.results[item as usize].is_none()
                            && self.settled(&self.part(key, at, item))
                    });
                    let more = (node.begun as usize) < node.elements.len()
                        && self.items_open(key, at) < *concurrency_max;
                    (settled.is_some() || more).then(|| "should have gone on with its items".into())
                }
                next => Some(format!("should have gone on: {next:?}")),
            },
            Phase::Stopping { .. } => {
                let below = format!("{key}{}[", def.id());
                (self.in_flight_below(&below) == 0).then(|| "should have failed".into())
            }
            Phase::Awaiting { until: None, .. } => {
                self.awaited_output(key, at).map(|_| "should have got its signal".into())
            }
            _ => None,
        }
    }

    /// When time itself changes something about the step. Where nothing begins any more an attempt that is in flight may still run out of
    /// time: a worker that never answers must not hold the run up.
    fn deadline_of(&self, key: &str, at: usize) -> Option<Timestamp> {
        let (node, step) = (self.node(key, at), &self.def(key, at).step);
        let stopped = self.cancelled.is_some() || self.unwinding.is_some() || !self.alive(key);
        if stopped && !node.phase.in_flight() {
            return None;
        }
        let own = match &node.phase {
            Phase::Resting { .. } | Phase::Working { .. } => attempt_due(&node.phase, step),
            Phase::Asked { deadline } => *deadline,
            Phase::Awaiting { until, .. } => *until,
            Phase::Routing { .. } | Phase::Open => None,
            Phase::Waiting
            | Phase::Stopping { .. }
            | Phase::Succeeded { .. }
            | Phase::Failed { .. }
            | Phase::Skipped { .. } => return None,
        };
        own.into_iter().chain(after(node.started, step.timeouts.step_ms)).min()
    }

    /// What time itself changes, and when: the path, and the instant.
    fn alarms(&self) -> impl Iterator<Item = (String, Timestamp)> + '_ {
        let frames = self.frames.iter().filter(|(_, frame)| !frame.closed);
        let steps = frames.flat_map(move |(key, frame)| {
            (0..frame.nodes.len()).filter_map(move |at| {
                let due = self.deadline_of(key, at)?;
                Some((format!("{key}{}", frame.model.steps[at].id()), due))
            })
        });
        let undos = self.undos.iter().filter_map(|undo| {
            let (key, at) = &undo.place;
            Some((self.undo_path(undo), attempt_due(&undo.phase, &self.def(key, *at).step)?))
        });
        steps.chain(undos).filter(|_| self.result.is_none())
    }

    /// What is due by then: none of it may be left when time has passed.
    pub(in crate::testkit) fn due(&self, now: Timestamp) -> BTreeSet<(String, Timestamp)> {
        self.alarms().filter(|(_, due)| *due <= now.max(self.at)).collect()
    }

    /// The next instant at which time itself changes something.
    pub(in crate::testkit) fn next_deadline(&self) -> Option<Timestamp> {
        self.alarms().map(|(_, due)| due).min().filter(|_| !self.paused)
    }

    pub(in crate::testkit) fn is_paused(&self) -> bool {
        self.paused
    }

    /// The status of every step of every frame that is kept.
    pub(in crate::testkit) fn statuses(&self) -> Vec<(Path, StepStatus)> {
        let kept = self.frames.iter().filter(|(key, _)| self.kept(key));
        let nodes = kept.flat_map(|(key, frame)| {
            frame.nodes.iter().zip(&frame.model.steps).map(move |(node, def)| {
                let path = Path::parse(&format!("{key}{}", def.id())).expect("a path");
                (path, node.phase.status())
            })
        });
        nodes.collect()
    }

    /// The outputs of the steps that have succeeded, in frames that are kept.
    pub(in crate::testkit) fn outputs(&self) -> BTreeMap<Path, Payload> {
        let kept = self.frames.iter().filter(|(key, _)| self.kept(key));
        let nodes = kept.flat_map(|(key, frame)| {
            frame.nodes.iter().zip(&frame.model.steps).filter_map(move |(node, def)| {
                let Phase::Succeeded { output } = &node.phase else { return None };
                let path = Path::parse(&format!("{key}{}", def.id())).expect("a path");
                Some((path, output.clone()))
            })
        });
        nodes.collect()
    }

    /// Whether a frame is no round that is too old to be remembered, nor inside one.
    fn kept(&self, key: &str) -> bool {
        let Some((around, at, index)) = &self.frames[key].owner else { return true };
        let kept = match self.def(around, *at).kind() {
            Kind::Loop { rounds_kept, .. } => {
                // Rounds are dropped from the oldest on, up to one in which something may have to be undone.
                let may_be_undone = (0..=*index).any(|round| {
                    let part = self.part(around, *at, round);
                    self.undos.iter().any(|undo| undo.place.0.starts_with(&part))
                });
                index + rounds_kept >= self.node(around, *at).begun || may_be_undone
            }
            _ => true,
        };
        kept && self.kept(around)
    }

    /// Whether a person may decide this now.
    pub(in crate::testkit) fn asks(&self, path: &Path) -> bool {
        let Ok((key, at)) = self.step(path) else { return false };
        matches!(self.node(&key, at).phase, Phase::Asked { .. })
            && self.alive(&key)
            && self.cancelled.is_none()
            && self.unwinding.is_none()
            && self.result.is_none()
    }

    /// Whether an attempt is in flight whose result is not wanted any more.
    pub(in crate::testkit) fn is_called_off(&self, id: &crate::run::AttemptId) -> bool {
        let Ok((key, _)) = self.step(&id.path) else { return false };
        !id.path.is_compensation()
            && self.awaits(id) == Some(true)
            && (self.cancelled.is_some() || !self.alive(&key))
    }

    /// Whether a decision was asked for, and is neither made by a person nor open.
    pub(in crate::testkit) fn is_moot(&self, path: &Path) -> bool {
        let Ok((key, at)) = self.step(path) else { return false };
        match &self.node(&key, at).phase {
            Phase::Asked { .. } => !self.asks(path),
            Phase::Succeeded { output } => output.at::<Option<String>>("/by") == Ok(None),
            Phase::Failed { .. } => true,
            _ => false,
        }
    }

    /// The names of all signals that the workflow has.
    pub(in crate::testkit) fn signal_names(&self) -> Vec<String> {
        fn names(model: &crate::testkit::model::Model, found: &mut Vec<String>) {
            for def in &model.steps {
                if let Kind::Wait { awaited: Awaited::Signal(name) } = def.kind() {
                    found.push(name.clone());
                }
                def.body.iter().for_each(|body| names(body, found));
            }
        }
        let mut found = Vec::new();
        names(self.terms.model, &mut found);
        found.sort();
        found.dedup();
        found
    }

    /// How many signals of that name have come and not been used.
    pub(in crate::testkit) fn signals_kept(&self, name: &str) -> usize {
        self.signals.get(name).map_or(0, |kept| kept.len())
    }

    /// Signals that steps wait for and nobody has sent, and decisions that are open.
    pub(in crate::testkit) fn awaited(&self) -> (Vec<String>, usize) {
        let frames = self.frames.iter().filter(|(key, _)| self.alive(key));
        let (mut signals, mut decisions) = (Vec::new(), 0);
        for (node, def) in frames.flat_map(|(_, frame)| frame.nodes.iter().zip(&frame.model.steps))
        {
            match (&node.phase, def.kind()) {
                (Phase::Awaiting { .. }, Kind::Wait { awaited: Awaited::Signal(name) }) => {
                    signals.push(name.clone())
                }
                (Phase::Asked { .. }, _) => decisions += 1,
                _ => {}
            }
        }
        (signals, decisions)
    }
}

fn after(since: Timestamp, limit: Option<u64>) -> Option<Timestamp> {
    limit.map(|limit| since.after(Duration::from_millis(limit)))
}

/// When an attempt is over time, or the next one begins.
fn attempt_due(phase: &Phase, step: &Step) -> Option<Timestamp> {
    match phase {
        Phase::Resting { until, .. } => Some(*until),
        Phase::Working { began, beat, .. } => {
            let attempt = after(*began, step.timeouts.attempt_ms).into_iter();
            attempt.chain(after(*beat, step.timeouts.heartbeat_ms)).min()
        }
        _ => None,
    }
}

impl Phase {
    fn status(&self) -> StepStatus {
        match self {
            Phase::Waiting => StepStatus::Waiting,
            Phase::Routing { .. } | Phase::Working { .. } | Phase::Open => StepStatus::Running,
            Phase::Resting { .. } => StepStatus::Resting,
            Phase::Asked { .. } | Phase::Awaiting { .. } => StepStatus::Awaiting,
            Phase::Stopping { .. } => StepStatus::Stopping,
            Phase::Succeeded { .. } => StepStatus::Succeeded,
            Phase::Failed { .. } => StepStatus::Failed,
            Phase::Skipped { .. } => StepStatus::Skipped,
        }
    }
}
