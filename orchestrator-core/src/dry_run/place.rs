//! Where a step lies in the definition, as numbers: they sort as the steps are defined.

use std::time::Duration;

use crate::path::Path;
use crate::workflow::{Kind, Workflow};

/// The place of a step: its index in the definition, behind those of the loops around it, each with its round. Sorts as the steps are defined.
pub(super) type Key = Vec<u32>;

pub(super) fn key(workflow: &Workflow, path: &Path) -> Key {
    // A step that is not there cannot be in a path that the run gave; it would sort last.
    const NOWHERE: u32 = u32::MAX;
    let mut key = Key::new();
    let mut inside = Some(workflow);
    for (step, round) in path.rounds() {
        let at = inside.and_then(|workflow| workflow.position(step.as_str()));
        key.extend([at.unwrap_or(NOWHERE), round]);
        let kind = inside.zip(at).map(|(workflow, at)| &workflow.def(at).step.kind);
        inside = kind.and_then(body).map(|(body, _)| body);
    }
    let at = inside.and_then(|workflow| workflow.position(path.step().as_str()));
    key.push(at.unwrap_or(NOWHERE));
    if path.is_compensation() {
        // Beside the step that it undoes, and behind all that is inside that.
        key.push(NOWHERE);
    }
    key
}

/// The workflow of the frame that a place lies in.
pub(super) fn frame<'w>(workflow: &'w Workflow, key: &[u32]) -> Option<&'w Workflow> {
    key.chunks_exact(2).try_fold(workflow, |workflow, step| {
        let def = workflow.defs().get(step[0] as usize)?;
        body(&def.step.kind).map(|(body, _)| body)
    })
}

/// How long an attempt of a step is thought to take, as its author says.
pub(super) fn expected(workflow: &Workflow, path: &Path) -> Option<Duration> {
    let key = key(workflow, path);
    let (step, around) = key.split_last()?;
    let def = frame(workflow, around)?.defs().get(*step as usize)?;
    def.step.expected_ms.map(Duration::from_millis)
}

/// The workflow inside a step, and how the frames made of it follow one another.
pub(super) fn body(kind: &Kind) -> Option<(&Workflow, Frames)> {
    match kind {
        Kind::Loop { body, .. } | Kind::Sub { body } => Some((body, Frames::InTurn)),
        Kind::Map { body, .. } => Some((body, Frames::Beside)),
        Kind::Task { .. } | Kind::Branch { .. } | Kind::Decision { .. } | Kind::Wait { .. } => None,
    }
}

/// How the frames of one step lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frames {
    /// One begins when the one before it has ended.
    InTurn,
    /// None waits for another.
    Beside,
}
