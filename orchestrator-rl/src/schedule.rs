//! Numbers that change while learning goes on: step sizes, exploration, temperatures.

use serde::{Deserialize, Serialize};

use crate::error::RlError;

/// How a number changes. `t` counts the steps learned from, `n` the visits of what the number is for (a state and action for a step size,
/// a state for exploration), this one included.
///
/// ```
/// use orchestrator_rl::Schedule;
/// assert_eq!(Schedule::from(0.1).at(1_000, 7), 0.1);
/// let falling = Schedule::Linear { from: 1.0, to: 0.1, steps: 100 };
/// assert_eq!((falling.at(0, 1), falling.at(50, 1), falling.at(900, 1)), (1.0, 0.55, 0.1));
/// assert_eq!(Schedule::Visits { scale: 1.0, omega: 1.0, least: 0.0 }.at(1_000, 4), 0.25);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// Always the same.
    Constant(f64),
    /// In a straight line, and then the same.
    Linear {
        /// At the first step.
        from: f64,
        /// From step `steps` on.
        to: f64,
        /// How many steps the way takes, at least 1.
        steps: u64,
    },
    /// `to + (from − to) · e^(−t / steps)`.
    Exponential {
        /// At the first step.
        from: f64,
        /// In the end.
        to: f64,
        /// After so many steps 37 % of the way are left; at least 1.
        steps: u64,
    },
    /// `max(least, scale · n^−omega)`. A step size converges for 0.5 < ω ≤ 1 (Even-Dar and Mansour, "Learning rates for Q-learning", 2003,
    /// advise 0.77); with scale 1 and ω 1 it is the mean of all that was seen.
    Visits {
        /// At the first visit.
        scale: f64,
        /// How fast it falls, at least 0.
        omega: f64,
        /// It does not fall below this.
        least: f64,
    },
}

impl Schedule {
    /// The number at step `t` and visit `n`.
    #[inline]
    pub fn at(&self, t: u64, n: u64) -> f64 {
        match *self {
            Schedule::Constant(value) => value,
            Schedule::Linear { to, steps, .. } if t >= steps => to,
            Schedule::Linear { from, to, steps } => from + (to - from) * (t as f64 / steps as f64),
            Schedule::Exponential { from, to, steps } => {
                to + (from - to) * (-(t as f64) / steps.max(1) as f64).exp()
            }
            Schedule::Visits { scale, omega, least } => {
                let n = n.max(1) as f64;
                let falling = if omega == 1.0 { 1.0 / n } else { n.powf(-omega) };
                (scale * falling).max(least)
            }
        }
    }

    /// Whether the number stays within [min, max] for ever.
    pub(crate) fn check(&self, setting: &'static str, min: f64, max: f64) -> Result<(), RlError> {
        let ends = match *self {
            Schedule::Constant(value) => [value, value],
            Schedule::Linear { from, to, .. } | Schedule::Exponential { from, to, .. } => {
                [from, to]
            }
            Schedule::Visits { scale, omega, least } => {
                crate::error::check_ranges(&[(setting, omega, 0.0, 10.0)])?;
                // Falling for ever to 0 is the point of it, even where 0 itself would be none.
                [scale, if least == 0.0 && omega > 0.0 { scale } else { least }]
            }
        };
        crate::error::check_ranges(&ends.map(|value| (setting, value, min, max)))
    }

    /// The number at the first step, for reports.
    pub fn first(&self) -> f64 {
        self.at(0, 1)
    }
}

impl From<f64> for Schedule {
    fn from(value: f64) -> Self {
        Schedule::Constant(value)
    }
}
