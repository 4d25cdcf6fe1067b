//! Where threads put their results: each into its own rows of the same matrices.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;

use nalgebra::DMatrix;

use super::attended::Attended;
use crate::real::Real;

/// A matrix by columns that is written in disjoint pieces.
#[derive(Debug, Clone, Copy)]
struct Slab<'a, T> {
    first: *mut T,
    rows: usize,
    columns: usize,
    /// Nobody else may touch the matrix meanwhile.
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: a slab is a mutable borrow of numbers, which may go to another thread and be written there.
unsafe impl<T: Send> Send for Slab<'_, T> {}
// SAFETY: a shared slab gives nothing but its pointer away; to write through it is unsafe, and asks that no two write to one place.
unsafe impl<T: Send> Sync for Slab<'_, T> {}

impl<'a, T: Real> Slab<'a, T> {
    fn new(matrix: &'a mut DMatrix<T>) -> Self {
        let (rows, columns) = matrix.shape();
        Slab { first: matrix.as_mut_slice().as_mut_ptr(), rows, columns, borrowed: PhantomData }
    }

    /// Some rows of a column.
    ///
    /// # Safety
    /// While the slice lives, nobody else may read or write these places.
    unsafe fn rows(&self, column: usize, rows: Range<usize>) -> &'a mut [T] {
        assert!(column < self.columns && rows.start <= rows.end && rows.end <= self.rows);
        // SAFETY: the matrix has rows × columns numbers by columns, and the assertion keeps the places inside it; it is borrowed for 'a;
        // that nobody else touches them is the caller's promise.
        unsafe {
            let first = self.first.add(column * self.rows + rows.start);
            std::slice::from_raw_parts_mut(first, rows.len())
        }
    }
}

/// All matrices that attention fills.
pub(super) struct Outputs<'a, T> {
    output: Slab<'a, T>,
    value_width: usize,
    entropy: Option<Slab<'a, T>>,
    log_sum_exp: Option<Slab<'a, T>>,
    weights: Vec<Slab<'a, T>>,
}

impl<'a, T: Real> Outputs<'a, T> {
    /// Those of `attended`, whose shapes are right: queries × heads·`value_width`, and so on.
    pub(super) fn new(attended: &'a mut Attended<T>, value_width: usize) -> Self {
        let Attended { output, statistics, weights } = attended;
        let (entropy, log_sum_exp) = match statistics {
            Some(statistics) => (
                Some(Slab::new(&mut statistics.entropy)),
                Some(Slab::new(&mut statistics.log_sum_exp)),
            ),
            None => (None, None),
        };
        Outputs {
            output: Slab::new(output),
            value_width,
            entropy,
            log_sum_exp,
            weights: weights.iter_mut().flatten().map(Slab::new).collect(),
        }
    }

    /// The results of some queries of a head.
    ///
    /// # Safety
    /// While the piece lives, there may be no other of the same head with some of the same queries.
    pub(super) unsafe fn piece(&self, head: usize, queries: Range<usize>) -> Piece<'_, T> {
        Piece { outputs: self, head, queries }
    }
}

/// The results of some queries of a head: the only one of these, as [`Outputs::piece`] demands.
pub(super) struct Piece<'a, T> {
    outputs: &'a Outputs<'a, T>,
    head: usize,
    queries: Range<usize>,
}

impl<'a, T: Real> Piece<'a, T> {
    /// Some rows of a column of the head's output.
    pub(super) fn output(&mut self, column: usize, rows: Range<usize>) -> &mut [T] {
        assert!(column < self.outputs.value_width);
        let outputs = self.outputs;
        self.rows(&outputs.output, self.head * outputs.value_width + column, rows)
    }

    /// Some rows of a key's column of the head's weights; they must have been asked for.
    pub(super) fn weights(&mut self, key: usize, rows: Range<usize>) -> &mut [T] {
        let outputs = self.outputs;
        self.rows(&outputs.weights[self.head], key, rows)
    }

    /// Some rows of the head's entropy and log-sum-exp; they must have been asked for.
    pub(super) fn statistics(&mut self, rows: Range<usize>) -> (&mut [T], &mut [T]) {
        let asked = "the statistics were asked for";
        let entropy = self.outputs.entropy.as_ref().expect(asked);
        let log_sum_exp = self.outputs.log_sum_exp.as_ref().expect(asked);
        assert!(self.queries.start <= rows.start && rows.end <= self.queries.end);
        // SAFETY: as in `rows`; and the two are different matrices.
        unsafe { (entropy.rows(self.head, rows.clone()), log_sum_exp.rows(self.head, rows)) }
    }

    fn rows<'s>(
        &'s mut self,
        slab: &'s Slab<'a, T>,
        column: usize,
        rows: Range<usize>,
    ) -> &'s mut [T] {
        assert!(self.queries.start <= rows.start && rows.end <= self.queries.end);
        // SAFETY: the column belongs to the head, the rows to these queries (just asserted), and no other piece has them. This piece
        // is mutably borrowed for as long as the slice lives, so it gives out no second one.
        unsafe { slab.rows(column, rows) }
    }
}
