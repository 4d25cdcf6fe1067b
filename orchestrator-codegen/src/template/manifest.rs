//! `template.toml`: what a template says of itself.
//!
//! The file is versioned, unknown keys are refused, and every fault names the line, the key and the remedy; what the grammar
//! lets through is checked as a whole, so that all faults come at once. `templates/README.md` explains each key.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::language::Language;
use crate::template::fault::{Fault, TemplateError};
use crate::template::input::{InputSpec, InputType, is_identifier};
use crate::template::syntax::Delimiters;

/// The name of the manifest in its folder.
pub const MANIFEST: &str = "template.toml";

/// The version of the manifest that this crate reads.
pub const MANIFEST_VERSION: u32 = 1;

/// More layers, inputs or blocks than these are a mistake.
const ENTRIES_MAX: usize = 256;

/// Code is formatted for widths such as these.
const LINE_LENGTHS: RangeInclusive<u32> = 40..=400;

/// Names that templates know without any input of that name; no input may have one of them.
pub const RESERVED: &[&str] = &[
    "begin", "data", "decided", "end", "features", "layer", "layers", "parts", "plan", "rules",
    "target", "template", "unless",
];

/// What a template says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    /// The name, that of its folder where it stands among others: letters, digits, `-` and `_`.
    pub name: String,
    /// What it makes, for people.
    #[serde(default)]
    pub description: String,
    /// The templates that it belongs to: those of a family do the same at different complexities. Its own name if not given.
    #[serde(default)]
    pub family: Option<String>,
    /// The language of layers that name none.
    pub language: Language,
    /// The complexity that it is meant for: from, to, both in [0, 1].
    #[serde(default = "any_complexity")]
    pub complexity: [f64; 2],
    /// The simpler template that is taken when this one does not validate: a name, or a path relative to this folder.
    #[serde(default)]
    pub fallback: Option<String>,
    /// The template whose inputs, layers, blocks and files this one has too, unless it brings its own of the same name.
    #[serde(default)]
    pub extends: Option<String>,
    /// Blocks of the extended template that this one does not have.
    #[serde(default)]
    pub without: Vec<String>,
    /// What marks statements, values and comments in its files.
    #[serde(default)]
    pub delimiters: Option<Delimiters>,
    /// The width that its code is formatted for, in columns.
    #[serde(default)]
    pub line_length: Option<u32>,
    /// What it asks the user for.
    #[serde(default)]
    pub inputs: Vec<InputSpec>,
    /// What it writes: outermost first.
    #[serde(default)]
    pub layers: Vec<LayerSpec>,
    /// Its optional parts, in the order of the code.
    #[serde(default)]
    pub blocks: Vec<Block>,
}

impl Manifest {
    /// The names of its inputs, layers and blocks, in order.
    pub(crate) fn names(&self) -> [(&'static str, Vec<&str>); 3] {
        [
            ("inputs", self.inputs.iter().map(|input| input.name.as_str()).collect()),
            ("layers", self.layers.iter().map(|layer| layer.name.as_str()).collect()),
            ("blocks", self.blocks.iter().map(|block| block.name.as_str()).collect()),
        ]
    }
}

fn any_complexity() -> [f64; 2] {
    [0.0, 1.0]
}

/// One file that a template writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerSpec {
    /// Its name, that of its bias in θ.
    pub name: String,
    /// The name of the file: letters, digits, `.`, `-`, `_`, and `/` between folders.
    pub file: String,
    /// Its language; that of the template if not given.
    #[serde(default)]
    pub language: Option<Language>,
    /// The template file it is rendered from.
    pub template: String,
    /// The width that its code is formatted for; that of the template if not given.
    #[serde(default)]
    pub line_length: Option<u32>,
    /// The later layer that it carries, and writes when it is run.
    #[serde(default)]
    pub writes: Option<String>,
}

/// An optional part of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Its name.
    pub name: String,
    /// The layers it belongs to.
    pub layers: Vec<String>,
    /// The feature that its tokens listen to: one of the request, or `layer.block` of an earlier layer: 1 if that was kept,
    /// else 0.
    pub feature: String,
    /// What θ's weight for the feature is multiplied by.
    #[serde(default = "one")]
    pub weight: f64,
    /// It needs more than this complexity, however active its tokens are; 0 for no such need.
    #[serde(default)]
    pub complexity_above: f64,
    /// What it does, for people.
    pub purpose: String,
}

fn one() -> f64 {
    1.0
}

/// A manifest with the places of its keys.
pub(crate) struct ManifestText<'a> {
    file: &'a str,
    text: &'a str,
    root: Spanned<DeTable<'a>>,
    pub(crate) manifest: Manifest,
}

impl<'a> ManifestText<'a> {
    pub(crate) fn parse(file: &'a str, text: &'a str) -> Result<ManifestText<'a>, TemplateError> {
        let fault = |error: toml::de::Error, span: Option<Range<usize>>| {
            let line = span.as_ref().map(|span| line_of(text, span.start));
            let key = span.map_or(String::new(), |span| key_of(text, span));
            let message = error.message().replace('\n', " ");
            let remedy = "see templates/README.md for the keys and their types";
            Fault::new(file, line, key, message, remedy)
        };
        let root = DeTable::parse(text).map_err(|error| {
            let span = error.span();
            fault(error, span)
        })?;
        let manifest: Manifest = toml::from_str(text).map_err(|error| {
            // What the manifest as a whole lacks has the empty span of the whole.
            let span = error.span().filter(|span| *span != root.span());
            fault(error, span)
        })?;
        Ok(ManifestText { file, text, root, manifest })
    }

    /// A fault at a key.
    pub(crate) fn fault(
        &self,
        path: &[&str],
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Fault {
        Fault::new(self.file, self.line(path), shown_path(path), reason, remedy)
    }

    /// The line of a key: a path such as `["blocks", "2", "feature"]`; of the nearest parent if the key is not there.
    pub(crate) fn line(&self, path: &[&str]) -> Option<usize> {
        let mut span = None;
        let mut table = Some(self.root.get_ref());
        let mut value: Option<&DeValue<'_>> = None;
        for step in path {
            let next = match (table, value) {
                (Some(fields), _) => fields.iter().find(|(key, _)| key.get_ref() == step),
                (None, _) => None,
            };
            let found = match (next, value) {
                (Some((_, next)), _) => Some(next),
                (None, Some(DeValue::Array(items))) => {
                    step.parse().ok().and_then(|at: usize| items.get(at))
                }
                _ => None,
            };
            let Some(found) = found else { break };
            span = Some(found.span());
            (table, value) = match found.get_ref() {
                DeValue::Table(fields) => (Some(fields), None),
                other => (None, Some(other)),
            };
        }
        span.map(|span| line_of(self.text, span.start))
    }

    /// All that is wrong with the manifest by itself.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let manifest = &self.manifest;
        let mut faults = Vec::new();
        let mut fault = |path: &[&str], reason: String, remedy: &str| {
            faults.push(self.fault(path, reason, remedy));
        };
        if manifest.version != MANIFEST_VERSION {
            let reason = format!("version {} is not known", manifest.version);
            fault(&["version"], reason, "write version = 1");
        }
        if !is_name(&manifest.name) {
            let reason = format!("{:?} is no name", manifest.name);
            fault(&["name"], reason, "use letters, digits, - and _");
        }
        let [from, to] = manifest.complexity;
        if !(0.0 <= from && from <= to && to <= 1.0) {
            let reason = format!("[{from}, {to}] is no range of complexity");
            fault(&["complexity"], reason, "give two numbers from 0 to 1, the smaller one first");
        }
        if let Some(width) = manifest.line_length.filter(|width| !LINE_LENGTHS.contains(width)) {
            fault(&["line_length"], format!("{width} is no line length"), "give 40 to 400 columns");
        }
        if let Some(delimiters) = &manifest.delimiters
            && let Err(reason) = delimiters.check()
        {
            let remedy = "give three pairs of different marks, without letters, digits and blanks";
            fault(&["delimiters"], reason, remedy);
        }
        for (key, list) in manifest.names() {
            if list.len() > ENTRIES_MAX {
                let reason = format!("there are {} entries", list.len());
                fault(&[key], reason, "256 are the most; part the template");
            }
            let mut seen = BTreeSet::new();
            for (at, name) in list.iter().enumerate() {
                let at = at.to_string();
                let path = [key, &at, "name"];
                if !is_identifier(name) {
                    let remedy = "use letters, digits and _, no digit in front";
                    fault(&path, format!("{name:?} is no identifier"), remedy);
                }
                if !seen.insert(name) {
                    fault(&path, format!("{name:?} is there twice"), "rename one of them");
                }
                if key == "inputs" && RESERVED.contains(name) {
                    let reason = format!("{name:?} has a meaning of its own in templates");
                    fault(&path, reason, "give the input another name");
                }
            }
        }
        for (at, input) in manifest.inputs.iter().enumerate() {
            faults.extend(self.input_faults(&at.to_string(), input));
        }
        for (at, layer) in manifest.layers.iter().enumerate() {
            faults.extend(self.layer_faults(&at.to_string(), layer));
        }
        for (at, block) in manifest.blocks.iter().enumerate() {
            faults.extend(self.block_faults(&at.to_string(), block));
        }
        faults
    }

    fn input_faults(&self, at: &str, input: &InputSpec) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, reason: String, remedy: &str| {
            faults.push(self.fault(&["inputs", at, key], reason, remedy));
        };
        let choice = input.kind == InputType::Choice;
        if choice == input.choices.is_empty() {
            let reason = "choices belong to an input of type \"choice\", and only to it".to_owned();
            fault("choices", reason, "give choices = [\"…\", …], or take them away");
        }
        let bounds = [input.min, input.max].into_iter().flatten();
        if bounds.clone().any(|bound| !bound.is_finite()) || input.min > input.max.or(input.min) {
            fault("min", "min and max are no range".to_owned(), "give finite numbers, min first");
        }
        let unbounded =
            matches!(input.kind, InputType::Boolean | InputType::Choice | InputType::Value);
        if unbounded && bounds.count() > 0 {
            let reason = "this type has neither min nor max".to_owned();
            fault("min", reason, "take them away");
        }
        if let Some(default) = &input.default
            && let Err(reason) = input.fit(default)
        {
            fault("default", reason, "give a default that the input itself would take");
        }
        faults
    }

    fn layer_faults(&self, at: &str, layer: &LayerSpec) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !is_file(&layer.file) {
            let reason = format!("{:?} is no name of a file", layer.file);
            let remedy =
                "use letters, digits, . - _ and / between folders, within the output folder";
            faults.push(self.fault(&["layers", at, "file"], reason, remedy));
        }
        if let Some(width) = layer.line_length.filter(|width| !LINE_LENGTHS.contains(width)) {
            let reason = format!("{width} is no line length");
            let path = ["layers", at, "line_length"];
            faults.push(self.fault(&path, reason, "give 40 to 400 columns"));
        }
        if !is_file(&layer.template) {
            let reason = format!("{:?} is no name of a template file", layer.template);
            let remedy = "name a file of the template's folder";
            faults.push(self.fault(&["layers", at, "template"], reason, remedy));
        }
        faults
    }

    fn block_faults(&self, at: &str, block: &Block) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, reason: String, remedy: &str| {
            faults.push(self.fault(&["blocks", at, key], reason, remedy));
        };
        if block.layers.is_empty() {
            fault("layers", "the block belongs to no layer".to_owned(), "name one or more layers");
        }
        if block.feature.is_empty() {
            fault("feature", "the block listens to nothing".to_owned(), "name a feature");
        }
        if !(block.weight.is_finite() && block.weight > 0.0) {
            let reason = format!("{} is no weight", block.weight);
            fault("weight", reason, "give a number above 0; 1 changes nothing");
        }
        if !(0.0..=1.0).contains(&block.complexity_above) {
            let reason = format!("{} is no complexity", block.complexity_above);
            fault("complexity_above", reason, "give a number from 0 to 1");
        }
        faults
    }
}

fn shown_path(path: &[&str]) -> String {
    let mut shown = String::new();
    for step in path {
        match step.parse::<usize>() {
            Ok(at) => shown += &format!("[{at}]"),
            Err(_) if shown.is_empty() => shown += step,
            Err(_) => shown += &format!(".{step}"),
        }
    }
    shown
}

/// The line of a byte, counted from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    let before = &text[..text.floor_char_boundary(at)];
    1 + before.matches('\n').count()
}

/// The key of the line on which a span begins, if it has one.
fn key_of(text: &str, span: Range<usize>) -> String {
    let start = text.floor_char_boundary(span.start);
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line..].lines().next().unwrap_or("");
    let key = line.split_once('=').map_or("", |(key, _)| key.trim());
    if key.chars().count() <= 60 { key.to_owned() } else { String::new() }
}

/// Whether this can be the name of a template.
pub(crate) fn is_name(name: &str) -> bool {
    let known = |mark: char| mark.is_ascii_alphanumeric() || mark == '-' || mark == '_';
    !name.is_empty() && name.len() <= 100 && name.chars().all(known)
}

/// Whether this names a file inside a folder, on every system.
pub(crate) fn is_file(name: &str) -> bool {
    let known = |mark: char| mark.is_ascii_alphanumeric() || "-_.".contains(mark);
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with('.')
            && part.chars().all(known)
    };
    name.len() <= 200 && name.split('/').all(part)
}
