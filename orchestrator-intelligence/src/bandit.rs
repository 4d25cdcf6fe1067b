//! Bandits: whom to try next when trying is the only way to know.
//!
//! A bandit says with which probability it would choose each arm, and the choice is drawn from that. So the propensity of a
//! choice is known exactly, and what was logged can be used to judge another policy.

use orchestrator_core::Stream;

/// A choice among arms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// The arm.
    pub arm: usize,
    /// With which probability it was chosen.
    pub propensity: f64,
}

/// Chooses among a fixed number of arms, and learns from rewards in [0, 1].
///
/// ```
/// use orchestrator_core::Seed;
/// use orchestrator_intelligence::{Bandit, ThompsonSampling};
/// let mut bandit = ThompsonSampling::new(2);
/// let mut stream = Seed(1).stream();
/// for _ in 0..200 {
///     let choice = bandit.choose(&mut stream);
///     bandit.learn(choice.arm, if choice.arm == 1 { 0.9 } else { 0.2 });
/// }
/// assert!(bandit.probabilities()[1] > 0.9);
/// ```
pub trait Bandit: Send {
    /// With which probability each arm is chosen next; they sum to 1.
    fn probabilities(&self) -> Vec<f64>;

    /// Is told the reward of an arm, clamped into [0, 1]; an arm that does not exist, or NaN, is ignored.
    fn learn(&mut self, arm: usize, reward: f64);

    /// Draws an arm.
    ///
    /// # Panics
    /// When there are no arms.
    fn choose(&self, stream: &mut Stream) -> Choice {
        draw(&self.probabilities(), stream)
    }
}

/// Draws from a distribution.
pub(crate) fn draw(probabilities: &[f64], stream: &mut Stream) -> Choice {
    let mut left = stream.unit();
    let mut chosen = None;
    for (arm, &propensity) in probabilities.iter().enumerate() {
        if propensity > 0.0 {
            chosen = Some(Choice { arm, propensity });
            if left < propensity {
                break;
            }
            left -= propensity;
        }
    }
    // Rounding may leave a hair beyond the last arm: the last possible one it is.
    chosen.expect("a bandit has at least one arm")
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Arm {
    trials: f64,
    reward: f64,
}

fn learn(arms: &mut [Arm], arm: usize, reward: f64) {
    if let Some(arm) = arms.get_mut(arm)
        && !reward.is_nan()
    {
        arm.trials += 1.0;
        arm.reward += reward.clamp(0.0, 1.0);
    }
}

/// UCB1 (Auer, Cesa-Bianchi, Fischer, "Finite-time analysis of the multiarmed bandit problem", 2002): every arm once, then
/// the largest mean + √(2 ln n / n_j). Equals share the probability.
#[derive(Debug, Clone, PartialEq)]
pub struct Ucb1 {
    arms: Vec<Arm>,
}

impl Ucb1 {
    /// So many arms, nothing known.
    pub fn new(arms: usize) -> Self {
        Ucb1 { arms: vec![Arm::default(); arms] }
    }
}

impl Bandit for Ucb1 {
    fn probabilities(&self) -> Vec<f64> {
        let trials: f64 = self.arms.iter().map(|arm| arm.trials).sum();
        let bound = |arm: &Arm| {
            if arm.trials == 0.0 {
                f64::INFINITY
            } else {
                arm.reward / arm.trials + (2.0 * trials.ln() / arm.trials).sqrt()
            }
        };
        let bounds: Vec<f64> = self.arms.iter().map(bound).collect();
        let best = bounds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let ties = bounds.iter().filter(|bound| **bound == best).count();
        let share = |bound: f64| {
            if bound == best { 1.0 / ties as f64 } else { 0.0 }
        };
        bounds.into_iter().map(share).collect()
    }

    fn learn(&mut self, arm: usize, reward: f64) {
        learn(&mut self.arms, arm, reward);
    }
}

/// Thompson sampling with a Beta(1, 1) prior (Thompson, 1933; Agrawal and Goyal, "Analysis of Thompson sampling for the
/// multi-armed bandit problem", 2012). A reward r adds r to α and 1 − r to β.
///
/// Instead of drawing a sample from every posterior, the probability that an arm is the best one, ∫ f_i Π F_j, is integrated on a
/// grid of [`ThompsonSampling::CELLS`] cells, and the arm is drawn from these probabilities. It is the same rule up to the width of
/// a cell, and its propensities are known.
#[derive(Debug, Clone, PartialEq)]
pub struct ThompsonSampling {
    arms: Vec<Arm>,
}

impl ThompsonSampling {
    /// Cells of the grid: finer than the posterior's deviation up to about 10,000 trials of an arm.
    pub const CELLS: usize = 512;

    /// So many arms, nothing known.
    pub fn new(arms: usize) -> Self {
        ThompsonSampling { arms: vec![Arm::default(); arms] }
    }
}

/// The posterior's mass in every cell of the grid.
fn posterior(arm: &Arm) -> Vec<f64> {
    let (a, b) = (arm.reward, arm.trials - arm.reward);
    let cells = ThompsonSampling::CELLS;
    let log_density = |cell: usize| {
        let x = (cell as f64 + 0.5) / cells as f64;
        a * x.ln() + b * (-x).ln_1p()
    };
    let logs: Vec<f64> = (0..cells).map(log_density).collect();
    // Shifted by the largest, so that thousands of trials do not underflow everywhere.
    let max = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let masses: Vec<f64> = logs.into_iter().map(|log| (log - max).exp()).collect();
    let sum: f64 = masses.iter().sum();
    masses.into_iter().map(|mass| mass / sum).collect()
}

impl Bandit for ThompsonSampling {
    fn probabilities(&self) -> Vec<f64> {
        let masses: Vec<Vec<f64>> = self.arms.iter().map(posterior).collect();
        let mut best = vec![0.0; self.arms.len()];
        let mut below = vec![0.0; self.arms.len()];
        for cell in 0..Self::CELLS {
            for (arm, best) in best.iter_mut().enumerate() {
                // Two arms in one cell are equally likely to be the better one: half of the cell counts as below.
                let others = (0..below.len()).filter(|other| *other != arm);
                let product: f64 =
                    others.map(|other| below[other] + 0.5 * masses[other][cell]).product();
                *best += masses[arm][cell] * product;
            }
            for (below, mass) in below.iter_mut().zip(&masses) {
                *below += mass[cell];
            }
        }
        let sum: f64 = best.iter().sum();
        best.into_iter().map(|share| share / sum).collect()
    }

    fn learn(&mut self, arm: usize, reward: f64) {
        learn(&mut self.arms, arm, reward);
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    #[test]
    fn probabilities_are_the_known_ones() {
        let mut bandit = ThompsonSampling::new(2);
        assert!((bandit.probabilities()[0] - 0.5).abs() < 1e-12);
        // P(Beta(2, 1) > Beta(1, 1)) = 2/3.
        bandit.learn(0, 1.0);
        assert!((bandit.probabilities()[0] - 2.0 / 3.0).abs() < 1e-5);
        // An arm that does not exist, and no number, change nothing.
        let before = bandit.clone();
        bandit.learn(7, 1.0);
        bandit.learn(0, f64::NAN);
        assert_eq!(bandit, before);
    }

    #[test]
    fn ucb1_tries_everything_once() {
        let mut bandit = Ucb1::new(3);
        let mut stream = Seed(5).stream();
        let mut seen = [0; 3];
        for _ in 0..3 {
            let choice = bandit.choose(&mut stream);
            seen[choice.arm] += 1;
            bandit.learn(choice.arm, 0.0);
        }
        assert_eq!(seen, [1; 3]);
    }

    #[test]
    fn both_find_the_best_arm() {
        let bandits: [Box<dyn Bandit>; 2] =
            [Box::new(Ucb1::new(3)), Box::new(ThompsonSampling::new(3))];
        for mut bandit in bandits {
            let mut stream = Seed(11).stream();
            let mut best = 0;
            for _ in 0..1_000 {
                let choice = bandit.choose(&mut stream);
                let sum: f64 = bandit.probabilities().iter().sum();
                assert!((sum - 1.0).abs() < 1e-9);
                best += usize::from(choice.arm == 2);
                let won = stream.chance([0.2, 0.4, 0.8][choice.arm]);
                bandit.learn(choice.arm, f64::from(u8::from(won)));
            }
            assert!(best > 750, "{best} of 1000");
        }
    }
}
