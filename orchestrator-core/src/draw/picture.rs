//! What is to be seen, before it is written in any language.

use std::collections::BTreeMap;

use super::{STATUSES, look};
use crate::id::StepId;
use crate::run::{RunView, StepStatus};
use crate::workflow::{Awaited, Edge, Fires, Join, Kind, StepDef, Until, Workflow};

/// A workflow with what is in it.
pub(super) struct Picture {
    pub(super) name: String,
    pub(super) nodes: Vec<Node>,
    pub(super) arrows: Vec<Arrow>,
}

pub(super) struct Node {
    /// Letters, digits and `_` only, and the node's alone.
    pub(super) key: String,
    /// The step's name, and what is to be known of it.
    pub(super) lines: Vec<String>,
    /// What it does, in its author's words; may be empty.
    pub(super) description: String,
    pub(super) shape: Shape,
    pub(super) status: Option<StepStatus>,
    pub(super) inside: Option<Picture>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Task,
    Branch,
    Decision,
    Wait,
    Frame,
}

pub(super) struct Arrow {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) fires: Fires,
    /// What stands beside it; may be empty.
    pub(super) label: String,
}

pub(super) fn of(workflow: &Workflow, view: Option<&RunView>) -> Picture {
    let states = view.map(States::of);
    Artist { states: states.as_ref() }.draw(workflow, "", &mut Vec::new())
}

struct Artist<'a> {
    states: Option<&'a States>,
}

impl Artist<'_> {
    /// `around` are the steps around the workflow, outermost first, each with whether it is a loop. They are at most as many as workflows
    /// may be nested, and so is the recursion.
    fn draw(&self, workflow: &Workflow, prefix: &str, around: &mut Vec<(StepId, bool)>) -> Picture {
        let key = |at: u32| format!("{prefix}s{at}");
        let (mut nodes, mut arrows) = (Vec::new(), Vec::new());
        for (at, def) in workflow.defs().iter().enumerate() {
            let key = key(at as u32);
            let mut lines = lines(def);
            let (words, status) = self.status(around, &def.id);
            lines.extend(words);
            around.push((def.id.clone(), matches!(def.step.kind, Kind::Loop { .. })));
            let body = def.step.kind.body();
            let inside = body.map(|body| self.draw(body, &format!("{key}_"), around));
            around.pop();
            let (description, shape) = (def.step.description.clone(), shape(&def.step.kind));
            nodes.push(Node { key, lines, description, shape, status, inside });
        }
        for (at, def) in workflow.defs().iter().enumerate() {
            let at = at as u32;
            arrows.extend(def.outgoing.iter().map(|edge| Arrow {
                from: key(at),
                to: key(edge.step),
                fires: edge.fires,
                label: label(workflow, def, edge),
            }));
        }
        Picture { name: workflow.name().to_string(), nodes, arrows }
    }

    /// The state of a step in words, and the one that stands for it.
    fn status(
        &self,
        around: &[(StepId, bool)],
        step: &StepId,
    ) -> (Option<String>, Option<StepStatus>) {
        let Some(states) = self.states else { return (None, None) };
        let counts = states.count(around, step);
        let found = STATUSES.iter().filter(|status| counts.contains_key(status));
        let found: Vec<StepStatus> = found.copied().collect();
        let words = match found.as_slice() {
            [] => return (None, None),
            [only] if counts[only] == 1 => look(*only).0.to_owned(),
            several => {
                let words = several.iter().map(|one| format!("{} {}", counts[one], look(*one).0));
                words.collect::<Vec<_>>().join(", ")
            }
        };
        (Some(words), found.first().copied())
    }
}

fn lines(def: &StepDef) -> Vec<String> {
    let mut lines = vec![def.id.to_string()];
    match &def.step.kind {
        Kind::Task { role, .. } => {
            // A step that is named as its role would say it twice.
            lines.extend((role.as_str() != def.id.as_str()).then(|| role.to_string()));
        }
        Kind::Branch { .. } => lines.push("branch".to_owned()),
        Kind::Loop { rounds_max, until, .. } => {
            let end = match until {
                Until::Condition(condition) => condition.0.name().to_owned(),
                Until::Accepted { by } => format!("{by} accepts"),
            };
            lines.push(format!("until {end} (at most {rounds_max} rounds)"));
        }
        Kind::Map { concurrency_max, .. } => {
            lines.push(format!("for every item ({concurrency_max} at a time)"));
        }
        Kind::Decision { question, choices, .. } => {
            lines.extend((!question.is_empty()).then(|| question.clone()));
            lines.push(choices.join(" / "));
        }
        Kind::Wait { awaited: Awaited::Signal(signal) } => {
            lines.push(format!("waits for {signal}"));
        }
        Kind::Wait { awaited: Awaited::Timer { delay_ms } } => {
            lines.push(format!("waits {delay_ms} ms"));
        }
        Kind::Sub { body } => lines.push(format!("runs {}", body.name())),
    }
    match def.step.join {
        Join::All => {}
        Join::Any => lines.push("any".to_owned()),
        Join::AtLeast(n) => lines.push(format!("{n} of {}", def.incoming.len())),
    }
    lines
}

fn shape(kind: &Kind) -> Shape {
    match kind {
        Kind::Task { .. } => Shape::Task,
        Kind::Branch { .. } => Shape::Branch,
        Kind::Decision { .. } => Shape::Decision,
        Kind::Wait { .. } => Shape::Wait,
        Kind::Loop { .. } | Kind::Map { .. } | Kind::Sub { .. } => Shape::Frame,
    }
}

fn label(workflow: &Workflow, from: &StepDef, edge: &Edge) -> String {
    match edge.fires {
        Fires::Success => {
            let to = workflow.def(edge.step);
            let when = edge.when.map(|at| to.conditions[at as usize].0.name().to_owned());
            when.unwrap_or_default()
        }
        Fires::Failure => "on failure".to_owned(),
        Fires::Always => "always".to_owned(),
        Fires::Chosen => {
            let Kind::Branch { cases, .. } = &from.step.kind else { return String::new() };
            let names = cases.iter().map(|(condition, _)| condition.0.name()).chain(["otherwise"]);
            let leading = names.zip(&from.ways).filter(|(_, way)| **way == edge.step);
            leading.map(|(name, _)| name).collect::<Vec<_>>().join(" / ")
        }
    }
}

/// The state of every step of a run, by the steps around it and its own name: for each the rounds and items, outermost first.
struct States(BTreeMap<Vec<StepId>, Vec<(Vec<u32>, StepStatus)>>);

impl States {
    fn of(view: &RunView) -> States {
        let mut states: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (path, step) in view.steps.iter().filter(|(path, _)| !path.is_compensation()) {
            let names = path.rounds().map(|(step, _)| step).chain([path.step()]);
            let at = path.rounds().map(|(_, at)| at).collect();
            states.entry(names.cloned().collect()).or_default().push((at, step.status));
        }
        States(states)
    }

    /// How often a step has which status: in the last round of every loop around it, and in all items of every map.
    fn count(&self, around: &[(StepId, bool)], step: &StepId) -> BTreeMap<StepStatus, u32> {
        let names: Vec<StepId> =
            around.iter().map(|(step, _)| step).chain([step]).cloned().collect();
        let mut places: Vec<&(Vec<u32>, StepStatus)> =
            self.0.get(&names).into_iter().flatten().collect();
        for (depth, _) in around.iter().enumerate().filter(|(_, (_, is_loop))| *is_loop) {
            let mut last: BTreeMap<&[u32], u32> = BTreeMap::new();
            for (at, _) in &places {
                let round = last.entry(&at[..depth]).or_default();
                *round = (*round).max(at[depth]);
            }
            places.retain(|(at, _)| last[&at[..depth]] == at[depth]);
        }
        let mut counts = BTreeMap::new();
        places.iter().for_each(|(_, status)| *counts.entry(*status).or_default() += 1);
        counts
    }
}
