//! How many steps and edges ran, and how deep they lie: the definition, with every round that ran unfolded.

use super::place::{Frames, Key, body};
use super::trace::Trace;
use crate::workflow::Workflow;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) steps: u64,
    pub(super) edges: u64,
    pub(super) depth: u64,
}

pub(super) fn shape(workflow: &Workflow, trace: &Trace) -> Shape {
    let mut ran: Vec<&Key> = trace.attempts.iter().map(|attempt| &attempt.key).collect();
    ran.sort_unstable();
    ran.dedup();
    frame(workflow, &ran, 0)
}

/// The shape of a frame of `workflow`. `ran` are the places of the steps that ran in it, sorted; the first `at` numbers of each lead
/// to the frame. Recursion goes as deep as loops are nested, which is bounded.
fn frame(workflow: &Workflow, ran: &[&Key], at: usize) -> Shape {
    let defs = workflow.defs();
    let mut shapes: Vec<Option<Shape>> = vec![None; defs.len()];
    for ran in ran.chunk_by(|a, b| a[at] == b[at]) {
        let step = ran[0][at] as usize;
        let Some(def) = defs.get(step) else { continue };
        shapes[step] = Some(match body(&def.step.kind) {
            None => Shape { steps: 1, edges: 0, depth: 1 },
            Some((body, frames)) => {
                let frame = |ran: &[&Key]| frame(body, ran, at + 2);
                let shapes = ran.chunk_by(|a, b| a[at + 1] == b[at + 1]).map(frame);
                shapes.fold(Shape::default(), |a, b| Shape {
                    steps: a.steps + b.steps,
                    edges: a.edges + b.edges,
                    depth: match frames {
                        Frames::InTurn => a.depth + b.depth,
                        Frames::Beside => a.depth.max(b.depth),
                    },
                })
            }
        });
    }
    joined(workflow, &shapes)
}

/// Puts the shapes of the steps of a frame together; what did not run has none, but passes on what lies before it.
fn joined(workflow: &Workflow, shapes: &[Option<Shape>]) -> Shape {
    let defs = workflow.defs();
    let mut whole = Shape::default();
    let mut depth = vec![0; defs.len()];
    let mut open: Vec<usize> = defs.iter().map(|def| def.incoming.len()).collect();
    let mut free: Vec<usize> = (0..defs.len()).filter(|&step| open[step] == 0).collect();
    while let Some(step) = free.pop() {
        if let Some(own) = shapes[step] {
            whole.steps += own.steps;
            whole.edges += own.edges;
            depth[step] += own.depth;
            // Edges are sorted: two between the same steps, on success and on failure, stand side by side.
            let before = defs[step].incoming.chunk_by(|a, b| a.step == b.step);
            let ran = before.filter(|edges| shapes[edges[0].step as usize].is_some());
            whole.edges += ran.count() as u64;
        }
        whole.depth = whole.depth.max(depth[step]);
        for edge in &defs[step].outgoing {
            let to = edge.step as usize;
            depth[to] = depth[to].max(depth[step]);
            open[to] -= 1;
            if open[to] == 0 {
                free.push(to);
            }
        }
    }
    whole
}
