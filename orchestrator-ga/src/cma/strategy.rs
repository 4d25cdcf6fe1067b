//! The strategy parameters of a run: they follow from the dimension and the population alone.
//!
//! Names and formulas are those of Hansen, "The CMA evolution strategy: a tutorial" (arXiv 1604.00772, 2023), table 1 and
//! equations 49 to 58 but for the two constants below, with negative weights for the worse half (active CMA; Jastrebski and
//! Arnold, "Improving evolution strategies through active covariance matrix adaptation", 2006).

/// The step is learnt over two generations at least. The tutorial has no such bound, under which large populations judge by the
/// last generation alone.
const C_SIGMA_MAX: f64 = 0.5;
/// How much more a large population (μ_eff above n) damps the change of the step. The tutorial says 2. With 4, and the bound
/// above, BIPOP takes a fifth fewer evaluations on Rastrigin's function in 10 dimensions, and runs with a population of 320 on
/// the smooth ones an eighth to a fifth fewer.
const D_SIGMA_LARGE: f64 = 4.0;

/// See the module; n is the dimension, λ the population.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Strategy {
    /// λ weights from best to worst: the positive sum to 1, the rest are negative.
    pub(crate) weights: Vec<f64>,
    /// How many weights are positive.
    pub(crate) mu: usize,
    pub(crate) mu_eff: f64,
    pub(crate) c_c: f64,
    pub(crate) c_sigma: f64,
    pub(crate) d_sigma: f64,
    pub(crate) c_1: f64,
    pub(crate) c_mu: f64,
    /// The expected length of a standard normal vector.
    pub(crate) chi: f64,
    /// After so many generations the covariance is decomposed again, so that this costs no more than sampling.
    pub(crate) decompose_every: u64,
}

impl Strategy {
    pub(crate) fn new(dimension: usize, population: usize) -> Strategy {
        let (n, lambda) = (dimension.max(1) as f64, population.max(2) as f64);
        let mut weights: Vec<f64> = (1..=population.max(2))
            .map(|i| (0.5 * (lambda + 1.0)).ln() - (i as f64).ln())
            .collect();
        let mu = weights.iter().take_while(|&&w| w > 0.0).count();
        let (positive, negative) = weights.split_at(mu);
        let effective = |part: &[f64]| {
            let sum: f64 = part.iter().sum();
            let squares: f64 = part.iter().map(|w| w * w).sum();
            if squares > 0.0 { sum * sum / squares } else { 0.0 }
        };
        let (mu_eff, mu_eff_negative) = (effective(positive), effective(negative));
        let c_c = (4.0 + mu_eff / n) / (n + 4.0 + 2.0 * mu_eff / n);
        let c_sigma = ((mu_eff + 2.0) / (n + mu_eff + 5.0)).min(C_SIGMA_MAX);
        let c_1 = 2.0 / ((n + 1.3).powi(2) + mu_eff);
        let c_mu = (1.0 - c_1)
            .min(2.0 * (0.25 + mu_eff + 1.0 / mu_eff - 2.0) / ((n + 2.0).powi(2) + mu_eff));
        let d_sigma =
            1.0 + D_SIGMA_LARGE * (((mu_eff - 1.0) / (n + 1.0)).sqrt() - 1.0).max(0.0) + c_sigma;
        let share_negative = (1.0 + c_1 / c_mu)
            .min(1.0 + 2.0 * mu_eff_negative / (mu_eff + 2.0))
            .min((1.0 - c_1 - c_mu) / (n * c_mu));
        let (sum_positive, sum_negative) =
            (positive.iter().sum::<f64>(), -negative.iter().sum::<f64>());
        for weight in &mut weights {
            *weight *= if *weight > 0.0 {
                1.0 / sum_positive
            } else if sum_negative > 0.0 {
                share_negative.max(0.0) / sum_negative
            } else {
                0.0
            };
        }
        Strategy {
            weights,
            mu,
            mu_eff,
            c_c,
            c_sigma,
            d_sigma,
            c_1,
            c_mu,
            chi: n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n)),
            decompose_every: (1.0 / (10.0 * n * (c_1 + c_mu))).max(1.0) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_the_rest_keep_the_covariance_positive() {
        for dimension in [1, 2, 10, 100] {
            for population in [4, 10, 100, 5000] {
                let s = Strategy::new(dimension, population);
                let positive: f64 = s.weights[..s.mu].iter().sum();
                assert!((positive - 1.0).abs() < 1e-12);
                assert!(s.weights.windows(2).all(|pair| pair[0] >= pair[1]));
                let negative: f64 = s.weights[s.mu..].iter().sum();
                // What the negative weights can take from any direction is no more than what decays anyway leaves.
                let left = 1.0 - s.c_1 - s.c_mu + s.c_mu * dimension as f64 * negative;
                assert!(left >= -1e-12, "{dimension} {population} {left}");
                assert!((0.0..=1.0).contains(&(s.c_1 + s.c_mu)), "{s:?}");
            }
        }
    }

    #[test]
    fn ten_dimensions_have_the_tutorials_values() {
        let s = Strategy::new(10, 10);
        assert_eq!((s.mu, s.weights.len()), (5, 10));
        // As pycma 4.5 gives them.
        assert!((s.mu_eff - 3.167_299_2).abs() < 1e-6, "{}", s.mu_eff);
        assert!((s.c_sigma - 0.284_428_5).abs() < 1e-6, "{}", s.c_sigma);
    }
}
