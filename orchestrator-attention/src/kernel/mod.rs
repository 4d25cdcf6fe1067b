//! Scaled dot-product attention, softmax(QKᵀ·scale + mask)·V, of one or more heads (Vaswani et al., "Attention is all you need", 2017).
//!
//! How it is computed, from the outside in:
//!
//! - `limits`: one pass over each matrix finds its largest magnitude, and whatever is not finite. Where these magnitudes allow no
//!   overflow, which is nearly always, nothing more is checked; otherwise every logit is, before anything is computed from it.
//! - `threads`: a task is some queries of one head; threads take the next one when they are done.
//! - `pack`: keys and values of a head are copied once into the order in which they are read. No n × n matrix is ever made, but for
//!   weights that were asked for.
//! - `group`: 64 queries in `f32`, 32 in `f64`, run over blocks of 64 keys: logits, mask, online softmax, weighted values (Milakov & Gimelshein
//!   2018; Dao et al. 2022). A lane of a vector is a query.
//! - `tile`, `exp`: the product in registers and the exponential, the two loops in which the time is spent.
//! - `simd`: the arithmetic of AVX-512, AVX2 with fused multiply-add, or whatever the compiler makes of arrays, chosen at run time.
//!
//! So a query's result is the same bits whoever stands beside it, on any number of threads, whatever else is asked for, whether a
//! mask hides a key by position, by key or by bias, and on every machine with a fused multiply-add. `unsafe` is in three
//! files: `simd/x86` (the intrinsics, which need their features), `output` and `threads` (rows of one matrix that several threads fill).
//!
//! Nothing here knows of projections, and nothing reads a clock.

mod attended;
mod exp;
mod group;
mod limits;
mod mask;
mod output;
mod pack;
mod problem;
mod simd;
mod softmax;
mod threads;
mod tile;
mod wide;
mod workspace;

use std::ops::ControlFlow;

use nalgebra::DMatrix;

use crate::error::{AttentionError, check_columns, check_rows};
use crate::real::Real;

use output::Outputs;
use problem::Problem;
use simd::Level;

pub use attended::{Attended, Returns, Statistics};
pub use mask::Mask;
pub use softmax::{RowSum, softmax};
pub use workspace::Workspace;

pub(crate) use exp::Exponential;
pub(crate) use simd::Vectors;
pub(crate) use wide::{Wide, wide};

/// Attention without projections: what is to be computed, apart from the matrices.
///
/// Head h owns the columns h·d to (h + 1)·d of the queries and keys, and likewise its share of the values' columns.
///
/// ```
/// use orchestrator_attention::{Returns, ScaledDotProduct, nalgebra::dmatrix};
/// let keys = dmatrix![1.0, 0.0; 0.0, 1.0];
/// let values = dmatrix![10.0; 20.0];
/// let attention = ScaledDotProduct { scale: Some(1.0), returns: Returns::Weights, ..Default::default() };
/// let attended = attention.attend(&dmatrix![50.0, 0.0], &keys, &values)?;
/// assert!((attended.output[(0, 0)] - 10.0_f64).abs() < 1e-9);
/// assert!(attended.weights.unwrap()[0][(0, 1)] < 1e-9);
/// # Ok::<(), orchestrator_attention::AttentionError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ScaledDotProduct<T: Real = f64> {
    /// How many heads share the columns.
    pub heads: usize,
    /// What the products are multiplied by; `None` is 1/√d, d the width of a head. The queries are multiplied by it first, so it is
    /// their product with it that must not overflow, not that with the keys.
    pub scale: Option<T>,
    /// Which keys a query may see, and with what bias.
    pub mask: Mask<T>,
    /// What to give back beside the output.
    pub returns: Returns,
    /// How many threads may share the work, the calling one among them; 0 is as 1. Fewer are used when there is too little to do,
    /// and the result is the same on any number.
    pub threads: usize,
}

impl<T: Real> Default for ScaledDotProduct<T> {
    /// One head, scaled by 1/√d, without a mask, on the calling thread; the output alone.
    fn default() -> Self {
        ScaledDotProduct {
            heads: 1,
            scale: None,
            mask: Mask::None,
            returns: Returns::Output,
            threads: 1,
        }
    }
}

impl<T: Real> ScaledDotProduct<T> {
    /// Attends: `q` is queries × heads·d, `k` keys × heads·d, `v` keys × heads·w for any w; the output is queries × heads·w.
    ///
    /// # Errors
    /// When the shapes do not fit, something is not finite (the matrix, row and column are named), or a logit (or a part of its sum)
    /// that the mask does not hide overflows (query and key are named).
    pub fn attend(
        &self,
        q: &DMatrix<T>,
        k: &DMatrix<T>,
        v: &DMatrix<T>,
    ) -> Result<Attended<T>, AttentionError> {
        let attended = self.attend_while(q, k, v, |_| ControlFlow::Continue(()))?;
        Ok(attended.expect("nobody stopped it"))
    }

    /// As [`ScaledDotProduct::attend`], asking every fraction of a millisecond whether to go on; `None` when it was stopped.
    ///
    /// `go_on` is called on this thread, with the head that is worked on, before every 4,096 keys of every few dozen queries that
    /// this thread attends. When it breaks, other threads stop as soon. While this thread has nothing left to do and waits for another
    /// one's last task, it is not called.
    ///
    /// # Errors
    /// As [`ScaledDotProduct::attend`].
    pub fn attend_while(
        &self,
        q: &DMatrix<T>,
        k: &DMatrix<T>,
        v: &DMatrix<T>,
        mut go_on: impl FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Attended<T>>, AttentionError> {
        let mut attended = Attended::default();
        let mut workspace = Workspace::new();
        let flow =
            self.fill(Level::here(), (q, k, v), &mut workspace, &mut attended, &mut go_on)?;
        Ok(flow.is_continue().then_some(attended))
    }

    /// As [`ScaledDotProduct::attend`], into what an earlier call has filled, for loops: when nothing is larger than it was before,
    /// nothing is allocated (but for a word per head, if weights are asked for).
    ///
    /// # Errors
    /// As [`ScaledDotProduct::attend`]; then `attended` is worth nothing.
    pub fn attend_into(
        &self,
        q: &DMatrix<T>,
        k: &DMatrix<T>,
        v: &DMatrix<T>,
        workspace: &mut Workspace<T>,
        attended: &mut Attended<T>,
    ) -> Result<(), AttentionError> {
        let mut go_on = |_| ControlFlow::Continue(());
        let flow = self.fill(Level::here(), (q, k, v), workspace, attended, &mut go_on)?;
        debug_assert!(flow.is_continue(), "nobody stopped it");
        Ok(())
    }

    fn fill(
        &self,
        level: Level,
        (q, k, v): (&DMatrix<T>, &DMatrix<T>, &DMatrix<T>),
        workspace: &mut Workspace<T>,
        attended: &mut Attended<T>,
        go_on: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, AttentionError> {
        let heads = self.heads;
        let width = head_width("q", q, heads)?;
        let value_width = head_width("v", v, heads)?;
        check_columns("k", k, q.ncols(), "q")?;
        check_rows("v", v, k.nrows(), "k")?;
        let q_max = limits::largest(level, "q", q)?;
        let k_max = limits::largest(level, "k", k)?;
        let value_max = limits::largest(level, "v", v)?;
        let scale = self.scale.unwrap_or_else(|| T::of(1.0 / (width as f64).sqrt()));
        if !scale.is_finite() {
            return Err(AttentionError::Scale { scale: scale.double() });
        }
        let (queries, keys) = (q.nrows(), k.nrows());
        let bias_max = self.mask.check_largest(level, queries, keys)?;
        let problem = Problem {
            q: q.as_slice(),
            k: k.as_slice(),
            v: v.as_slice(),
            queries,
            keys,
            heads,
            width,
            value_width,
            scale,
            value_scale: limits::value_scale(value_max, keys),
            value_max,
            mask: &self.mask,
            statistics: self.returns >= Returns::Statistics,
            weights: self.returns >= Returns::Weights,
        };
        limits::check_logits(&problem, (q_max, k_max, bias_max))?;
        attended.shape(&problem);
        let outputs = Outputs::new(attended, value_width);
        Ok(threads::attend(level, &problem, self.threads, workspace, &outputs, go_on))
    }
}

/// The width of one head.
fn head_width<T: Real>(
    matrix: &'static str,
    m: &DMatrix<T>,
    heads: usize,
) -> Result<usize, AttentionError> {
    if heads == 0 {
        return Err(AttentionError::Zero { what: "head" });
    }
    if !m.ncols().is_multiple_of(heads) {
        let above = m.ncols().next_multiple_of(heads);
        return Err(AttentionError::Shape {
            matrix,
            axis: "columns",
            wanted: above,
            found: m.ncols(),
            fits: "the heads",
        });
    }
    Ok(m.ncols() / heads)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix<T: Real>(rows: usize, columns: usize, salt: usize) -> DMatrix<T> {
        let number = |row, column| (row * 31 + column * 17 + salt * 7) as f64;
        DMatrix::from_fn(rows, columns, |row, column| T::of(number(row, column).sin() * 2.0))
    }

    /// The same attention on all vectors of this machine, the best first.
    fn on_all<T: Real>(mask: &Mask<T>, queries: usize, keys: usize) -> Vec<(Level, Attended<T>)> {
        let (heads, mask, returns) = (3, mask.clone(), Returns::Weights);
        let attention = ScaledDotProduct { heads, mask, returns, ..Default::default() };
        let (q, k, v) = (matrix(queries, 15, 1), matrix(keys, 15, 2), matrix(keys, 21, 3));
        let all = Level::all().into_iter().map(|level| {
            let (mut workspace, mut attended) = (Workspace::new(), Attended::default());
            let mut go_on = |_| ControlFlow::Continue(());
            let matrices = (&q, &k, &v);
            let flow =
                attention.fill(level, matrices, &mut workspace, &mut attended, &mut go_on).unwrap();
            assert!(flow.is_continue());
            (level, attended)
        });
        all.collect()
    }

    fn check<T: Real>(tolerance: f64) {
        for (queries, keys) in [(1, 1), (5, 130), (16, 16), (17, 64), (33, 65), (100, 3), (70, 200)]
        {
            let keep = (0..keys).map(|key| key % 3 != 1).collect();
            let bias =
                matrix(queries, keys, 4).map(|bias| if bias > T::ONE { T::HIDDEN } else { bias });
            for mask in [
                Mask::None,
                Mask::Causal,
                Mask::Padding(keep),
                Mask::Additive(bias.clone()),
                Mask::Causal.and(Mask::Additive(bias)),
            ] {
                let all = on_all(&mask, queries, keys);
                let (_, best) = &all[0];
                for (level, other) in &all[1..] {
                    let place = format!("{level:?}, {queries} queries, {keys} keys, {mask:?}");
                    if level.is_fused() {
                        assert_eq!(best, other, "{place}");
                    }
                    let off = (&best.output - &other.output).amax().double();
                    assert!(off <= tolerance, "{off:e} with {place}");
                }
            }
        }
    }

    #[test]
    fn every_kind_of_vector_gives_the_same() {
        check::<f64>(1e-14);
        check::<f32>(5e-6);
    }
}
