//! What went wrong with a search, in words, and only from what was measured.

use std::fmt;

use crate::check::DIVERSITY_MIN;
use crate::error::GaError;
use crate::genetic::GaConfig;
use crate::optimizer::Optimizer;
use crate::outcome::SearchResult;
use crate::search::Search;
use crate::stop::StopReason;

/// For how many generations without improvement a search counts as stuck.
const STUCK_GENERATIONS: u32 = 5;
/// The diversity below which a stuck population is called homogeneous: the deviation is less than a fiftieth of the range, less
/// than a fourteenth of what the start population has.
const HOMOGENEOUS: f64 = 0.02;
/// The diversity above which a stuck population is called scattered: more than half of what uniformly random points have.
const SCATTERED: f64 = 0.15;
/// The share of failed evaluations that is worth a word.
const FAILURE_SHARE: f64 = 0.1;
/// The share of candidates that break a constraint from which on little is left to search with. Half of them is nothing special: the
/// best point of a constrained problem often lies on the edge.
const INFEASIBLE_SHARE: f64 = 0.9;
/// The share of a search's whole gain that its last quarter must have brought for the search to count as still rising.
const RISING_SHARE: f64 = 0.1;
/// How many rows of a history it takes to speak of a quarter of them.
const ROWS_MIN: usize = 8;
/// The share of the evaluations after which the last improvement must have come for them to count as well spent.
const SPENT_SHARE: f64 = 0.5;

/// Something that was measured and can be mended. Its `Display` is the advice.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// All that was evaluated breaks a constraint.
    Infeasible {
        /// The least violation.
        violation: f64,
        /// How many evaluations there were.
        evaluations: u64,
    },
    /// Nearly all that was evaluated breaks a constraint.
    MostlyInfeasible {
        /// How many did.
        infeasible: u64,
        /// Of how many.
        evaluations: u64,
    },
    /// Every candidate has the same fitness.
    Flat {
        /// That fitness.
        fitness: f64,
        /// How many evaluations there were.
        evaluations: u64,
    },
    /// The fitness stands still because the candidates are nearly the same.
    Homogeneous {
        /// The diversity of the last generation.
        diversity: f64,
        /// For how many generations there was no improvement.
        stagnant_generations: u32,
        /// The mutation rate of the search.
        mutation_rate: f64,
    },
    /// The fitness stands still although the candidates are spread widely: what comes near the best is not refined.
    Scattered {
        /// The diversity of the last generation.
        diversity: f64,
        /// For how many generations there was no improvement.
        stagnant_generations: u32,
        /// The mutation step in the last generation, if the mutation has one.
        mutation_step_final: Option<f64>,
    },
    /// The fitness still rises although the candidates are nearly the same: they walk, and could run.
    SmallSteps {
        /// The diversity of the last generation.
        diversity: f64,
        /// The gain over the last quarter of the generations.
        gain: f64,
        /// The mutation step in the last generation, if the mutation has one.
        mutation_step_final: Option<f64>,
    },
    /// The fitness was still rising when the budget was used up.
    StillRising {
        /// The gain over the last quarter of the generations.
        gain: f64,
        /// How many generations there were.
        generations: u32,
    },
    /// Most of the budget was spent after the last improvement.
    Premature {
        /// How many evaluations there had been at the last improvement.
        improved_at: u64,
        /// How many there were in all.
        evaluations: u64,
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
            Finding::Infeasible { violation, evaluations } => write!(
                f,
                "not one of {evaluations} candidates keeps the constraints, the nearest breaks them by {violation}: give the search \
                 more evaluations, a repair, or a space that lies nearer to where they hold"
            ),
            Finding::MostlyInfeasible { infeasible, evaluations } => write!(
                f,
                "{infeasible} of {evaluations} candidates break the constraints: repair them, or narrow the space"
            ),
            Finding::Flat { fitness, evaluations } => write!(
                f,
                "all of {evaluations} evaluations gave {fitness}: there is nothing to select by, so see whether the fitness looks \
                 at its candidate"
            ),
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
            Finding::Scattered { diversity, stagnant_generations, mutation_step_final } => {
                write!(
                    f,
                    "no improvement for {stagnant_generations} generations, though the population is diverse (diversity \
                     {diversity:.4}): lower the mutation rate"
                )?;
                match mutation_step_final {
                    Some(step) => write!(f, ", or the final mutation step from {step}"),
                    None => write!(f, ", or choose a mutation of smaller moves"),
                }
            }
            Finding::SmallSteps { diversity, gain, mutation_step_final } => {
                write!(
                    f,
                    "the fitness still rose by {gain:.4} in the last quarter, though the population is nearly one point (diversity \
                     {diversity:.4}): "
                )?;
                match mutation_step_final {
                    Some(step) => write!(f, "raise the final mutation step from {step}"),
                    None => write!(f, "choose a mutation of larger moves"),
                }
            }
            Finding::StillRising { gain, generations } => write!(
                f,
                "the fitness still rose by {gain:.4} in the last quarter of {generations} generations: give it more"
            ),
            Finding::Premature { improved_at, evaluations } => write!(
                f,
                "the last improvement came with evaluation {improved_at} of {evaluations}: spend fewer, or use the rest to start \
                 again from another seed with a larger population"
            ),
            Finding::Failing { failures, evaluations } => write!(
                f,
                "{failures} of {evaluations} evaluations have no fitness: see why the fitness function fails, or narrow the space"
            ),
        }
    }
}

/// What the measurements say; empty when they say nothing. The settings are those of the genetic algorithm, or `None` for another
/// method: advice on mutation is for who mutates, and a small population is no fault of a method that shrinks it on purpose.
pub fn diagnose<'a>(
    result: &SearchResult,
    config: impl Into<Option<&'a GaConfig>>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let evaluations = result.evaluations;
    if result.infeasible as f64 > INFEASIBLE_SHARE * evaluations as f64 {
        findings.push(Finding::MostlyInfeasible { infeasible: result.infeasible, evaluations });
    }
    if is_flat(result) {
        findings.push(Finding::Flat { fitness: result.final_fitness, evaluations });
    } else if result.stop != StopReason::Target {
        findings.extend(of_the_course(result, config.into()));
    }
    if result.failures as f64 > FAILURE_SHARE * evaluations as f64 {
        findings.push(Finding::Failing { failures: result.failures, evaluations });
    }
    findings
}

impl<O: Optimizer> Search<O> {
    /// As [`diagnose`], of what was measured so far; also when nothing feasible was found, and there is no result.
    pub fn diagnose<'a>(&self, config: impl Into<Option<&'a GaConfig>>) -> Vec<Finding> {
        match self.result() {
            Ok(result) => diagnose(&result, config),
            Err(GaError::Infeasible { violation, evaluations, .. }) => {
                vec![Finding::Infeasible { violation, evaluations }]
            }
            Err(_) => Vec::new(),
        }
    }
}

/// Whether every generation's best is its mean, and the same.
fn is_flat(result: &SearchResult) -> bool {
    let same = |value: &f64| *value == result.final_fitness;
    result.fitness_history.len() > 1
        && result.fitness_history.iter().all(same)
        && result.mean_history.iter().all(|mean| {
            // A mean is a sum of rounded parts.
            (mean - result.final_fitness).abs() <= 1e-12 * result.final_fitness.abs()
        })
}

/// What the course of the fitness says together with the diversity.
fn of_the_course(result: &SearchResult, config: Option<&GaConfig>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let diversity = result.diversity_history.last().copied().unwrap_or(0.0);
    let stagnant_generations = result.stagnant_generations;
    let stuck = stagnant_generations >= STUCK_GENERATIONS;
    let gain = late_gain(result);
    match (config, gain) {
        (Some(config), Some(gain)) if diversity < DIVERSITY_MIN => {
            let mutation_step_final = config.mutation.final_step();
            findings.push(Finding::SmallSteps { diversity, gain, mutation_step_final });
        }
        (Some(config), _) if stuck && diversity < HOMOGENEOUS || diversity < DIVERSITY_MIN => {
            let mutation_rate = config.mutation_rate;
            findings.push(Finding::Homogeneous { diversity, stagnant_generations, mutation_rate });
        }
        (Some(config), _) if stuck && diversity > SCATTERED => {
            let mutation_step_final = config.mutation.final_step();
            let finding =
                Finding::Scattered { diversity, stagnant_generations, mutation_step_final };
            findings.push(finding);
        }
        (Some(_) | None, _) => {}
    }
    let ran_out = matches!(
        result.stop,
        StopReason::Generations | StopReason::Evaluations | StopReason::Elapsed
    );
    if let Some(gain) = gain
        && ran_out
    {
        let generations = result.fitness_history.len() as u32 - 1;
        findings.push(Finding::StillRising { gain, generations });
    }
    let spent = result.improved_at as f64 / result.evaluations.max(1) as f64;
    if stuck && ran_out && spent < SPENT_SHARE {
        let (improved_at, evaluations) = (result.improved_at, result.evaluations);
        findings.push(Finding::Premature { improved_at, evaluations });
    }
    findings
}

/// The gain over the last quarter of the generations, if it is worth speaking of.
fn late_gain(result: &SearchResult) -> Option<f64> {
    let history = &result.fitness_history;
    // Generations without a feasible candidate have no fitness to compare with.
    let first = *history.iter().find(|&&best| best > f64::MIN)?;
    let quarter = *history.get(history.len().checked_sub(1 + history.len() / 4)?)?;
    let (gain, total) = (result.final_fitness - quarter, result.final_fitness - first);
    let rising = history.len() >= ROWS_MIN && quarter > f64::MIN && total > 0.0;
    (rising && gain >= RISING_SHARE * total).then_some(gain)
}
