//! Vectors of numbers, as wide as the machine has them.
//!
//! [`Simd`] is the little arithmetic that the kernels are written in, once; [`Avx512`](x86::Avx512), [`Avx2`](x86::Avx2) and
//! [`Plain`] are what it runs on. A value of such a type is the proof that the machine can do it: only [`Level::here`] hands one
//! out, after it has asked. Kernels never mix the lanes of a vector, and every operation is the correctly rounded one of
//! IEEE 754, so the first two give the same bits; `Plain` does as well where the target has a fused multiply-add (all of
//! aarch64), and elsewhere rounds products before it adds.

mod plain;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::real::Real;

pub(crate) use plain::Plain;

/// The arithmetic of vectors of [`Simd::LANES`] numbers. Every method is one or two instructions.
pub trait Simd: Copy {
    /// What a lane holds.
    type Real: Real;
    /// A vector.
    type V: Copy;
    /// How many numbers a vector holds.
    const LANES: usize;
    /// How many vectors of queries are worked on at once: as many as leave room in the registers for what they are multiplied by.
    const ROWS: usize;

    /// The same number in every lane.
    fn splat(self, x: Self::Real) -> Self::V;
    /// The first numbers of a slice that holds [`Simd::LANES`] or more.
    fn load(self, from: &[Self::Real]) -> Self::V;
    /// Into the first places of a slice that holds [`Simd::LANES`] or more.
    fn store(self, v: Self::V, to: &mut [Self::Real]);
    /// a + b
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a − b
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// a · b
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a / b
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// a · b + c, rounded once (see [`Plain`] for where it is not)
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger of a and b; b when either is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// In each lane `yes` if a ≥ b, else `no` (also when either is NaN).
    fn if_ge(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// p · 2ᵏ in the lanes where x ≥ least, else 0. `k` is a whole number plus [`Exponential::MAGIC`](super::exp::Exponential), which
    /// leaves it in the low bits; the result must be a normal number where it is asked for.
    fn scale_if_ge(self, p: Self::V, k: Self::V, x: Self::V, least: Self::V) -> Self::V;
}

/// Something that can be computed on any vectors.
///
/// `run` and whatever it calls must be `#[inline(always)]`: only what is inlined into the one function that enables the features
/// is compiled with them.
pub trait Job<T> {
    /// What comes of it.
    type Output;
    /// Computes it.
    fn run<S: Simd<Real = T>>(self, simd: S) -> Self::Output;
}

/// A number that there are vectors of.
pub trait Vectors: Sized {
    /// Computes `job` on the widest vectors of `level`.
    fn run<J: Job<Self>>(level: Level, job: J) -> J::Output;
}

/// Which vectors the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(Known);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    #[cfg(target_arch = "x86_64")]
    Avx512(x86::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
    Plain,
}

impl Level {
    /// The best of this machine. The standard library keeps the answer, so asking costs next to nothing.
    pub fn here() -> Level {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(proof) = x86::Avx512::here() {
                return Level(Known::Avx512(proof));
            }
            if let Some(proof) = x86::Avx2::here() {
                return Level(Known::Avx2(proof));
            }
        }
        Level(Known::Plain)
    }

    /// All that this machine has, the best first.
    #[cfg(test)]
    pub fn all() -> Vec<Level> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(x86::Avx512::here().map(|proof| Level(Known::Avx512(proof))));
            all.extend(x86::Avx2::here().map(|proof| Level(Known::Avx2(proof))));
        }
        all.push(Level(Known::Plain));
        all
    }

    /// Whether a · b + c is rounded once, so that all such levels give the same bits.
    #[cfg(test)]
    pub fn is_fused(self) -> bool {
        self != Level(Known::Plain) || plain::FUSED
    }
}

impl Vectors for f32 {
    fn run<J: Job<f32>>(level: Level, job: J) -> J::Output {
        match level.0 {
            #[cfg(target_arch = "x86_64")]
            Known::Avx512(proof) => proof.run_f32(job),
            #[cfg(target_arch = "x86_64")]
            Known::Avx2(proof) => proof.run_f32(job),
            Known::Plain => job.run(Plain::<f32>::default()),
        }
    }
}

impl Vectors for f64 {
    fn run<J: Job<f64>>(level: Level, job: J) -> J::Output {
        match level.0 {
            #[cfg(target_arch = "x86_64")]
            Known::Avx512(proof) => proof.run_f64(job),
            #[cfg(target_arch = "x86_64")]
            Known::Avx2(proof) => proof.run_f64(job),
            Known::Plain => job.run(Plain::<f64>::default()),
        }
    }
}
