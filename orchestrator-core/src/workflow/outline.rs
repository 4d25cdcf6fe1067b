//! A definition once more, small: what a run looks at all the time, side by side. A step as its author wrote it is ten times as large, and a
//! run of many thousand steps would spend its time on fetching it.

use super::kind::Kind;
use super::{Edge, Join, StepDef, Timeouts};
use crate::id::StepId;

pub(crate) struct Brief {
    pub(crate) id: StepId,
    pub(crate) join: Join,
    /// How many edges end here.
    pub(crate) incoming: u32,
    outgoing: (u32, u32),
    pub(crate) handles_failure: bool,
    /// Whether it has any deadline.
    pub(crate) timed: bool,
    pub(crate) compensated: bool,
    pub(crate) shapes_input: bool,
    pub(crate) shapes_output: bool,
    pub(crate) is_task: bool,
}

#[derive(Default)]
pub(super) struct Outline {
    steps: Vec<Brief>,
    edges: Vec<Edge>,
}

impl Outline {
    pub(super) fn of(defs: &[StepDef]) -> Outline {
        let mut outline = Outline { steps: Vec::with_capacity(defs.len()), edges: Vec::new() };
        for def in defs {
            let start = outline.edges.len() as u32;
            outline.edges.extend_from_slice(&def.outgoing);
            outline.steps.push(Brief {
                id: def.id.clone(),
                join: def.step.join,
                incoming: def.incoming.len() as u32,
                outgoing: (start, outline.edges.len() as u32),
                handles_failure: def.handles_failure(),
                timed: def.step.timeouts != Timeouts::default(),
                compensated: def.step.compensation.is_some(),
                shapes_input: def.step.input.is_some(),
                shapes_output: def.step.output.is_some(),
                is_task: matches!(def.step.kind, Kind::Task { .. }),
            });
        }
        outline
    }

    pub(super) fn brief(&self, step: u32) -> &Brief {
        &self.steps[step as usize]
    }

    pub(super) fn outgoing(&self, step: u32) -> &[Edge] {
        let (start, end) = self.brief(step).outgoing;
        &self.edges[start as usize..end as usize]
    }
}
