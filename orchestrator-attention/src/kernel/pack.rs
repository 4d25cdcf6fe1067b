//! Copies of the matrices in the order in which the kernels read them.

use std::ops::Range;

use super::problem::Problem;
use super::tile::PANEL;
use crate::real::Real;

/// Keys of which the logits are held at once. Sums over keys are added up in such blocks, counted from key 0, so that neither the
/// number of queries nor what a mask lets be skipped changes a bit of them.
pub(super) const BLOCK: usize = 64;

/// How many numbers [`keys`] writes.
pub(super) fn keys_len(keys: usize, width: usize) -> usize {
    keys.next_multiple_of(PANEL) * width
}

/// How many numbers [`values`] writes.
pub(super) fn values_len(keys: usize, value_width: usize) -> usize {
    keys * value_width.next_multiple_of(PANEL)
}

/// The keys of a head in panels of [`PANEL`] keys: column after column of a panel. Where there is no key stands zero.
#[inline(always)]
pub(super) fn keys<T: Real>(problem: &Problem<'_, T>, head: usize, into: &mut [T]) {
    let Problem { keys, width, k, .. } = *problem;
    let k = &k[head * width * keys..][..width * keys];
    // A block at a time, which stays in the nearest cache while it is filled.
    for (at, block) in into.chunks_mut((BLOCK * width).max(1)).enumerate() {
        let rows = at * BLOCK..keys.min((at + 1) * BLOCK);
        for column in 0..width {
            let from = &k[column * keys..][rows.clone()];
            let whole = from.chunks_exact(PANEL);
            let rest = whole.remainder();
            let mut panels = block.chunks_exact_mut(PANEL * width);
            for (from, panel) in whole.zip(&mut panels) {
                panel[column * PANEL..][..PANEL].copy_from_slice(from);
            }
            if let Some(panel) = panels.next() {
                let place = &mut panel[column * PANEL..][..PANEL];
                place.fill(T::zero());
                place[..rest.len()].copy_from_slice(rest);
            }
        }
    }
}

/// The values of a head in panels of [`PANEL`] columns: key after key of a panel. Where there is no column stands zero.
#[inline(always)]
pub(super) fn values<T: Real>(problem: &Problem<'_, T>, head: usize, into: &mut [T]) {
    let Problem { keys, value_width, v, value_scale, .. } = *problem;
    let v = &v[head * value_width * keys..][..value_width * keys];
    for (panel, into) in into.chunks_exact_mut((PANEL * keys).max(1)).enumerate() {
        let columns = PANEL.min(value_width - panel * PANEL);
        let from = &v[panel * PANEL * keys..][..columns * keys];
        if columns == PANEL {
            let (a, rest) = from.split_at(keys);
            let (b, rest) = rest.split_at(keys);
            let (c, d) = rest.split_at(keys);
            for ((((place, &a), &b), &c), &d) in
                into.chunks_exact_mut(PANEL).zip(a).zip(b).zip(c).zip(d)
            {
                place.copy_from_slice(&[
                    a * value_scale,
                    b * value_scale,
                    c * value_scale,
                    d * value_scale,
                ]);
            }
        } else {
            into.fill(T::zero());
            for (column, from) in from.chunks_exact(keys.max(1)).enumerate() {
                for (place, &value) in into.chunks_exact_mut(PANEL).zip(from) {
                    place[column] = value * value_scale;
                }
            }
        }
    }
}

/// Some queries of a head, scaled, column after column of `lanes` places. Where there is no query stands zero.
#[inline(always)]
pub(super) fn queries<T: Real>(
    problem: &Problem<'_, T>,
    head: usize,
    rows: Range<usize>,
    lanes: usize,
    into: &mut [T],
) {
    let Problem { queries, width, q, scale, .. } = *problem;
    for (column, into) in into.chunks_exact_mut(lanes).enumerate() {
        let from = &q[(head * width + column) * queries..][rows.clone()];
        let (filled, empty) = into.split_at_mut(from.len());
        for (place, &number) in filled.iter_mut().zip(from) {
            *place = number * scale;
        }
        empty.fill(T::zero());
    }
}
