//! What went wrong with a search, in words, and only from what was measured.

use std::fmt;

use crate::check::DIVERSITY_MIN;
use crate::genetic::GaConfig;
use crate::outcome::SearchResult;
use crate::stop::StopReason;

/// For how many generations without improvement a search counts as stuck.
const STUCK_GENERATIONS: u32 = 5;
/// The diversity below which a stuck population is called homogeneous: the deviation is less than a fiftieth of the range, less
/// than a fourteenth of what the start population has.
const HOMOGENEOUS: f64 = 0.02;
/// The share of failed evaluations that is worth a word.
const FAILURE_SHARE: f64 = 0.1;

/// Something that was measured and can be mended. Its `Display` is the advice.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// The fitness stands still because the candidates are nearly the same.
    Homogeneous {
        /// The diversity of the last generation.
        diversity: f64,
        /// For how many generations there was no improvement.
        stagnant_generations: u32,
        /// The mutation rate of the search.
        mutation_rate: f64,
    },
    /// The fitness was still rising when the generations were used up.
    StillRising {
        /// The gain over the last quarter of the generations.
        gain: f64,
        /// How many generations there were.
        generations: u32,
    },
    /// Many evaluations have no fitness.
    Failing {
        /// How many failed.
        failures: u64,
        /// Of how many.
        evaluations: u64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Homogeneous { diversity, stagnant_generations, mutation_rate } => {
                write!(
                    f,
                    "no improvement for {stagnant_generations} generations, and the population is too homogeneous \
                     (diversity {diversity:.4}): "
                )?;
                if *mutation_rate < 0.20 {
                    write!(f, "raise the mutation rate from {mutation_rate} to 0.20 to 0.25")
                } else {
                    write!(
                        f,
                        "the mutation rate is {mutation_rate} already, so enlarge the population or the final mutation step"
                    )
                }
            }
            Finding::StillRising { gain, generations } => write!(
                f,
                "the fitness still rose by {gain:.4} in the last quarter of {generations} generations: give it more"
            ),
            Finding::Failing { failures, evaluations } => write!(
                f,
                "{failures} of {evaluations} evaluations have no fitness: see why the fitness function fails, or narrow the space"
            ),
        }
    }
}

/// What the measurements say; empty when they say nothing.
pub fn diagnose(result: &SearchResult, config: &GaConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let diversity = result.diversity_history.last().copied().unwrap_or(0.0);
    let stuck = result.stagnant_generations >= STUCK_GENERATIONS;
    let solved = result.stop == StopReason::Target;
    if !solved && (stuck && diversity < HOMOGENEOUS || diversity < DIVERSITY_MIN) {
        findings.push(Finding::Homogeneous {
            diversity,
            stagnant_generations: result.stagnant_generations,
            mutation_rate: config.mutation_rate,
        });
    }
    let history = &result.fitness_history;
    if result.stop == StopReason::Generations && history.len() >= 8 {
        let quarter = history[history.len() - 1 - history.len() / 4];
        let gain = result.final_fitness - quarter;
        let total = result.final_fitness - history[0];
        // A quarter of the time brought at least a tenth of the whole gain.
        if total > 0.0 && gain >= 0.1 * total {
            findings.push(Finding::StillRising { gain, generations: history.len() as u32 - 1 });
        }
    }
    if result.failures as f64 > FAILURE_SHARE * result.evaluations as f64 {
        findings
            .push(Finding::Failing { failures: result.failures, evaluations: result.evaluations });
    }
    findings
}
