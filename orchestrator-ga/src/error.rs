//! What can go wrong with a search as a whole.

use orchestrator_core::ParameterError;

use crate::fitness::FitnessError;
use crate::pareto::IndicatorError;

/// Why a search cannot start, go on, or be loaded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GaError {
    /// A setting is out of its range.
    #[error("{setting} is {value}; it must be within [{min}, {max}]")]
    Setting {
        /// The field of the settings of the method, such as [`GaConfig`](crate::GaConfig) or
        /// [`CmaConfig`](crate::CmaConfig), or what else is limited, in words.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// The least value.
        min: f64,
        /// The greatest value.
        max: f64,
    },
    /// Change one of the two.
    #[error("two settings contradict each other: {what}")]
    Combination {
        /// Which, and why.
        what: &'static str,
    },
    /// The method searches real parameters only. The genetic algorithm, differential evolution and
    /// [`Auto`](crate::Auto) search any.
    #[error(
        "{method} searches real parameters only, and {name:?} is none; search it by Auto or the genetic algorithm"
    )]
    NotReal {
        /// The method.
        method: &'static str,
        /// The first parameter that is not real.
        name: String,
    },
    /// A point to start from is not in the space.
    #[error("start point {index}: {source}")]
    Start {
        /// Which of the points.
        index: usize,
        /// What is wrong with it.
        source: ParameterError,
    },
    /// Add a rule that is sure to be met: [`Stop::Evaluations`](crate::Stop::Evaluations) or [`Stop::Generations`](crate::Stop::Generations).
    #[error("the rules might never end the search; add a number of evaluations or of generations")]
    Unbounded,
    /// A rule of a [`Stop`](crate::Stop) makes no sense.
    #[error("a stopping rule is {what}, which makes no sense")]
    Stop {
        /// The rule.
        what: &'static str,
    },
    /// A [`Search`](crate::Search) has one objective.
    #[error("a search has one objective, and this method has {found}")]
    Objectives {
        /// How many the method has.
        found: usize,
    },
    /// Make the method for as many objectives as the search has.
    #[error("the method has {found} objectives, the search {wanted}")]
    MethodObjectives {
        /// How many the search has.
        wanted: usize,
        /// How many the method has.
        found: usize,
    },
    /// Give the reference point one value for each objective.
    #[error("a reference point of {found} values for {wanted} objectives")]
    ReferenceLength {
        /// How many objectives there are.
        wanted: usize,
        /// How many values the point has.
        found: usize,
    },
    /// The hypervolume below the reference point cannot be measured.
    #[error(transparent)]
    Indicator(#[from] IndicatorError),
    /// Give at most as many points to start from as the population has candidates.
    #[error("{found} start points for a population of {population}")]
    StartCount {
        /// How many points were given.
        found: usize,
        /// How many there is room for.
        population: usize,
    },
    /// Answer every candidate of the batch, in its order. Nothing was changed.
    #[error("{found} scores for {wanted} candidates")]
    Scores {
        /// The length of the batch.
        wanted: usize,
        /// How many scores came.
        found: usize,
    },
    /// Not one candidate so far has a fitness, so there is nothing to select by. Nothing was changed: mend the fitness and tell the
    /// same batch again; or, when it rightly fails nearly everywhere, begin with a point that has a fitness
    /// ([`Search::start_from`](crate::Search::start_from)), or answer with a violation in the place of an error.
    #[error("generation {generation}: all {count} evaluations failed, the last because {last}")]
    AllFailed {
        /// The generation.
        generation: u32,
        /// How many evaluations it had.
        count: usize,
        /// Why the last one failed.
        last: FitnessError,
    },
    /// The search is over; ask [`Search::result`](crate::Search::result), or go on with
    /// [`Search::set_stop`](crate::Search::set_stop).
    #[error("the search has ended")]
    Ended,
    /// Points to start from come first, and once.
    #[error("the search has started already, and takes no more points to start from")]
    Started,
    /// No candidate has been evaluated yet.
    #[error("no candidate has been evaluated yet")]
    NothingYet,
    /// All that was evaluated breaks a constraint. Give it more evaluations, a repair, or a space that lies nearer to where the
    /// constraints hold.
    #[error(
        "no feasible candidate in {evaluations} evaluations: the nearest breaks the constraints by {violation}"
    )]
    Infeasible {
        /// The least violation.
        violation: f64,
        /// The candidate that has it.
        nearest: Vec<f64>,
        /// How many candidates were evaluated.
        evaluations: u64,
    },
    /// The saved state is of another version of the format.
    #[error("the saved search has format {found}; this version reads format {known}")]
    Version {
        /// The version of the saved state.
        found: u32,
        /// The version that can be read.
        known: u32,
    },
    /// The saved state contradicts itself.
    #[error("the saved search is damaged: {what}")]
    Damaged {
        /// The part that does not fit.
        what: &'static str,
    },
}

impl GaError {
    /// Whether a setting is within its range; NaN is not.
    pub(crate) fn check_setting(
        setting: &'static str,
        value: f64,
        min: f64,
        max: f64,
    ) -> Result<(), GaError> {
        if min <= value && value <= max {
            Ok(())
        } else {
            Err(GaError::Setting { setting, value, min, max })
        }
    }
}
