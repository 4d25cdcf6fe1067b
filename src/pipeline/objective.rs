//! What the search and the learning step maximise: a formula over θ, or what the script of θ measurably does to the user's data.

use std::sync::Arc;

use orchestrator_codegen::{
    DEFAULT_TEMPLATE, DataParts, FitnessWeights, GenerateRequest, Generator, Interpreter,
    Isolation, Limits, MeasuredFitness, MeasuredFitnessError, Measurement, Measurer, Sampling,
    Template,
};
use orchestrator_core::{Check, ParameterSpace, Parameters, TaskError};
use serde::{Deserialize, Serialize};

use super::fitness::DataFitness;
use super::settings::FitnessKind;
use super::units::initialise::{DATA, Initialised};
use super::units::{Unit, terminal};

/// Of two θ whose scripts score alike, the one is better that the formula prefers: at most by this much, less than a cell in a thousand.
pub const FORMULA_SHARE: f64 = 1e-4;

/// The most that the formula gives.
const FORMULA_MAX: f64 = 6.0;

/// See the module.
#[derive(Clone)]
pub(super) enum Objective {
    Formula { fitness: DataFitness, space: ParameterSpace },
    Measured(Arc<Measured>),
}

impl Objective {
    /// What the settings ask for. What was measured once in a run is known to all of its units.
    pub(super) fn of(unit: &Unit, initialised: &Initialised) -> Result<Objective, TaskError> {
        match unit.context.settings.fitness {
            FitnessKind::Formula => Ok(Objective::Formula {
                fitness: DataFitness::of_features(&initialised.features),
                space: initialised.space(),
            }),
            FitnessKind::Measured(weights) => {
                if let Some(known) = unit.measured.get() {
                    return Ok(Objective::Measured(known.clone()));
                }
                let made = Arc::new(Measured::of(unit, initialised, weights)?);
                Ok(Objective::Measured(unit.measured.get_or_init(|| made).clone()))
            }
        }
    }

    /// The values of many points, in their order; NaN, which ranks last, where there is none.
    pub(super) fn values(&self, points: &[&[f64]]) -> Vec<f64> {
        match self {
            Objective::Formula { fitness, space } => {
                let fitness = fitness.over(space);
                points.iter().map(|point| fitness(point)).collect()
            }
            Objective::Measured(measured) => measured.values(points),
        }
    }

    /// The value of one point.
    pub(super) fn value(&self, point: &[f64]) -> f64 {
        self.values(&[point])[0]
    }

    /// What was measured of θ beside the defaults; nothing under a formula.
    pub(super) fn compare(&self, theta: &Parameters) -> Result<Option<MeasuredSearch>, TaskError> {
        match self {
            Objective::Formula { .. } => Ok(None),
            Objective::Measured(measured) => Ok(Some(measured.compare(theta)?)),
        }
    }
}

/// The scripts of θ, on two parts of the user's data.
pub(super) struct Measured {
    fitness: MeasuredFitness,
    parts: DataParts,
    formula: DataFitness,
    space: ParameterSpace,
    defaults: Parameters,
}

impl Measured {
    fn of(
        unit: &Unit,
        initialised: &Initialised,
        weights: FitnessWeights,
    ) -> Result<Measured, TaskError> {
        let context = &unit.context;
        let data = |error: String| TaskError::terminal(DATA, error);
        let bytes = std::fs::read(&context.data)
            .map_err(|error| data(format!("{}: {error}", context.data.display())))?;
        let parts = Sampling::default()
            .split(&initialised.profile.file, &bytes, context.seed.derive("measured"))
            .map_err(|error| data(error.to_string()))?;
        let interpreter = Interpreter::find().map_err(terminal("interpreter"))?;
        let template = Template::builtin(DEFAULT_TEMPLATE).map_err(terminal("codegen"))?;
        let defaults = template.neutral_parameters();
        let request =
            GenerateRequest::for_profile(DEFAULT_TEMPLATE, &initialised.profile, defaults.clone())
                .with("project", context.project.as_str())
                .with("objective", context.objective.as_str());
        let request = GenerateRequest { activation: context.settings.activation, ..request };
        let measurer = Measurer::new(&interpreter, Limits::default());
        let fitness = MeasuredFitness::new(Generator::new(), measurer, request)
            .with_threads(context.settings.budget.workers)
            .with_weights(weights)
            .map_err(terminal("fitness"))?;
        Ok(Measured {
            fitness,
            parts,
            formula: DataFitness::of_features(&initialised.features),
            space: initialised.space(),
            defaults,
        })
    }

    fn values(&self, points: &[&[f64]]) -> Vec<f64> {
        let thetas: Vec<Option<Parameters>> =
            points.iter().map(|point| Parameters::from_vector(&self.space, point).ok()).collect();
        let made: Vec<Parameters> = thetas.iter().flatten().cloned().collect();
        let Ok(scores) = self.fitness.scores(&made, &self.parts.tuning) else {
            return vec![f64::NAN; points.len()];
        };
        let mut scores = scores.into_iter();
        let value = |theta: &Option<Parameters>| {
            let theta = theta.as_ref()?;
            let score = scores.next()?.ok()?;
            let formula = self.formula.terms(theta).ok()?.total() / FORMULA_MAX;
            Some(score + FORMULA_SHARE * formula)
        };
        thetas.iter().map(value).map(|value| value.unwrap_or(f64::NAN)).collect()
    }

    fn compare(&self, theta: &Parameters) -> Result<MeasuredSearch, TaskError> {
        let part = |theta: &Parameters, data| -> Result<MeasuredScore, MeasuredFitnessError> {
            let measurement = self.fitness.measure(theta, data)?;
            Ok(MeasuredScore { score: self.fitness.score(theta, data)?, measurement })
        };
        let both = |theta: &Parameters| {
            let tuning = part(theta, &self.parts.tuning)?;
            Ok((tuning, part(theta, &self.parts.held_out)?))
        };
        let refuse = |error: MeasuredFitnessError| terminal("fitness")(error);
        let (found_tuning, found_held_out) = both(theta).map_err(refuse)?;
        let (default_tuning, default_held_out) = both(&self.defaults).map_err(refuse)?;
        Ok(MeasuredSearch {
            tuning_rows: self.parts.tuning_rows,
            held_out_rows: self.parts.held_out_rows,
            default_tuning,
            found_tuning,
            default_held_out,
            found_held_out,
            scripts_run: self.fitness.measurer().runs(),
            isolation: self.fitness.measurer().sandbox().isolation(),
        })
    }
}

/// What measuring scripts found: on the rows that it was tuned on, and on others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredSearch {
    /// Rows that were tuned on.
    pub tuning_rows: usize,
    /// Rows that were held out.
    pub held_out_rows: usize,
    /// The script of the default parameters, on the rows that were tuned on.
    pub default_tuning: MeasuredScore,
    /// The script that was found, on the same.
    pub found_tuning: MeasuredScore,
    /// The script of the default parameters, on the rows that were held out.
    pub default_held_out: MeasuredScore,
    /// The script that was found, on the same.
    pub found_held_out: MeasuredScore,
    /// How many scripts were run for it.
    pub scripts_run: u64,
    /// What was held back from them.
    pub isolation: Isolation,
}

/// One script on one part of the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredScore {
    /// In [0, 1], by the weights of the settings.
    pub score: f64,
    /// What it is made of.
    #[serde(flatten)]
    pub measurement: Measurement,
}

impl MeasuredSearch {
    /// Whether what was found is not worse than the defaults where it was not tuned.
    pub(super) fn check(&self) -> Check {
        let (found, default) = (self.found_held_out.score, self.default_held_out.score);
        Check::new(
            "not worse than the defaults on data that was held out",
            found >= default,
            format!("{found:.4} against {default:.4} on {} rows", self.held_out_rows),
        )
    }
}
