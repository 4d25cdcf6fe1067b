//! From a template and a request to the tokens of each layer.
//!
//! Rendering comes first and knows the inputs, the data rules, the features and all decisions. It gives tokens. Assembling comes
//! second: it leaves out the tokens whose blocks were not kept and fills in the constants, innermost layer first, since a layer
//! that writes another one carries its parts (the tokens, as text) and a plan (how its blocks are decided, and the digest of the
//! result).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use minijinja::value::{Serde, Value};
use serde::Serialize;

use crate::language::Language;
use crate::request::GenerateRequest;
use crate::rules;
use crate::template::decide::{BlockDecision, kept};
use crate::template::fault::Fault;
use crate::template::input::{InputValue, Inputs};
use crate::template::literal::Dialect;
use crate::template::manifest::LayerSpec;
use crate::template::model::Template;
use crate::template::parts::{Parts, tokens_literal};
use crate::template::token::{Constant, ScriptToken, tokenise};

/// The constant with what a layer must know to decide on the ones that it carries.
const PLAN: &str = "plan";
/// The constant with the tokens of the layers that a layer carries.
const PARTS: &str = "parts";

/// A template that has been rendered: its tokens, layer by layer, as the manifest orders them.
pub(crate) struct Rendering {
    pub(super) template: Template,
    pub(super) inputs: Inputs,
    pub(super) layers: Vec<RenderedLayer>,
}

pub(super) struct RenderedLayer {
    pub(super) tokens: Vec<ScriptToken>,
    /// The tokens as a literal of the layers around it.
    literal: OnceLock<(Dialect, String)>,
    /// No other layer of this process has it.
    pub(super) number: u64,
    /// The parts that it carries.
    pub(super) parts: OnceLock<Parts>,
}

/// Where the value of a constant is from.
pub(super) enum Source<'a> {
    Plan,
    Parts,
    Input(&'a InputValue),
}

#[derive(Serialize)]
struct Known<'a> {
    #[serde(flatten)]
    inputs: &'a Inputs,
    features: &'a BTreeMap<String, f64>,
    decided: BTreeMap<&'a str, Vec<&'a str>>,
    rules: rules::Values,
    template: TemplateFacts<'a>,
    layers: Vec<LayerFacts<'a>>,
    layer: LayerFacts<'a>,
    target: Option<LayerFacts<'a>>,
}

#[derive(Serialize)]
struct TemplateFacts<'a> {
    name: &'a str,
    description: &'a str,
}

/// What the author of the manifest wrote: names of files are safe to write as they are.
#[derive(Serialize)]
struct LayerFacts<'a> {
    name: &'a str,
    file: Value,
    language: Language,
    line_length: Option<u32>,
    /// The blocks that it may have.
    blocks: Vec<&'a str>,
    /// The blocks that its markers may name: those, and those that a simpler template took out.
    markers: Vec<&'a str>,
}

impl Rendering {
    /// Renders every layer. The inputs have been checked.
    pub(crate) fn new(
        template: &Template,
        inputs: Inputs,
        request: &GenerateRequest,
        decisions: &[BlockDecision],
    ) -> Result<Rendering, Fault> {
        let decided = || {
            let layers = template.layers().iter();
            layers.map(|layer| (layer.name.as_str(), kept(decisions, &layer.name))).collect()
        };
        let mut layers = Vec::new();
        for layer in template.layers() {
            let target = layer.writes.as_deref().and_then(|name| template.layer(name));
            let known = Known {
                inputs: &inputs,
                features: &request.features,
                decided: decided(),
                rules: rules::values(),
                template: TemplateFacts {
                    name: template.name(),
                    description: &template.manifest().description,
                },
                layers: template.layers().iter().map(|layer| facts(template, layer)).collect(),
                layer: facts(template, layer),
                target: target.map(|target| facts(template, target)),
            };
            let language = template.language_of(layer);
            let engine = template.engine(language);
            let text = engine.render(&layer.template, &Value::from(Serde(&known)))?;
            let tokens = tokenise(
                &template.shown(layer),
                &text,
                |block| !template.is_removed(block),
                |block| listens_to(template, request, block),
            )?;
            for token in &tokens {
                if let Some(constant) = &token.data {
                    source_of(template, layer, &inputs, constant).map_err(|reason| {
                        fault_of_constant(template, layer, token, constant, reason)
                    })?;
                }
            }
            layers.push(RenderedLayer::new(tokens));
        }
        Ok(Rendering { template: template.clone(), inputs, layers })
    }

    pub(super) fn source(&self, at: usize, constant: &Constant) -> Result<Source<'_>, String> {
        source_of(&self.template, &self.template.layers()[at], &self.inputs, constant)
    }

    /// The parts that a layer carries, of all after it.
    pub(super) fn parts(&self, at: usize, dialect: Dialect) -> Result<&Parts, String> {
        let own = &self.layers[at].parts;
        if let Some(known) = own.get() {
            return Ok(known);
        }
        let later = self.template.layers().iter().zip(&self.layers).skip(at + 1);
        let literals: Vec<(&str, Cow<'_, str>)> = later
            .map(|(spec, layer)| Ok((spec.name.as_str(), layer.literal(dialect)?)))
            .collect::<Result<_, String>>()?;
        let parts = Parts::new(dialect, &literals)?;
        Ok(own.get_or_init(|| parts))
    }
}

impl RenderedLayer {
    fn new(tokens: Vec<ScriptToken>) -> RenderedLayer {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        RenderedLayer { tokens, literal: OnceLock::new(), number, parts: OnceLock::new() }
    }

    /// As many as its source has at most, without its constants.
    pub(super) fn bytes(&self) -> usize {
        self.tokens.iter().map(|token| token.text.len()).sum()
    }

    /// Its tokens as a literal: that of the first language that asks is kept, which mostly is the only one.
    fn literal(&self, dialect: Dialect) -> Result<Cow<'_, str>, String> {
        let (kept, literal) = match self.literal.get() {
            Some(known) => known,
            None => {
                let literal = tokens_literal(&self.tokens, dialect)?;
                self.literal.get_or_init(|| (dialect, literal))
            }
        };
        if *kept == dialect {
            Ok(Cow::Borrowed(literal))
        } else {
            tokens_literal(&self.tokens, dialect).map(Cow::Owned)
        }
    }
}

fn source_of<'a>(
    template: &Template,
    layer: &LayerSpec,
    inputs: &'a Inputs,
    constant: &Constant,
) -> Result<Source<'a>, String> {
    match constant.source.as_str() {
        PLAN | PARTS if layer.writes.is_none() => {
            Err(format!("{} writes no other layer, and has no {}", layer.name, constant.source))
        }
        PLAN => Ok(Source::Plan),
        PARTS => Ok(Source::Parts),
        input => match inputs.get(input) {
            Some(value) => Ok(Source::Input(value)),
            None => Err(format!("{:?} has no input {input:?}", template.name())),
        },
    }
}

/// Why a constant cannot be written, with its place.
pub(super) fn fault_of_constant(
    template: &Template,
    layer: &LayerSpec,
    token: &ScriptToken,
    constant: &Constant,
    reason: String,
) -> Fault {
    let remedy = "see templates/README.md on data";
    Fault::new(template.shown(layer), token.span.line_first, &constant.name, reason, remedy)
}

fn listens_to(template: &Template, request: &GenerateRequest, block: &str) -> (String, f64) {
    let Some(known) = template.blocks().iter().find(|known| known.name == block) else {
        return (String::new(), 1.0);
    };
    let weight = request.parameters.weights.get(&known.feature).copied().unwrap_or(1.0);
    (known.feature.clone(), weight * known.weight)
}

fn facts<'a>(template: &'a Template, layer: &'a LayerSpec) -> LayerFacts<'a> {
    let blocks: Vec<&str> = template
        .blocks()
        .iter()
        .filter(|block| block.layers.contains(&layer.name))
        .map(|block| block.name.as_str())
        .collect();
    LayerFacts {
        name: &layer.name,
        file: Value::from_safe_string(layer.file.clone()),
        language: template.language_of(layer),
        line_length: template.line_length_of(layer),
        markers: blocks.iter().copied().chain(template.removed()).collect(),
        blocks,
    }
}
