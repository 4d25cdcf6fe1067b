//! From the folder of a template, and those of the templates that it extends, to one template, checked as a whole and compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::language::Language;
use crate::template::engine::Engine;
use crate::template::fault::{Fault, TemplateError};
use crate::template::files::{File, Place};
use crate::template::manifest::{MANIFEST, Manifest, ManifestText, RESERVED, line_of};
use crate::template::token::{CLOSE, OPEN};

/// Templates extend, or fall back on, so many others at most.
const CHAIN_MAX: usize = 16;

/// A template with what it extends, checked and compiled.
pub(crate) struct Compiled {
    pub(crate) place: Place,
    pub(crate) manifest: Manifest,
    /// Blocks that the files mention and this template does not have.
    pub(crate) removed: BTreeSet<String>,
    /// One for each language of a layer.
    pub(crate) engines: BTreeMap<Language, Engine>,
    pub(crate) files: Arc<Vec<File>>,
    /// Whether a file may ask what was decided.
    pub(crate) asks_decisions: bool,
}

/// The template of a folder, the one that it falls back on, and so on: the simplest one last.
///
/// # Errors
/// All that is wrong with the first one that is at fault by itself.
pub(crate) fn chain(mut place: Place, shelves: &[PathBuf]) -> Result<Vec<Gathered>, TemplateError> {
    let mut chain = Vec::new();
    loop {
        let gathered = Gathered::at(&place, shelves, &mut Vec::new())?;
        let fallback = gathered.manifest.fallback.clone();
        let (shown, line) = (gathered.shown.clone(), gathered.fallback_line);
        chain.push(gathered);
        let Some(reference) = fallback else { return Ok(chain) };
        let fault = |reason: String, remedy: &str| {
            TemplateError::from(Fault::new(&shown, line, "fallback", reason, remedy))
        };
        let Some(next) = place.resolve(&reference, shelves) else {
            let reason = format!("there is no template {reference:?}");
            return Err(fault(reason, "name one, or give its path relative to this folder"));
        };
        if chain.iter().any(|before| before.place.is(&next)) || chain.len() == CHAIN_MAX {
            let names: Vec<String> = chain.iter().map(|before| before.place.name()).collect();
            let reason = format!("the fallbacks go round: {} → {}", names.join(" → "), next.name());
            return Err(fault(reason, "let the simplest template have none"));
        }
        place = next;
    }
}

/// A template that is read, with what it extends, but not compiled.
pub(crate) struct Gathered {
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

    /// Checks the whole and compiles its files.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn compile(self) -> Result<Compiled, TemplateError> {
        let mut faults = self.faults();
        let files = Arc::new(self.files);
        for file in files.iter() {
            if let Some(at) = file.text.find([OPEN, CLOSE]) {
                let line = line_of(&file.text, at);
                let reason = "the file holds a control character that frames markers";
                faults.push(Fault::new(&file.shown, line, "", reason, "take it out"));
            }
        }
        let manifest = self.manifest;
        let delimiters = manifest.delimiters.clone().unwrap_or_default();
        let mut engines: BTreeMap<Language, Engine> = BTreeMap::new();
        for layer in &manifest.layers {
            let language = layer.language.unwrap_or(manifest.language);
            if !engines.contains_key(&language) {
                let first = engines.is_empty();
                let mut found = Vec::new();
                engines.insert(language, Engine::new(&files, &delimiters, language, &mut found));
                // The syntax is the same in each language: one of them tells all that is wrong.
                faults.extend(found.into_iter().filter(|_| first));
            }
        }
        faults.extend(undefined_names(&manifest, &files, &engines));
        TemplateError::of(faults)?;
        Ok(Compiled {
            asks_decisions: engines.values().any(Engine::asks_decisions),
            place: self.place,
            manifest,
            removed: self.removed,
            engines,
            files,
        })
    }
}

/// The names that the files of layers use, and that neither they nor the manifest define.
fn undefined_names(
    manifest: &Manifest,
    files: &[File],
    engines: &BTreeMap<Language, Engine>,
) -> Vec<Fault> {
    let inputs = manifest.inputs.iter().map(|input| input.name.as_str());
    let known: BTreeSet<&str> = inputs.chain(RESERVED.iter().copied()).collect();
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for layer in manifest.layers.iter().filter(|layer| seen.insert(&layer.template)) {
        let language = layer.language.unwrap_or(manifest.language);
        let file = files.iter().find(|file| file.path == layer.template);
        let shown = file.map_or(&layer.template, |file| &file.shown);
        for (name, line) in engines[&language].names(&layer.template) {
            if !known.contains(name.as_str()) {
                let reason = "the template uses this name, and nothing defines it";
                let remedy = "declare it as an input, set it, or correct it";
                faults.push(Fault::new(shown, line, name, reason, remedy));
            }
        }
    }
    faults
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
