//! Moves on a grid that is left nowhere.

/// Where a step of `down` rows and `right` columns leads from a cell of a grid; at the border one stays.
pub(super) fn moved(
    (row, column): (usize, usize),
    (down, right): (isize, isize),
    (rows, columns): (usize, usize),
) -> (usize, usize) {
    (
        row.saturating_add_signed(down).min(rows - 1),
        column.saturating_add_signed(right).min(columns - 1),
    )
}
