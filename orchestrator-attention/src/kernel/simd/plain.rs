//! Vectors for any machine: arrays, which the compiler may turn into whatever the target has.

use std::marker::PhantomData;

use super::Simd;

/// Whether the target itself has a fused multiply-add. Where it has none, `mul_add` would be a call of many instructions.
pub(super) const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// Eight numbers at a time, in safe code.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plain<T>(PhantomData<T>);

const LANES: usize = 8;

macro_rules! plain {
    ($real:ty, $mantissa_bits:literal) => {
        impl Simd for Plain<$real> {
            type Real = $real;
            type V = [$real; LANES];
            const LANES: usize = LANES;
            const ROWS: usize = 1;

            #[inline(always)]
            fn splat(self, x: $real) -> Self::V {
                [x; LANES]
            }
            #[inline(always)]
            fn load(self, from: &[$real]) -> Self::V {
                let mut v = [0.0; LANES];
                v.copy_from_slice(&from[..LANES]);
                v
            }
            #[inline(always)]
            fn store(self, v: Self::V, to: &mut [$real]) {
                to[..LANES].copy_from_slice(&v);
            }
            #[inline(always)]
            fn add(self, a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|i| a[i] + b[i])
            }
            #[inline(always)]
            fn sub(self, a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|i| a[i] - b[i])
            }
            #[inline(always)]
            fn mul(self, a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|i| a[i] * b[i])
            }
            #[inline(always)]
            fn div(self, a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|i| a[i] / b[i])
            }
            #[inline(always)]
            fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                std::array::from_fn(|i| {
                    if FUSED { a[i].mul_add(b[i], c[i]) } else { a[i] * b[i] + c[i] }
                })
            }
            #[inline(always)]
            fn max(self, a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
            }
            #[inline(always)]
            fn if_ge(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
                std::array::from_fn(|i| if a[i] >= b[i] { yes[i] } else { no[i] })
            }
            #[inline(always)]
            fn scale_if_ge(self, p: Self::V, k: Self::V, x: Self::V, least: Self::V) -> Self::V {
                std::array::from_fn(|i| {
                    let scaled = p[i].to_bits().wrapping_add(k[i].to_bits() << $mantissa_bits);
                    if x[i] >= least[i] { <$real>::from_bits(scaled) } else { 0.0 }
                })
            }
        }
    };
}

plain!(f32, 23);
plain!(f64, 52);
