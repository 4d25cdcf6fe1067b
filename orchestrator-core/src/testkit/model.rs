//! What a definition says, read off once more: steps as their author wrote them, edges looked up by name.
//!
//! The reference scheduler works on this and not on what [`build`](crate::WorkflowBuilder::build) compiled, so that an edge which is
//! compiled wrongly is found too.

use std::collections::{BTreeMap, BTreeSet};

use crate::closure::BoundCondition;
use crate::workflow::{Kind, On, Step, Workflow};

/// A workflow: its steps in definition order.
pub(super) struct Model {
    pub(super) steps: Vec<StepModel>,
    places: BTreeMap<String, usize>,
}

pub(super) struct StepModel {
    pub(super) step: Step,
    pub(super) edges: Vec<EdgeModel>,
    pub(super) body: Option<Model>,
    /// Whether an edge on failure leaves it.
    pub(super) handled: bool,
    /// Whether nothing follows its success.
    pub(super) ends: bool,
    pub(super) ancestors: BTreeSet<usize>,
}

#[derive(Clone)]
pub(super) struct EdgeModel {
    pub(super) from: usize,
    pub(super) fires: Fires,
}

#[derive(Clone)]
pub(super) enum Fires {
    Success,
    Failure,
    Always,
    When(BoundCondition),
    Chosen,
}

impl Model {
    pub(super) fn of(workflow: &Workflow) -> Model {
        let written: Vec<&Step> = workflow.defs().iter().map(|def| &def.step).collect();
        let places: BTreeMap<String, usize> =
            written.iter().enumerate().map(|(at, step)| (step.id.clone(), at)).collect();
        let mut edges: Vec<Vec<EdgeModel>> = vec![Vec::new(); written.len()];
        for (here, step) in written.iter().enumerate() {
            let fires = |on: On, when: &Option<BoundCondition>| match (on, when) {
                (_, Some(condition)) => Fires::When(condition.clone()),
                (On::Success, None) => Fires::Success,
                (On::Failure, None) => Fires::Failure,
                (On::Always, None) => Fires::Always,
            };
            for link in &step.incoming {
                let from = places[&link.step];
                edges[here].push(EdgeModel { from, fires: fires(link.on, &link.when) });
            }
            for link in &step.outgoing {
                let edge = EdgeModel { from: here, fires: fires(link.on, &link.when) };
                edges[places[&link.step]].push(edge);
            }
            let ways: BTreeSet<&str> = step.kind.ways().collect();
            for way in ways {
                edges[places[way]].push(EdgeModel { from: here, fires: Fires::Chosen });
            }
        }
        let leaving = |here: usize| edges.iter().flatten().filter(move |edge| edge.from == here);
        let is_failure = |edge: &EdgeModel| matches!(edge.fires, Fires::Failure);
        let handled: Vec<bool> =
            (0..written.len()).map(|here| leaving(here).any(is_failure)).collect();
        let ends: Vec<bool> =
            (0..written.len()).map(|here| leaving(here).all(is_failure)).collect();
        let ancestors: Vec<BTreeSet<usize>> =
            (0..written.len()).map(|here| ancestors(&edges, here)).collect();
        let parts = written.into_iter().zip(edges).zip(handled).zip(ends).zip(ancestors);
        let steps = parts
            .map(|((((step, edges), handled), ends), ancestors)| StepModel {
                body: step.kind.body().map(Model::of),
                step: step.clone(),
                edges,
                handled,
                ends,
                ancestors,
            })
            .collect();
        Model { steps, places }
    }

    pub(super) fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }
}

impl StepModel {
    pub(super) fn id(&self) -> &str {
        &self.step.id
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.step.kind
    }
}

fn ancestors(edges: &[Vec<EdgeModel>], here: usize) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut open = vec![here];
    while let Some(at) = open.pop() {
        open.extend(edges[at].iter().map(|edge| edge.from).filter(|&from| seen.insert(from)));
    }
    seen
}
