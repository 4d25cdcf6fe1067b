//! How an action is chosen from values: some of the time the best, some of the time another.
//!
//! Equal values are told apart at random, always: an agent that takes the first of equal actions never leaves the start of a world
//! whose rewards are far away.

use std::hint::select_unpredictable;

use orchestrator_core::FastStream;
use serde::{Deserialize, Serialize};

use crate::error::{RlError, check_ranges};
use crate::schedule::Schedule;
use crate::table::Cell;

/// Why an action was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Motive {
    /// It has the greatest value, or one of equal greatest values.
    Greedy,
    /// It was drawn to explore.
    Exploring,
}

/// An action, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The action.
    pub action: usize,
    /// Why.
    pub motive: Motive,
}

/// How an agent explores. For an optimistic start, be greedy and set [`RlConfig::initial`](crate::RlConfig::initial) above all that can be
/// had.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Exploration {
    /// Always the best.
    Greedy,
    /// Any action with probability ε, else the best.
    EpsilonGreedy {
        /// The probability, in [0, 1]; it falls by the visits of the state if at all by visits.
        epsilon: Schedule,
    },
    /// With probabilities in proportion to e^(value / temperature), also called Boltzmann exploration.
    Softmax {
        /// What a difference in value is measured by, greater than 0.
        temperature: Schedule,
    },
    /// The greatest value + c √(ln N / n), N visits of the state and n of the action (Auer, Cesa-Bianchi and Fischer, "Finite-time analysis of
    /// the multiarmed bandit problem", 2002); what was never tried comes first.
    Ucb1 {
        /// How much what was seldom tried is preferred: about the size of a return. At least 0.
        c: f64,
    },
}

impl Exploration {
    /// ε-greedy with a constant probability.
    pub fn epsilon(epsilon: f64) -> Exploration {
        Exploration::EpsilonGreedy { epsilon: Schedule::Constant(epsilon) }
    }

    /// The probability of a random action at the first step; 0 where exploration does not go by ε.
    pub fn first_epsilon(&self) -> f64 {
        match self {
            Exploration::EpsilonGreedy { epsilon } => epsilon.first(),
            Exploration::Greedy | Exploration::Softmax { .. } | Exploration::Ucb1 { .. } => 0.0,
        }
    }

    pub(crate) fn check(&self) -> Result<(), RlError> {
        match self {
            Exploration::Greedy => Ok(()),
            Exploration::EpsilonGreedy { epsilon } => epsilon.check("epsilon", 0.0, 1.0),
            Exploration::Softmax { temperature } => {
                temperature.check("temperature", f64::MIN_POSITIVE, f64::MAX)
            }
            Exploration::Ucb1 { c } => check_ranges(&[("c", *c, 0.0, f64::MAX)]),
        }
    }

    /// An action for a row of values, at step `t`.
    #[inline]
    pub(crate) fn choose(&self, row: &[Cell], t: u64, stream: &mut FastStream) -> Choice {
        match self {
            Exploration::Greedy => greedy(row, stream),
            Exploration::EpsilonGreedy { epsilon } => epsilon_greedy(epsilon, row, t, stream),
            Exploration::Softmax { temperature } => {
                softmax(row, temperature.at(t, visits(row)), stream)
            }
            Exploration::Ucb1 { c } => ucb1(row, *c, stream),
        }
    }

    /// The mean value under the probabilities with which actions are chosen.
    pub(crate) fn expectation(&self, row: &[Cell], t: u64) -> f64 {
        let best = greatest(row);
        match self {
            Exploration::Greedy | Exploration::Ucb1 { .. } => best,
            Exploration::EpsilonGreedy { epsilon } => {
                let mean = row.iter().map(|cell| cell.value).sum::<f64>() / row.len() as f64;
                best + epsilon_at(epsilon, row, t) * (mean - best)
            }
            Exploration::Softmax { temperature } => {
                let temperature = temperature.at(t, visits(row)).max(f64::MIN_POSITIVE);
                let (mut sum, mut weighted) = (0.0, 0.0);
                for cell in row {
                    let weight = ((cell.value - best) / temperature).exp();
                    sum += weight;
                    weighted += weight * (cell.value - best);
                }
                best + weighted / sum
            }
        }
    }
}

/// Any action with probability ε, else one of the best.
#[inline]
fn epsilon_greedy(epsilon: &Schedule, row: &[Cell], t: u64, stream: &mut FastStream) -> Choice {
    if stream.chance(epsilon_at(epsilon, row, t)) {
        return Choice { action: stream.below(row.len()), motive: Motive::Exploring };
    }
    greedy(row, stream)
}

#[inline]
fn epsilon_at(epsilon: &Schedule, row: &[Cell], t: u64) -> f64 {
    match epsilon {
        Schedule::Constant(epsilon) => *epsilon,
        // Only this one asks for the visits of the state.
        Schedule::Visits { .. } => epsilon.at(t, visits(row)),
        Schedule::Linear { .. } | Schedule::Exponential { .. } => epsilon.at(t, 1),
    }
}

fn visits(row: &[Cell]) -> u64 {
    row.iter().fold(1, |sum, cell| cell.visits.saturating_add(sum))
}

fn greatest(row: &[Cell]) -> f64 {
    row.iter().map(|cell| cell.value).fold(f64::NEG_INFINITY, f64::max)
}

#[inline]
fn greedy(row: &[Cell], stream: &mut FastStream) -> Choice {
    Choice { action: Sight::of(row).pick(|| row, stream), motive: Motive::Greedy }
}

/// What there is to see of a row of values at a glance.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sight {
    /// The greatest value.
    pub(crate) best: f64,
    /// The first action that has it.
    first: usize,
    /// Whether others have it too.
    tied: bool,
}

impl Sight {
    #[inline(always)] // A call would cost more than the work.
    pub(crate) fn of(row: &[Cell]) -> Sight {
        match row {
            // Four actions are so usual that it is worth doing without jumps, which cannot be foretold here, and by the shortest way to
            // the action, for which all else waits.
            [a, b, c, d] => {
                let [a, b, c, d] = [a.value, b.value, c.value, d.value];
                let greater = |x: f64, y: f64| if x > y { x } else { y };
                let (left, right) = (greater(a, b), greater(c, d));
                let best = greater(left, right);
                let first =
                    select_unpredictable(right > left, 2 + usize::from(d > c), usize::from(b > a));
                let equals = [a, b, c, d].map(|value| u32::from(value == best));
                Sight { best, first, tied: equals.iter().sum::<u32>() > 1 }
            }
            _ => Sight::of_values(row.len(), |action| row[action].value),
        }
    }

    #[inline]
    fn of_values(count: usize, value: impl Fn(usize) -> f64) -> Sight {
        let mut sight = Sight { best: value(0), first: 0, tied: false };
        for action in 1..count {
            let value = value(action);
            if value > sight.best {
                sight = Sight { best: value, first: action, tied: false };
            } else if value == sight.best {
                sight.tied = true;
            }
        }
        sight
    }

    /// One of the actions of the greatest value of the row that was looked at, each as probable as the others.
    #[inline(always)] // A call would keep the stream in memory.
    pub(crate) fn pick<'a>(
        self,
        row: impl FnOnce() -> &'a [Cell],
        stream: &mut FastStream,
    ) -> usize {
        if !self.tied {
            return self.first;
        }
        let row = row();
        let ties = row.iter().filter(|cell| cell.value == self.best).count();
        tied(row.len(), |action| row[action].value, self.best, stream.below(ties))
    }
}

/// One of the actions of the greatest value, each as probable as the others.
#[inline]
pub(crate) fn pick(count: usize, value: impl Fn(usize) -> f64, stream: &mut FastStream) -> usize {
    let Sight { best, first, tied: has_ties } = Sight::of_values(count, &value);
    if !has_ties {
        return first;
    }
    let ties = (0..count).filter(|&action| value(action) == best).count();
    tied(count, value, best, stream.below(ties))
}

#[inline(never)]
fn tied(count: usize, value: impl Fn(usize) -> f64, best: f64, which: usize) -> usize {
    let mut equals = (0..count).filter(|&action| value(action) == best);
    equals.nth(which).expect("the draw is below the number of equals")
}

fn softmax(row: &[Cell], temperature: f64, stream: &mut FastStream) -> Choice {
    let best = greatest(row);
    let weight = |cell: &Cell| ((cell.value - best) / temperature.max(f64::MIN_POSITIVE)).exp();
    let mut left = stream.unit() * row.iter().map(weight).sum::<f64>();
    let drawn = row.iter().position(|cell| {
        left -= weight(cell);
        left < 0.0
    });
    let action = drawn.unwrap_or(row.len() - 1);
    let motive = if row[action].value == best { Motive::Greedy } else { Motive::Exploring };
    Choice { action, motive }
}

fn ucb1(row: &[Cell], c: f64, stream: &mut FastStream) -> Choice {
    let seen = (visits(row) as f64).ln();
    let action = pick(
        row.len(),
        |action| match row[action] {
            Cell { visits: 0, .. } => f64::INFINITY,
            Cell { value, visits } => value + c * (seen / visits as f64).sqrt(),
        },
        stream,
    );
    let greedy = row[action].visits > 0 && row[action].value == greatest(row);
    Choice { action, motive: if greedy { Motive::Greedy } else { Motive::Exploring } }
}
