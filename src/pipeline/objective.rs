//! What the search and the learning step maximise: a formula over θ, or what the script of θ measurably does to the user's data.

use std::sync::Arc;

use orchestrator_codegen::{
    DEFAULT_TEMPLATE, DataParts, FitnessWeights, GenerateRequest, Generator, Interpreter, Kept,
    Limits, MeasuredFitness, MeasuredSearch, Measurer, Sampling, Template,
};
use orchestrator_core::{Check, ParameterSpace, Parameters, TaskError};

use super::fitness::DataFitness;
use super::settings::FitnessKind;
use super::units::initialise::{DATA, Initialised};
use super::units::{Unit, terminal};

/// Of two θ whose scripts score alike, the one is better that the formula prefers: at most by this much, less than a line of a script.
pub const FORMULA_SHARE: f64 = 1e-6;

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

    /// Where the search may begin beside what is known of earlier runs.
    pub(super) fn starts(&self) -> Result<Vec<Parameters>, TaskError> {
        match self {
            Objective::Formula { .. } => Ok(Vec::new()),
            Objective::Measured(measured) => {
                measured.fitness.starts(&measured.defaults).map_err(terminal("fitness"))
            }
        }
    }

    /// Which of θ, the best first, and the defaults stands, and what was measured of it; the first under a formula.
    pub(super) fn judge(
        &self,
        candidates: &[Parameters],
    ) -> Result<Option<(Parameters, MeasuredSearch)>, TaskError> {
        match self {
            Objective::Formula { .. } => Ok(None),
            Objective::Measured(measured) => {
                let Measured { fitness, defaults, parts, .. } = &**measured;
                let refuse = terminal("fitness");
                let (theta, judged) =
                    fitness.judge(candidates, defaults, parts).map_err(&refuse)?;
                if judged.kept == Kept::Found {
                    return Ok(Some((theta, judged)));
                }
                // A step from the defaults may stand where what was found does not.
                let steps = fitness.starts(defaults).map_err(&refuse)?;
                let steps = fitness.best_first(steps, &parts.tuning).map_err(&refuse)?;
                let candidates = [candidates, &steps].concat();
                fitness.judge(&candidates, defaults, parts).map(Some).map_err(refuse)
            }
        }
    }
}

/// The scripts of θ, on three parts of the user's data.
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
}

/// Whether the parameters that stand are not worse than the defaults where neither had a part in the choice.
pub(super) fn check(measured: &MeasuredSearch) -> Check {
    let (found, default) = (measured.found_held_out.score, measured.default_held_out.score);
    Check::new(
        "not worse than the defaults on data that was held out",
        found >= default,
        format!("{found:.4} against {default:.4} on {} rows", measured.held_out_rows),
    )
}
