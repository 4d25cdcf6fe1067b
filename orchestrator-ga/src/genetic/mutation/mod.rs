//! How a child differs from what its parents gave it.
//!
//! A parameter is mutated with a probability, the mutation rate; an order is one parameter. How many are passed over until the next
//! one is mutated is drawn at once (geometrically), so that a low rate costs little. Every operator keeps the space.

mod gaussian;
mod order;
mod polynomial;
mod uniform;

use orchestrator_core::{Bounds, FastStream};
use serde::{Deserialize, Serialize};

use super::layout::{Gene, Layout};
use crate::error::GaError;

pub use order::OrderMutation;

/// How a number is mutated. A choice (a label, true or false) becomes any other one with equal chances. Orders have their own,
/// [`OrderMutation`].
///
/// A whole number is moved as a real one is and then made whole; a move that rounding would undo becomes a step of one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Mutation {
    /// Gaussian mutation (Bäck and Schwefel, "An overview of evolutionary algorithms for parameter optimization", 1993): a normal
    /// deviate is added, and what leaves the bounds is moved to them. Its deviation, as a share of the parameter's width, decays
    /// geometrically over [`GaConfig::generations`](super::GaConfig::generations).
    Gaussian {
        /// The share in the first generation, above 0 to 1. A tenth crosses the space in a few generations.
        step: f64,
        /// The share in the last generation, above 0 to `step`. A fiftieth refines without letting the population become one point.
        final_step: f64,
    },
    /// Polynomial mutation (Deb and Goyal, "A combined genetic adaptive search (GeneAS) for engineering design", 1996), in the form
    /// whose density ends at the bounds (Deb's NSGA-II code).
    Polynomial {
        /// The distribution index, 0 to 1000: the greater, the smaller the moves. 20 to 100 are usual, and the mean move is of
        /// the order of `1 / eta` of the width.
        eta: f64,
    },
    /// Any value within the bounds, with equal chances (Michalewicz, "Genetic algorithms + data structures = evolution programs",
    /// 1992); a whole number becomes any other.
    Uniform,
}

impl Mutation {
    pub(super) fn check(&self) -> Result<(), GaError> {
        let least = f64::MIN_POSITIVE;
        match *self {
            Mutation::Gaussian { step, final_step } => {
                GaError::check_setting("mutation.gaussian.step", step, least, 1.0)?;
                GaError::check_setting("mutation.gaussian.final_step", final_step, least, step)
            }
            Mutation::Polynomial { eta } => {
                GaError::check_setting("mutation.polynomial.eta", eta, 0.0, 1000.0)
            }
            Mutation::Uniform => Ok(()),
        }
    }

    /// The deviation of a Gaussian mutation in the last generation, as a share of a parameter's width; the others have none.
    pub(crate) fn final_step(&self) -> Option<f64> {
        match *self {
            Mutation::Gaussian { final_step, .. } => Some(final_step),
            Mutation::Polynomial { .. } | Mutation::Uniform => None,
        }
    }

    /// The deviation of a Gaussian mutation when the share `done` (0 to 1) of the search is behind, as a share of a parameter's
    /// width. The others have none.
    pub(super) fn step_at(&self, done: f64) -> Option<f64> {
        match *self {
            Mutation::Gaussian { step, final_step } => Some(step * (final_step / step).powf(done)),
            Mutation::Polynomial { .. } | Mutation::Uniform => None,
        }
    }
}

/// Mutation as a generation has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mutator {
    kind: Mutation,
    orders: OrderMutation,
    /// About how many parameters stay before one is mutated; infinite when none ever is.
    spacing: f64,
    /// The deviation of a Gaussian mutation, as a share of a parameter's width.
    step: f64,
}

impl Mutator {
    /// `rate` is the probability of a parameter to be mutated, `step` the deviation of a Gaussian mutation as a share of its width.
    pub(super) fn new(kind: Mutation, orders: OrderMutation, rate: f64, step: f64) -> Mutator {
        Mutator { kind, orders, spacing: -1.0 / (-rate).ln_1p(), step }
    }

    /// Mutates each parameter with the probability of the rate.
    #[inline]
    pub(super) fn mutate(&self, child: &mut [f64], layout: &Layout, stream: &mut FastStream) {
        let mut at = self.gap(stream);
        while at < layout.genes.len() {
            self.mutate_gene(child, at, layout, stream);
            at = at.saturating_add(1).saturating_add(self.gap(stream));
        }
    }

    /// How many parameters stay before the next one is mutated: a geometric deviate, as the whole part of an exponential one (Devroye,
    /// "Non-uniform random variate generation", 1986, X.2). Whatever was skipped already, what is left has the same distribution, so one
    /// sequence of gaps may go on from child to child.
    #[inline]
    pub(super) fn gap(&self, stream: &mut FastStream) -> usize {
        if self.spacing == f64::INFINITY {
            return usize::MAX;
        }
        // No population has as many values as a u32 counts.
        (stream.exponential() * self.spacing) as u32 as usize
    }

    /// Mutates one parameter, any with equal chances.
    pub(super) fn mutate_one(&self, child: &mut [f64], layout: &Layout, stream: &mut FastStream) {
        self.mutate_gene(child, stream.below(layout.genes.len()), layout, stream);
    }

    #[inline]
    fn mutate_gene(
        &self,
        child: &mut [f64],
        gene: usize,
        layout: &Layout,
        stream: &mut FastStream,
    ) {
        if layout.real {
            child[gene] = self.moved(child[gene], &layout.bounds[gene], stream);
            return;
        }
        match &layout.genes[gene] {
            &Gene::Real(at) => child[at] = self.moved(child[at], &layout.bounds[at], stream),
            &Gene::Integer(at) => {
                child[at] = self.moved_whole(child[at], &layout.bounds[at], stream);
            }
            &Gene::Choice(at, count) => {
                if count > 1 {
                    let other = stream.below(count - 1) as f64;
                    child[at] = if other < child[at] { other } else { other + 1.0 };
                }
            }
            Gene::Order(places) => self.orders.mutate(&mut child[places.clone()], stream),
        }
    }

    /// A real value after a Gaussian mutation.
    #[inline]
    pub(super) fn moved_normally(
        &self,
        value: f64,
        bounds: &Bounds,
        stream: &mut FastStream,
    ) -> f64 {
        gaussian::moved(value, bounds, self.step, stream)
    }

    #[inline]
    fn moved(&self, value: f64, bounds: &Bounds, stream: &mut FastStream) -> f64 {
        match self.kind {
            Mutation::Gaussian { .. } => gaussian::moved(value, bounds, self.step, stream),
            Mutation::Polynomial { eta } => polynomial::moved(value, bounds, eta, stream),
            Mutation::Uniform => stream.between(bounds.min, bounds.max),
        }
    }

    fn moved_whole(&self, value: f64, bounds: &Bounds, stream: &mut FastStream) -> f64 {
        if bounds.min == bounds.max {
            return value;
        }
        if let Mutation::Uniform = self.kind {
            return uniform::another_whole(value, bounds, stream);
        }
        // Not yet moved to the bounds: it is the direction that counts when the move is small.
        let moved = match self.kind {
            Mutation::Gaussian { .. } => value + gaussian::deviate(bounds, self.step, stream),
            Mutation::Polynomial { .. } | Mutation::Uniform => self.moved(value, bounds, stream),
        };
        let whole = moved.round().clamp(bounds.min, bounds.max) + 0.0;
        if whole != value {
            return whole;
        }
        let up = if value == bounds.min || value == bounds.max {
            value == bounds.min
        } else if moved == value {
            stream.chance(0.5)
        } else {
            moved > value
        };
        if up { value + 1.0 } else { value - 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::{ParameterSpace, Seed};

    use super::*;

    fn mutator(kind: Mutation, rate: f64) -> Mutator {
        Mutator::new(kind, OrderMutation::Swap, rate, 0.1)
    }

    const GAUSSIAN: Mutation = Mutation::Gaussian { step: 0.1, final_step: 0.1 };

    #[test]
    fn each_parameter_is_mutated_with_the_rate() {
        let space = ParameterSpace::uniform(12, -1.0, 1.0).unwrap();
        let layout = Layout::of(&space);
        const COUNT: usize = 5000;
        for rate in [0.0, 0.03, 0.15, 0.7, 1.0] {
            let mut stream = Seed(5).fast_stream();
            let mut moved = [0; 12];
            let mut together = 0;
            for _ in 0..COUNT {
                let mut child = [0.0; 12];
                mutator(GAUSSIAN, rate).mutate(&mut child, &layout, &mut stream);
                let hit = child.map(|value| i32::from(value != 0.0));
                moved.iter_mut().zip(hit).for_each(|(moved, hit)| *moved += hit);
                together += hit[3] * hit[4];
            }
            let check = |count: i32, share: f64| {
                let error = (share * (1.0 - share) / COUNT as f64).sqrt() + 1e-12;
                let found = f64::from(count) / COUNT as f64;
                assert!((found - share).abs() < 4.5 * error, "{found}, not {share}");
            };
            moved.into_iter().for_each(|count| check(count, rate));
            check(together, rate * rate);
        }
    }

    #[test]
    fn a_choice_becomes_any_other_and_a_whole_number_moves_by_one_at_least() {
        let space = ParameterSpace::builder()
            .categorical("c", ["a", "b", "c", "d"])
            .boolean("b")
            .integer("n", 0, 10)
            .integer("one", 3, 3)
            .categorical("only", ["it"])
            .build()
            .unwrap();
        let layout = Layout::of(&space);
        let mut stream = Seed(6).fast_stream();
        for kind in [GAUSSIAN, Mutation::Polynomial { eta: 1000.0 }, Mutation::Uniform] {
            let mut labels = [0; 4];
            let mut numbers = [0; 11];
            for round in 0..3000 {
                let start = f64::from(round % 11);
                let mut child = [1.0, 0.0, start, 3.0, 0.0];
                mutator(kind, 1.0).mutate(&mut child, &layout, &mut stream);
                space.check(&child).unwrap();
                labels[child[0] as usize] += 1;
                assert_eq!((child[1], child[3], child[4]), (1.0, 3.0, 0.0));
                assert_ne!(child[2], start);
                if kind == (Mutation::Polynomial { eta: 1000.0 }) {
                    assert_eq!((child[2] - start).abs(), 1.0);
                }
                numbers[child[2] as usize] += 1;
            }
            assert_eq!(labels[1], 0);
            assert!([0, 2, 3].iter().all(|&at| (850..1150).contains(&labels[at])), "{labels:?}");
            assert!(numbers.iter().all(|&count| count > 100), "{kind:?} {numbers:?}");
        }
    }
}
