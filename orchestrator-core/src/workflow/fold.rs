//! "On failure, back to an earlier step" is a loop: folds the steps in between into the body of one, or says why they cannot be.
//!
//! The steps from the target to the one that goes back are the region. It can be a body if there is one way in (the target) and one
//! way out (the step that goes back). The loop takes the region's place: edges into the target lead to it, edges out of the last
//! step start from it.

use std::collections::{BTreeMap, BTreeSet};

use super::check;
use super::fault::Fault;
use super::kind::{Kind, Link};
use super::step::{Join, Step};
use super::{Definition, Workflow};
use crate::id::StepId;

/// The definition with every way back folded into a loop, or every fault. Steps without a way back are compiled as they are.
pub(super) fn compile(
    name: &str,
    description: String,
    mut steps: Vec<Step>,
) -> Result<Definition, Vec<Fault>> {
    // A branch chooses on success only; there is nothing of it that a round could do better.
    for step in steps.iter_mut().filter(|step| matches!(step.kind, Kind::Branch { .. })) {
        if step.back.take().is_some() {
            step.misplaced.push("on_failure_back_to");
        }
    }
    let backs: Vec<(String, String, u32)> = steps
        .iter_mut()
        .filter_map(|step| step.back.take().map(|(to, rounds)| (step.id.clone(), to, rounds)))
        .collect();
    if backs.is_empty() {
        return check::compile(name, description, steps);
    }
    // The flat definition first: its faults are told in the words that the author wrote.
    let flat = check::compile(name, description.clone(), steps.clone()).err();
    let mut faults = flat.unwrap_or_default();
    let mut folded = Folded { steps, inside: BTreeMap::new() };
    let mut open: Vec<_> = backs.iter().collect();
    // Inner regions first: a loop may go around a loop.
    open.sort_by_cached_key(|(from, to, _)| folded.region(to, from).len());
    for (from, to, rounds) in open {
        // A step with a fault has it inside a loop too; it is told once.
        let found = folded.fold(from, to, *rounds).err().unwrap_or_default();
        for fault in found {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
    }
    if faults.is_empty() { check::compile(name, description, folded.steps) } else { Err(faults) }
}

struct Folded {
    steps: Vec<Step>,
    /// Steps that are no longer here: the loop that holds each, and whether it is where that loop begins.
    inside: BTreeMap<String, (String, bool)>,
}

impl Folded {
    /// Where an edge into this step now leads: the step itself, or the loop that begins with it; `None` in the middle of a loop.
    fn entry<'a>(&'a self, mut step: &'a str) -> Option<&'a str> {
        while let Some((holder, begins)) = self.inside.get(step) {
            if !begins {
                return None;
            }
            step = holder;
        }
        Some(step)
    }

    /// Every edge, from step to step, by name.
    fn edges(&self) -> impl Iterator<Item = (&str, &str)> {
        self.steps.iter().flat_map(|step| {
            let ends = step.incoming.iter().map(|link| (link.step.as_str(), step.id.as_str()));
            let starts = step.outgoing.iter().map(|link| (step.id.as_str(), link.step.as_str()));
            let ways = step.kind.ways().map(|to| (step.id.as_str(), to));
            ends.chain(starts).chain(ways)
        })
    }

    /// The steps on some way from `first` to `last`, both included; empty if there is no way.
    fn region(&self, first: &str, last: &str) -> BTreeSet<String> {
        let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut before: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (from, to) in self.edges() {
            next.entry(from).or_default().push(to);
            before.entry(to).or_default().push(from);
        }
        let after = reached(first, &next);
        if !after.contains(last) {
            return BTreeSet::new();
        }
        reached(last, &before).intersection(&after).map(|&step| step.to_owned()).collect()
    }

    fn fold(&mut self, from: &str, to: &str, rounds: u32) -> Result<(), Vec<Fault>> {
        let id = |name: &str| StepId::parse(name).map_err(|error| vec![Fault::Name(error)]);
        let (step, target) = (id(from)?, id(to)?);
        let first = match self.entry(to) {
            Some(first) if !self.inside.contains_key(from) => first.to_owned(),
            _ => return Err(vec![Fault::LoopsCross { step, target }]),
        };
        let region = self.region(&first, from);
        if region.is_empty() {
            return Err(vec![Fault::NoWayBack { step, target }]);
        }
        let mut faults = Vec::new();
        for (start, end) in self.edges() {
            let (in_start, in_end) = (region.contains(start), region.contains(end));
            if !in_start && in_end && end != first {
                let (outside, inside) = (id(start)?, id(end)?);
                let (step, target) = (step.clone(), target.clone());
                faults.push(Fault::SecondWayIn { step, target, outside, inside });
            } else if in_start && !in_end && start != from {
                let (inside, outside) = (id(start)?, id(end)?);
                let (step, target) = (step.clone(), target.clone());
                faults.push(Fault::SecondWayOut { step, target, inside, outside });
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        self.replace(from, &first, &region, rounds)
    }

    /// Puts a loop in the place of the region, which goes from `first` to `last`. Changes nothing when the region is no valid body.
    fn replace(
        &mut self,
        last: &str,
        first: &str,
        region: &BTreeSet<String>,
        rounds: u32,
    ) -> Result<(), Vec<Fault>> {
        let name = format!("until_{last}");
        let held = |link: &Link| region.contains(&link.step);
        let at = self.steps.iter().position(|step| region.contains(&step.id)).unwrap_or(0);
        let (mut body, mut outer): (Vec<Step>, Vec<Step>) =
            self.steps.iter().cloned().partition(|step| region.contains(&step.id));
        let (mut incoming, mut outgoing, mut join) = (Vec::new(), Vec::new(), Join::All);
        for step in &mut body {
            incoming.extend(step.incoming.extract_if(.., |link| !held(link)));
            outgoing.extend(step.outgoing.extract_if(.., |link| !held(link)));
            if step.id == first {
                join = std::mem::replace(&mut step.join, Join::All);
            }
        }
        // Edges that were drawn from the other side name the steps of the region.
        for step in &mut outer {
            let ends = step.incoming.iter_mut().chain(&mut step.outgoing);
            ends.filter(|link| held(link)).for_each(|link| link.step.clone_from(&name));
            step.kind.redirect(|to| region.contains(to), &name);
        }
        let description = format!("from {first} to {last}, again while {last} fails");
        let body = check::compile(&format!("{name}_body"), description.clone(), body)?;
        let folded = Step::repeat_until_accepted(&name, Workflow(body.into()), rounds, last);
        outer.insert(at, Step { incoming, outgoing, join, description, ..folded });
        self.inside.extend(region.iter().map(|step| (step.clone(), (name.clone(), step == first))));
        self.steps = outer;
        Ok(())
    }
}

/// Everything that can be reached from `start`, itself included.
fn reached<'a>(start: &'a str, next: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        for &to in next.get(at).into_iter().flatten() {
            if seen.insert(to) {
                open.push(to);
            }
        }
    }
    seen
}
