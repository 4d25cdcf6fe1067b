//! Uniform crossover; see [`Crossover::Uniform`](super::Crossover::Uniform).

use orchestrator_core::FastStream;

#[inline]
pub(super) fn cross(a: &mut [f64], b: &mut [f64], stream: &mut FastStream) {
    // A bit of a word for each value, and bits exchanged under a mask: no branch to be guessed wrong half of the time.
    for (a, b) in a.chunks_mut(64).zip(b.chunks_mut(64)) {
        let mut word = stream.word();
        for (a, b) in a.iter_mut().zip(b) {
            let mask = (word & 1).wrapping_neg();
            word >>= 1;
            let difference = (a.to_bits() ^ b.to_bits()) & mask;
            *a = f64::from_bits(a.to_bits() ^ difference);
            *b = f64::from_bits(b.to_bits() ^ difference);
        }
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    #[test]
    fn each_value_is_exchanged_half_of_the_time_and_none_is_lost() {
        let mut stream = Seed(8).fast_stream();
        const COUNT: usize = 4000;
        let mut exchanged = [0; 70];
        let mut pairs = 0;
        for _ in 0..COUNT {
            let (mut a, mut b) = ([1.0; 70], [2.0; 70]);
            cross(&mut a, &mut b, &mut stream);
            for (at, count) in exchanged.iter_mut().enumerate() {
                assert_eq!(a[at] + b[at], 3.0);
                *count += i32::from(a[at] == 2.0);
            }
            pairs += i32::from(a[3] == a[4]);
        }
        let error = (0.25 / COUNT as f64).sqrt();
        for count in exchanged.into_iter().chain([pairs]) {
            assert!((f64::from(count) / COUNT as f64 - 0.5).abs() < 4.5 * error, "{count}");
        }
    }
}
