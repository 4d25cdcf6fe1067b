//! The settings of the genetic algorithm: a plain struct whose default is the documents' preset, checked when it is made.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::adaptation::{RateControl, Sizing, StepControl};
use super::crossover::{Crossover, OrderCrossover};
use super::duplicates::Duplicates;
use super::mutation::{Mutation, OrderMutation};
use super::niching::Niching;
use super::replacement::Replacement;
use super::selection::Selection;
use crate::error::GaError;

/// How many generations the documents let a search have.
pub const DOCUMENT_GENERATIONS: RangeInclusive<u32> = 10..=50;
/// The most generations that a search keeps a history of.
pub const GENERATIONS_MAX: u32 = 1_000_000;
/// The largest population: beyond it the state no longer fits a checkpoint that anyone would want.
pub const POPULATION_MAX: usize = 100_000;

/// The settings of the genetic algorithm. [`Ga::new`](crate::Ga::new) checks them.
///
/// ```
/// use orchestrator_ga::{Crossover, GaConfig, Mutation, Replacement, Selection};
/// let config = GaConfig {
///     population: 50,
///     selection: Selection::Rank { pressure: 1.8 },
///     crossover: Crossover::Sbx { eta: 15.0 },
///     mutation: Mutation::Polynomial { eta: 20.0 },
///     replacement: Replacement::Plus { children: 50 },
///     ..GaConfig::documents()
/// };
/// assert!(config.check().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaConfig {
    /// How many candidates a generation has, at least 2. The documents say 20.
    pub population: usize,
    /// How many generations are bred after the start population (generation 0), at least 1; over them the mutation step decays. The documents say 10 to 50; 30 is
    /// their target for convergence.
    pub generations: u32,
    /// How parents are chosen. The documents say a tournament of 3.
    pub selection: Selection,
    /// The probability that two children are made of both parents, and not each of one. The documents say 0.7.
    pub crossover_rate: f64,
    /// How the values of two parents are combined. BLX-0.5 explores and contracts evenly.
    pub crossover: Crossover,
    /// How the orders of two parents are combined. OX, as most orders are sequences.
    pub order_crossover: OrderCrossover,
    /// The probability that a parameter of a child is mutated; an order is one parameter. The documents say 0.15.
    pub mutation_rate: f64,
    /// How a number is mutated. Gaussian with a tenth of the width at first, which crosses the space in a few generations, and a fiftieth
    /// at last, which refines without letting the population become one point.
    pub mutation: Mutation,
    /// How an order is mutated. Inversion changes the fewest neighbourhoods.
    pub order_mutation: OrderMutation,
    /// How many of the best survive unchanged, less than the population. One is enough never to lose the best.
    pub elites: usize,
    /// How the next generation is made of parents and children.
    pub replacement: Replacement,
    /// What keeps the population from becoming one place.
    pub niching: Niching,
    /// What happens to a child that is there already.
    pub duplicates: Duplicates,
    /// What the step of a Gaussian mutation follows.
    pub step_control: StepControl,
    /// What the mutation rate follows.
    pub rate_control: RateControl,
    /// How large the population is from generation to generation.
    pub sizing: Sizing,
}

impl GaConfig {
    /// The documents' preset: population 20, tournament 3, crossover 0.7, mutation 0.15, 30 generations.
    pub fn documents() -> GaConfig {
        GaConfig {
            population: 20,
            generations: 30,
            selection: Selection::Tournament { size: 3 },
            crossover_rate: 0.7,
            crossover: Crossover::Blend { alpha: 0.5 },
            order_crossover: OrderCrossover::Ordered,
            mutation_rate: 0.15,
            mutation: Mutation::Gaussian { step: 0.1, final_step: 0.02 },
            order_mutation: OrderMutation::Inversion,
            elites: 1,
            replacement: Replacement::Generational,
            niching: Niching::None,
            duplicates: Duplicates::Allow,
            step_control: StepControl::Schedule,
            rate_control: RateControl::Fixed,
            sizing: Sizing::Fixed,
        }
    }

    /// Whether a search can run with these settings.
    ///
    /// # Errors
    /// The first setting that is out of its range, or contradicts another.
    pub fn check(&self) -> Result<(), GaError> {
        let population = self.population as f64;
        let generations = f64::from(self.generations);
        GaError::check_setting("population", population, 2.0, POPULATION_MAX as f64)?;
        GaError::check_setting("generations", generations, 1.0, f64::from(GENERATIONS_MAX))?;
        self.selection.check(self.population)?;
        GaError::check_setting("crossover_rate", self.crossover_rate, 0.0, 1.0)?;
        self.crossover.check()?;
        GaError::check_setting("mutation_rate", self.mutation_rate, 0.0, 1.0)?;
        self.mutation.check()?;
        self.replacement.check()?;
        self.niching.check()?;
        self.duplicates.check()?;
        self.step_control.check(&self.mutation)?;
        self.rate_control.check(self.mutation_rate)?;
        self.sizing.check(self.population)?;
        let least = self.sizing.least(self.population) as f64;
        GaError::check_setting("elites", self.elites as f64, 0.0, least - 1.0)
    }

    /// The deviation of a mutation in a generation, as a share of a parameter's width; 0 when the mutation has none.
    pub(super) fn step_at(&self, generation: u32) -> f64 {
        let last = self.generations.max(2) - 1;
        let done = f64::from(generation.saturating_sub(1).min(last)) / f64::from(last);
        self.mutation.step_at(done).unwrap_or(0.0)
    }

    /// Whether it counts which parent a child competes with.
    pub(super) fn has_rivals(&self) -> bool {
        self.niching == Niching::Crowding || self.step_control != StepControl::Schedule
    }
}

impl Default for GaConfig {
    fn default() -> Self {
        GaConfig::documents()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_decays_from_its_first_to_its_final_value() {
        let config = GaConfig::documents();
        assert_eq!(config.step_at(1), 0.1);
        assert!((config.step_at(30) - 0.02).abs() < 1e-12);
        assert!((1..30).all(|g| config.step_at(g) > config.step_at(g + 1)));
    }

    #[track_caller]
    fn refused(config: GaConfig, setting: &str) {
        let message = config.check().unwrap_err().to_string();
        assert!(message.starts_with(setting), "{message}");
    }

    #[test]
    fn a_setting_out_of_range_is_named() {
        let preset = GaConfig::documents;
        assert!(preset().check().is_ok());
        refused(GaConfig { population: 1, ..preset() }, "population");
        refused(GaConfig { generations: 0, ..preset() }, "generations");
        for (selection, name) in [
            (Selection::Tournament { size: 21 }, "selection.tournament.size"),
            (Selection::Tournament { size: 0 }, "selection.tournament.size"),
            (Selection::Rank { pressure: 2.1 }, "selection.rank.pressure"),
            (Selection::Truncation { share: 0.0 }, "selection.truncation.share"),
        ] {
            refused(GaConfig { selection, ..preset() }, name);
        }
        refused(GaConfig { crossover_rate: f64::NAN, ..preset() }, "crossover_rate");
        for (crossover, name) in [
            (Crossover::Blend { alpha: 1.1 }, "crossover.blend.alpha"),
            (Crossover::Sbx { eta: -1.0 }, "crossover.sbx.eta"),
            (Crossover::Points { count: 0 }, "crossover.points.count"),
        ] {
            refused(GaConfig { crossover, ..preset() }, name);
        }
        refused(GaConfig { mutation_rate: 1.5, ..preset() }, "mutation_rate");
        for (mutation, name) in [
            (Mutation::Gaussian { step: 2.0, final_step: 0.1 }, "mutation.gaussian.step"),
            (Mutation::Gaussian { step: 0.1, final_step: 0.2 }, "mutation.gaussian.final_step"),
            (Mutation::Polynomial { eta: f64::INFINITY }, "mutation.polynomial.eta"),
        ] {
            refused(GaConfig { mutation, ..preset() }, name);
        }
        let none = Replacement::Plus { children: 0 };
        refused(GaConfig { replacement: none, ..preset() }, "replacement.plus.children");
        let sharing = |radius, alpha| Niching::Sharing { radius, alpha };
        refused(GaConfig { niching: sharing(0.0, 1.0), ..preset() }, "niching.sharing.radius");
        refused(GaConfig { niching: sharing(0.1, 11.0), ..preset() }, "niching.sharing.alpha");
        let never = Duplicates::Redraw { attempts: 0 };
        refused(GaConfig { duplicates: never, ..preset() }, "duplicates.redraw.attempts");
        let rule = StepControl::OneFifth { factor: 1.0 };
        refused(GaConfig { step_control: rule, ..preset() }, "step_control.one_fifth.factor");
        let rule = StepControl::OneFifth { factor: 0.85 };
        refused(
            GaConfig { step_control: rule, mutation: Mutation::Uniform, ..preset() },
            "two settings contradict each other: step_control.one_fifth",
        );
        let rule = |below, rate_max| RateControl::Diversity { below, rate_max };
        refused(
            GaConfig { rate_control: rule(0.6, 0.2), ..preset() },
            "rate_control.diversity.below",
        );
        refused(
            GaConfig { rate_control: rule(0.1, 0.1), ..preset() },
            "rate_control.diversity.rate_max",
        );
        for (sizing, name) in [
            (Sizing::Reduction { min: 21 }, "sizing.reduction.min"),
            (Sizing::Growth { max: 19, after: 1, factor: 2.0 }, "sizing.growth.max"),
            (Sizing::Growth { max: 40, after: 0, factor: 2.0 }, "sizing.growth.after"),
            (Sizing::Growth { max: 40, after: 1, factor: 1.0 }, "sizing.growth.factor"),
        ] {
            refused(GaConfig { sizing, ..preset() }, name);
        }
        refused(GaConfig { elites: 20, ..preset() }, "elites");
        refused(GaConfig { elites: 4, sizing: Sizing::Reduction { min: 4 }, ..preset() }, "elites");
    }

    #[test]
    fn settings_are_written_in_the_terms_of_the_field_and_what_is_unknown_is_refused() {
        let read = |text: &str| serde_json::from_str::<GaConfig>(text);
        let config = read(
            r#"{"selection": {"rank": {"pressure": 1.5}}, "crossover": "uniform", "niching": "crowding",
                "mutation": {"gaussian": {"step": 0.2, "final_step": 0.1}}, "order_crossover": "partially_mapped",
                "duplicates": {"redraw": {"attempts": 5}}}"#,
        );
        let config = config.unwrap();
        assert_eq!(config.selection, Selection::Rank { pressure: 1.5 });
        assert_eq!((config.crossover, config.niching), (Crossover::Uniform, Niching::Crowding));
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(read(&text).unwrap(), config);
        assert!(read(r#"{"selection": {"tournament": {"size": 3, "rank": 1}}}"#).is_err());
        assert!(read(r#"{"tournament": 3}"#).is_err());
    }
}
