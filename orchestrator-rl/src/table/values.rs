//! Rows of values by the numbers of states: what learners read and write.

use crate::explore::Sight;

/// What is known of a state and action.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cell {
    pub(crate) value: f64,
    pub(crate) visits: u64,
}

/// Rows of equal width in one piece of memory. Where a state has fewer actions than others, its row is used in part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Values {
    actions: usize,
    initial: f64,
    cells: Vec<Cell>,
    /// How many actions each state has; empty while every one has all.
    widths: Vec<u32>,
}

impl Values {
    pub(crate) fn new(actions: usize, initial: f64) -> Values {
        Values { actions, initial, cells: Vec::new(), widths: Vec::new() }
    }

    /// Cells and widths as they were given out by [`Values::parts`]; `None` where they contradict each other.
    pub(crate) fn from_parts(
        actions: usize,
        initial: f64,
        cells: Vec<Cell>,
        widths: Vec<u32>,
    ) -> Option<Values> {
        let sound = (1..=super::ACTIONS_MAX).contains(&actions)
            && initial.is_finite()
            && cells.len().is_multiple_of(actions)
            && cells.iter().all(|cell| cell.value.is_finite())
            && (widths.is_empty() || widths.len() == cells.len() / actions)
            && widths.iter().all(|width| (1..=actions).contains(&(*width as usize)));
        sound.then_some(Values { actions, initial, cells, widths })
    }

    /// All cells, and how many actions each state has; the latter empty while every one has all.
    pub(crate) fn parts(&self) -> (&[Cell], &[u32]) {
        (&self.cells, &self.widths)
    }

    pub(crate) fn actions(&self) -> usize {
        self.actions
    }

    pub(crate) fn initial(&self) -> f64 {
        self.initial
    }

    #[inline]
    pub(crate) fn states(&self) -> usize {
        self.cells.len() / self.actions
    }

    /// Whether there is a row for a state.
    #[inline]
    pub(crate) fn covers(&self, state: usize) -> bool {
        // No division, for it is asked at every step.
        state * self.actions < self.cells.len()
    }

    /// What was never visited takes the new value.
    pub(crate) fn set_initial(&mut self, initial: f64) {
        self.initial = initial;
        for cell in self.cells.iter_mut().filter(|cell| cell.visits == 0) {
            cell.value = initial;
        }
    }

    #[cold]
    pub(crate) fn grow(&mut self, states: usize) {
        self.cells.resize(states * self.actions, Cell { value: self.initial, visits: 0 });
        if !self.widths.is_empty() {
            self.widths.resize(states, self.actions as u32);
        }
    }

    /// Only the first `width` actions of a state exist from now on.
    pub(crate) fn narrow(&mut self, state: usize, width: usize) {
        if self.widths.is_empty() {
            self.widths = vec![self.actions as u32; self.states()];
        }
        self.widths[state] = width.clamp(1, self.actions) as u32;
    }

    #[inline]
    pub(crate) fn width(&self, state: usize) -> usize {
        if self.widths.is_empty() { self.actions } else { self.widths[state] as usize }
    }

    /// The cells of the actions that exist in a state.
    #[inline]
    pub(crate) fn row(&self, state: usize) -> &[Cell] {
        &self.cells[state * self.actions..][..self.width(state)]
    }

    pub(crate) fn row_mut(&mut self, state: usize) -> &mut [Cell] {
        let width = self.width(state);
        &mut self.cells[state * self.actions..][..width]
    }

    #[inline]
    pub(crate) fn cell(&self, state: usize, action: usize) -> Cell {
        self.cells[state * self.actions + action]
    }

    #[inline]
    pub(crate) fn cell_mut(&mut self, state: usize, action: usize) -> &mut Cell {
        &mut self.cells[state * self.actions + action]
    }

    /// The greatest value of a state.
    #[inline]
    pub(crate) fn best(&self, state: usize) -> f64 {
        Sight::of(self.row(state)).best
    }

    pub(crate) fn is_known(&self, state: usize) -> bool {
        self.row(state).iter().any(|cell| cell.visits > 0)
    }

    pub(crate) fn learned(&self) -> usize {
        self.cells.iter().filter(|cell| cell.visits > 0).count()
    }

    pub(crate) fn visits(&self, state: usize) -> u64 {
        self.row(state).iter().fold(0, |sum, cell| cell.visits.saturating_add(sum))
    }

    /// The rows of some of the states, in order.
    pub(crate) fn retain(&mut self, keep: &dyn Fn(usize) -> bool) {
        let states = (0..self.states()).filter(|&state| keep(state));
        let mut kept = Values::new(self.actions, self.initial);
        for state in states {
            kept.cells.extend_from_slice(&self.cells[state * self.actions..][..self.actions]);
            if !self.widths.is_empty() {
                kept.widths.push(self.widths[state]);
            }
        }
        *self = kept;
    }
}
