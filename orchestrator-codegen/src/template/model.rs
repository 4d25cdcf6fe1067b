//! A template that is ready to be rendered, and what it tells of itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orchestrator_core::Parameters;

use crate::language::Language;
use crate::template::engine::Engine;
use crate::template::fault::TemplateError;
use crate::template::files::Place;
use crate::template::gather::{self, Compiled};
use crate::template::input::{self, InputError, InputSpec, Inputs};
use crate::template::manifest::{Block, LayerSpec, Manifest};
use crate::template::registry::Templates;

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
    compiled: Compiled,
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
        let mut template: Option<Template> = None;
        for gathered in gather::chain(place, shelves)?.into_iter().rev() {
            let (compiled, fallback) = (gathered.compile()?, template);
            template = Some(Template { shared: Arc::new(Shared { compiled, fallback }) });
        }
        Ok(template.expect("the chain has at least one template"))
    }

    /// Its manifest, with what it has from the template that it extends.
    pub fn manifest(&self) -> &Manifest {
        &self.shared.compiled.manifest
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
        self.shared.compiled.asks_decisions
    }

    /// Whether it is the very same one, loaded once.
    pub(crate) fn is(&self, other: &Template) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    pub(crate) fn is_removed(&self, block: &str) -> bool {
        self.shared.compiled.removed.contains(block)
    }

    pub(crate) fn removed(&self) -> impl Iterator<Item = &str> {
        self.shared.compiled.removed.iter().map(String::as_str)
    }

    pub(crate) fn engine(&self, language: Language) -> &Engine {
        self.shared
            .compiled
            .engines
            .get(&language)
            .expect("each language of a layer has its engine")
    }

    /// How errors call the file of a layer.
    pub(crate) fn shown(&self, layer: &LayerSpec) -> String {
        let file = self.shared.compiled.files.iter().find(|file| file.path == layer.template);
        file.map_or_else(
            || self.shared.compiled.place.shown(&layer.template),
            |file| file.shown.clone(),
        )
    }
}
