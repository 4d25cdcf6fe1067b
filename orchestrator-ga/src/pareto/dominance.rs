//! Who is better than whom when there are several objectives: a strict partial order.

use crate::cost::Costs;

/// Whether the first is at most the second in every objective, and less in one. All are minimised.
///
/// ```
/// use orchestrator_ga::pareto::dominates;
/// assert!(dominates(&[1.0, 2.0], &[1.0, 3.0]));
/// assert!(!dominates(&[1.0, 3.0], &[2.0, 2.0]));
/// assert!(!dominates(&[1.0, 2.0], &[1.0, 2.0]));
/// ```
#[inline]
pub fn dominates(first: &[f64], second: &[f64]) -> bool {
    let mut less = false;
    for (a, b) in first.iter().zip(second) {
        if a > b {
            return false;
        }
        less |= a < b;
    }
    less
}

impl Costs {
    /// Whether the candidate at `first` dominates the one at `second`, constraints before objectives (Deb, Pratap, Agarwal and
    /// Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", 2002): the smaller violation, and among equal
    /// violations as [`dominates`] says. A failed candidate is dominated by every other.
    ///
    /// # Panics
    /// When an index is not below [`Costs::len`].
    pub fn dominates(&self, first: usize, second: usize) -> bool {
        let (a, b) = (self.violation(first), self.violation(second));
        if a == b { dominates(self.row(first), self.row(second)) } else { a < b }
    }
}
