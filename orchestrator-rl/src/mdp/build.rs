//! From rows to a checked table: every fault is found before any of it is used.

use super::error::{FAULTS_MAX, MdpError, MdpFault};
use super::{Outcome, Row, TableMdp};

/// Probabilities are written with rounding; beyond this they are wrong.
const SUM_SLACK: f64 = 1e-9;
/// A table says itself how large it is; this keeps a damaged one from asking for all memory.
const PAIRS_MAX: usize = 1 << 26;

/// Faults, of which the first few are kept.
#[derive(Default)]
pub(super) struct Faults {
    faults: Vec<MdpFault>,
    count: usize,
}

impl Faults {
    pub(super) fn add(&mut self, fault: MdpFault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
        self.count += 1;
    }

    pub(super) fn check(&mut self) -> Result<(), MdpError> {
        match self.count {
            0 => Ok(()),
            count => Err(MdpError::Faults { faults: std::mem::take(&mut self.faults), count }),
        }
    }
}

impl TableMdp {
    /// The table of these rows; `initial` is where episodes begin, with probabilities. Rows of one state and action may lead to the same
    /// state more than once.
    ///
    /// # Errors
    /// [`MdpError::Faults`] with each broken row, each state and action without rows, and each sum of probabilities that is not 1 (to 1e-9).
    pub fn new(
        states: usize,
        actions: usize,
        initial: impl IntoIterator<Item = (usize, f64)>,
        rows: impl IntoIterator<Item = Row>,
    ) -> Result<TableMdp, MdpError> {
        let mut faults = Faults::default();
        let pairs = states.saturating_mul(actions);
        if pairs == 0 || pairs > PAIRS_MAX {
            faults.add(MdpFault::Size { states, actions, pairs_max: PAIRS_MAX });
            faults.check()?;
        }
        let initial = start(states, initial, &mut faults);
        let rows: Vec<Row> = rows.into_iter().collect();
        for (at, row) in rows.iter().enumerate() {
            check_row(at, row, states, actions, &mut faults);
        }
        // What is out of range belongs to no pair, so the sums are looked at only where every row has its place.
        faults.check()?;

        let mut first = vec![0; pairs + 1];
        for row in &rows {
            first[row.state * actions + row.action + 1] += 1;
        }
        for pair in 0..pairs {
            if first[pair + 1] == 0 {
                faults.add(MdpFault::Missing { state: pair / actions, action: pair % actions });
            }
            first[pair + 1] += first[pair];
        }
        let mut free = first.clone();
        let none =
            Outcome { probability: 0.0, cumulative: 0.0, reward: 0.0, next: 0, terminal: false };
        let mut outcomes = vec![none; rows.len()];
        for row in &rows {
            let place = &mut free[row.state * actions + row.action];
            outcomes[*place] = Outcome {
                probability: row.probability,
                cumulative: 0.0,
                reward: row.reward,
                next: row.next as u32,
                terminal: row.terminal,
            };
            *place += 1;
        }
        let mut kept = Vec::with_capacity(outcomes.len());
        let mut starts = Vec::with_capacity(pairs + 1);
        for pair in 0..pairs {
            starts.push(kept.len());
            let of_pair = &outcomes[first[pair]..first[pair + 1]];
            let sum: f64 = of_pair.iter().map(|outcome| outcome.probability).sum();
            if !of_pair.is_empty() && (sum - 1.0).abs() > SUM_SLACK {
                let (state, action) = (pair / actions, pair % actions);
                faults.add(MdpFault::Sum { state, action, sum });
            }
            let mut cumulative = 0.0;
            for outcome in of_pair.iter().filter(|outcome| outcome.probability > 0.0) {
                cumulative += outcome.probability;
                kept.push(Outcome { cumulative, ..*outcome });
            }
            if let Some(last) = kept[starts[pair]..].last_mut() {
                last.cumulative = 1.0;
            }
        }
        starts.push(kept.len());
        faults.check()?;
        Ok(TableMdp { states, actions, initial, first: starts, outcomes: kept })
    }
}

fn check_row(at: usize, row: &Row, states: usize, actions: usize, faults: &mut Faults) {
    let &Row { state, action, probability, next, reward, .. } = row;
    let ranges =
        [("state", state, states), ("action", action, actions), ("next state", next, states)];
    for (what, found, count) in ranges {
        if found >= count {
            faults.add(MdpFault::Range { row: at, state, action, what, found, count });
        }
    }
    if !(0.0..=1.0 + SUM_SLACK).contains(&probability) {
        faults.add(MdpFault::Probability { row: at, state, action, probability });
    }
    if !reward.is_finite() {
        faults.add(MdpFault::Reward { row: at, state, action, reward });
    }
}

fn start(
    states: usize,
    initial: impl IntoIterator<Item = (usize, f64)>,
    faults: &mut Faults,
) -> Vec<(usize, f64, f64)> {
    let mut given: Vec<(usize, f64, f64)> = Vec::new();
    let mut sum = 0.0;
    for (state, probability) in initial {
        let wrong = |what: String| MdpFault::Initial { state: state.to_string(), what };
        if state >= states {
            faults.add(wrong(format!("there are {states} states, counted from 0")));
        } else if !(0.0..=1.0 + SUM_SLACK).contains(&probability) {
            faults.add(wrong(format!("{probability} is no probability")));
        } else if given.iter().any(|&(known, ..)| known == state) {
            faults.add(wrong("it occurs twice".to_owned()));
        } else if probability > 0.0 {
            given.push((state, probability, 0.0));
        }
        sum += probability;
    }
    if (sum - 1.0_f64).abs() > SUM_SLACK || sum.is_nan() {
        faults.add(MdpFault::InitialSum { sum });
    }
    given.sort_by_key(|&(state, ..)| state);
    let mut cumulative = 0.0;
    for row in &mut given {
        cumulative += row.1;
        row.2 = cumulative;
    }
    if let Some(last) = given.last_mut() {
        last.2 = 1.0;
    }
    given
}
