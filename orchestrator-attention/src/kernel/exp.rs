//! The exponential of numbers that are not positive, a vector at a time.
//!
//! Cody & Waite ("Software Manual for the Elementary Functions", 1980): x = k·ln 2 + f with k whole and |f| ≤ ½ ln 2, so
//! eˣ = 2ᵏ·eᶠ. Adding 1.5·2ᵐ (m the bits of the mantissa) rounds x/ln 2 to k and leaves k in the low bits, from where a shift
//! moves it into the exponent: no conversion to an integer, which would be slow. ln 2 comes in two parts, the first so short
//! that its product with k is exact. eᶠ = 1 + f + f²·Q(f), Q the polynomial of least relative error (Remez), which is 3.1e-9 in
//! `f32` and 3.7e-18 in `f64`: what remains is rounding. e⁰ is exactly 1.
//!
//! Below [`Exponential::LEAST`], where the result would not be a normal number, it is exactly 0.

use super::simd::Simd;
use crate::real::Real;

/// The constants of the exponential of one type of number.
pub trait Exponential: Sized + 'static {
    /// The least argument whose exponential is a normal number.
    const LEAST: Self;
    /// 1 / ln 2
    const LOG2_E: Self;
    /// What rounds to a whole number when it is added.
    const MAGIC: Self;
    /// −ln 2, cut so short that whole multiples are exact.
    const MINUS_LN_2: Self;
    /// What was cut off.
    const MINUS_LN_2_REST: Self;
    /// Q, its highest coefficient first.
    const Q: &'static [Self];
}

impl Exponential for f32 {
    const LEAST: f32 = -87.336_54;
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const MAGIC: f32 = 12_582_912.0;
    const MINUS_LN_2: f32 = -0.693_145_75;
    const MINUS_LN_2_REST: f32 = -1.428_606_8e-6;
    const Q: &'static [f32] =
        &[1.381_454e-3, 8.368_745e-3, 4.166_839e-2, 1.666_652e-1, 4.999_999_3e-1];
}

impl Exponential for f64 {
    const LEAST: f64 = -708.396;
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    const MINUS_LN_2: f64 = -0.693_147_180_559_890_3;
    const MINUS_LN_2_REST: f64 = -5.497_923_018_708_371e-14;
    const Q: &'static [f64] = &[
        2.500_001_885_308_334e-8,
        2.763_030_625_564_786e-7,
        2.755_758_680_384_707e-6,
        2.480_149_294_961_707e-5,
        1.984_126_950_577_381e-4,
        1.388_888_894_375_998_4e-3,
        8.333_333_333_494_977e-3,
        4.166_666_666_652_973e-2,
        1.666_666_666_666_641_2e-1,
        5.000_000_000_000_011e-1,
    ];
}

/// eˣ for x ≤ 0; 0 for minus infinity and whatever else is below [`Exponential::LEAST`].
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::V) -> S::V {
    let magic = simd.splat(S::Real::MAGIC);
    let k = simd.mul_add(x, simd.splat(S::Real::LOG2_E), magic);
    let whole = simd.sub(k, magic);
    let f = simd.mul_add(whole, simd.splat(S::Real::MINUS_LN_2), x);
    let f = simd.mul_add(whole, simd.splat(S::Real::MINUS_LN_2_REST), f);
    let mut q = simd.splat(S::Real::Q[0]);
    for coefficient in &S::Real::Q[1..] {
        q = simd.mul_add(q, f, simd.splat(*coefficient));
    }
    let one = simd.splat(S::Real::ONE);
    let p = simd.mul_add(simd.mul_add(q, f, one), f, one);
    simd.scale_if_ge(p, k, x, simd.splat(S::Real::LEAST))
}

#[cfg(test)]
mod tests {
    use super::super::simd::{Job, Level, Vectors};
    use super::*;

    /// The exponentials of all arguments, whose number is a multiple of 16.
    struct All<'a, T>(&'a mut [T]);

    impl<T: Real> Job<T> for All<'_, T> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd<Real = T>>(self, simd: S) {
            for chunk in self.0.chunks_exact_mut(S::LANES) {
                simd.store(exp(simd, simd.load(chunk)), chunk);
            }
        }
    }

    #[test]
    fn it_is_off_by_little_more_than_rounding() {
        let arguments = |least: f64| (0..32_000).map(move |at| least * f64::from(at) / 32_000.0);
        for level in Level::all() {
            let narrow: Vec<f32> = arguments(-87.3).map(|x| x as f32).collect();
            let mut ours = narrow.clone();
            f32::run(level, All(&mut ours));
            let off = narrow.iter().zip(&ours).map(|(x, y)| {
                let exact = f64::from(*x).exp();
                ((f64::from(*y) - exact) / exact).abs()
            });
            let off = off.fold(0.0, f64::max) / f64::from(f32::EPSILON);
            assert!(off < 1.0, "{level:?} is off by {off} ε in f32");

            let wide: Vec<f64> = arguments(-708.3).collect();
            let mut ours = wide.clone();
            f64::run(level, All(&mut ours));
            let off = wide.iter().zip(&ours).map(|(x, y)| ((y - x.exp()) / x.exp()).abs());
            let off = off.fold(0.0, f64::max) / f64::EPSILON;
            // The library's own is off by half an ε.
            assert!(off < 1.5, "{level:?} is off by {off} ε in f64");
        }
    }

    #[test]
    fn nothing_is_one_and_what_is_too_small_is_zero() {
        for level in Level::all() {
            let mut numbers = [f32::NEG_INFINITY; 16];
            numbers[..5].copy_from_slice(&[0.0, -0.0, f32::LEAST, -87.4, f32::MIN]);
            f32::run(level, All(&mut numbers));
            assert_eq!((numbers[0], numbers[1]), (1.0, 1.0));
            assert!(numbers[2].is_normal());
            assert!(numbers[3..].iter().all(|number| *number == 0.0), "{level:?}: {numbers:?}");
            let mut numbers = [f64::NEG_INFINITY; 16];
            numbers[..5].copy_from_slice(&[0.0, -0.0, f64::LEAST, -708.4, f64::MIN]);
            f64::run(level, All(&mut numbers));
            assert_eq!((numbers[0], numbers[1]), (1.0, 1.0));
            assert!(numbers[2].is_normal());
            assert!(numbers[3..].iter().all(|number| *number == 0.0), "{level:?}: {numbers:?}");
        }
    }
}
