//! How two children are made out of two parents: simulated binary crossover and polynomial mutation, within the bounds.
//!
//! Both need the (η+1)th root of every number that they draw. When η+1 is a power of two, as in the preset, that is a chain of
//! square roots, which is exact on every machine and five times as fast as a general power.

use orchestrator_core::{Bounds, FastStream, ParameterSpace};
use serde::{Deserialize, Serialize};

use crate::error::GaError;

/// The greatest distribution index: beyond it a child is its parent to the last bit.
pub const ETA_MAX: f64 = 1000.0;

/// How children are made out of their parents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Variation {
    /// The probability that two parents are crossed. Deb and others say 0.9 for NSGA-II, 1 for NSGA-III.
    pub crossover_rate: f64,
    /// The distribution index η of the crossover, 0 to [`ETA_MAX`]: the greater, the nearer the children are to their parents. 15
    /// for NSGA-II, 30 for NSGA-III. Fastest when η + 1 is a power of two.
    pub crossover_eta: f64,
    /// The probability that a parameter of a child is mutated; one over the number of parameters unless you say otherwise.
    pub mutation_rate: Option<f64>,
    /// The distribution index η of the mutation, 0 to [`ETA_MAX`]: with 20 a step is about a twentieth of the width.
    pub mutation_eta: f64,
}

impl Default for Variation {
    fn default() -> Self {
        Variation {
            crossover_rate: 0.9,
            crossover_eta: 15.0,
            mutation_rate: None,
            mutation_eta: 20.0,
        }
    }
}

impl Variation {
    /// Whether children can be made with these settings.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), GaError> {
        let rows = [
            ("crossover_rate", self.crossover_rate, 1.0),
            ("crossover_eta", self.crossover_eta, ETA_MAX),
            ("mutation_rate", self.mutation_rate.unwrap_or(0.0), 1.0),
            ("mutation_eta", self.mutation_eta, ETA_MAX),
        ];
        rows.into_iter()
            .try_for_each(|(setting, value, max)| GaError::check_setting(setting, value, 0.0, max))
    }
}

/// The settings, made ready for a space.
#[derive(Debug, Clone)]
pub(super) struct Operators {
    crossover_rate: f64,
    crossover: Power,
    mutation: Power,
    /// The rate of the exponential distribution of the gaps between mutated parameters; none when nothing is mutated.
    mutation_gap_rate: Option<f64>,
    /// Whether every point within the bounds is one of the space.
    real: bool,
}

impl Operators {
    pub(super) fn of(variation: &Variation, space: &ParameterSpace) -> Operators {
        let rate = variation.mutation_rate.unwrap_or(1.0 / space.len() as f64);
        Operators {
            crossover_rate: variation.crossover_rate,
            crossover: Power::of(variation.crossover_eta + 1.0),
            mutation: Power::of(variation.mutation_eta + 1.0),
            mutation_gap_rate: (rate > 0.0).then(|| -(-rate).ln_1p()),
            real: space.is_real(),
        }
    }

    /// Turns copies of two parents into two children, points of the space. Whatever is not real is varied as if it were, and moved to
    /// the nearest point of the space.
    #[inline]
    pub(super) fn vary(
        &self,
        a: &mut [f64],
        b: &mut [f64],
        space: &ParameterSpace,
        stream: &mut FastStream,
    ) {
        let bounds = space.bounds();
        if stream.chance(self.crossover_rate) {
            match self.crossover {
                // The preset, so that the compiler unrolls it.
                Power::SquareRoots(4) => cross(Power::SquareRoots(4), a, b, bounds, stream),
                power => cross(power, a, b, bounds, stream),
            }
        }
        if let Some(gap_rate) = self.mutation_gap_rate {
            mutate(self.mutation, gap_rate, a, bounds, stream);
            mutate(self.mutation, gap_rate, b, bounds, stream);
        }
        if !self.real {
            space.clamp(a);
            space.clamp(b);
        }
    }
}

/// An exponent of at least 1, and the fastest way to it and back.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Power {
    /// Two to this: squares and square roots.
    SquareRoots(u32),
    /// Another whole number.
    Whole(u32),
    Real(f64),
}

impl Power {
    fn of(exponent: f64) -> Power {
        if exponent.fract() == 0.0 && (1.0..=ETA_MAX + 1.0).contains(&exponent) {
            let whole = exponent as u32;
            if whole.is_power_of_two() {
                Power::SquareRoots(whole.trailing_zeros())
            } else {
                Power::Whole(whole)
            }
        } else {
            Power::Real(exponent)
        }
    }

    #[inline(always)]
    fn raise(self, x: f64) -> f64 {
        match self {
            Power::SquareRoots(count) => (0..count).fold(x, |x, _| x * x),
            Power::Whole(mut exponent) => {
                let (mut product, mut square) = (1.0, x);
                while exponent > 0 {
                    if exponent & 1 == 1 {
                        product *= square;
                    }
                    square *= square;
                    exponent >>= 1;
                }
                product
            }
            Power::Real(exponent) => x.powf(exponent),
        }
    }

    #[inline(always)]
    fn root(self, x: f64) -> f64 {
        match self {
            Power::SquareRoots(count) => (0..count).fold(x, |x, _| x.sqrt()),
            Power::Whole(exponent) => x.powf(1.0 / f64::from(exponent)),
            Power::Real(exponent) => x.powf(1.0 / exponent),
        }
    }
}

/// Parents nearer than this share of the width are left as they are.
const GAP_MIN: f64 = 1e-14;

/// Simulated binary crossover (Deb and Agrawal, "Simulated binary crossover for continuous search space", 1995) with the bounds in
/// its distribution, as in Deb's program for NSGA-II: each parameter takes part with probability one half, and of the two new values
/// either goes to either child.
#[inline(always)]
fn cross(power: Power, a: &mut [f64], b: &mut [f64], bounds: &[Bounds], stream: &mut FastStream) {
    const BITS: usize = 64;
    let blocks = a.chunks_mut(BITS).zip(b.chunks_mut(BITS)).zip(bounds.chunks(BITS));
    for ((a, b), bounds) in blocks {
        // One word decides for 64 parameters.
        let mut taking_part = stream.word() & (u64::MAX >> (BITS - a.len()));
        let swapped = stream.word();
        while taking_part != 0 {
            let at = taking_part.trailing_zeros() as usize;
            taking_part &= taking_part - 1;
            let Bounds { min, max } = bounds[at];
            let (low, high) = if a[at] < b[at] { (a[at], b[at]) } else { (b[at], a[at]) };
            let gap = high - low;
            if gap <= GAP_MIN * (max - min) {
                continue;
            }
            let unit = stream.unit();
            let spread = |free: f64| {
                // 1 / β, the parents' distance as a share of the room that the children have.
                let shrunk = gap / (gap + 2.0 * free);
                let t = unit * (2.0 - power.raise(shrunk));
                power.root(if t <= 1.0 { t } else { 1.0 / (2.0 - t) })
            };
            let sum = low + high;
            let lower = 0.5 * (sum - spread(low - min) * gap);
            let upper = 0.5 * (sum + spread(max - high) * gap);
            let children = [lower, upper].map(|value| bounds[at].clamp(value));
            let first = (swapped >> at & 1) as usize;
            a[at] = children[first];
            b[at] = children[1 - first];
        }
    }
}

/// Polynomial mutation (Deb and Goyal, "A combined genetic adaptive search (GeneAS) for engineering design", 1996; with the bounds
/// in its distribution as in Deb's program for NSGA-II). The gaps between mutated parameters are drawn, not a number for each.
#[inline]
fn mutate(
    power: Power,
    gap_rate: f64,
    child: &mut [f64],
    bounds: &[Bounds],
    stream: &mut FastStream,
) {
    let mut at = (stream.exponential() / gap_rate) as usize;
    while at < child.len() {
        let width = bounds[at].width();
        if width > 0.0 {
            let unit = stream.unit();
            let share = (child[at] - bounds[at].min) / width;
            let step = if unit < 0.5 {
                power.root(2.0 * unit + (1.0 - 2.0 * unit) * power.raise(1.0 - share)) - 1.0
            } else {
                1.0 - power.root(2.0 * (1.0 - unit) + (2.0 * unit - 1.0) * power.raise(share))
            };
            child[at] = bounds[at].clamp(child[at] + step * width);
        }
        at = at.saturating_add(1).saturating_add((stream.exponential() / gap_rate) as usize);
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;
    use proptest::prelude::*;

    use super::*;

    const UNIT: Bounds = Bounds { min: 0.0, max: 1.0 };

    #[test]
    fn roots_and_powers_are_those_of_the_library() {
        for exponent in [1.0, 2.0, 16.0, 21.0, 31.0, 4.5] {
            let power = Power::of(exponent);
            for x in [1e-9, 0.3, 1.0, 1.7] {
                assert!((power.raise(x) / x.powf(exponent) - 1.0).abs() < 1e-13, "{exponent} {x}");
                assert!((power.root(x) / x.powf(1.0 / exponent) - 1.0).abs() < 1e-13, "{exponent}");
            }
        }
        assert_eq!(Power::of(16.0), Power::SquareRoots(4));
    }

    #[test]
    fn half_of_the_parameters_are_crossed_and_the_mean_is_kept_far_from_the_bounds() {
        let mut stream = Seed(1).fast_stream();
        let power = Power::of(16.0);
        let (mut crossed, mut sum, mut spreads, rounds) = (0, 0.0, Vec::new(), 2000);
        for _ in 0..rounds {
            let (mut a, mut b) = ([0.49; 70], [0.51; 70]);
            cross(power, &mut a, &mut b, &[UNIT; 70], &mut stream);
            for (a, b) in a.into_iter().zip(b) {
                crossed += u32::from(a != 0.49 && a != 0.51);
                sum += a + b;
                if a != 0.49 && a != 0.51 {
                    spreads.push((b - a).abs() / 0.02);
                }
            }
        }
        let share = f64::from(crossed) / f64::from(70 * rounds);
        assert!((share - 0.5).abs() < 0.01, "{share}");
        assert!((sum / f64::from(70 * rounds) - 1.0).abs() < 1e-12);
        // Far from the bounds the median spread is 1: contracting and expanding are as likely.
        spreads.sort_by(f64::total_cmp);
        assert!((spreads[spreads.len() / 2] - 1.0).abs() < 2e-3);
        // The quarter quantile of β is 0.5^(1/16).
        let quarter = spreads[spreads.len() / 4];
        assert!((quarter - 0.5_f64.powf(1.0 / 16.0)).abs() < 2e-3, "{quarter}");
    }

    #[test]
    fn mutation_moves_its_share_by_its_distribution() {
        let mut stream = Seed(2).fast_stream();
        let space = ParameterSpace::uniform(30, 0.0, 1.0).unwrap();
        let still = Variation { crossover_rate: 0.0, ..Variation::default() };
        let operators = Operators::of(&still, &space);
        let (mut moves, rounds) = (Vec::new(), 20_000);
        for _ in 0..rounds {
            let (mut a, mut b) = ([0.5; 30], [0.5; 30]);
            operators.vary(&mut a, &mut b, &space, &mut stream);
            moves.extend(a.into_iter().chain(b).filter(|&x| x != 0.5).map(|x| (x - 0.5).abs()));
        }
        let mean = moves.len() as f64 / (2.0 * f64::from(rounds));
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        // |δ| = 1 − (1 − v)^(1/21) up to the bounds' 2⁻²¹, so its median is 1 − 0.5^(1/21).
        moves.sort_by(f64::total_cmp);
        let median = moves[moves.len() / 2];
        assert!((median - (1.0 - 0.5_f64.powf(1.0 / 21.0))).abs() < 1e-3, "{median}");
    }

    #[test]
    fn a_rate_of_zero_changes_nothing_and_of_one_everything() {
        let mut stream = Seed(3).fast_stream();
        for (rate, changed) in [(0.0, 0), (1.0, 30)] {
            let variation = Variation {
                crossover_rate: 0.0,
                mutation_rate: Some(rate),
                ..Variation::default()
            };
            let (mut a, mut b) = ([0.5; 30], [0.5; 30]);
            let space = ParameterSpace::uniform(30, 0.0, 1.0).unwrap();
            Operators::of(&variation, &space).vary(&mut a, &mut b, &space, &mut stream);
            assert_eq!(a.iter().filter(|&&x| x != 0.5).count(), changed);
        }
    }

    proptest! {
        #[test]
        fn children_stay_inside_the_bounds(
            seed: u64, eta in 0.0..50.0_f64, whole: bool, scale in prop_oneof![Just(1.0), Just(1e-300), Just(1e300), Just(0.5 * f64::MAX)],
        ) {
            let eta = if whole { eta.floor() } else { eta };
            let variation = Variation {
                crossover_rate: 1.0, crossover_eta: eta, mutation_rate: Some(0.5), mutation_eta: eta,
            };
            let bounds = [
                Bounds { min: -scale, max: scale }, Bounds { min: 0.0, max: 0.0 }, Bounds { min: 0.5 * scale, max: scale },
            ];
            let space = ParameterSpace::new(["a", "b", "c"].into_iter().zip(bounds)).unwrap();
            let operators = Operators::of(&variation, &space);
            let mut stream = Seed(seed).fast_stream();
            let (mut a, mut b) = ([-scale, 0.0, 0.5 * scale], [scale, 0.0, scale]);
            for _ in 0..20 {
                operators.vary(&mut a, &mut b, &space, &mut stream);
                for (value, bounds) in a.iter().chain(&b).zip(bounds.iter().cycle()) {
                    prop_assert!(bounds.contains(*value), "{value} in {bounds:?}");
                }
            }
        }
    }
}
