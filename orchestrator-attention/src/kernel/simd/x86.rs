//! The vectors of x86-64, by the intrinsics of the standard library.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{Job, Simd};

/// The proof that the machine has AVX-512 (F and DQ), AVX2 and fused multiply-add. Nothing makes one but [`Avx512::here`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx512(());

/// The proof that the machine has AVX2 and fused multiply-add. Nothing makes one but [`Avx2::here`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx2(());

/// Vectors of 512 bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wide<T>(Avx512, std::marker::PhantomData<T>);

/// Vectors of 256 bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Half<T>(Avx2, std::marker::PhantomData<T>);

impl Avx512 {
    pub(super) fn here() -> Option<Self> {
        let here = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma");
        here.then_some(Avx512(()))
    }

    pub(super) fn run_f32<J: Job<f32>>(self, job: J) -> J::Output {
        // SAFETY: `self` exists, so `here` has found every feature that `with_avx512` enables.
        unsafe { with_avx512(job, Wide::<f32>(self, std::marker::PhantomData)) }
    }

    pub(super) fn run_f64<J: Job<f64>>(self, job: J) -> J::Output {
        // SAFETY: as in `run_f32`.
        unsafe { with_avx512(job, Wide::<f64>(self, std::marker::PhantomData)) }
    }
}

impl Avx2 {
    pub(super) fn here() -> Option<Self> {
        let here = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        here.then_some(Avx2(()))
    }

    pub(super) fn run_f32<J: Job<f32>>(self, job: J) -> J::Output {
        // SAFETY: `self` exists, so `here` has found every feature that `with_avx2` enables.
        unsafe { with_avx2(job, Half::<f32>(self, std::marker::PhantomData)) }
    }

    pub(super) fn run_f64<J: Job<f64>>(self, job: J) -> J::Output {
        // SAFETY: as in `run_f32`.
        unsafe { with_avx2(job, Half::<f64>(self, std::marker::PhantomData)) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
fn with_avx512<S: Simd, J: Job<S::Real>>(job: J, simd: S) -> J::Output {
    job.run(simd)
}

#[target_feature(enable = "avx2,fma")]
fn with_avx2<S: Simd, J: Job<S::Real>>(job: J, simd: S) -> J::Output {
    job.run(simd)
}

macro_rules! vectors {
    (
        $simd:ident, $real:ty, $v:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident,
        $div:ident, $fma:ident, $max:ident, if_ge($a:ident, $b:ident, $yes:ident, $no:ident) $if_ge:expr,
        scale_if_ge($p:ident, $k:ident, $x:ident, $least:ident) $scale:expr
    ) => {
        // SAFETY of every block below but those of `load` and `store`: the intrinsics touch no memory and are unsafe only because the
        // machine must have their features. `self` holds the proof that it has.
        impl Simd for $simd<$real> {
            type Real = $real;
            type V = $v;
            const LANES: usize = $lanes;
            const ROWS: usize = if size_of::<$v>() == 64 { 4 } else { 2 };

            #[inline(always)]
            fn splat(self, x: $real) -> $v {
                // SAFETY: see above.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            fn load(self, from: &[$real]) -> $v {
                assert!(from.len() >= $lanes);
                // SAFETY: the slice holds a whole vector, which is read without any need of alignment; features: see above.
                unsafe { $load(from.as_ptr()) }
            }
            #[inline(always)]
            fn store(self, v: $v, to: &mut [$real]) {
                assert!(to.len() >= $lanes);
                // SAFETY: the slice has room for a whole vector, written without any need of alignment; features: see above.
                unsafe { $store(to.as_mut_ptr(), v) }
            }
            #[inline(always)]
            fn add(self, a: $v, b: $v) -> $v {
                // SAFETY: see above.
                unsafe { $add(a, b) }
            }
            #[inline(always)]
            fn sub(self, a: $v, b: $v) -> $v {
                // SAFETY: see above.
                unsafe { $sub(a, b) }
            }
            #[inline(always)]
            fn mul(self, a: $v, b: $v) -> $v {
                // SAFETY: see above.
                unsafe { $mul(a, b) }
            }
            #[inline(always)]
            fn div(self, a: $v, b: $v) -> $v {
                // SAFETY: see above.
                unsafe { $div(a, b) }
            }
            #[inline(always)]
            fn mul_add(self, a: $v, b: $v, c: $v) -> $v {
                // SAFETY: see above.
                unsafe { $fma(a, b, c) }
            }
            #[inline(always)]
            fn max(self, a: $v, b: $v) -> $v {
                // SAFETY: see above.
                unsafe { $max(a, b) }
            }
            #[inline(always)]
            fn if_ge(self, $a: $v, $b: $v, $yes: $v, $no: $v) -> $v {
                // SAFETY: see above.
                unsafe { $if_ge }
            }
            #[inline(always)]
            fn scale_if_ge(self, $p: $v, $k: $v, $x: $v, $least: $v) -> $v {
                // SAFETY: see above.
                unsafe { $scale }
            }
        }
    };
}

vectors!(
    Wide, f32, __m512, 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps,
    _mm512_sub_ps, _mm512_mul_ps, _mm512_div_ps, _mm512_fmadd_ps, _mm512_max_ps,
    if_ge(a, b, yes, no) _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(a, b), no, yes),
    scale_if_ge(p, k, x, least) _mm512_castsi512_ps(_mm512_maskz_add_epi32(
        _mm512_cmp_ps_mask::<_CMP_GE_OQ>(x, least),
        _mm512_castps_si512(p),
        _mm512_slli_epi32::<23>(_mm512_castps_si512(k)),
    ))
);
vectors!(
    Wide, f64, __m512d, 8, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_add_pd,
    _mm512_sub_pd, _mm512_mul_pd, _mm512_div_pd, _mm512_fmadd_pd, _mm512_max_pd,
    if_ge(a, b, yes, no) _mm512_mask_blend_pd(_mm512_cmp_pd_mask::<_CMP_GE_OQ>(a, b), no, yes),
    scale_if_ge(p, k, x, least) _mm512_castsi512_pd(_mm512_maskz_add_epi64(
        _mm512_cmp_pd_mask::<_CMP_GE_OQ>(x, least),
        _mm512_castpd_si512(p),
        _mm512_slli_epi64::<52>(_mm512_castpd_si512(k)),
    ))
);
vectors!(
    Half, f32, __m256, 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps,
    _mm256_sub_ps, _mm256_mul_ps, _mm256_div_ps, _mm256_fmadd_ps, _mm256_max_ps,
    if_ge(a, b, yes, no) _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GE_OQ>(a, b)),
    scale_if_ge(p, k, x, least) _mm256_and_ps(
        _mm256_cmp_ps::<_CMP_GE_OQ>(x, least),
        _mm256_castsi256_ps(_mm256_add_epi32(
            _mm256_castps_si256(p),
            _mm256_slli_epi32::<23>(_mm256_castps_si256(k)),
        )),
    )
);
vectors!(
    Half, f64, __m256d, 4, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_add_pd,
    _mm256_sub_pd, _mm256_mul_pd, _mm256_div_pd, _mm256_fmadd_pd, _mm256_max_pd,
    if_ge(a, b, yes, no) _mm256_blendv_pd(no, yes, _mm256_cmp_pd::<_CMP_GE_OQ>(a, b)),
    scale_if_ge(p, k, x, least) _mm256_and_pd(
        _mm256_cmp_pd::<_CMP_GE_OQ>(x, least),
        _mm256_castsi256_pd(_mm256_add_epi64(
            _mm256_castpd_si256(p),
            _mm256_slli_epi64::<52>(_mm256_castpd_si256(k)),
        )),
    )
);
