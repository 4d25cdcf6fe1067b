//! Steps of a local quadratic model between the generations.
//!
//! A full quadratic is fitted to the evaluated points nearest to the best one, in the metric of the current distribution, with
//! the weights of lmm-CMA-ES (Kern, Hansen and Koumoutsakos, "Local meta-models for optimization using evolution strategies",
//! 2006). Its least point within a trust region is evaluated, and again while that helps. Then the distribution goes on with
//! the new best injected (Hansen, "Injecting external solutions into CMA-ES", arXiv 1110.4181, 2011). Where the model does not
//! help it is asked more rarely.
//!
//! Points are kept as shares of the widths: in the inner coordinates a quadratic is none near the bounds.

use serde::{Deserialize, Serialize};

use super::distribution::{Distribution, Scratch};
use super::quadratic::{Quadratic, coefficients};
use crate::batch::Batch;

/// The most dimensions: there are n²/2 coefficients, and the time of a fit grows with their cube.
pub(super) const MODEL_DIMENSION_MAX: usize = 20;
/// How many points a fit takes, for each coefficient. More of them are farther away, and with twice as many every function
/// that is not quadratic is solved worse (10 dimensions, 1,000 evaluations).
const POINTS_PER_COEFFICIENT: f64 = 1.1;
/// How many points are remembered for each coefficient.
const KEPT_PER_COEFFICIENT: usize = 4;
/// The weight of the farthest point; the nearest has 1. Without any the fit would have fewer points than it counts.
const WEIGHT_MIN: f64 = 0.01;
/// The least and the greatest radius, in lengths of a typical step of the distribution, √n deviations.
const RADIUS: [f64; 2] = [0.01, 5.0];
/// A gain of more than this share of what the model said enlarges the trust region, one of less than the other shrinks it.
const RATIO_GOOD: f64 = 0.7;
const RATIO_BAD: f64 = 0.2;
/// After as many failures in a row as make it wait 4 generations it is asked no more rarely.
const FAILURES_MAX: u32 = 3;
/// After so many steps in a row the distribution has its turn. With 20, quadratics are solved no sooner, and on Rosenbrock's
/// and Ackley's functions some runs narrow too soon (13 and 3 of 62 fail to reach 1e-8 in 10,000 evaluations; with 3, 9 and
/// none).
const CHAIN_MAX: u32 = 3;

/// What is remembered for the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Local {
    /// The last points evaluated, as shares, and their costs; a ring.
    points: Batch,
    values: Vec<f64>,
    oldest: usize,
    /// The best of the run.
    best: Option<(Vec<f64>, f64)>,
    /// The radius of the trust region, in deviations of the distribution.
    radius: f64,
    /// For so many generations it is not asked.
    wait: u32,
    /// How often in a row it did not help.
    failures: u32,
    /// How many steps in a row helped.
    chain: u32,
    pending: Option<Pending>,
}

/// A step that waits for its cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pending {
    shares: Vec<f64>,
    length: f64,
    /// By how much the model says it is better.
    gain: f64,
}

/// Working memory, no part of the state.
#[derive(Debug, Clone, Default)]
pub(super) struct Room {
    model: Quadratic,
    /// Squared distances from the best, and places.
    near: Vec<(f64, usize)>,
    /// The points from the best, in deviations, row by row.
    white: Vec<f64>,
    step: Vec<f64>,
}

impl Local {
    pub(super) fn new(dimension: usize) -> Local {
        Local {
            points: Batch::new(dimension),
            values: Vec::new(),
            oldest: 0,
            best: None,
            radius: (dimension as f64).sqrt(),
            wait: 0,
            failures: 0,
            chain: 0,
            pending: None,
        }
    }

    /// Whether what was read can be of a run in so many dimensions.
    pub(super) fn is_sound(&self, dimension: usize) -> bool {
        let inside = |shares: &[f64]| {
            shares.len() == dimension && shares.iter().all(|share| (0.0..=1.0).contains(share))
        };
        self.points.dimension() == dimension
            && self.points.len() == self.values.len()
            && self.values.len() <= capacity(dimension)
            && (self.oldest == 0 || self.oldest < self.values.len())
            && self.points.points().all(inside)
            && self.values.iter().all(|value| value.is_finite())
            && self.best.as_ref().is_none_or(|(shares, value)| inside(shares) && value.is_finite())
            && self.radius.is_finite()
            && self.radius > 0.0
            && self.failures <= FAILURES_MAX
            && self.chain <= CHAIN_MAX
            && self.wait <= 1 << FAILURES_MAX
            && self.pending.as_ref().is_none_or(|pending| {
                inside(&pending.shares) && pending.gain.is_finite() && pending.length.is_finite()
            })
    }

    /// The step that waits for its cost.
    pub(super) fn pending(&self) -> Option<&[f64]> {
        self.pending.as_ref().map(|pending| pending.shares.as_slice())
    }

    /// The best point and its cost, if a step of the model has just found it.
    pub(super) fn found(&self) -> Option<(&[f64], f64)> {
        let best = self.best.as_ref().filter(|_| self.chain > 0);
        best.map(|(shares, value)| (shares.as_slice(), *value))
    }

    /// Remembers an evaluated point.
    pub(super) fn remember(&mut self, shares: &[f64], value: f64) {
        match &mut self.best {
            Some((best, least)) if value < *least => {
                best.copy_from_slice(shares);
                *least = value;
            }
            Some(_) => {}
            none => *none = Some((shares.to_vec(), value)),
        }
        if self.values.len() < capacity(shares.len()) {
            self.points.push(shares);
            self.values.push(value);
        } else {
            self.points.point_mut(self.oldest).copy_from_slice(shares);
            self.values[self.oldest] = value;
            self.oldest = (self.oldest + 1) % self.values.len();
        }
    }

    /// Proposes the first step after a generation, unless the model is to wait.
    pub(super) fn begin(&mut self, d: &Distribution, scratch: &mut Scratch, room: &mut Room) {
        self.chain = 0;
        if self.wait > 0 {
            self.wait -= 1;
        } else {
            self.pending = self.propose(d, scratch, room);
        }
    }

    /// Learns what the step that waited costs (none when it broke a constraint or failed), and proposes the next if it helped.
    pub(super) fn judge(
        &mut self,
        value: Option<f64>,
        shares: &[f64],
        d: &Distribution,
        scratch: &mut Scratch,
        room: &mut Room,
    ) {
        let Some(pending) = self.pending.take() else { return };
        let before = self.best.as_ref().map_or(f64::INFINITY, |(_, value)| *value);
        let gain = value.map_or(f64::NEG_INFINITY, |value| before - value);
        let ratio = gain / pending.gain;
        if ratio > RATIO_GOOD {
            self.radius = self.radius.max(2.0 * pending.length);
        } else if ratio < RATIO_BAD {
            self.radius = 0.5 * self.radius.min(pending.length);
        }
        let [least, greatest] = RADIUS.map(|radius| radius * (d.dimension() as f64).sqrt());
        self.radius = self.radius.clamp(least, greatest);
        if let Some(value) = value {
            self.remember(shares, value);
        }
        if gain > 0.0 {
            self.failures = 0;
            self.chain = self.chain.saturating_add(1);
            if self.chain < CHAIN_MAX {
                self.pending = self.propose(d, scratch, room);
            }
        } else {
            // What the steps before this one found is still to be injected: the chain is kept.
            self.failures = (self.failures + 1).min(FAILURES_MAX);
            self.wait = (1 << self.failures) >> 1;
        }
    }

    /// None while there are too few points, or when the model has no better one.
    fn propose(&self, d: &Distribution, scratch: &mut Scratch, room: &mut Room) -> Option<Pending> {
        let n = d.dimension();
        let (best, least) = self.best.as_ref()?;
        let count = (POINTS_PER_COEFFICIENT * coefficients(n) as f64).ceil() as usize;
        if self.values.len() < count {
            return None;
        }
        let Room { model, near, white, step } = room;
        white.clear();
        near.clear();
        for (at, point) in self.points.points().enumerate() {
            step.clear();
            step.extend(point.iter().zip(best).map(|(share, best)| (share - best) / d.sigma));
            let z = d.rotate_back(step, scratch);
            near.push((z.iter().map(|z| z * z).sum(), at));
            white.extend_from_slice(z);
        }
        near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        // Scaled to the farthest of them, so that all columns of the fit have the same size.
        let reach = near[count - 1].0.sqrt();
        if !(reach > 0.0 && reach.is_finite()) {
            return None;
        }
        white.iter_mut().for_each(|z| *z /= reach);
        let samples = near[..count].iter().map(|&(distance, at)| {
            let weight = (1.0 - distance / (reach * reach)).powi(2).max(WEIGHT_MIN);
            (&white[at * n..(at + 1) * n], weight, self.values[at] - least)
        });
        model.fit(n, count, samples);
        let found = model.least(self.radius / reach)?;
        step.clear();
        step.extend(found.step.iter().zip(&d.scales).map(|(t, scale)| t * reach * scale));
        let rows = best.iter().zip(d.axes.chunks_exact(n));
        let shares: Vec<f64> = rows
            .map(|(best, row)| {
                let along: f64 = row.iter().zip(&*step).map(|(axis, z)| axis * z).sum();
                (best + d.sigma * along).clamp(0.0, 1.0)
            })
            .collect();
        let length = found.length * reach;
        let sound = shares.iter().all(|share| share.is_finite()) && length.is_finite();
        (sound && shares != *best).then_some(Pending { shares, length, gain: found.gain })
    }
}

fn capacity(dimension: usize) -> usize {
    KEPT_PER_COEFFICIENT * coefficients(dimension)
}
