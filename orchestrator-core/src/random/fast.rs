//! A stream for inner loops: about a nanosecond a number, where [`Stream`](super::Stream) takes several.
//!
//! xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), keyed from a [`Seed`] by its four
//! derived words: keying costs four mixes, so a stream for each candidate or episode is cheap. It is no cipher: who sees its
//! numbers can foretell the next ones.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Seed, index_below, unit_of};

/// A reproducible sequence of random numbers for inner loops. Saved and loaded, it goes on where it was.
///
/// ```
/// use orchestrator_core::Seed;
/// let mut stream = Seed(7).fast_stream();
/// let (die, coin) = (1 + stream.below(6), stream.chance(0.5));
/// let mut again = Seed(7).fast_stream();
/// assert_eq!((die, coin), (1 + again.below(6), again.chance(0.5)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "[u64; 4]", into = "[u64; 4]")]
pub struct FastStream {
    state: [u64; 4],
}

impl FastStream {
    pub(super) fn of(seed: Seed) -> FastStream {
        let state = [0, 1, 2, 3].map(|at| seed.index(at).0);
        // All zero is the one state that stays; four mixed words are all zero for no seed that anybody will meet.
        FastStream { state: if state == [0; 4] { [1, 0, 0, 0] } else { state } }
    }

    /// The next raw word.
    #[inline]
    pub fn word(&mut self) -> u64 {
        let [s0, s1, s2, s3] = &mut self.state;
        let word = s0.wrapping_add(*s3).rotate_left(23).wrapping_add(*s0);
        let shifted = *s1 << 17;
        *s2 ^= *s0;
        *s3 ^= *s1;
        *s1 ^= *s2;
        *s0 ^= *s3;
        *s2 ^= shifted;
        *s3 = s3.rotate_left(45);
        word
    }

    /// Uniform in [0, 1), with 53 bits.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        unit_of(self.word())
    }

    /// Uniform in [min, max]; `min` when the interval is empty.
    #[inline]
    pub fn between(&mut self, min: f64, max: f64) -> f64 {
        if min < max { (min + (max - min) * self.unit()).clamp(min, max) } else { min }
    }

    /// True with the given probability; 0 or less is never, 1 or more always.
    #[inline]
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Uniform in 0..count, without bias (Lemire, "Fast random integer generation in an interval", 2019).
    ///
    /// # Panics
    /// When `count` is zero: there is nothing to choose.
    #[inline]
    pub fn below(&mut self, count: usize) -> usize {
        index_below(count, || self.word())
    }

    /// Normal with mean 0 and deviation 1, by a ziggurat of 256 layers (Marsaglia and Tsang, "The ziggurat method for generating
    /// random variables", 2000; layer and position from disjoint bits, as Doornik asks, 2005).
    #[inline]
    pub fn normal(&mut self) -> f64 {
        let Ziggurat { x, f } = &*NORMAL;
        loop {
            let word = self.word();
            let layer = (word & 0xff) as usize;
            let unit = 2.0 * unit_of(word) - 1.0;
            let value = unit * x[layer];
            if value.abs() < x[layer + 1] {
                return value;
            }
            if layer == 0 {
                return self.normal_tail(unit < 0.0);
            }
            let height = f[layer + 1] + (f[layer] - f[layer + 1]) * self.unit();
            if height < (-0.5 * value * value).exp() {
                return value;
            }
        }
    }

    /// Beyond the last layer (Marsaglia, "Generating a variable from the tail of the normal distribution", 1964).
    #[cold]
    fn normal_tail(&mut self, negative: bool) -> f64 {
        loop {
            let x = -(1.0 - self.unit()).ln() / NORMAL_EDGE;
            let y = -(1.0 - self.unit()).ln();
            if 2.0 * y >= x * x {
                return if negative { -NORMAL_EDGE - x } else { NORMAL_EDGE + x };
            }
        }
    }

    /// Exponential with mean 1, by a ziggurat of 256 layers (Marsaglia and Tsang, 2000). `(stream.exponential() / rate) as usize`
    /// with `rate = -ln(1 - p)` is how many trials fail before one of probability `p` succeeds.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        let Ziggurat { x, f } = &*EXPONENTIAL;
        let mut beyond = 0.0;
        loop {
            let word = self.word();
            let layer = (word & 0xff) as usize;
            let value = unit_of(word) * x[layer];
            if value < x[layer + 1] {
                return beyond + value;
            }
            if layer == 0 {
                // What lies beyond the edge is the same distribution again.
                beyond += EXPONENTIAL_EDGE;
                continue;
            }
            let height = f[layer + 1] + (f[layer] - f[layer + 1]) * self.unit();
            if height < (-value).exp() {
                return beyond + value;
            }
        }
    }

    /// Puts the items in a uniformly random order (Fisher and Yates; Durstenfeld, 1964).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

impl From<FastStream> for [u64; 4] {
    fn from(stream: FastStream) -> Self {
        stream.state
    }
}

impl TryFrom<[u64; 4]> for FastStream {
    type Error = &'static str;
    fn try_from(state: [u64; 4]) -> Result<Self, Self::Error> {
        if state == [0; 4] {
            Err("a stream whose four words are zero")
        } else {
            Ok(FastStream { state })
        }
    }
}

/// Layers of equal area under a falling density: right edges from the widest to zero, and the density there.
struct Ziggurat {
    x: [f64; 257],
    f: [f64; 257],
}

/// Where the lowest layer of the normal density ends, and the area of a layer (Marsaglia and Tsang, 2000, 256 layers).
const NORMAL_EDGE: f64 = 3.654_152_885_361_009;
const NORMAL_AREA: f64 = 0.004_928_673_233_974_655;
/// The same for the exponential density.
const EXPONENTIAL_EDGE: f64 = 7.697_117_470_131_05;
const EXPONENTIAL_AREA: f64 = 0.003_949_659_822_581_557;

static NORMAL: LazyLock<Ziggurat> = LazyLock::new(|| {
    Ziggurat::of(NORMAL_EDGE, NORMAL_AREA, |x| (-0.5 * x * x).exp(), |f| (-2.0 * f.ln()).sqrt())
});
static EXPONENTIAL: LazyLock<Ziggurat> =
    LazyLock::new(|| Ziggurat::of(EXPONENTIAL_EDGE, EXPONENTIAL_AREA, |x| (-x).exp(), |f| -f.ln()));

impl Ziggurat {
    fn of(
        edge: f64,
        area: f64,
        density: impl Fn(f64) -> f64,
        inverse: impl Fn(f64) -> f64,
    ) -> Ziggurat {
        let mut x = [0.0; 257];
        x[0] = area / density(edge);
        x[1] = edge;
        for layer in 2..256 {
            x[layer] = inverse(area / x[layer - 1] + density(x[layer - 1]));
        }
        Ziggurat { x, f: x.map(density) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_values_stay() {
        let mut stream = Seed(42).fast_stream();
        let words: [u64; 3] = std::array::from_fn(|_| stream.word());
        assert_eq!(words, GOLDEN_WORDS);
    }

    // A change here changes every result that anybody has recorded.
    const GOLDEN_WORDS: [u64; 3] = [2157562297199055317, 13859324882524764819, 9124522518430526642];

    #[test]
    fn words_are_those_of_the_published_generator() {
        // The first words of the authors' C code for the state 1, 2, 3, 4.
        let mut stream = FastStream { state: [1, 2, 3, 4] };
        let words: [u64; 4] = std::array::from_fn(|_| stream.word());
        assert_eq!(words, [41943041, 58720359, 3588806011781223, 3591011842654386]);
    }

    #[test]
    fn a_stream_goes_on_after_save_and_load() {
        let mut stream = Seed(3).fast_stream();
        stream.normal();
        let text = serde_json::to_string(&stream).unwrap();
        let mut loaded: FastStream = serde_json::from_str(&text).unwrap();
        assert_eq!(loaded.word(), stream.word());
        let zero = serde_json::from_str::<FastStream>("[0,0,0,0]").unwrap_err().to_string();
        assert!(zero.contains("four words are zero"), "{zero}");
    }

    /// The share of samples below each limit must be the distribution's, to four standard errors.
    #[track_caller]
    fn check_distribution(mut draw: impl FnMut() -> f64, shares: &[(f64, f64)]) {
        const SAMPLES: usize = 400_000;
        let samples: Vec<f64> = (0..SAMPLES).map(|_| draw()).collect();
        for &(limit, share) in shares {
            let found = samples.iter().filter(|&&x| x < limit).count() as f64 / SAMPLES as f64;
            let error = (share * (1.0 - share) / SAMPLES as f64).sqrt();
            assert!((found - share).abs() < 4.0 * error, "below {limit}: {found}, not {share}");
        }
    }

    #[test]
    fn samples_have_the_distributions_they_claim() {
        let mut stream = Seed(1).fast_stream();
        let normal = [
            (-3.8, 7.234804e-5),
            (-2.0, 0.022750132),
            (-1.0, 0.158655254),
            (-0.1, 0.460172163),
            (0.0, 0.5),
            (0.5, 0.691462461),
            (1.5, 0.933192799),
            (3.0, 0.998650102),
            (3.7, 0.999892200),
        ];
        check_distribution(|| stream.normal(), &normal);
        let exponential = [0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 8.0, 9.0];
        check_distribution(
            || stream.exponential(),
            &exponential.map(|x: f64| (x, 1.0 - (-x).exp())),
        );
        check_distribution(|| stream.unit(), &[(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)]);
        check_distribution(|| stream.below(5) as f64, &[(0.5, 0.2), (2.5, 0.6), (3.5, 0.8)]);
    }
}
