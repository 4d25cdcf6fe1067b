//! How a population holds on to several places at once.

use orchestrator_core::FastStream;
use serde::{Deserialize, Serialize};

use super::layout::{Gene, Layout};
use crate::batch::Batch;
use crate::error::GaError;

/// What keeps a population from becoming one place.
///
/// The distance of two candidates is the root of the mean of squares over the parameters: of a number the distance as a share of its
/// width, of a choice 0 or 1, of an order the share of places where they differ. It is 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Niching {
    /// Nothing.
    None,
    /// Fitness sharing (Goldberg and Richardson, "Genetic algorithms with sharing for multimodal function optimization", 1987):
    /// selection sees the fitness (counted from the worst, as [`Selection::Roulette`](super::Selection::Roulette) counts it) divided by
    /// the niche count, the sum of `1 - (distance / radius)^alpha` over all candidates nearer than `radius`. Takes time with the square
    /// of the population.
    Sharing {
        /// Up to what distance candidates share, above 0 to 1.
        radius: f64,
        /// The shape of the sharing function, above 0 to 10. The source has 1.
        alpha: f64,
    },
    /// Deterministic crowding (Mahfoud, "Niching methods for genetic algorithms", 1995): all candidates are paired at random, and each
    /// of two children takes the place of the parent that it is nearer to, if it is better. It replaces selection and
    /// replacement: [`GaConfig::selection`](super::GaConfig::selection), [`elites`](super::GaConfig::elites) and
    /// [`replacement`](super::GaConfig::replacement) have no say.
    Crowding,
}

impl Niching {
    pub(super) fn check(&self) -> Result<(), GaError> {
        if let Niching::Sharing { radius, alpha } = *self {
            GaError::check_setting("niching.sharing.radius", radius, f64::MIN_POSITIVE, 1.0)?;
            GaError::check_setting("niching.sharing.alpha", alpha, f64::MIN_POSITIVE, 10.0)?;
        }
        Ok(())
    }
}

/// See [`Niching`].
pub(super) fn distance(a: &[f64], b: &[f64], layout: &Layout) -> f64 {
    let sum: f64 = layout
        .genes
        .iter()
        .map(|gene| match gene {
            &Gene::Real(at) | &Gene::Integer(at) => {
                let width = layout.bounds[at].width();
                if width > 0.0 { ((a[at] - b[at]) / width).powi(2) } else { 0.0 }
            }
            &Gene::Choice(at, _) => f64::from(u8::from(a[at] != b[at])),
            Gene::Order(places) => {
                let differing = places.clone().filter(|&at| a[at] != b[at]).count();
                (differing as f64 / places.len() as f64).powi(2)
            }
        })
        .sum();
    (sum / layout.genes.len() as f64).sqrt()
}

/// Fills `counts` with the niche count of every candidate, at least 1: each shares with itself.
pub(super) fn count_niches(
    points: &Batch,
    layout: &Layout,
    radius: f64,
    alpha: f64,
    counts: &mut Vec<f64>,
) {
    counts.clear();
    counts.resize(points.len(), 1.0);
    for one in 0..points.len() {
        for other in 0..one {
            let distance = distance(points.point(one), points.point(other), layout);
            if distance < radius {
                let shared = 1.0 - (distance / radius).powf(alpha);
                counts[one] += shared;
                counts[other] += shared;
            }
        }
    }
}

/// Whether the first child is to compete with the second parent, and the second with the first: whichever brings less distance.
pub(super) fn crossed(parents: [&[f64]; 2], children: [&[f64]; 2], layout: &Layout) -> bool {
    let [p, q] = parents;
    let [a, b] = children;
    distance(p, a, layout) + distance(q, b, layout)
        > distance(p, b, layout) + distance(q, a, layout)
}

/// Fills `order` with the numbers up to `count` in random order: neighbours are pairs.
pub(super) fn pair(count: usize, order: &mut Vec<usize>, stream: &mut FastStream) {
    order.clear();
    order.extend(0..count);
    stream.shuffle(order);
}

#[cfg(test)]
mod tests {
    use orchestrator_core::ParameterSpace;

    use super::*;

    fn layout() -> Layout {
        let space = ParameterSpace::builder()
            .real("x", 0.0, 2.0)
            .integer("n", 0, 10)
            .categorical("c", ["a", "b", "c"])
            .permutation("p", 4);
        Layout::of(&space.build().unwrap())
    }

    #[test]
    fn the_distance_is_a_root_mean_square_over_the_parameters() {
        let origin = [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0];
        let check = |other: [f64; 7], wanted: f64| {
            assert!((distance(&origin, &other, &layout()) - wanted).abs() < 1e-12, "{other:?}");
        };
        check(origin, 0.0);
        check([2.0, 10.0, 2.0, 3.0, 2.0, 1.0, 0.0], 1.0);
        check([1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0], 0.25);
        check([0.0, 5.0, 1.0, 1.0, 0.0, 2.0, 3.0], (1.5_f64 / 4.0).sqrt());
    }

    #[test]
    fn niche_counts_are_those_of_the_formula() {
        let mut points = Batch::new(1);
        [0.0, 0.1, 0.5].iter().for_each(|&x| {
            points.push(&[x]);
        });
        let layout = Layout::of(&ParameterSpace::uniform(1, 0.0, 1.0).unwrap());
        let mut counts = Vec::new();
        count_niches(&points, &layout, 0.2, 1.0, &mut counts);
        assert!((counts[0] - 1.5).abs() < 1e-12 && (counts[1] - 1.5).abs() < 1e-12);
        assert_eq!(counts[2], 1.0);
        count_niches(&points, &layout, 0.2, 2.0, &mut counts);
        assert!((counts[0] - 1.75).abs() < 1e-12);
    }

    #[test]
    fn children_compete_with_the_nearer_parent() {
        let layout = Layout::of(&ParameterSpace::uniform(1, 0.0, 1.0).unwrap());
        assert!(!crossed([&[0.0], &[1.0]], [&[0.1], &[0.8]], &layout));
        assert!(crossed([&[0.0], &[1.0]], [&[0.9], &[0.2]], &layout));
    }
}
