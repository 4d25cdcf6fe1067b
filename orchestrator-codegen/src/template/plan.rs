//! The plan that a layer carries: how the blocks of the layers that it writes are decided, and the digest of what it writes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::activation::{Activation, SCORE_THRESHOLD};
use crate::request::GenerateRequest;
use crate::template::decide::BlockDecision;
use crate::template::input::InputValue;
use crate::template::layer::Layer;
use crate::template::model::Template;
use crate::template::rendering::Rendering;

/// What a layer must know to decide on the ones that it carries.
#[derive(Serialize)]
pub(crate) struct Plan<'a> {
    activation: Activation,
    threshold: f64,
    temperature: f64,
    features: &'a BTreeMap<String, f64>,
    /// Whether the blocks of the layers before were kept (1) or not (0), as `layer.block`.
    earlier: BTreeMap<String, f64>,
    layers: Vec<PlannedLayer<'a>>,
    target: &'a str,
    sha256: &'a str,
}

#[derive(Serialize)]
struct PlannedLayer<'a> {
    name: &'a str,
    file: &'a str,
    line_length: Option<u32>,
    bias: f64,
    blocks: Vec<PlannedBlock<'a>>,
    data: BTreeMap<&'a str, &'a InputValue>,
    writes: bool,
}

#[derive(Serialize)]
struct PlannedBlock<'a> {
    name: &'a str,
    feature: &'a str,
    weight: f64,
    emphasis: f64,
    complexity_above: f64,
}

impl<'a> Plan<'a> {
    /// The plan of the layer at this place, which writes `target`.
    pub(crate) fn new(
        rendering: &'a Rendering,
        at: usize,
        request: &'a GenerateRequest,
        decisions: &'a [BlockDecision],
        target: Option<&'a Layer>,
    ) -> Plan<'a> {
        let later = at + 1..rendering.layers.len();
        Plan {
            activation: request.activation,
            threshold: SCORE_THRESHOLD,
            temperature: request.parameters.temperature,
            features: &request.features,
            earlier: heard(&rendering.template, at, decisions),
            layers: later.map(|at| PlannedLayer::new(rendering, at, request, decisions)).collect(),
            target: target.map_or("", |target| &target.file),
            sha256: target.map_or("", |target| &target.sha256),
        }
    }
}

/// What was decided up to this layer, as far as a block further in listens to it: a plan is to depend on as little as possible.
fn heard(template: &Template, at: usize, decisions: &[BlockDecision]) -> BTreeMap<String, f64> {
    let inner = &template.layers()[at + 1..];
    let is_inner =
        |decision: &&BlockDecision| inner.iter().any(|layer| layer.name == decision.layer);
    let heard: BTreeSet<&str> =
        decisions.iter().filter(is_inner).map(|decision| decision.feature.as_str()).collect();
    let earlier = decisions.iter().filter(|decision| !is_inner(decision));
    let earlier = earlier.filter_map(|decision| {
        let name = format!("{}.{}", decision.layer, decision.block);
        let kept = f64::from(u8::from(decision.kept));
        heard.contains(name.as_str()).then_some((name, kept))
    });
    earlier.collect()
}

impl<'a> PlannedLayer<'a> {
    fn new(
        rendering: &'a Rendering,
        at: usize,
        request: &'a GenerateRequest,
        decisions: &'a [BlockDecision],
    ) -> PlannedLayer<'a> {
        let template = &rendering.template;
        let spec = &template.layers()[at];
        let own = decisions.iter().filter(|decision| decision.layer == spec.name);
        let constants = rendering.layers[at].tokens.iter().filter_map(|token| token.data.as_ref());
        PlannedLayer {
            name: &spec.name,
            file: &spec.file,
            line_length: template.line_length_of(spec),
            bias: request.parameters.biases.get(&spec.name).copied().unwrap_or(0.0),
            blocks: own.map(|decision| PlannedBlock::new(template, request, decision)).collect(),
            data: constants
                .filter_map(|constant| {
                    Some((constant.name.as_str(), rendering.inputs.get(&constant.source)?))
                })
                .collect(),
            writes: spec.writes.is_some(),
        }
    }
}

impl<'a> PlannedBlock<'a> {
    fn new(
        template: &Template,
        request: &GenerateRequest,
        decision: &'a BlockDecision,
    ) -> PlannedBlock<'a> {
        let block = template.blocks().iter().find(|block| block.name == decision.block);
        PlannedBlock {
            name: &decision.block,
            feature: &decision.feature,
            weight: decision.weight,
            emphasis: request.emphasis_of(&decision.layer, &decision.feature),
            complexity_above: block.map_or(0.0, |block| block.complexity_above),
        }
    }
}
