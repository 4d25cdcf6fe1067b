//! Plain loops, compiled once more for processors with AVX2.
//!
//! Rust neither contracts a product and a sum into one rounding nor changes the order of a sum, so both compilations give the same bits;
//! the wide one only does more of it at once.

#![allow(unsafe_code)]

/// Work whose loops gain from wide registers. `run` is to be marked `#[inline(always)]`, and all that it calls in a loop as well, since only what is
/// inlined is compiled anew.
pub(crate) trait Wide {
    /// What comes out.
    type Output;

    /// Does it.
    fn run(self) -> Self::Output;
}

/// Does the work with the widest registers that are there.
#[inline]
pub(crate) fn wide<W: Wide>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn avx2<W: Wide>(work: W) -> W::Output {
            work.run()
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, as was asked in the line above.
            return unsafe { avx2(work) };
        }
    }
    work.run()
}
