//! A template that is ready to be rendered: loaded, checked as a whole, compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orchestrator_core::Parameters;

use crate::language::Language;
use crate::template::engine::Engine;
use crate::template::fault::{Fault, TemplateError};
use crate::template::files::{File, Place};
use crate::template::input::{self, InputError, InputSpec, Inputs};
use crate::template::manifest::{Block, LayerSpec, MANIFEST, Manifest, ManifestText, RESERVED};
use crate::template::registry::Templates;

/// Templates extend, or fall back on, so many others at most.
const CHAIN_MAX: usize = 16;

/// A template: a folder with a manifest and template files, ready to be rendered. Cloning is cheap.
///
/// ```
/// use orchestrator_codegen::{Language, Template};
/// let template = Template::builtin("etl-python")?;
/// assert_eq!(template.language(), Language::Python);
/// assert_eq!(template.layer_names(), ["layer_0", "layer_1", "layer_2"]);
/// assert!(template.features().contains("nulls"));
/// assert_eq!(template.fallback().map(Template::name), Some("etl-python-standard"));
/// # Ok::<(), orchestrator_codegen::TemplateError>(())
/// ```
#[derive(Clone)]
pub struct Template {
    shared: Arc<Shared>,
}

struct Shared {
    place: Place,
    manifest: Manifest,
    /// Blocks that the files mention and this template does not have.
    removed: BTreeSet<String>,
    engines: BTreeMap<Language, Engine>,
    files: Arc<Vec<File>>,
    /// Whether a file may ask what was decided.
    asks_decisions: bool,
    fallback: Option<Template>,
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl Template {
    /// A built-in template.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn builtin(name: &str) -> Result<Template, TemplateError> {
        Templates::builtin().named(name).cloned()
    }

    /// The template in a folder. What it extends or falls back on by name is looked for beside the folder, then among the built-in
    /// ones.
    ///
    /// # Errors
    /// All that is wrong with the manifest and the template files, each with its place and a remedy.
    pub fn load(folder: impl AsRef<Path>) -> Result<Template, TemplateError> {
        Template::at(Place::Folder(folder.as_ref().to_owned()), &[])
    }

    pub(crate) fn at(place: Place, shelves: &[PathBuf]) -> Result<Template, TemplateError> {
        let mut chain = Vec::new();
        let mut place = place;
        loop {
            let gathered = Gathered::at(&place, shelves, &mut Vec::new())?;
            let fallback = gathered.manifest.fallback.clone();
            let (shown, line) = (gathered.shown.clone(), gathered.fallback_line);
            chain.push(gathered);
            let Some(reference) = fallback else { break };
            let fault = |reason: String, remedy: &str| {
                TemplateError::from(Fault::new(&shown, line, "fallback", reason, remedy))
            };
            let Some(next) = place.resolve(&reference, shelves) else {
                let reason = format!("there is no template {reference:?}");
                return Err(fault(reason, "name one, or give its path relative to this folder"));
            };
            if chain.iter().any(|before| before.place.is(&next)) || chain.len() == CHAIN_MAX {
                let names: Vec<String> = chain.iter().map(|before| before.place.name()).collect();
                let reason =
                    format!("the fallbacks go round: {} → {}", names.join(" → "), next.name());
                return Err(fault(reason, "let the simplest template have none"));
            }
            place = next;
        }
        let mut template = None;
        let mut faults = Vec::new();
        for gathered in chain.into_iter().rev() {
            match gathered.finish(template.take()) {
                Ok(next) => template = Some(next),
                Err(error) => {
                    faults.splice(0..0, error.faults);
                    break;
                }
            }
        }
        TemplateError::of(faults)?;
        Ok(template.expect("the chain has at least one template, and no fault"))
    }

    /// Its manifest, with what it has from the template that it extends.
    pub fn manifest(&self) -> &Manifest {
        &self.shared.manifest
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.manifest().name
    }

    /// The family that it belongs to.
    pub fn family(&self) -> &str {
        self.manifest().family.as_deref().unwrap_or(self.name())
    }

    /// The language of layers that name no other.
    pub fn language(&self) -> Language {
        self.manifest().language
    }

    /// What it asks for.
    pub fn inputs(&self) -> &[InputSpec] {
        &self.manifest().inputs
    }

    /// What it writes, outermost first.
    pub fn layers(&self) -> &[LayerSpec] {
        &self.manifest().layers
    }

    /// The names of what it writes, outermost first: those of θ's biases.
    pub fn layer_names(&self) -> Vec<&str> {
        self.layers().iter().map(|layer| layer.name.as_str()).collect()
    }

    /// The layer of this name.
    pub fn layer(&self, name: &str) -> Option<&LayerSpec> {
        self.layers().iter().find(|layer| layer.name == name)
    }

    /// The language of a layer.
    pub fn language_of(&self, layer: &LayerSpec) -> Language {
        layer.language.unwrap_or(self.language())
    }

    /// The width that the code of a layer is formatted for, in columns, if one was given.
    pub fn line_length_of(&self, layer: &LayerSpec) -> Option<u32> {
        layer.line_length.or(self.manifest().line_length)
    }

    /// Its optional parts.
    pub fn blocks(&self) -> &[Block] {
        &self.manifest().blocks
    }

    /// The features of the data that its blocks listen to: those of θ's weights.
    pub fn features(&self) -> BTreeSet<&str> {
        let features = self.blocks().iter().map(|block| block.feature.as_str());
        features.filter(|feature| !self.is_earlier(feature)).collect()
    }

    /// Whether a block listens to an earlier layer's block, not to a feature of the data.
    pub(crate) fn is_earlier(&self, feature: &str) -> bool {
        let (layer, block) = feature.split_once('.').unwrap_or(("", ""));
        self.blocks()
            .iter()
            .any(|known| known.name == block && known.layers.iter().any(|own| own == layer))
    }

    /// The simpler template that is taken when this one does not validate.
    pub fn fallback(&self) -> Option<&Template> {
        self.shared.fallback.as_ref()
    }

    /// The θ that takes the features as they are: every weight 1, no bias, temperature 1.
    pub fn neutral_parameters(&self) -> Parameters {
        Parameters {
            weights: self.features().into_iter().map(|name| (name.to_owned(), 1.0)).collect(),
            biases: self.layers().iter().map(|layer| (layer.name.clone(), 0.0)).collect(),
            temperature: 1.0,
        }
    }

    /// The inputs with all defaults filled in.
    ///
    /// # Errors
    /// All that is wrong with them at once; nothing is rendered before they are right.
    pub fn check(&self, inputs: &Inputs) -> Result<Inputs, InputError> {
        input::check(self.inputs(), inputs)
    }

    /// Whether what is rendered may depend on the decisions.
    pub(crate) fn asks_decisions(&self) -> bool {
        self.shared.asks_decisions
    }

    /// Whether it is the very same one, loaded once.
    pub(crate) fn is(&self, other: &Template) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    pub(crate) fn is_removed(&self, block: &str) -> bool {
        self.shared.removed.contains(block)
    }

    pub(crate) fn removed(&self) -> impl Iterator<Item = &str> {
        self.shared.removed.iter().map(String::as_str)
    }

    pub(crate) fn engine(&self, language: Language) -> &Engine {
        self.shared.engines.get(&language).expect("each language of a layer has its engine")
    }

    /// How errors call the file of a layer.
    pub(crate) fn shown(&self, layer: &LayerSpec) -> String {
        let file = self.shared.files.iter().find(|file| file.path == layer.template);
        file.map_or_else(|| self.shared.place.shown(&layer.template), |file| file.shown.clone())
    }
}

/// A template that is read, with what it extends, but not compiled.
struct Gathered {
    place: Place,
    shown: String,
    manifest: Manifest,
    removed: BTreeSet<String>,
    files: Vec<File>,
    fallback_line: Option<usize>,
    /// Where the parts of the merged manifest are written, as far as this template wrote them.
    lines: BTreeMap<String, usize>,
}

impl Gathered {
    fn at(
        place: &Place,
        shelves: &[PathBuf],
        extending: &mut Vec<Place>,
    ) -> Result<Gathered, TemplateError> {
        let shown = place.shown(MANIFEST);
        let folder = place.read()?;
        let text = ManifestText::parse(&shown, &folder.manifest)?;
        let mut faults = text.faults();
        let own = &text.manifest;
        let mut gathered = Gathered {
            place: place.clone(),
            shown: shown.clone(),
            manifest: own.clone(),
            removed: BTreeSet::new(),
            files: folder.files,
            fallback_line: text.line(&["fallback"]),
            lines: BTreeMap::new(),
        };
        for (key, names) in own.names() {
            for (at, name) in names.iter().enumerate() {
                let line = text.line(&[key, &at.to_string()]);
                gathered.lines.extend(line.map(|line| (format!("{key}.{name}"), line)));
            }
        }
        if let Some(reference) = &own.extends {
            extending.push(place.clone());
            match place.resolve(reference, shelves) {
                None => {
                    let reason = format!("there is no template {reference:?}");
                    let remedy = "name one, or give its path relative to this folder";
                    faults.push(text.fault(&["extends"], reason, remedy));
                }
                Some(base)
                    if extending.len() > CHAIN_MAX
                        || extending.iter().any(|before| before.is(&base)) =>
                {
                    let names: Vec<String> = extending.iter().map(Place::name).collect();
                    let reason = format!(
                        "templates extend each other: {} → {}",
                        names.join(" → "),
                        base.name()
                    );
                    faults.push(text.fault(
                        &["extends"],
                        reason,
                        "let one of them stand by itself",
                    ));
                }
                Some(base) => gathered.extend(Gathered::at(&base, shelves, extending)?),
            }
            if own.delimiters.is_some() {
                let remedy = "take them away; those of the extended template hold";
                faults.push(text.fault(
                    &["delimiters"],
                    "the files of two templates are mixed",
                    remedy,
                ));
            }
        }
        for (at, block) in own.without.iter().enumerate() {
            if !gathered.removed.contains(block) {
                let reason = format!("the extended template has no block {block:?}");
                faults.push(text.fault(
                    &["without", &at.to_string()],
                    reason,
                    "take the name away",
                ));
            }
        }
        TemplateError::of(faults)?;
        Ok(gathered)
    }

    /// Takes over what the base has and this template has not.
    fn extend(&mut self, base: Gathered) {
        let own = &mut self.manifest;
        let Manifest {
            inputs,
            layers,
            blocks,
            description,
            family,
            delimiters,
            line_length,
            name,
            ..
        } = base.manifest;
        own.inputs = merged(inputs, std::mem::take(&mut own.inputs), |input| &input.name);
        own.layers = merged(layers, std::mem::take(&mut own.layers), |layer| &layer.name);
        own.blocks = merged(blocks, std::mem::take(&mut own.blocks), |block| &block.name);
        if own.description.is_empty() {
            own.description = description;
        }
        own.family.get_or_insert(family.unwrap_or_else(|| name.clone()));
        own.delimiters = delimiters;
        own.line_length = own.line_length.or(line_length);
        self.removed = base.removed;
        for block in &own.without {
            if own.blocks.iter().any(|known| known.name == *block) {
                self.removed.insert(block.clone());
            }
        }
        own.blocks.retain(|block| !own.without.contains(&block.name));
        self.removed.retain(|block| own.blocks.iter().all(|known| known.name != *block));
        for file in base.files {
            let beneath = format!("{name}/{}", file.path);
            if self.files.iter().any(|known| known.path == file.path) {
                if self.files.iter().all(|known| known.path != beneath) {
                    self.files.push(File { path: beneath, ..file });
                }
            } else {
                self.files.push(file);
            }
        }
    }

    fn fault(&self, key: &str, name: &str, reason: String, remedy: &str) -> Fault {
        let line = self.lines.get(&format!("{key}.{name}")).copied();
        Fault::new(&self.shown, line, format!("{key} {name:?}"), reason, remedy)
    }

    /// All that is wrong with the parts taken together.
    fn faults(&self) -> Vec<Fault> {
        let manifest = &self.manifest;
        let mut faults = Vec::new();
        if manifest.layers.is_empty() {
            let reason = "the template writes nothing";
            let remedy = "describe a layer, or extend a template";
            faults.push(Fault::new(&self.shown, None, "layers", reason, remedy));
        }
        let mut files = BTreeSet::new();
        for (at, layer) in manifest.layers.iter().enumerate() {
            let mut fault = |reason: String, remedy: &str| {
                faults.push(self.fault("layers", &layer.name, reason, remedy));
            };
            let file = layer.file.to_ascii_lowercase();
            let folder = |one: &str, other: &str| other.starts_with(&format!("{one}/"));
            if files.iter().any(|other: &String| {
                *other == file || folder(other, &file) || folder(&file, other)
            }) {
                let reason = format!("{} gets in the way of another layer's file", layer.file);
                fault(reason, "give it another file");
            }
            files.insert(file);
            if !self.files.iter().any(|file| file.path == layer.template) {
                let reason = format!("there is no template file {:?}", layer.template);
                fault(reason, "name a file of the folder that ends in .j2");
            }
            if let Some(target) = &layer.writes
                && !manifest.layers[at + 1..].iter().any(|later| later.name == *target)
            {
                let reason = format!("it writes {target:?}, which is no later layer");
                fault(reason, "name a layer that is described after it");
            }
        }
        for block in &manifest.blocks {
            let mut fault = |reason: String, remedy: &str| {
                faults.push(self.fault("blocks", &block.name, reason, remedy));
            };
            let place = |name: &str| manifest.layers.iter().position(|layer| layer.name == name);
            for layer in block.layers.iter().filter(|layer| place(layer).is_none()) {
                fault(format!("there is no layer {layer:?}"), "name a layer of this template");
            }
            let Some((layer, other)) = block.feature.split_once('.') else { continue };
            let known = manifest
                .blocks
                .iter()
                .any(|known| known.name == other && known.layers.iter().any(|own| own == layer));
            let first = block.layers.iter().filter_map(|own| place(own)).min();
            if !known || place(layer).is_none() || place(layer) >= first {
                let reason = format!("{:?} is no block of an earlier layer", block.feature);
                fault(
                    reason,
                    "name a feature, or layer.block of a layer before those of this block",
                );
            }
        }
        faults
    }

    fn finish(self, fallback: Option<Template>) -> Result<Template, TemplateError> {
        let mut faults = self.faults();
        for file in &self.files {
            if let Some(at) = file.text.find(['\u{2}', '\u{3}']) {
                let line = super::manifest::line_of(&file.text, at);
                let reason = "the file holds a control character that frames markers";
                faults.push(Fault::new(&file.shown, line, "", reason, "take it out"));
            }
        }
        let files = Arc::new(self.files.clone());
        let delimiters = self.manifest.delimiters.clone().unwrap_or_default();
        let mut engines: BTreeMap<Language, Engine> = BTreeMap::new();
        for layer in &self.manifest.layers {
            let language = layer.language.unwrap_or(self.manifest.language);
            if !engines.contains_key(&language) {
                let first = engines.is_empty();
                let mut found = Vec::new();
                engines.insert(language, Engine::new(&files, &delimiters, language, &mut found));
                // The syntax is the same in each language: one of them tells all that is wrong.
                faults.extend(found.into_iter().filter(|_| first));
            }
        }
        let inputs: BTreeSet<&str> =
            self.manifest.inputs.iter().map(|input| input.name.as_str()).collect();
        let mut seen = BTreeSet::new();
        for layer in self.manifest.layers.iter().filter(|layer| seen.insert(&layer.template)) {
            let language = layer.language.unwrap_or(self.manifest.language);
            let shown =
                files.iter().find(|file| file.path == layer.template).map(|file| &file.shown);
            for (name, line) in engines[&language].names(&layer.template) {
                if !inputs.contains(name.as_str()) && !RESERVED.contains(&name.as_str()) {
                    let reason = "the template uses this name, and nothing defines it";
                    let remedy = "declare it as an input, set it, or correct it";
                    faults.push(Fault::new(
                        shown.unwrap_or(&layer.template),
                        line,
                        name,
                        reason,
                        remedy,
                    ));
                }
            }
        }
        TemplateError::of(faults)?;
        Ok(Template {
            shared: Arc::new(Shared {
                asks_decisions: engines.values().any(Engine::asks_decisions),
                place: self.place,
                manifest: self.manifest,
                removed: self.removed,
                engines,
                files,
                fallback,
            }),
        })
    }
}

/// The base's entries, each replaced by the own one of the same name, and the other own ones after them.
fn merged<T>(base: Vec<T>, mut own: Vec<T>, name: impl Fn(&T) -> &String) -> Vec<T> {
    let mut all = Vec::new();
    for entry in base {
        match own.iter().position(|other| name(other) == name(&entry)) {
            Some(at) => all.push(own.remove(at)),
            None => all.push(entry),
        }
    }
    all.extend(own);
    all
}
