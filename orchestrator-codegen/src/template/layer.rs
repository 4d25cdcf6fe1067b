//! One layer: its template, its tokens, its code. A generator layer carries the tokens of the layer that it writes.

use serde::Serialize;

use crate::request::GenerateRequest;
use crate::rules;
use crate::sha256;
use crate::template::{BLOCKS, BlockDecision};
use crate::template::{Guard, ScriptToken, assemble};
use crate::template::{TemplateError, render, tokenise};

const SCRIPT: &str = include_str!("../../templates/layer_2.py.j2");
const GENERATOR: &str = include_str!("../../templates/generator.py.j2");

/// A layer that has been assembled.
pub(crate) struct Layer {
    pub(crate) name: &'static str,
    pub(crate) tokens: Vec<ScriptToken>,
    pub(crate) source: String,
}

impl Layer {
    pub(crate) fn file(&self) -> String {
        format!("{}.py", self.name)
    }
}

#[derive(Serialize)]
struct ScriptValues<'a> {
    project: &'a str,
    objective: &'a str,
    blocks: Vec<&'static str>,
    missing: &'static [&'static str],
    delimiters: &'static [char],
    sample_records: usize,
    field_chars_max: usize,
    preamble_max: usize,
    json_columns_max: usize,
    json_nesting_max: usize,
    json_suffixes: &'static [&'static str],
    json_lines_suffixes: &'static [&'static str],
    delimited_suffixes: &'static [&'static str],
    months: [&'static str; 12],
    tolerance_share: usize,
    values_min: usize,
    typed_chars_max: usize,
    fence_ranges: f64,
    fence_values_min: usize,
}

/// The layer that does the user's job.
pub(crate) fn script_layer(
    request: &GenerateRequest,
    name: &'static str,
    kept: &[&str],
) -> Result<Layer, TemplateError> {
    let values = ScriptValues {
        project: &request.project,
        objective: &request.objective,
        blocks: blocks_of(name),
        missing: rules::MISSING,
        delimiters: rules::DELIMITERS,
        sample_records: rules::SAMPLE_RECORDS,
        field_chars_max: rules::FIELD_CHARS_MAX,
        preamble_max: rules::PREAMBLE_MAX,
        json_columns_max: rules::JSON_COLUMNS_MAX,
        json_nesting_max: rules::JSON_NESTING_MAX,
        json_suffixes: rules::JSON_SUFFIXES,
        json_lines_suffixes: rules::JSON_LINES_SUFFIXES,
        delimited_suffixes: rules::DELIMITED_SUFFIXES,
        months: rules::MONTHS,
        tolerance_share: rules::TOLERANCE_SHARE,
        values_min: rules::VALUES_MIN,
        typed_chars_max: rules::TYPED_CHARS_MAX,
        fence_ranges: rules::FENCE_RANGES,
        fence_values_min: rules::FENCE_VALUES_MIN,
    };
    layer(request, name, SCRIPT, &values, kept)
}

#[derive(Serialize)]
struct GeneratorValues<'a> {
    project: &'a str,
    objective: &'a str,
    name: String,
    target: String,
    sha256: String,
    keys: [&'static str; 10],
    decisions: Vec<&'a BlockDecision>,
    parts: Vec<Part<'a>>,
}

#[derive(Serialize)]
struct Part<'a> {
    guards: &'a [Guard],
    lines: Vec<&'a str>,
}

/// A layer that writes `target`.
pub(crate) fn generator_layer(
    request: &GenerateRequest,
    name: &'static str,
    target: &Layer,
    decisions: &[BlockDecision],
    kept: &[&str],
) -> Result<Layer, TemplateError> {
    let parts = target.tokens.iter().map(|token| Part {
        guards: &token.guards,
        lines: token.text.split_inclusive('\n').collect(),
    });
    let own = |decision: &&BlockDecision| decision.layer == target.name;
    let values = GeneratorValues {
        project: &request.project,
        objective: &request.objective,
        name: format!("{name}.py"),
        target: target.file(),
        sha256: sha256::hex(target.source.as_bytes()),
        keys: [
            "block",
            "feature",
            "value",
            "weight",
            "bias",
            "temperature",
            "score",
            "activation",
            "threshold",
            "kept",
        ],
        decisions: decisions.iter().filter(own).collect(),
        parts: parts.collect(),
    };
    layer(request, name, GENERATOR, &values, kept)
}

fn blocks_of(layer: &str) -> Vec<&'static str> {
    let own = BLOCKS.iter().filter(|block| block.layers.contains(&layer));
    own.map(|block| block.name).collect()
}

fn layer(
    request: &GenerateRequest,
    name: &'static str,
    template: &str,
    values: &impl Serialize,
    kept: &[&str],
) -> Result<Layer, TemplateError> {
    let rendered = render(name, template, values, &blocks_of(name))?;
    let tokens = tokenise(name, &rendered, |block| {
        let known = BLOCKS.iter().find(|known| known.name == block);
        let feature = known.expect("rendering refuses unknown blocks").feature;
        let weight = request.parameters.weights.get(feature).copied();
        (feature.to_owned(), weight.unwrap_or(1.0))
    })?;
    Ok(Layer { name, source: assemble(&tokens, kept), tokens })
}
