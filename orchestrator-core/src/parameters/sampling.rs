//! Uniformly random points, from either kind of stream.

use super::domain::Domain;
use super::space::ParameterSpace;
use crate::random::{FastStream, Stream, index_below, unit_of};

impl ParameterSpace {
    /// A uniformly random point.
    pub fn sample(&self, stream: &mut Stream) -> Vec<f64> {
        let mut point = vec![0.0; self.len()];
        self.fill(&mut point, || stream.word());
        point
    }

    /// Makes `point` a uniformly random one.
    ///
    /// # Panics
    /// When it has another length than the space.
    pub fn sample_into(&self, point: &mut [f64], stream: &mut FastStream) {
        assert_eq!(point.len(), self.len(), "a point of another dimension");
        self.fill(point, || stream.word());
    }

    fn fill(&self, point: &mut [f64], mut word: impl FnMut() -> u64) {
        for parameter in self.parameters() {
            let values = &mut point[parameter.coordinates];
            match parameter.domain {
                Domain::Real(bounds) => values[0] = between(bounds.min, bounds.max, &mut word),
                Domain::Integer { min, max } => values[0] = whole(*min, *max, &mut word) as f64,
                Domain::Boolean => values[0] = index_below(2, &mut word) as f64,
                Domain::Categorical(labels) => {
                    values[0] = index_below(labels.len(), &mut word) as f64;
                }
                Domain::Permutation(_) => {
                    values.iter_mut().enumerate().for_each(|(at, value)| *value = at as f64);
                    for last in (1..values.len()).rev() {
                        values.swap(last, index_below(last + 1, &mut word));
                    }
                }
            }
        }
    }
}

/// As `between` of the streams has it.
fn between(min: f64, max: f64, word: impl FnOnce() -> u64) -> f64 {
    if min < max { (min + (max - min) * unit_of(word())).clamp(min, max) } else { min }
}

/// Uniform in min..=max. A range may be wider than a `usize` of 32 bits: the needed bits of a word, until they name a number.
fn whole(min: i64, max: i64, mut word: impl FnMut() -> u64) -> i64 {
    let last = max.abs_diff(min);
    if last == 0 {
        return min;
    }
    loop {
        let offset = word() >> last.leading_zeros();
        if offset <= last {
            return min + offset as i64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    #[test]
    fn samples_are_even_over_every_domain() {
        let space = ParameterSpace::builder()
            .real("x", -1.0, 3.0)
            .integer("n", -2, 2)
            .boolean("b")
            .categorical("c", ["r", "g", "b"])
            .permutation("o", 3)
            .build()
            .unwrap();
        const COUNT: usize = 60_000;
        let (mut fast, mut slow) = (Seed(1).fast_stream(), Seed(1).stream());
        for kind in 0..2 {
            let (mut halves, mut whole, mut flags, mut labels) = ([0; 2], [0; 5], [0; 2], [0; 3]);
            let mut orders = std::collections::BTreeMap::new();
            let mut point = vec![0.0; space.len()];
            for _ in 0..COUNT {
                if kind == 0 {
                    point = space.sample(&mut slow);
                } else {
                    space.sample_into(&mut point, &mut fast);
                }
                space.check(&point).unwrap();
                halves[usize::from(point[0] > 1.0)] += 1;
                whole[(point[1] + 2.0) as usize] += 1;
                flags[point[2] as usize] += 1;
                labels[point[3] as usize] += 1;
                let order: Vec<u8> = point[4..].iter().map(|&value| value as u8).collect();
                *orders.entry(order).or_insert(0) += 1;
            }
            let orders: Vec<i32> = orders.into_values().collect();
            assert_eq!(orders.len(), 6);
            for counts in [&halves[..], &whole, &flags, &labels, &orders] {
                let share = 1.0 / counts.len() as f64;
                let error = (share * (1.0 - share) / COUNT as f64).sqrt();
                for &count in counts {
                    let found = f64::from(count) / COUNT as f64;
                    assert!((found - share).abs() < 4.5 * error, "{counts:?}");
                }
            }
        }
    }

    #[test]
    fn the_widest_range_of_whole_numbers_can_be_sampled() {
        use super::super::INTEGER_MAX;
        let space =
            ParameterSpace::builder().integer("n", -INTEGER_MAX, INTEGER_MAX).build().unwrap();
        let mut stream = Seed(2).fast_stream();
        let mut point = [0.0];
        let mut odd = 0;
        for _ in 0..1000 {
            space.sample_into(&mut point, &mut stream);
            space.check(&point).unwrap();
            odd += i32::from(point[0] % 2.0 != 0.0);
        }
        assert!((400..600).contains(&odd), "{odd}");
    }
}
