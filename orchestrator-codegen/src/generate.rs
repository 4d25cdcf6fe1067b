//! From features and θ to three layers of Python: render, decide, assemble, validate.

use std::collections::BTreeMap;

use crate::output::{Completeness, GeneratedScripts, SampleMetadata};
use crate::quality::{PythonQuality, QualityAnalyzer};
use crate::request::GenerateRequest;
use crate::sha256;
use crate::template::ScriptToken;
use crate::template::TemplateError;
use crate::template::{BLOCKS, Block, BlockDecision, LAYERS};
use crate::template::{Layer, generator_layer, script_layer};
use crate::validate::{PythonValidator, Severity, Validator};

/// Why no scripts were generated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// Name the feature in the request; a profile has all of them.
    #[error("block {block} listens to the feature {feature:?}, which the request lacks")]
    MissingFeature {
        /// The block.
        block: &'static str,
        /// The feature.
        feature: String,
    },
    /// Features are shares.
    #[error("feature {feature:?} is {value}, which is outside [0, 1]")]
    FeatureOutside {
        /// The feature.
        feature: String,
        /// Its value.
        value: f64,
    },
    /// Give θ a weight for the feature.
    #[error("the parameters have no weight for the feature {feature:?}")]
    MissingWeight {
        /// The feature.
        feature: String,
    },
    /// Give θ a bias for the layer.
    #[error("the parameters have no bias for {layer}")]
    MissingBias {
        /// The layer.
        layer: String,
    },
    /// Keep θ within its bounds.
    #[error("the parameters are outside their bounds: {0}")]
    Parameters(#[from] orchestrator_core::ParameterError),
    /// Emphasis multiplies.
    #[error("the emphasis of {feature:?} for {layer} is {value}, which is no factor")]
    Emphasis {
        /// The layer.
        layer: String,
        /// The feature.
        feature: String,
        /// The factor as given.
        value: f64,
    },
    /// A built-in template is at fault.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// Generates scripts. Holds who validates and who judges them; without state between calls.
pub struct Generator {
    validator: Box<dyn Validator>,
    analyzer: Box<dyn QualityAnalyzer>,
}

impl Default for Generator {
    fn default() -> Self {
        Generator::new()
    }
}

impl Generator {
    /// A generator with [`PythonValidator`] and [`PythonQuality`].
    pub fn new() -> Generator {
        Generator { validator: Box::new(PythonValidator), analyzer: Box::new(PythonQuality) }
    }

    /// The same generator with another validator.
    #[must_use]
    pub fn with_validator(self, validator: impl Validator + 'static) -> Generator {
        Generator { validator: Box::new(validator), ..self }
    }

    /// The same generator with another judge of quality.
    #[must_use]
    pub fn with_analyzer(self, analyzer: impl QualityAnalyzer + 'static) -> Generator {
        Generator { analyzer: Box::new(analyzer), ..self }
    }

    /// Generates the three layers. If one does not validate, generates them again without any optional block; if that
    /// does not help either, hands out the layers that do validate and says so in
    /// [`completeness`](GeneratedScripts::completeness).
    ///
    /// # Errors
    /// When the request lacks something, or holds a value outside its bounds.
    pub fn generate(&self, request: &GenerateRequest) -> Result<GeneratedScripts, GenerateError> {
        let mut decisions = decide(request)?;
        let layers = build(request, &decisions)?;
        let scripts = self.inspect(request, &decisions, &layers, Completeness::Complete);
        if scripts.code_samples.len() == layers.len() {
            return Ok(scripts);
        }
        for decision in &mut decisions {
            decision.kept = false;
        }
        let simple = build(request, &decisions)?;
        let mut scripts = GeneratedScripts {
            refused: scripts.diagnostics,
            ..self.inspect(request, &decisions, &simple, Completeness::Simplified)
        };
        if scripts.code_samples.len() < simple.len() {
            scripts.completeness = Completeness::Partial;
        }
        Ok(scripts)
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
        let layers = build(request, &decide(request)?)?;
        let tokens = layers.into_iter().map(|layer| (layer.file(), layer.tokens));
        Ok(tokens.collect())
    }

    fn inspect(
        &self,
        request: &GenerateRequest,
        decisions: &[BlockDecision],
        layers: &[Layer],
        completeness: Completeness,
    ) -> GeneratedScripts {
        let mut scripts = GeneratedScripts {
            completeness,
            activation: request.activation,
            blocks: decisions.to_vec(),
            ..GeneratedScripts::default()
        };
        for layer in layers {
            let name = layer.file();
            let diagnostics = self.validator.validate(&layer.source);
            let valid = diagnostics.iter().all(|found| found.severity != Severity::Error);
            scripts.diagnostics.insert(name.clone(), diagnostics);
            if !valid {
                continue;
            }
            let quality = self.analyzer.analyze(&layer.source);
            // An analyzer that counts tokens has parsed the layer already; once is enough.
            let script_tokens = match quality.tokens {
                0 => crate::python::PythonSource::parse(&layer.source).tokens() as u64,
                counted => counted as u64,
            };
            scripts.script_tokens += script_tokens;
            scripts.quality.insert(name.clone(), quality);
            let metadata = SampleMetadata {
                bytes: layer.source.len() as u64,
                lines: layer.source.lines().count() as u64,
                sha256: sha256::hex(layer.source.as_bytes()),
                script_tokens,
                template_tokens: layer.tokens.len() as u64,
                blocks: kept(decisions, layer.name).into_iter().map(str::to_owned).collect(),
            };
            scripts.sample_metadata.insert(name.clone(), metadata);
            scripts.code_samples.insert(name, layer.source.clone());
        }
        scripts
    }
}

/// The three layers for these decisions: the innermost first, because each outer one holds the parts of the next.
fn build(
    request: &GenerateRequest,
    decisions: &[BlockDecision],
) -> Result<Vec<Layer>, TemplateError> {
    let [outer, middle, inner] = LAYERS;
    let script = script_layer(request, inner, &kept(decisions, inner))?;
    let second = generator_layer(request, middle, &script, decisions, &kept(decisions, middle))?;
    let first = generator_layer(request, outer, &second, decisions, &kept(decisions, outer))?;
    Ok(vec![first, second, script])
}

fn kept<'a>(decisions: &'a [BlockDecision], layer: &str) -> Vec<&'a str> {
    let kept = decisions.iter().filter(|decision| decision.kept && decision.layer == layer);
    kept.map(|decision| decision.block.as_str()).collect()
}

/// Decides on every block of every layer.
fn decide(request: &GenerateRequest) -> Result<Vec<BlockDecision>, GenerateError> {
    request.parameters.check()?;
    for (feature, &value) in &request.features {
        if !(0.0..=1.0).contains(&value) {
            let feature = feature.clone();
            return Err(GenerateError::FeatureOutside { feature, value });
        }
    }
    let mut decisions = Vec::new();
    for layer in LAYERS {
        for block in BLOCKS.iter().filter(|block| block.layers.contains(&layer)) {
            decisions.push(decide_one(request, layer, block)?);
        }
    }
    Ok(decisions)
}

fn decide_one(
    request: &GenerateRequest,
    layer: &str,
    block: &Block,
) -> Result<BlockDecision, GenerateError> {
    let theta = &request.parameters;
    let value = feature(request, layer, block)?;
    let weight = *theta
        .weights
        .get(block.feature)
        .ok_or_else(|| GenerateError::MissingWeight { feature: block.feature.to_owned() })?;
    let bias = *theta
        .biases
        .get(layer)
        .ok_or_else(|| GenerateError::MissingBias { layer: layer.to_owned() })?;
    let score = (weight * value + bias) / theta.temperature;
    let complexity = request.features.get("complexity").copied().unwrap_or(0.0);
    let allowed = block.complexity_above == 0.0 || complexity > block.complexity_above;
    Ok(BlockDecision {
        layer: layer.to_owned(),
        block: block.name.to_owned(),
        feature: block.feature.to_owned(),
        value,
        weight,
        bias,
        temperature: theta.temperature,
        score,
        activation: request.activation.apply(score),
        threshold: request.activation.threshold(),
        kept: allowed && request.activation.keeps(score),
    })
}

/// The value of the block's feature in the eyes of a layer. A share stays a share, however it is emphasised.
fn feature(request: &GenerateRequest, layer: &str, block: &Block) -> Result<f64, GenerateError> {
    let value = request.features.get(block.feature);
    let value = *value.ok_or_else(|| GenerateError::MissingFeature {
        block: block.name,
        feature: block.feature.to_owned(),
    })?;
    let emphasis = request.emphasis.get(layer);
    let factor = emphasis.and_then(|factors| factors.get(block.feature)).copied().unwrap_or(1.0);
    if !(factor.is_finite() && factor >= 0.0) {
        return Err(GenerateError::Emphasis {
            layer: layer.to_owned(),
            feature: block.feature.to_owned(),
            value: factor,
        });
    }
    Ok((value * factor).clamp(0.0, 1.0))
}
