//! What those who use the reference may ask of it: what the run must say of itself, who is waited for, what is handed out.

use std::collections::BTreeMap;

use super::{Phase, Place, Reference};
use crate::path::Path;
use crate::payload::Payload;
use crate::run::{AttemptId, StepStatus};
use crate::workflow::{Awaited, Kind};

impl Reference<'_> {
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
