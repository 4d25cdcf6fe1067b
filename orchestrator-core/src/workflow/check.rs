//! Finds every structural fault of a definition. Pure, iterative, linear in steps and edges (a cycle costs its length besides, and there
//! are at most [`CYCLES_MAX`] of them).

use super::fault::Fault;
use super::kind::Kind;
use super::step::Step;
use super::{Definition, Edge, Fires, Index, StepDef, settings};
use crate::closure::BoundCondition;
use crate::id::{StepId, WorkflowName};

/// How many cycles are reported at once. Steps that all lead to each other have more cycles than anybody could read.
const CYCLES_MAX: usize = 16;

/// The compiled definition, or every fault.
pub(super) fn compile(
    name: &str,
    description: String,
    steps: Vec<Step>,
) -> Result<Definition, Vec<Fault>> {
    let mut faults = Vec::new();
    let name = WorkflowName::parse(name).map_err(|error| faults.push(Fault::Name(error))).ok();
    if steps.is_empty() {
        faults.push(Fault::NoSteps);
    }

    let ids = step_ids(&steps, &mut faults);
    let mut index = Index::with_capacity_and_hasher(steps.len(), Default::default());
    for (at, id) in ids.iter().enumerate() {
        let Some(id) = id else { continue };
        if index.contains_key(id) {
            faults.push(Fault::DuplicateStep { step: id.clone() });
        } else {
            index.insert(id.clone(), at as u32);
        }
    }

    let Drawn { outgoing, incoming, conditions, ways } = edges(&steps, &ids, &index, &mut faults);
    for (((step, id), incoming), conditions) in
        steps.iter().zip(&ids).zip(&incoming).zip(&conditions)
    {
        if let Some(id) = id {
            settings::check(step, id, incoming, conditions, &mut faults);
        }
    }
    check_shape(&ids, &outgoing, &incoming, &mut faults);

    match name {
        Some(name) if faults.is_empty() => {
            // Steps are large, and without their number known beforehand they would be moved again and again.
            let mut defs = Vec::with_capacity(steps.len());
            let ends = outgoing.into_iter().zip(incoming).zip(conditions).zip(ways);
            for ((step, id), (((outgoing, incoming), conditions), ways)) in
                steps.into_iter().zip(ids).zip(ends)
            {
                let Some(id) = id else { continue };
                defs.push(StepDef { id, step, outgoing, incoming, conditions, ways });
            }
            Ok(Definition::new(name, description, defs, index))
        }
        _ => Err(faults),
    }
}

fn step_ids(steps: &[Step], faults: &mut Vec<Fault>) -> Vec<Option<StepId>> {
    let mut parse = |step: &Step| match StepId::parse(&step.id) {
        Ok(id) => Some(id),
        Err(error) => {
            faults.push(Fault::Name(error));
            None
        }
    };
    steps.iter().map(&mut parse).collect()
}

type Edges = Vec<Vec<Edge>>;

/// The edges by step, each with the index of the step at its other end.
struct Drawn {
    outgoing: Edges,
    incoming: Edges,
    conditions: Vec<Vec<BoundCondition>>,
    ways: Vec<Vec<u32>>,
}

fn edges(steps: &[Step], ids: &[Option<StepId>], index: &Index, faults: &mut Vec<Fault>) -> Drawn {
    let none = || vec![Vec::new(); steps.len()];
    let mut drawn = Drawn {
        outgoing: none(),
        incoming: none(),
        conditions: vec![Vec::new(); steps.len()],
        ways: vec![Vec::new(); steps.len()],
    };
    for (here, (step, id)) in steps.iter().zip(ids).enumerate() {
        let Some(id) = id else { continue };
        let mut known = |other: &str| {
            let there = index.get(other).copied();
            if there.is_none() {
                let unknown = other.to_owned();
                faults.push(Fault::UnknownStep { step: id.clone(), unknown });
            }
            there
        };
        let here = here as u32;
        let ends = step.incoming.iter().map(|link| (link, true));
        let starts = step.outgoing.iter().map(|link| (link, false));
        for (link, inward) in ends.chain(starts) {
            let Some(there) = known(&link.step) else { continue };
            let (from, to) = if inward { (there, here) } else { (here, there) };
            let when = link.when.as_ref().map(|condition| {
                let conditions = &mut drawn.conditions[to as usize];
                conditions.push(condition.clone());
                conditions.len() as u32 - 1
            });
            drawn.add(from, to, link.on.into(), when);
        }
        if let Kind::Branch { cases, otherwise } = &step.kind {
            let ways = cases.iter().map(|(_, to)| to).chain(otherwise);
            let ways: Vec<u32> = ways.filter_map(|to| known(to)).collect();
            let mut targets = ways.clone();
            targets.sort_unstable();
            targets.dedup();
            targets.iter().for_each(|&to| drawn.add(here, to, Fires::Chosen, None));
            drawn.ways[here as usize] = ways;
        }
    }
    // In definition order whichever side drew them, so that both ways of writing give the same definition.
    for (to, edges) in drawn.incoming.iter_mut().enumerate() {
        edges.sort_unstable();
        for pair in edges.windows(2) {
            let (from, to) = (&ids[pair[0].step as usize], &ids[to]);
            let twice = (pair[0].step, pair[0].fires) == (pair[1].step, pair[1].fires);
            if let (true, Some(from), Some(to)) = (twice, from, to) {
                faults.push(Fault::DuplicateEdge { from: from.clone(), to: to.clone() });
            }
        }
    }
    drawn.outgoing.iter_mut().for_each(|edges| edges.sort_unstable());
    drawn
}

impl Drawn {
    fn add(&mut self, from: u32, to: u32, fires: Fires, when: Option<u32>) {
        self.outgoing[from as usize].push(Edge { step: to, fires, when });
        self.incoming[to as usize].push(Edge { step: from, fires, when });
    }
}

/// Cycles, steps behind them, and the want of a terminal step.
fn check_shape(
    ids: &[Option<StepId>],
    outgoing: &[Vec<Edge>],
    incoming: &[Vec<Edge>],
    faults: &mut Vec<Fault>,
) {
    let name = |at: usize| ids[at].clone();
    if !ids.is_empty() && outgoing.iter().all(|edges| !edges.is_empty()) {
        faults.push(Fault::NoTerminal);
    }
    // Kahn (1962): what is left when nothing more can be taken away lies on a cycle or behind one.
    let mut waiting: Vec<usize> = incoming.iter().map(Vec::len).collect();
    let mut free: Vec<usize> = (0..ids.len()).filter(|&at| waiting[at] == 0).collect();
    while let Some(at) = free.pop() {
        for edge in &outgoing[at] {
            let to = edge.step as usize;
            waiting[to] -= 1;
            if waiting[to] == 0 {
                free.push(to);
            }
        }
    }
    let left: Vec<bool> = waiting.iter().map(|&count| count > 0).collect();
    if !left.contains(&true) {
        return;
    }
    let cycles = cycles(outgoing, &left);
    let mut on_cycle = vec![false; ids.len()];
    for cycle in &cycles {
        cycle.iter().for_each(|&at| on_cycle[at] = true);
        let path: Option<Vec<StepId>> = cycle.iter().map(|&at| name(at)).collect();
        faults.extend(path.map(|path| Fault::Cycle { path }));
    }
    if cycles.len() == CYCLES_MAX {
        // Which steps lie behind a cycle can be said only when all cycles are known.
        return;
    }
    let reached = reached(outgoing, incoming);
    for at in (0..ids.len()).filter(|&at| !reached[at] && !on_cycle[at]) {
        faults.extend(name(at).map(|step| Fault::Unreachable { step }));
    }
}

/// Which steps some way leads to from a step without incoming edges.
fn reached(outgoing: &[Vec<Edge>], incoming: &[Vec<Edge>]) -> Vec<bool> {
    let mut reached: Vec<bool> = incoming.iter().map(Vec::is_empty).collect();
    let mut open: Vec<usize> = (0..reached.len()).filter(|&at| reached[at]).collect();
    while let Some(at) = open.pop() {
        for edge in &outgoing[at] {
            if !std::mem::replace(&mut reached[edge.step as usize], true) {
                open.push(edge.step as usize);
            }
        }
    }
    reached
}

/// The first [`CYCLES_MAX`] cycles that a depth-first search over the steps that are left closes: one for every edge that leads back to
/// a step which is still open.
fn cycles(outgoing: &[Vec<Edge>], left: &[bool]) -> Vec<Vec<usize>> {
    const NEW: u8 = 0;
    const OPEN: u8 = 1;
    const DONE: u8 = 2;
    let mut state = vec![NEW; left.len()];
    let mut found = Vec::new();
    for start in (0..left.len()).filter(|&at| left[at]) {
        if state[start] != NEW {
            continue;
        }
        let mut way = vec![(start, 0)];
        state[start] = OPEN;
        while let Some((at, next)) = way.last_mut() {
            let Some(edge) = outgoing[*at].get(*next) else {
                state[*at] = DONE;
                way.pop();
                continue;
            };
            *next += 1;
            let to = edge.step as usize;
            if state[to] == NEW && left[to] {
                state[to] = OPEN;
                way.push((to, 0));
            } else if state[to] == OPEN {
                let from = way.iter().position(|(at, _)| *at == to).unwrap_or(0);
                let mut cycle: Vec<usize> = way[from..].iter().map(|(at, _)| *at).collect();
                cycle.push(to);
                found.push(cycle);
                if found.len() == CYCLES_MAX {
                    return found;
                }
            }
        }
    }
    found
}
