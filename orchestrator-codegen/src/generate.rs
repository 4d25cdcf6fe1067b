//! From a request to layers of code: check, decide, render, assemble, validate; and what to do when something does not validate.

use std::collections::BTreeMap;

use orchestrator_core::{BIAS_BOUNDS, Parameters};

use crate::error::GenerateError;
use crate::language::Language;
use crate::memory::{Judged, Memory};
use crate::output::{Attempt, Completeness, GeneratedScripts, SampleMetadata};
use crate::quality::{QualityAnalyzer, analyzer_of};
use crate::request::GenerateRequest;
use crate::template::{
    BlockDecision, Layer, Rendering, ScriptToken, Template, Templates, decide, kept,
};
use crate::text;
use crate::validate::{Validator, Validators, is_valid};

/// So often a template is tried again with lower biases for the layers that did not validate, before the simpler template is.
pub const RETRIES_MAX: usize = 2;

/// How much lower a bias is at each retry: two of them go from the middle of the range to its lower bound.
const BIAS_STEP: f64 = 0.25;

/// Generates scripts. Holds the templates, and who validates and judges the scripts.
///
/// What it gives depends on the request alone. Between calls it remembers, within bounds, what was rendered for the same inputs and
/// features and what it found in a layer of the same bytes: a search over θ pays only for what θ changes.
pub struct Generator {
    templates: Templates,
    validators: Validators,
    analyzers: BTreeMap<Language, Box<dyn QualityAnalyzer>>,
    python: PythonJudges,
    memory: Memory,
}

/// Who judges Python.
#[derive(Clone, Copy, PartialEq)]
enum PythonJudges {
    /// Those of this crate, which share a parse.
    Ours,
    /// Some that the host brought, each by itself.
    Brought,
}

impl Default for Generator {
    fn default() -> Self {
        Generator::new()
    }
}

impl Generator {
    /// A generator of the built-in templates, with the [`Validators`] of this build and the analyzers of [`analyzer_of`].
    pub fn new() -> Generator {
        let analyzers = Language::ALL.map(|language| (language, analyzer_of(language)));
        Generator {
            templates: Templates::builtin().clone(),
            validators: Validators::new(),
            analyzers: analyzers.into(),
            python: PythonJudges::Ours,
            memory: Memory::default(),
        }
    }

    /// The same generator with other templates.
    #[must_use]
    pub fn with_templates(self, templates: Templates) -> Generator {
        Generator { templates, ..self }
    }

    /// The same generator with other validators.
    #[must_use]
    pub fn with_validators(self, validators: Validators) -> Generator {
        Generator { validators, python: PythonJudges::Brought, ..self }
    }

    /// The same generator with another validator for a language. A template with a layer that nobody validates is refused: say
    /// [`TextValidator`](crate::TextValidator) for a language whose code is to be handed out as it is.
    #[must_use]
    pub fn with_validator(
        mut self,
        language: Language,
        validator: impl Validator + 'static,
    ) -> Generator {
        self.validators = self.validators.with(language, validator);
        self.brought(language)
    }

    /// The same generator with another judge of quality for a language.
    #[must_use]
    pub fn with_analyzer(
        mut self,
        language: Language,
        analyzer: impl QualityAnalyzer + 'static,
    ) -> Generator {
        self.analyzers.insert(language, Box::new(analyzer));
        self.brought(language)
    }

    fn brought(mut self, language: Language) -> Generator {
        if language == Language::Python {
            self.python = PythonJudges::Brought;
        }
        self
    }

    /// The templates that it knows.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// Generates all layers. If one does not validate, the template is tried again with lower biases for the layers concerned,
    /// [`RETRIES_MAX`] times, as long as that changes a decision; then its fallback; and if the simplest one does not validate
    /// either, the layers that do are handed out, and [`completeness`](GeneratedScripts::completeness) says so. What was refused
    /// is told in [`attempts`](GeneratedScripts::attempts).
    ///
    /// # Errors
    /// When there is no such template, when its inputs are wrong (all faults at once), when the request lacks something or holds
    /// a value outside its bounds, or when the template does not render.
    pub fn generate(&self, request: &GenerateRequest) -> Result<GeneratedScripts, GenerateError> {
        let mut template = self.templates.named(&request.template)?;
        let mut refused: Vec<Attempt> = Vec::new();
        loop {
            let first = refused.is_empty();
            let fitted = if first { request.clone() } else { fitted(request, template) };
            let scripts = self.try_template(template, &fitted, &mut refused);
            let scripts = match (scripts, template.fallback()) {
                // The request itself is at fault.
                (Err(error), _) if first && refused.is_empty() => return Err(error),
                (Ok(scripts), _) if scripts.is_whole() => scripts,
                (Err(error), Some(_)) => {
                    refused.push(Attempt::failed(template, &fitted.parameters, &error));
                    template = template.fallback().expect("it was just there");
                    continue;
                }
                (Err(error), None) => return Err(error),
                (Ok(_), Some(fallback)) => {
                    template = fallback;
                    continue;
                }
                (Ok(mut scripts), None) => {
                    scripts.completeness = Completeness::Partial;
                    // The last attempt is what is handed out.
                    refused.pop();
                    scripts
                }
            };
            let completeness = match scripts.completeness {
                Completeness::Complete if !refused.is_empty() => Completeness::Simplified,
                completeness => completeness,
            };
            let first = refused.first().map(|attempt| attempt.diagnostics.clone());
            let refused_first = first.unwrap_or_default();
            return Ok(GeneratedScripts {
                completeness,
                refused: refused_first,
                attempts: refused,
                ..scripts
            });
        }
    }

    /// One template, with its retries. What does not validate is added to `refused`.
    fn try_template(
        &self,
        template: &Template,
        request: &GenerateRequest,
        refused: &mut Vec<Attempt>,
    ) -> Result<GeneratedScripts, GenerateError> {
        for layer in template.layers() {
            let judge = self.validators.of(template.language_of(layer));
            judge.map_err(|source| GenerateError::Unjudged { file: layer.file.clone(), source })?;
        }
        let inputs = template.check(&request.inputs)?;
        let mut request = request.clone();
        let mut decisions = decide(template, &request)?;
        let mut rendering = self.memory.rendering(template, &inputs, &request, &decisions)?;
        let mut retries = 0;
        loop {
            let layers = rendering.assemble(&request, &decisions)?;
            let names: Vec<(String, String)> =
                layers.iter().map(|layer| (layer.name.clone(), layer.file.clone())).collect();
            let scripts = self.inspect(template, &request, &decisions, layers);
            if scripts.is_whole() {
                return Ok(scripts);
            }
            refused.push(Attempt::refused(template, &request.parameters, &scripts));
            let failing: Vec<&str> = names
                .iter()
                .filter(|(_, file)| !scripts.code_samples.contains_key(file))
                .map(|(name, _)| name.as_str())
                .collect();
            let (mut changed, before) = (false, kept_names(&decisions));
            while retries < RETRIES_MAX && !changed {
                retries += 1;
                request.parameters = lowered(&request.parameters, &failing);
                decisions = decide(template, &request)?;
                changed = kept_names(&decisions) != before;
            }
            if !changed {
                return Ok(scripts);
            }
            rendering = self.memory.rendering(template, &inputs, &request, &decisions)?;
        }
    }

    /// What the layers are made of, by file name: every token of their templates, kept or not, with its block, feature and
    /// weight. The source of a layer is the text of those tokens whose guards hold for the blocks that were kept.
    ///
    /// # Errors
    /// As [`Generator::generate`].
    pub fn tokens(
        &self,
        request: &GenerateRequest,
    ) -> Result<BTreeMap<String, Vec<ScriptToken>>, GenerateError> {
        let template = self.templates.named(&request.template)?;
        let inputs = template.check(&request.inputs)?;
        let decisions = decide(template, request)?;
        let rendering = Rendering::new(template, inputs, request, &decisions)?;
        Ok(rendering.tokens(request, &decisions)?)
    }

    fn inspect(
        &self,
        template: &Template,
        request: &GenerateRequest,
        decisions: &[BlockDecision],
        layers: Vec<Layer>,
    ) -> GeneratedScripts {
        let mut scripts = GeneratedScripts {
            template: template.name().to_owned(),
            layers: layers.iter().map(|layer| layer.file.clone()).collect(),
            activation: request.activation,
            blocks: decisions.to_vec(),
            ..GeneratedScripts::default()
        };
        for layer in layers {
            let file = layer.file.clone();
            let judged = self.judge(&layer);
            scripts.diagnostics.insert(file.clone(), judged.diagnostics);
            let Some(quality) = judged.quality else { continue };
            let script_tokens = match quality.tokens {
                // An analyzer of the host that counts none.
                0 => analyzer_of(layer.language).analyze(&layer.source).tokens,
                counted => counted,
            } as u64;
            scripts.script_tokens += script_tokens;
            scripts.quality.insert(file.clone(), quality);
            let metadata = SampleMetadata {
                bytes: layer.source.len() as u64,
                lines: text::count_lines(&layer.source) as u64,
                sha256: layer.sha256,
                script_tokens,
                template_tokens: layer.tokens as u64,
                blocks: kept(decisions, &layer.name).into_iter().map(str::to_owned).collect(),
            };
            scripts.sample_metadata.insert(file.clone(), metadata);
            scripts.code_samples.insert(file, layer.source);
        }
        scripts
    }

    /// Validates a layer, and measures it if it is valid.
    fn judge(&self, layer: &Layer) -> Judged {
        if layer.language == Language::Python && self.python == PythonJudges::Ours {
            return self.memory.judged(layer);
        }
        let diagnostics = self.validators.validate(layer.language, &layer.source);
        let diagnostics = diagnostics.expect("each language of the template has its validator");
        let quality = is_valid(&diagnostics).then(|| {
            let analyzer = self.analyzers.get(&layer.language);
            analyzer.expect("each language has its analyzer").analyze(&layer.source)
        });
        Judged { diagnostics, quality }
    }
}

fn kept_names(decisions: &[BlockDecision]) -> Vec<bool> {
    decisions.iter().map(|decision| decision.kept).collect()
}

/// θ with a lower bias for these layers, within the bounds.
fn lowered(parameters: &Parameters, layers: &[&str]) -> Parameters {
    let mut lowered = parameters.clone();
    for (layer, bias) in &mut lowered.biases {
        if layers.contains(&layer.as_str()) {
            *bias = (*bias - BIAS_STEP).max(BIAS_BOUNDS.min);
        }
    }
    lowered
}

/// The request as another template can take it: inputs that it does not have are left out, what θ lacks is neutral.
fn fitted(request: &GenerateRequest, template: &Template) -> GenerateRequest {
    let mut fitted = request.clone();
    fitted.inputs.retain(|name, _| template.inputs().iter().any(|input| input.name == *name));
    let neutral = template.neutral_parameters();
    for (feature, weight) in neutral.weights {
        fitted.parameters.weights.entry(feature).or_insert(weight);
    }
    for (layer, bias) in neutral.biases {
        fitted.parameters.biases.entry(layer).or_insert(bias);
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    #[test]
    fn the_layers_of_built_in_templates_are_judged_by_their_pieces() {
        let profile = Profile::of_bytes("a.csv", b"a,b\n1,x\n2,y\n").unwrap();
        let generator = Generator::new();
        for name in ["etl-python", "etl-python-standard", "etl-python-simple"] {
            let theta = Template::builtin(name).unwrap().neutral_parameters();
            let request = GenerateRequest::for_profile(name, &profile, theta);
            generator.generate(&request).unwrap();
        }
        assert_eq!(generator.memory.judged_as_a_whole(), 0);
    }
}
