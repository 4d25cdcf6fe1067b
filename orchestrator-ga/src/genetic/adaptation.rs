//! Settings that follow what the search meets.

use serde::{Deserialize, Serialize};

use super::config::{GaConfig, POPULATION_MAX};
use super::mutation::Mutation;
use crate::error::GaError;

/// The success share at which the one-fifth rule leaves the step as it is.
const SUCCESS_SHARE: f64 = 0.2;
/// The least factor that the one-fifth rule may bring the step to: beyond it moves are lost in rounding.
const STEP_SCALE_MIN: f64 = 1e-12;

/// What the step of a Gaussian mutation follows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum StepControl {
    /// The generations alone: it decays as [`Mutation::Gaussian`] says.
    Schedule,
    /// The one-fifth success rule (Rechenberg, "Evolutionsstrategie", 1973): when more than a fifth of the children of a generation are
    /// better than the parent that they are made of, the step of the schedule is divided by `factor`, when fewer are, multiplied. It
    /// never goes beyond the parameter's width. With `final_step` equal to `step` the rule alone decides. Gaussian mutation only.
    OneFifth {
        /// 0.5 to below 1. Schwefel's 0.85 is for as many trials as there are parameters.
        factor: f64,
    },
}

/// What the mutation rate follows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RateControl {
    /// Nothing.
    Fixed,
    /// The diversity of the population (in the manner of Ursem, "Diversity-guided evolutionary algorithms", 2002, without his
    /// switch): below `below` the rate rises in proportion to what is missing, to `rate_max` when all candidates are one.
    Diversity {
        /// The diversity under which the rate rises, above 0 to 0.5. A population that fills the space has about 0.29; the
        /// diagnosis calls one below 0.02 homogeneous.
        below: f64,
        /// The highest rate, from the mutation rate to 1. The documents' remedy for a homogeneous population is 0.20 to 0.25.
        rate_max: f64,
    },
}

/// How large the population is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Sizing {
    /// Always [`GaConfig::population`].
    Fixed,
    /// Linear reduction over [`GaConfig::generations`] (Tanabe and Fukunaga, "Improving the search performance of SHADE using linear
    /// population size reduction", 2014), from the population to `min`: wide at first, and then more generations for the same
    /// evaluations.
    Reduction {
        /// The last size, 2 to the population.
        min: usize,
    },
    /// Growth on stagnation (in the manner of Auger and Hansen, "A restart CMA evolution strategy with increasing population size",
    /// 2005, without the restart): after `after` generations without a better candidate the population is multiplied by `factor`,
    /// at most to `max`. The new places are filled by uniformly random points.
    Growth {
        /// The largest size, from the population on.
        max: usize,
        /// How many generations without improvement, at least 1.
        after: u32,
        /// Above 1 to 10. The source doubles.
        factor: f64,
    },
}

impl StepControl {
    pub(super) fn check(&self, mutation: &Mutation) -> Result<(), GaError> {
        let StepControl::OneFifth { factor } = *self else { return Ok(()) };
        if !matches!(mutation, Mutation::Gaussian { .. }) {
            return Err(GaError::Combination {
                what: "step_control.one_fifth steers the step of mutation.gaussian, and the mutation is another",
            });
        }
        GaError::check_setting("step_control.one_fifth.factor", factor, 0.5, 1.0 - f64::EPSILON)
    }

    /// The factor on the scheduled step after a generation of which so many children were better than their parents.
    pub(super) fn scale(&self, scale: f64, step: f64, better: usize, children: usize) -> f64 {
        match *self {
            StepControl::OneFifth { factor } if children > 0 => {
                let share = better as f64 / children as f64;
                let scale = match share {
                    share if share > SUCCESS_SHARE => scale / factor,
                    share if share < SUCCESS_SHARE => scale * factor,
                    _ => scale,
                };
                scale.min(1.0 / step).max(STEP_SCALE_MIN)
            }
            StepControl::OneFifth { .. } | StepControl::Schedule => scale,
        }
    }
}

impl RateControl {
    pub(super) fn check(&self, rate: f64) -> Result<(), GaError> {
        let RateControl::Diversity { below, rate_max } = *self else { return Ok(()) };
        GaError::check_setting("rate_control.diversity.below", below, f64::MIN_POSITIVE, 0.5)?;
        GaError::check_setting("rate_control.diversity.rate_max", rate_max, rate, 1.0)
    }

    /// The mutation rate of a generation; the diversity is measured only if it counts.
    pub(super) fn rate(&self, rate: f64, diversity: impl FnOnce() -> f64) -> f64 {
        match *self {
            RateControl::Fixed => rate,
            RateControl::Diversity { below, rate_max } => {
                rate + (rate_max - rate) * (1.0 - diversity() / below).max(0.0)
            }
        }
    }
}

impl Sizing {
    pub(super) fn check(&self, population: usize) -> Result<(), GaError> {
        let population = population as f64;
        match *self {
            Sizing::Fixed => Ok(()),
            Sizing::Reduction { min } => {
                GaError::check_setting("sizing.reduction.min", min as f64, 2.0, population)
            }
            Sizing::Growth { max, after, factor } => {
                let most = POPULATION_MAX as f64;
                GaError::check_setting("sizing.growth.max", max as f64, population, most)?;
                let after = f64::from(after);
                GaError::check_setting("sizing.growth.after", after, 1.0, f64::from(u32::MAX))?;
                GaError::check_setting("sizing.growth.factor", factor, 1.0 + f64::EPSILON, 10.0)
            }
        }
    }

    /// The size that a population never falls below.
    pub(super) fn least(&self, population: usize) -> usize {
        match *self {
            Sizing::Reduction { min } => min,
            Sizing::Fixed | Sizing::Growth { .. } => population,
        }
    }

    /// The size that a population never exceeds.
    pub(super) fn most(&self, population: usize) -> usize {
        match *self {
            Sizing::Growth { max, .. } => max,
            Sizing::Fixed | Sizing::Reduction { .. } => population,
        }
    }

    /// The size of a generation (counted from 1), the one before having `size`, after so many without improvement.
    pub(super) fn size(
        &self,
        config: &GaConfig,
        generation: u32,
        size: usize,
        stagnant: u32,
    ) -> usize {
        let population = config.population;
        match *self {
            Sizing::Fixed => population,
            Sizing::Reduction { min } => {
                let done =
                    f64::from(generation.min(config.generations)) / f64::from(config.generations);
                population - ((population - min) as f64 * done).round() as usize
            }
            // Once when the number is reached; the count then begins anew.
            Sizing::Growth { max, after, factor } if stagnant >= after => {
                ((size as f64 * factor).ceil() as usize).min(max)
            }
            Sizing::Growth { .. } => size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_follows_success_within_its_bounds() {
        let rule = StepControl::OneFifth { factor: 0.5 };
        assert_eq!(rule.scale(1.0, 0.1, 3, 10), 2.0);
        assert_eq!(rule.scale(1.0, 0.1, 2, 10), 1.0);
        assert_eq!(rule.scale(1.0, 0.1, 1, 10), 0.5);
        assert_eq!(rule.scale(1.0, 0.1, 0, 0), 1.0);
        assert_eq!(rule.scale(9.0, 0.1, 10, 10), 10.0);
        assert_eq!(rule.scale(STEP_SCALE_MIN, 0.1, 0, 10), STEP_SCALE_MIN);
        assert_eq!(StepControl::Schedule.scale(1.0, 0.1, 10, 10), 1.0);
    }

    #[test]
    fn the_rate_rises_with_what_is_missing_of_diversity() {
        let rule = RateControl::Diversity { below: 0.1, rate_max: 0.25 };
        for (diversity, rate) in [(0.3, 0.15), (0.1, 0.15), (0.05, 0.2), (0.0, 0.25)] {
            assert!((rule.rate(0.15, || diversity) - rate).abs() < 1e-12, "{diversity}");
        }
        assert_eq!(RateControl::Fixed.rate(0.15, || unreachable!()), 0.15);
    }

    #[test]
    fn the_size_shrinks_linearly_or_grows_when_nothing_gets_better() {
        let config = GaConfig { population: 20, generations: 10, ..GaConfig::documents() };
        let shrink = Sizing::Reduction { min: 4 };
        let sizes: Vec<_> = (1..12).map(|at| shrink.size(&config, at, 0, 0)).collect();
        assert_eq!(sizes, [18, 17, 15, 14, 12, 10, 9, 7, 6, 4, 4]);
        let grow = Sizing::Growth { max: 50, after: 3, factor: 2.0 };
        assert_eq!(grow.size(&config, 1, 20, 2), 20);
        assert_eq!(grow.size(&config, 1, 20, 3), 40);
        assert_eq!(grow.size(&config, 1, 40, 3), 50);
        assert_eq!((grow.least(20), grow.most(20), shrink.least(20)), (20, 50, 4));
    }
}
