//! Markov decision processes written out as a table: a row for each thing that can happen.
//!
//! A [`TableMdp`] is an oracle. [`TableMdp::solve`] is exact value iteration, [`TableMdp::evaluate`] the exact value of a policy; with
//! [`TableMdp::environment`] the same table is a world to learn in, and what was learned can be held against the optimum. A table
//! cannot exist broken: every fault is reported with its row, state and action.
//!
//! ```
//! use orchestrator_rl::mdp::{Policy, TableMdp};
//!
//! let mdp = TableMdp::from_json(r#"{
//!     "n_states": 2, "n_actions": 2, "initial_state_distribution": {"0": 1.0},
//!     "transition_columns": ["s", "a", "prob", "s_next", "reward", "terminated"],
//!     "transitions": [
//!         [0, 0, 1.0, 0, 0.0, false], [0, 1, 0.5, 0, 0.0, false], [0, 1, 0.5, 1, 1.0, true],
//!         [1, 0, 1.0, 1, 0.0, true],  [1, 1, 1.0, 1, 0.0, true]
//!     ]
//! }"#)?;
//! let optimum = mdp.solve(0.9)?;
//! assert!((optimum.start_value - 0.5 / 0.55).abs() < 1e-12); // v = 0.5 + 0.5 · 0.9 v
//! let never = Policy::of_actions(2, &[0, 0])?;
//! assert_eq!(mdp.evaluate(&never, 0.9)?.start_value, 0.0);
//! # Ok::<(), orchestrator_rl::mdp::MdpError>(())
//! ```
//!
//! What it does not do: rewards that are random within one row (write a row for each), and actions that exist in some states only.

mod build;
mod classes;
mod error;
mod evaluate;
mod json;
mod policy;
mod solve;
mod walk;

pub use error::{FAULTS_MAX, MdpError, MdpFault};
pub use evaluate::Evaluation;
pub use policy::Policy;
pub use solve::{SWEEPS_MAX, Solution};
pub use walk::TableWalk;

/// One thing that can happen when an action is done in a state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The state, counted from 0.
    pub state: usize,
    /// The action, counted from 0.
    pub action: usize,
    /// How probable it is, in [0, 1]; the rows of a state and action sum to 1.
    pub probability: f64,
    /// The state that it leads to.
    pub next: usize,
    /// The reward, a finite number.
    pub reward: f64,
    /// Whether the episode ends there: nothing is worth anything after it.
    pub terminal: bool,
}

/// What can come of a state and action.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) probability: f64,
    /// The probability of this outcome and of those before it; of the last one exactly 1.
    pub(crate) cumulative: f64,
    pub(crate) reward: f64,
    pub(crate) next: u32,
    pub(crate) terminal: bool,
}

/// A checked table. Reading it from JSON, see [`TableMdp::from_json`]; making it of rows, [`TableMdp::new`].
#[derive(Debug, Clone, PartialEq)]
pub struct TableMdp {
    states: usize,
    actions: usize,
    /// States with their probability and the probability of these and all before, in order of the states.
    initial: Vec<(usize, f64, f64)>,
    /// `outcomes[first[p]..first[p + 1]]` belong to pair `p = state · actions + action`.
    first: Vec<usize>,
    outcomes: Vec<Outcome>,
}

impl TableMdp {
    /// How many states there are.
    pub fn states(&self) -> usize {
        self.states
    }

    /// How many actions there are in every state.
    pub fn actions(&self) -> usize {
        self.actions
    }

    /// Where an episode can begin, and how probable it is, in order of the states.
    pub fn initial(&self) -> impl Iterator<Item = (usize, f64)> {
        self.initial.iter().map(|&(state, probability, _)| (state, probability))
    }

    /// All rows, by state and action, each in the order they were given; those that cannot happen are left out.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        (0..self.states * self.actions).flat_map(move |pair| {
            self.outcomes[self.first[pair]..self.first[pair + 1]].iter().map(move |outcome| Row {
                state: pair / self.actions,
                action: pair % self.actions,
                probability: outcome.probability,
                next: outcome.next as usize,
                reward: outcome.reward,
                terminal: outcome.terminal,
            })
        })
    }

    /// The table as a world to learn in.
    pub fn environment(&self) -> TableWalk<'_> {
        TableWalk::new(self)
    }

    pub(crate) fn outcomes(&self, state: usize, action: usize) -> &[Outcome] {
        let pair = state * self.actions + action;
        &self.outcomes[self.first[pair]..self.first[pair + 1]]
    }

    /// What an action is worth when the states are worth `values`.
    pub(crate) fn backup(&self, values: &[f64], gamma: f64, state: usize, action: usize) -> f64 {
        let outcomes = self.outcomes(state, action).iter();
        outcomes
            .map(|outcome| {
                let ahead =
                    if outcome.terminal { 0.0 } else { gamma * values[outcome.next as usize] };
                outcome.probability * (outcome.reward + ahead)
            })
            .sum()
    }

    /// The mean of the states' values over where episodes begin.
    pub(crate) fn start_value(&self, values: &[f64]) -> f64 {
        self.initial().map(|(state, probability)| probability * values[state]).sum()
    }
}
