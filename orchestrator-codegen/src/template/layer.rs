//! From a template and a request to layers of code.
//!
//! Rendering comes first and knows the inputs, the data rules, the features and all decisions. It gives tokens. Assembling comes
//! second: it leaves out the tokens whose blocks were not kept and fills in the constants, innermost layer first, since a layer
//! that writes another one carries its parts (the tokens, as text) and a plan (how its blocks are decided, and the digest of the
//! result).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use minijinja::value::{Serde, Value};
use serde::Serialize;

use crate::activation::SCORE_THRESHOLD;
use crate::language::Language;
use crate::python::{Section, SectionKind};
use crate::request::GenerateRequest;
use crate::rules;
use crate::sha256;
use crate::template::decide::{BlockDecision, kept};
use crate::template::fault::Fault;
use crate::template::input::{InputValue, Inputs};
use crate::template::literal::{Dialect, Layout, newline};
use crate::template::manifest::LayerSpec;
use crate::template::model::Template;
use crate::template::token::{Constant, Guard, ScriptToken, TokenKind, tokenise};
use crate::text::lines_with_ends;

/// The constant with what a layer must know to decide on the ones that it carries.
const PLAN: &str = "plan";
/// The constant with the tokens of the layers that a layer carries.
const PARTS: &str = "parts";

/// A layer that has been assembled.
pub(crate) struct Layer {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) language: Language,
    pub(crate) source: String,
    pub(crate) sha256: String,
    /// The tokens that its template was cut into.
    pub(crate) tokens: usize,
    /// Where its constants are.
    pub(crate) sections: Vec<Section>,
}

/// A template that has been rendered: its tokens, layer by layer, as the manifest orders them.
pub(crate) struct Rendering {
    template: Template,
    inputs: Inputs,
    layers: Vec<RenderedLayer>,
}

struct RenderedLayer {
    tokens: Vec<ScriptToken>,
    /// The tokens as a literal of the layers around it.
    parts: OnceLock<(Language, String)>,
    /// No other layer of this process has it.
    number: u64,
    /// The parts that it carries.
    carries: OnceLock<Carries>,
}

impl RenderedLayer {
    /// About as many as its source has.
    fn bytes(&self) -> usize {
        const PLAN_BYTES: usize = 16 * 1024;
        let own: usize = self.tokens.iter().map(|token| token.text.len()).sum();
        own + self.carries.get().map_or(0, |carries| carries.literal.len() + PLAN_BYTES)
    }
}

/// A literal of parts: a dictionary with an item for each layer.
struct Carries {
    literal: String,
    /// Where the first item begins, and where each one ends.
    ends: Vec<usize>,
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
            let shown = template.shown(layer);
            let tokens = tokenise(
                &shown,
                &text,
                |block| !template.is_removed(block),
                |block| listens_to(template, request, block),
            )?;
            for token in &tokens {
                if let Some(constant) = &token.data {
                    check_constant(template, layer, &inputs, constant).map_err(|reason| {
                        let remedy = "see templates/README.md on data";
                        Fault::new(&shown, token.span.line_first, &constant.name, reason, remedy)
                    })?;
                }
            }
            static NUMBERS: AtomicU64 = AtomicU64::new(0);
            let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
            let (parts, carries) = (OnceLock::new(), OnceLock::new());
            layers.push(RenderedLayer { tokens, parts, number, carries });
        }
        Ok(Rendering { template: template.clone(), inputs, layers })
    }

    /// The layers for these decisions.
    pub(crate) fn assemble(
        &self,
        request: &GenerateRequest,
        decisions: &[BlockDecision],
    ) -> Result<Vec<Layer>, Fault> {
        let specs = self.template.layers();
        let mut done: Vec<Layer> = Vec::new();
        for (at, spec) in specs.iter().enumerate().rev() {
            let language = self.template.language_of(spec);
            let kept = kept(decisions, &spec.name);
            let tokens = &self.layers[at].tokens;
            let mut source = String::with_capacity(self.layers[at].bytes());
            let mut sections = Vec::new();
            for token in tokens {
                if !token.guards.iter().all(|guard| guard.holds(&kept)) {
                    continue;
                }
                let Some(constant) = &token.data else {
                    source.push_str(&token.text);
                    continue;
                };
                let begin = source.len();
                self.place(&mut source, at, token, constant, request, decisions, &done)?;
                sections.push(Section { end: begin, kind: SectionKind::Code });
                self.section(&mut sections, at, constant, begin..source.len());
            }
            let (name, file) = (spec.name.clone(), spec.file.clone());
            let sha256 = sha256::hex(source.as_bytes());
            let tokens = tokens.len();
            done.push(Layer { name, file, language, source, sha256, tokens, sections });
        }
        done.reverse();
        Ok(done)
    }

    /// All tokens of the layers, kept or not, with the texts of their constants.
    pub(crate) fn tokens(
        &self,
        request: &GenerateRequest,
        decisions: &[BlockDecision],
    ) -> Result<BTreeMap<String, Vec<ScriptToken>>, Fault> {
        let mut layers = self.assemble(request, decisions)?;
        layers.reverse();
        let specs = self.template.layers();
        let mut all = BTreeMap::new();
        for (at, spec) in specs.iter().enumerate() {
            let done = &layers[..layers.len() - at - 1];
            let mut tokens = self.layers[at].tokens.clone();
            for token in &mut tokens {
                if let Some(constant) = token.data.clone() {
                    let mut text = String::new();
                    self.place(&mut text, at, token, &constant, request, decisions, done)?;
                    token.text = text;
                }
            }
            all.insert(spec.file.clone(), tokens);
        }
        Ok(all)
    }

    /// Says what a constant that was placed is to whoever reads Python.
    fn section(
        &self,
        sections: &mut Vec<Section>,
        at: usize,
        constant: &Constant,
        place: Range<usize>,
    ) {
        match (constant.source.as_str(), self.layers[at].carries.get()) {
            (PLAN, _) => sections.push(Section { end: place.end, kind: SectionKind::Passing }),
            (PARTS, Some(Carries { ends, .. })) => {
                let literal = place.start + constant.name.len() + " = ".len();
                let numbers = self.layers[at + 1..].iter().map(|layer| layer.number);
                let kinds = iter::once(SectionKind::Opening).chain(numbers.map(SectionKind::Items));
                let placed = ends.iter().zip(kinds);
                sections.extend(placed.map(|(end, kind)| Section { end: literal + end, kind }));
                sections.push(Section { end: place.end, kind: SectionKind::Closing });
            }
            _ => sections.push(Section { end: place.end, kind: SectionKind::Code }),
        }
    }

    /// Appends the lines of a constant; `done` are the layers after this one, last first. Its faults have their place.
    #[allow(clippy::too_many_arguments)]
    fn place(
        &self,
        out: &mut String,
        at: usize,
        token: &ScriptToken,
        constant: &Constant,
        request: &GenerateRequest,
        decisions: &[BlockDecision],
        done: &[Layer],
    ) -> Result<(), Fault> {
        self.write(out, at, constant, request, decisions, done).map_err(|reason| {
            let shown = self.template.shown(&self.template.layers()[at]);
            let remedy = "see templates/README.md on data";
            Fault::new(shown, token.span.line_first, &constant.name, reason, remedy)
        })
    }

    fn write(
        &self,
        out: &mut String,
        at: usize,
        constant: &Constant,
        request: &GenerateRequest,
        decisions: &[BlockDecision],
        done: &[Layer],
    ) -> Result<(), String> {
        let spec = &self.template.layers()[at];
        let language = self.template.language_of(spec);
        let dialect = Dialect::of(language).ok_or("its language has no constants")?;
        let width = self.template.line_length_of(spec).map(|width| width as usize);
        let literal = match constant.source.as_str() {
            PLAN => {
                let plan = self.plan(at, request, decisions, done);
                Cow::Owned(
                    dialect.literal(&Value::from(Serde(plan)), Layout::Exploded { indent: 0 })?,
                )
            }
            PARTS => Cow::Borrowed(self.carries(at, language, dialect)?.literal.as_str()),
            input => {
                let value = self.inputs.get(input).ok_or("there is no such input")?;
                Cow::Owned(
                    dialect.literal(&Value::from(Serde(value)), Layout::Exploded { indent: 0 })?,
                )
            }
        };
        assign(out, language, &constant.name, &literal, width)
    }

    fn plan<'a>(
        &'a self,
        at: usize,
        request: &'a GenerateRequest,
        decisions: &'a [BlockDecision],
        done: &[Layer],
    ) -> Plan<'a> {
        let specs = self.template.layers();
        let target = specs[at]
            .writes
            .as_deref()
            .and_then(|name| done.iter().find(|layer| layer.name == name));
        let inner = |layer: &String| specs[at + 1..].iter().any(|spec| spec.name == *layer);
        let is_inner = |decision: &&BlockDecision| inner(&decision.layer);
        // Only what a block further in listens to: a plan is to depend on as little as possible.
        let heard: BTreeSet<&str> =
            decisions.iter().filter(is_inner).map(|decision| decision.feature.as_str()).collect();
        let earlier = decisions.iter().filter(|decision| !is_inner(decision));
        let earlier = earlier.filter_map(|decision| {
            let name = format!("{}.{}", decision.layer, decision.block);
            let kept = f64::from(u8::from(decision.kept));
            heard.contains(name.as_str()).then_some((name, kept))
        });
        let layers = specs.iter().enumerate().skip(at + 1).map(|(at, spec)| PlannedLayer {
            name: &spec.name,
            file: &spec.file,
            line_length: self.template.line_length_of(spec),
            bias: request.parameters.biases.get(&spec.name).copied().unwrap_or(0.0),
            blocks: decisions
                .iter()
                .filter(|decision| decision.layer == spec.name)
                .map(|decision| {
                    let block =
                        self.template.blocks().iter().find(|block| block.name == decision.block);
                    PlannedBlock {
                        name: &decision.block,
                        feature: &decision.feature,
                        weight: decision.weight,
                        emphasis: request.emphasis_of(&spec.name, &decision.feature),
                        complexity_above: block.map_or(0.0, |block| block.complexity_above),
                    }
                })
                .collect(),
            data: self.layers[at]
                .tokens
                .iter()
                .filter_map(|token| token.data.as_ref())
                .filter_map(|constant| {
                    Some((constant.name.as_str(), self.inputs.get(&constant.source)?))
                })
                .collect(),
            writes: spec.writes.is_some(),
        });
        Plan {
            activation: request.activation,
            threshold: SCORE_THRESHOLD,
            temperature: request.parameters.temperature,
            features: &request.features,
            earlier: earlier.collect(),
            layers: layers.collect(),
            target: target.map_or(String::new(), |target| target.file.clone()),
            sha256: target.map_or(String::new(), |target| target.sha256.clone()),
        }
    }

    fn carries(&self, at: usize, language: Language, dialect: Dialect) -> Result<&Carries, String> {
        if let Some(known) = self.layers[at].carries.get() {
            return Ok(known);
        }
        let carries = self.parts(at, language, dialect)?;
        Ok(self.layers[at].carries.get_or_init(|| carries))
    }

    /// The tokens of the layers after this one, by name. A token is a list of texts: its guards in one, `+a,b` for one of these,
    /// `-a,b` for none of these, with a space between; then its lines. One that holds a constant has the name of it, after `=`,
    /// among the guards.
    fn parts(&self, at: usize, language: Language, dialect: Dialect) -> Result<Carries, String> {
        if matches!(dialect, Dialect::Rust | Dialect::Shell | Dialect::Sql) {
            return Err("its language has no literal for parts".to_owned());
        }
        let specs = self.template.layers();
        let mut out = String::from("{");
        let mut ends = Vec::new();
        for (spec, layer) in specs.iter().zip(&self.layers).skip(at + 1) {
            ends.push(out.len() + 1);
            newline(&mut out, 4);
            dialect.write_text(&mut out, &spec.name)?;
            out.push_str(": ");
            let (cached, parts) = match layer.parts.get() {
                Some(cached) => cached,
                None => {
                    let parts = parts_literal(&layer.tokens, dialect)?;
                    layer.parts.get_or_init(|| (language, parts))
                }
            };
            if *cached == language {
                out.push_str(parts);
            } else {
                out.push_str(&parts_literal(&layer.tokens, dialect)?);
            }
            out.push(',');
        }
        if dialect == Dialect::Json {
            out.pop();
        }
        ends.push(out.len() + 1);
        newline(&mut out, 0);
        out.push('}');
        Ok(Carries { literal: out, ends })
    }
}

#[derive(Serialize)]
struct Plan<'a> {
    activation: crate::activation::Activation,
    threshold: f64,
    temperature: f64,
    features: &'a BTreeMap<String, f64>,
    /// Whether the blocks of the layers before were kept (1) or not (0), as `layer.block`.
    earlier: BTreeMap<String, f64>,
    layers: Vec<PlannedLayer<'a>>,
    target: String,
    sha256: String,
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

fn parts_literal(tokens: &[ScriptToken], dialect: Dialect) -> Result<String, String> {
    if tokens.is_empty() {
        return Ok("[]".to_owned());
    }
    let mut out = String::from("[");
    for (at, token) in tokens.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        newline(&mut out, 8);
        out.push('[');
        newline(&mut out, 12);
        let constant = token.data.as_ref().map(|constant| format!("={}", constant.name));
        let conditions: Vec<String> = token.guards.iter().map(condition).chain(constant).collect();
        dialect.write_text(&mut out, &conditions.join(" "))?;
        for line in lines_with_ends(&token.text).filter(|_| token.data.is_none()) {
            out.push(',');
            newline(&mut out, 12);
            dialect.write_text(&mut out, line)?;
        }
        close(&mut out, dialect, 8);
    }
    close(&mut out, dialect, 4);
    Ok(out)
}

fn close(out: &mut String, dialect: Dialect, indent: usize) {
    if dialect != Dialect::Json {
        out.push(',');
    }
    newline(out, indent);
    out.push(']');
}

fn condition(guard: &Guard) -> String {
    format!("{}{}", if guard.kept { '+' } else { '-' }, guard.any_of.join(","))
}

/// Appends a constant as the language writes it, broken where a formatter breaks it.
fn assign(
    out: &mut String,
    language: Language,
    name: &str,
    literal: &str,
    width: Option<usize>,
) -> Result<(), String> {
    let text = literal.starts_with(['"', '\'']);
    let flat = name.len() + 3 + literal.len();
    let parts: &[&str] = match (language, width) {
        // Formatters put parentheses around a text where that makes it fit, and leave it where nothing does.
        (Language::Python, Some(width)) if text && flat > width && literal.len() + 4 <= width => {
            &[name, " = (\n    ", literal, "\n)\n"]
        }
        (Language::Python | Language::Text, _) => &[name, " = ", literal, "\n"],
        (Language::JavaScript, _) => &["const ", name, " = ", literal, ";\n"],
        (Language::Shell, _) => &[name, "=(", literal, ")\n"],
        (Language::Rust | Language::Sql, _) => {
            return Err(
                "its language has no constants without a type; write the value by a filter"
                    .to_owned(),
            );
        }
    };
    parts.iter().for_each(|part| out.push_str(part));
    Ok(())
}

fn check_constant(
    template: &Template,
    layer: &LayerSpec,
    inputs: &Inputs,
    constant: &Constant,
) -> Result<(), String> {
    match constant.source.as_str() {
        PLAN | PARTS if layer.writes.is_none() => {
            Err(format!("{} writes no other layer, and has no {}", layer.name, constant.source))
        }
        PLAN | PARTS => Ok(()),
        input if inputs.contains_key(input) => Ok(()),
        input => Err(format!("{:?} has no input {input:?}", template.name())),
    }
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

impl ScriptToken {
    /// Whether it is code of a template, not a constant.
    pub fn is_code(&self) -> bool {
        self.kind != TokenKind::Data
    }
}
