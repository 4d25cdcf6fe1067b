//! What can be wrong with a table, a policy, or a question to them.

use std::fmt;

/// So many faults of a table are told at once; the rest is counted.
pub const FAULTS_MAX: usize = 20;

/// One fault of a table, with its place.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MdpFault {
    /// A table has at least one state and one action, and no more pairs of them than fit into memory.
    #[error(
        "{states} states and {actions} actions; there must be at least one of each and at most {pairs_max} pairs"
    )]
    Size {
        /// How many states it has.
        states: usize,
        /// How many actions it has.
        actions: usize,
        /// The most pairs of both.
        pairs_max: usize,
    },
    /// A row names a state that the table does not have.
    #[error(
        "row {row} (state {state}, action {action}): {what} {found} of {count}, counted from 0"
    )]
    Range {
        /// The row, counted from 0.
        row: usize,
        /// Its state.
        state: usize,
        /// Its action.
        action: usize,
        /// What is out of range.
        what: &'static str,
        /// The number found.
        found: usize,
        /// How many there are.
        count: usize,
    },
    /// A probability is negative, greater than 1, or no number.
    #[error("row {row} (state {state}, action {action}): {probability} is no probability")]
    Probability {
        /// The row, counted from 0.
        row: usize,
        /// Its state.
        state: usize,
        /// Its action.
        action: usize,
        /// As given.
        probability: f64,
    },
    /// A reward is infinite or no number.
    #[error("row {row} (state {state}, action {action}): the reward {reward} is no finite number")]
    Reward {
        /// The row, counted from 0.
        row: usize,
        /// Its state.
        state: usize,
        /// Its action.
        action: usize,
        /// As given.
        reward: f64,
    },
    /// Nothing is said of an action in a state.
    #[error("state {state}, action {action}: there is no row")]
    Missing {
        /// The state.
        state: usize,
        /// The action.
        action: usize,
    },
    /// The probabilities of an action in a state do not sum to 1.
    #[error("state {state}, action {action}: the probabilities sum to {sum}, not to 1")]
    Sum {
        /// The state.
        state: usize,
        /// The action.
        action: usize,
        /// Their sum.
        sum: f64,
    },
    /// A state where episodes begin is unknown, or its probability is none.
    #[error("initial state {state:?}: {what}")]
    Initial {
        /// The state as given.
        state: String,
        /// What is wrong.
        what: String,
    },
    /// The probabilities of the initial states do not sum to 1.
    #[error("the probabilities of the initial states sum to {sum}, not to 1")]
    InitialSum {
        /// Their sum.
        sum: f64,
    },
    /// The columns are not those that a table has: name each of them once.
    #[error(
        "transition_columns: {found:?}, where s, a, prob, s_next, reward and terminated are wanted"
    )]
    Columns {
        /// As given.
        found: Vec<String>,
    },
    /// A row cannot be read.
    #[error("row {row}: {what}")]
    Row {
        /// The row, counted from 0.
        row: usize,
        /// What is wrong.
        what: String,
    },
}

/// Why a table cannot be made, or a question to it has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MdpError {
    /// The table is broken: the first [`FAULTS_MAX`] faults.
    #[error("the table has {count} fault{}: {}", if *.count == 1 { "" } else { "s" }, Listed(.faults, *.count))]
    Faults {
        /// The first of them.
        faults: Vec<MdpFault>,
        /// How many there are.
        count: usize,
    },
    /// The text is no JSON, or not of the form of a table.
    #[error("the table cannot be read: {what}")]
    Json {
        /// What the reader says, with line and column.
        what: String,
    },
    /// γ must be within [0, 1].
    #[error("gamma is {gamma}; it must be within [0, 1]")]
    Gamma {
        /// As given.
        gamma: f64,
    },
    /// The policy does not fit the table.
    #[error("the policy: {what}")]
    Policy {
        /// What does not fit.
        what: String,
    },
    /// At γ 1 an endless course of rewards of both signs has no value: take a γ below 1.
    #[error(
        "from state {state} the policy never ends, at rewards of both signs: its value at gamma 1 is undefined; take a lower gamma"
    )]
    Undefined {
        /// A state from which it never ends.
        state: usize,
    },
    /// Value iteration has not come to rest, as where rewards can be had for ever at γ 1: take a γ below 1.
    #[error(
        "the values have not come to rest after {sweeps} sweeps (they still move by {residual}); take a lower gamma"
    )]
    Unsettled {
        /// How many sweeps there were.
        sweeps: u32,
        /// By how much the last one changed a value.
        residual: f64,
    },
}

struct Listed<'a>(&'a [MdpFault], usize);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if at == 0 { "" } else { "; " })?;
        }
        match self.1 - self.0.len() {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
