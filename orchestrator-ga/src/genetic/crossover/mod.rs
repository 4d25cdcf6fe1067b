//! How two children are made of two parents.
//!
//! Every operator turns copies of the parents into the children, in place, and keeps the space: values stay within their bounds,
//! whole numbers whole, and orders orders.

mod arithmetic;
pub(super) mod blend;
mod order;
mod points;
mod simulated_binary;
pub(super) mod uniform;

use std::ops::Range;

use orchestrator_core::FastStream;
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use crate::error::GaError;

pub use order::OrderCrossover;
pub(super) use order::OrderScratch;

/// How the values of two parents are combined. What is a choice (a label, true or false) has no values between two: where an
/// operator computes with values, choices are exchanged as [`Crossover::Uniform`] does. Orders have their own, [`OrderCrossover`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Crossover {
    /// Blend crossover, BLX-α (Eshelman and Schaffer, "Real-coded genetic algorithms and interval-schemata", 1993): each value of
    /// each child is uniform in the interval of the parents' values, extended by `alpha` times its length at both ends.
    Blend {
        /// 0 to 1. The source found 0.5 to balance exploring and exploiting: the interval then neither shrinks nor grows on average.
        alpha: f64,
    },
    /// Simulated binary crossover, SBX (Deb and Agrawal, "Simulated binary crossover for continuous search space", 1995), in the
    /// form whose density ends at the bounds (Deb and Jain, "Self-adaptive simulated binary crossover", 2011 has the formula).
    /// Each value takes part with probability ½.
    Sbx {
        /// The distribution index, 0 to 1000: the greater, the nearer the children are to their parents. 2 to 20 are usual.
        eta: f64,
    },
    /// Each value is exchanged with probability ½ (Syswerda, "Uniform crossover in genetic algorithms", 1989).
    Uniform,
    /// The values between every second two of `count` different cut points are exchanged (De Jong, "An analysis of the behavior of
    /// a class of genetic adaptive systems", 1975). Neighbours in the space tend to stay together.
    Points {
        /// How many cut points, at least 1; no more are cut than there are places between values.
        count: u32,
    },
    /// Whole arithmetical crossover (Michalewicz, "Genetic algorithms + data structures = evolution programs", 1992): the children
    /// are `λa + (1-λ)b` and `(1-λ)a + λb` with one λ, uniform in [0, 1), for all values. The population contracts by it, so
    /// mutation has to keep it apart.
    Arithmetic,
}

impl Crossover {
    pub(super) fn check(&self) -> Result<(), GaError> {
        let (setting, value, min, max) = match *self {
            Crossover::Blend { alpha } => ("crossover.blend.alpha", alpha, 0.0, 1.0),
            Crossover::Sbx { eta } => ("crossover.sbx.eta", eta, 0.0, 1000.0),
            Crossover::Points { count } => {
                ("crossover.points.count", f64::from(count), 1.0, f64::from(u32::MAX))
            }
            Crossover::Uniform | Crossover::Arithmetic => return Ok(()),
        };
        GaError::check_setting(setting, value, min, max)
    }

    /// Makes two children of two parents: `a` and `b` are their copies, and become the children.
    pub(super) fn cross(
        self,
        parents: [&[f64]; 2],
        a: &mut [f64],
        b: &mut [f64],
        layout: &Layout,
        stream: &mut FastStream,
    ) {
        match self {
            Crossover::Uniform => exchange(parents, a, b, &layout.scalars, stream),
            Crossover::Points { count } => points::cross(a, b, &layout.scalars, count, stream),
            Crossover::Blend { alpha } => {
                for run in &layout.numbers {
                    let part = parents.map(|parent| &parent[run.clone()]);
                    let children = [&mut a[run.clone()], &mut b[run.clone()]];
                    blend::cross(part, children, &layout.bounds[run.clone()], alpha, stream);
                }
            }
            Crossover::Sbx { eta } => {
                for run in &layout.numbers {
                    let (a, b) = (&mut a[run.clone()], &mut b[run.clone()]);
                    simulated_binary::cross(a, b, &layout.bounds[run.clone()], eta, stream);
                }
            }
            Crossover::Arithmetic => {
                let share = stream.unit();
                for run in &layout.numbers {
                    let (a, b) = (&mut a[run.clone()], &mut b[run.clone()]);
                    arithmetic::cross(a, b, &layout.bounds[run.clone()], share);
                }
            }
        }
        match self {
            Crossover::Uniform | Crossover::Points { .. } => {}
            Crossover::Blend { .. } | Crossover::Sbx { .. } | Crossover::Arithmetic => {
                layout.round(a);
                layout.round(b);
                exchange(parents, a, b, &layout.choices, stream);
            }
        }
    }
}

fn exchange(
    parents: [&[f64]; 2],
    a: &mut [f64],
    b: &mut [f64],
    runs: &[Range<usize>],
    stream: &mut FastStream,
) {
    for run in runs {
        let part = parents.map(|parent| &parent[run.clone()]);
        uniform::cross(part, [&mut a[run.clone()], &mut b[run.clone()]], stream);
    }
}
