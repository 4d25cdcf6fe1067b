//! The three shapes that every column is measured on.

use orchestrator_ai::core::Seed;

/// The same seed on every machine: the layered shape is one graph, not a sample of graphs.
const SEED: Seed = Seed(7);
/// How many steps a layer has.
const WIDTH: usize = 100;
/// How many steps of the layer before a step waits for.
const DEPENDENCIES: usize = 3;

/// A graph of steps. A step comes after all those it waits for.
pub(crate) struct Shape {
    pub(crate) name: String,
    /// What each step waits for, ascending.
    pub(crate) before: Vec<Vec<usize>>,
}

impl Shape {
    pub(crate) fn steps(&self) -> usize {
        self.before.len()
    }
}

/// Each step after the one before.
pub(crate) fn chain(steps: usize) -> Shape {
    let before = (0..steps).map(|at| at.checked_sub(1).into_iter().collect()).collect();
    Shape { name: format!("chain_{steps}"), before }
}

/// One step, `width` steps after it side by side, and one that waits for all of those.
pub(crate) fn fan(width: usize) -> Shape {
    let middle = (0..width).map(|_| vec![0]);
    let before = [vec![]].into_iter().chain(middle).chain([(1..=width).collect()]).collect();
    Shape { name: format!("fan_{width}"), before }
}

/// Layers of [`WIDTH`] steps, each of which waits for [`DEPENDENCIES`] different steps of the layer before.
pub(crate) fn layered(steps: usize) -> Shape {
    let mut stream = SEED.stream();
    let mut chosen = |at: usize| {
        let mut before = Vec::with_capacity(DEPENDENCIES);
        let Some(first) = (at / WIDTH).checked_sub(1).map(|layer| layer * WIDTH) else {
            return before;
        };
        while before.len() < DEPENDENCIES {
            let step = first + stream.below(WIDTH);
            if !before.contains(&step) {
                before.push(step);
            }
        }
        before.sort_unstable();
        before
    };
    Shape { name: format!("layered_{steps}"), before: (0..steps).map(&mut chosen).collect() }
}
