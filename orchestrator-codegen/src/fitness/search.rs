//! From parameters θ to a score: which script do they make, and what does it do to the data.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use orchestrator_core::Parameters;

use crate::generate::{GenerateError, Generator};
use crate::request::GenerateRequest;
use crate::template::{TemplateError, decide};

use super::measure::{CACHE_MAX, MeasureError, Measurer, ScriptData};
use super::score::{FitnessWeights, FitnessWeightsError, Measurement};

/// Why θ has no score.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeasuredFitnessError {
    /// θ makes no script.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// There is no such template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The weights make no score.
    #[error(transparent)]
    Weights(#[from] FitnessWeightsError),
    /// Nothing can be run.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// The innermost layer did not validate.
    #[error("the layer {layer} is not among the scripts: it does not validate")]
    NoScript {
        /// The layer.
        layer: String,
    },
}

/// The measured fitness of θ: a script is generated for a request with θ in place of its own, and the innermost layer is measured.
///
/// θ acts by the decisions on the blocks alone, so that of all θ that decide alike one is generated and run. There are few of those
/// sets of blocks, and a search meets most of them early: it runs some dozens of scripts for some thousands of θ.
pub struct MeasuredFitness {
    generator: Generator,
    measurer: Measurer,
    request: GenerateRequest,
    weights: FitnessWeights,
    threads: NonZeroUsize,
    /// The innermost layers by decisions, at most [`CACHE_MAX`].
    scripts: Mutex<BTreeMap<Vec<bool>, String>>,
}

impl MeasuredFitness {
    /// The fitness of scripts for this request, scored by [`FitnessWeights::default`], measured one after another.
    pub fn new(generator: Generator, measurer: Measurer, request: GenerateRequest) -> Self {
        MeasuredFitness {
            generator,
            measurer,
            request,
            weights: FitnessWeights::default(),
            threads: NonZeroUsize::MIN,
            scripts: Mutex::default(),
        }
    }

    /// The same with other weights.
    ///
    /// # Errors
    /// When they make no score.
    pub fn with_weights(self, weights: FitnessWeights) -> Result<Self, FitnessWeightsError> {
        weights.check()?;
        Ok(MeasuredFitness { weights, ..self })
    }

    /// The same with so many scripts running at a time. The scores do not depend on it.
    #[must_use]
    pub fn with_threads(self, threads: NonZeroUsize) -> Self {
        MeasuredFitness { threads, ..self }
    }

    /// Who runs the scripts.
    pub fn measurer(&self) -> &Measurer {
        &self.measurer
    }

    /// What the script of θ does to the data.
    ///
    /// # Errors
    /// When θ makes no script, or nothing can be run.
    pub fn measure(
        &self,
        theta: &Parameters,
        data: &ScriptData,
    ) -> Result<Measurement, MeasuredFitnessError> {
        Ok(self.measurer.measure(&self.script(theta)?, data)?)
    }

    /// The score of θ on the data, in [0, 1].
    ///
    /// # Errors
    /// As [`MeasuredFitness::measure`].
    pub fn score(
        &self,
        theta: &Parameters,
        data: &ScriptData,
    ) -> Result<f64, MeasuredFitnessError> {
        Ok(self.weights.score(&self.measure(theta, data)?)?)
    }

    /// The scores of many θ, in their order, several scripts at a time.
    ///
    /// # Errors
    /// When nothing can be run. A θ that makes no script has an error of its own.
    pub fn scores(
        &self,
        thetas: &[Parameters],
        data: &ScriptData,
    ) -> Result<Vec<Result<f64, MeasuredFitnessError>>, MeasuredFitnessError> {
        let scripts: Vec<_> = thetas.iter().map(|theta| self.script(theta)).collect();
        let made: Vec<&str> = scripts.iter().flatten().map(String::as_str).collect();
        let measured = self.measurer.measure_all(&made, data, self.threads)?;
        let mut measured = measured.iter();
        Ok(scripts
            .iter()
            .zip(thetas)
            .map(|(script, theta)| match script {
                Ok(_) => {
                    let measured = measured.next().expect("one measurement for each script");
                    Ok(self.weights.score(measured)?)
                }
                // Errors cannot be copied; made once more, it is the same.
                Err(_) => self.script(theta).map(|_| f64::NAN),
            })
            .collect())
    }

    /// The innermost layer for θ.
    ///
    /// # Errors
    /// When θ makes none.
    pub fn script(&self, theta: &Parameters) -> Result<String, MeasuredFitnessError> {
        let request = GenerateRequest { parameters: theta.clone(), ..self.request.clone() };
        let template = self.generator.templates().named(&request.template)?;
        let decisions = decide(template, &request)?;
        let key: Vec<bool> = decisions.iter().map(|decision| decision.kept).collect();
        if let Some(script) = self.scripts().get(&key) {
            return Ok(script.clone());
        }
        let scripts = self.generator.generate(&request)?;
        let layer = scripts.layers.last().cloned().unwrap_or_default();
        let Some(script) = scripts.source(&layer).map(str::to_owned) else {
            return Err(MeasuredFitnessError::NoScript { layer });
        };
        let mut known = self.scripts();
        if known.len() < CACHE_MAX {
            known.insert(key, script.clone());
        }
        Ok(script)
    }

    fn scripts(&self) -> MutexGuard<'_, BTreeMap<Vec<bool>, String>> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
