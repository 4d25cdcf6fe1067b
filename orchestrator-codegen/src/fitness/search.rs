//! From parameters θ to a score: which script do they make, and what does it do to the data.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orchestrator_core::{Parameters, WEIGHT_BOUNDS};

use crate::error::GenerateError;
use crate::generate::Generator;
use crate::output::Completeness;
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
/// θ acts by the decisions on the blocks alone, so that of all θ that decide alike on the innermost layer one is generated and run. There
/// are few of those sets of blocks, and a search meets most of them early: it runs some dozens of scripts for some thousands of θ.
pub struct MeasuredFitness {
    generator: Generator,
    measurer: Measurer,
    request: GenerateRequest,
    weights: FitnessWeights,
    threads: NonZeroUsize,
    /// The innermost layers by the decisions on them, at most [`CACHE_MAX`].
    scripts: Mutex<BTreeMap<Vec<bool>, Arc<Made>>>,
    /// The data that was measured on, at most [`DATA_MAX`].
    data: Mutex<Vec<ScriptData>>,
}

/// Measurements on so much data are known at once, beside what the [`Measurer`] remembers: a search has three parts of it.
const DATA_MAX: usize = 8;

/// A script, and what it does to data, by its place.
struct Made {
    script: String,
    /// McCabe's, as the generator counted it, where it did.
    complexity: Option<u64>,
    measured: Mutex<BTreeMap<usize, Measurement>>,
}

impl Made {
    fn analysed(&self) -> (&str, Option<u64>) {
        (&self.script, self.complexity)
    }
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
            data: Mutex::default(),
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

    /// What each term counts.
    pub fn weights(&self) -> &FitnessWeights {
        &self.weights
    }

    /// The share of the statements of the script of θ that a run on the data executes; none where it fails. The run is one of its
    /// own, and does not count among [`Measurer::runs`].
    ///
    /// # Errors
    /// As [`MeasuredFitness::measure`].
    pub fn coverage(
        &self,
        theta: &Parameters,
        data: &ScriptData,
    ) -> Result<Option<f64>, MeasuredFitnessError> {
        Ok(self.measurer.tracing().measure_analysed(self.made(theta)?.analysed(), data)?.covered)
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
        let (made, place) = (self.made(theta)?, self.place(data));
        if let Some(known) = place.and_then(|place| open(&made.measured).get(&place).cloned()) {
            return Ok(known);
        }
        let measured = self.measurer.measure_analysed(made.analysed(), data)?;
        if let Some(place) = place {
            open(&made.measured).insert(place, measured.clone());
        }
        Ok(measured)
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
        let made: Vec<_> = thetas.iter().map(|theta| self.made(theta)).collect();
        let place = self.place(data);
        let known = |made: &Made| place.and_then(|at| open(&made.measured).get(&at).cloned());
        let unknown: Vec<&Arc<Made>> =
            made.iter().flatten().filter(|made| known(made).is_none()).collect();
        let scripts: Vec<_> = unknown.iter().map(|made| made.analysed()).collect();
        let measured = self.measurer.measure_all_analysed(&scripts, data, self.threads)?;
        if let Some(place) = place {
            for (made, measured) in unknown.iter().zip(&measured) {
                open(&made.measured).insert(place, measured.clone());
            }
        }
        let mut measured = measured.into_iter();
        Ok(made
            .iter()
            .zip(thetas)
            .map(|(made, theta)| match made {
                Ok(made) => {
                    let known = if place.is_some() { known(made) } else { measured.next() };
                    let measured = known.expect("one measurement for each script");
                    Ok(self.weights.score(&measured)?)
                }
                // Errors cannot be copied; made once more, it is the same.
                Err(_) => self.made(theta).map(|_| f64::NAN),
            })
            .collect())
    }

    /// These θ by their scores on the data, the best first; equal ones keep their order, and those that make no script are left out.
    ///
    /// # Errors
    /// When nothing can be run.
    pub fn best_first(
        &self,
        thetas: Vec<Parameters>,
        data: &ScriptData,
    ) -> Result<Vec<Parameters>, MeasuredFitnessError> {
        let scores = self.scores(&thetas, data)?.into_iter().zip(thetas);
        let mut scored: Vec<(f64, Parameters)> =
            scores.filter_map(|(score, theta)| Some((score.ok()?, theta))).collect();
        scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        Ok(scored.into_iter().map(|(_, theta)| theta).collect())
    }

    /// Where a search may begin: `defaults`, and each θ that differs from them in the weight of one feature, at the least or at the
    /// greatest that it can be, and decides otherwise on the innermost layer. Of θ that decide alike the first is taken. So that a
    /// block that does nothing for the data is tried without from the beginning, and one that the data need, with.
    ///
    /// # Errors
    /// When the defaults make no decisions.
    pub fn starts(&self, defaults: &Parameters) -> Result<Vec<Parameters>, MeasuredFitnessError> {
        let mut known = vec![self.decided(defaults)?.1];
        let mut starts = vec![defaults.clone()];
        for weight in [WEIGHT_BOUNDS.min, WEIGHT_BOUNDS.max] {
            for feature in defaults.weights.keys() {
                let mut theta = defaults.clone();
                theta.weights.insert(feature.clone(), weight);
                let decided = self.decided(&theta)?.1;
                if !known.contains(&decided) {
                    known.push(decided);
                    starts.push(theta);
                }
            }
        }
        Ok(starts)
    }

    /// The innermost layer for θ.
    ///
    /// # Errors
    /// When θ makes none.
    pub fn script(&self, theta: &Parameters) -> Result<String, MeasuredFitnessError> {
        Ok(self.made(theta)?.script.clone())
    }

    /// The request with θ, and the decisions that matter for the innermost layer.
    fn decided(
        &self,
        theta: &Parameters,
    ) -> Result<(GenerateRequest, Vec<bool>), MeasuredFitnessError> {
        let request = GenerateRequest { parameters: theta.clone(), ..self.request.clone() };
        let template = self.generator.templates().named(&request.template)?;
        let decisions = decide(template, &request)?;
        let innermost = template.layers().last().map(|layer| layer.name.as_str());
        // The blocks of the other layers are no part of the innermost one, unless its template asks for them.
        let asks = template.asks_decisions();
        let matter = decisions.iter().filter(|d| asks || Some(d.layer.as_str()) == innermost);
        let kept = matter.map(|decision| decision.kept).collect();
        Ok((request, kept))
    }

    fn made(&self, theta: &Parameters) -> Result<Arc<Made>, MeasuredFitnessError> {
        let (request, key) = self.decided(theta)?;
        if let Some(made) = open(&self.scripts).get(&key) {
            return Ok(Arc::clone(made));
        }
        let scripts = self.generator.generate(&request)?;
        let layer = scripts.layers.last().cloned().unwrap_or_default();
        let Some(script) = scripts.source(&layer).map(str::to_owned) else {
            return Err(MeasuredFitnessError::NoScript { layer });
        };
        let quality = scripts.quality.get(&layer).filter(|quality| quality.parsed);
        let complexity = quality.map(|quality| quality.mccabe as u64);
        let made = Arc::new(Made { script, complexity, measured: Mutex::default() });
        let mut known = open(&self.scripts);
        // Where an outer layer did not validate, another template was used, and others may not need it.
        if known.len() < CACHE_MAX && scripts.completeness == Completeness::Complete {
            known.insert(key, Arc::clone(&made));
        }
        Ok(made)
    }

    /// The place of the data among those that were measured on; none where there are too many.
    fn place(&self, data: &ScriptData) -> Option<usize> {
        let mut known = open(&self.data);
        let place = known.iter().position(|known| known == data);
        if place.is_none() && known.len() < DATA_MAX {
            known.push(data.clone());
            return Some(known.len() - 1);
        }
        place
    }
}

fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked has changed nothing by halves.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
