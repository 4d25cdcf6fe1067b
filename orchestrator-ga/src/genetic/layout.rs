//! Where in a point the operators find what they work on.

use std::ops::Range;

use orchestrator_core::{Bounds, Domain, ParameterSpace};

/// One parameter of a point, as mutation sees it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Gene {
    /// A real coordinate.
    Real(usize),
    /// A coordinate that is a whole number.
    Integer(usize),
    /// A coordinate that is one of so many choices, none of them nearer to another: a label, or true and false.
    Choice(usize, usize),
    /// Coordinates that are an order.
    Order(Range<usize>),
}

/// The coordinates of a space by kind. It follows from the space, and is made again when a search is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    pub(super) bounds: Vec<Bounds>,
    pub(super) genes: Vec<Gene>,
    /// Runs of real or whole numbers.
    pub(super) numbers: Vec<Range<usize>>,
    /// The whole numbers among them.
    pub(super) integers: Vec<usize>,
    /// Runs of choices.
    pub(super) choices: Vec<Range<usize>>,
    /// Runs of all that is no order.
    pub(super) scalars: Vec<Range<usize>>,
    /// The orders.
    pub(super) orders: Vec<Range<usize>>,
    /// Whether all is real, so that a gene's place is its coordinate's.
    pub(super) real: bool,
}

impl Layout {
    pub(super) fn of(space: &ParameterSpace) -> Layout {
        let mut layout = Layout {
            bounds: space.bounds().to_vec(),
            genes: Vec::new(),
            numbers: Vec::new(),
            integers: Vec::new(),
            choices: Vec::new(),
            scalars: Vec::new(),
            orders: Vec::new(),
            real: space.is_real(),
        };
        for parameter in space.parameters() {
            let at = parameter.coordinates.start;
            match parameter.domain {
                Domain::Real(_) => {
                    layout.genes.push(Gene::Real(at));
                    extend(&mut layout.numbers, at);
                }
                Domain::Integer { .. } => {
                    layout.genes.push(Gene::Integer(at));
                    layout.integers.push(at);
                    extend(&mut layout.numbers, at);
                }
                Domain::Boolean => {
                    layout.genes.push(Gene::Choice(at, 2));
                    extend(&mut layout.choices, at);
                }
                Domain::Categorical(labels) => {
                    layout.genes.push(Gene::Choice(at, labels.len()));
                    extend(&mut layout.choices, at);
                }
                Domain::Permutation(_) => {
                    layout.genes.push(Gene::Order(parameter.coordinates.clone()));
                    layout.orders.push(parameter.coordinates);
                    continue;
                }
            }
            extend(&mut layout.scalars, at);
        }
        layout
    }

    /// Makes whole what is a whole number. The bounds are whole, so that a value within them stays so.
    pub(super) fn round(&self, point: &mut [f64]) {
        for &at in &self.integers {
            // Plus zero, as a negative zero should have no bytes of its own.
            point[at] = point[at].round() + 0.0;
        }
    }
}

/// Adds the coordinate to the last run when it follows it, or begins a new run.
fn extend(runs: &mut Vec<Range<usize>>, at: usize) {
    match runs.last_mut() {
        Some(run) if run.end == at => run.end = at + 1,
        _ => runs.push(at..at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_told_apart_by_kind() {
        let space = ParameterSpace::builder()
            .real("x", 0.0, 1.0)
            .integer("n", 0, 9)
            .permutation("p", 3)
            .boolean("b")
            .categorical("c", ["u", "v", "w"])
            .real("y", 0.0, 1.0)
            .build()
            .unwrap();
        let layout = Layout::of(&space);
        assert_eq!(layout.numbers, [0..2, 7..8]);
        assert_eq!(layout.integers, [1]);
        assert_eq!(layout.choices, vec![5..7]);
        assert_eq!(layout.scalars, [0..2, 5..8]);
        assert_eq!(layout.orders, vec![2..5]);
        assert_eq!(layout.genes[2..5], [Gene::Order(2..5), Gene::Choice(5, 2), Gene::Choice(6, 3)]);
        assert!(!layout.real);
    }
}
