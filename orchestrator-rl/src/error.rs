//! What can go wrong while learning.

use orchestrator_core::ParameterError;

/// Why learning cannot start or go on, or a table be read or merged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RlError {
    /// A setting is out of its range.
    #[error("{setting} is {value}; it must be within [{min}, {max}]")]
    Setting {
        /// The field of the settings.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// The least value.
        min: f64,
        /// The greatest value.
        max: f64,
    },
    /// The environment or the table has another number of actions: use the table of the same environment.
    #[error("{found} actions where the table has {wanted}")]
    Actions {
        /// How many the table has.
        wanted: usize,
        /// How many were found.
        found: usize,
    },
    /// The action does not exist.
    #[error("action {action} of {count}")]
    NoAction {
        /// The action.
        action: usize,
        /// How many there are.
        count: usize,
    },
    /// The state is not one of those that the table is over, or there is no number left for it: use a larger or a hashed table.
    #[error("state {state} where there can be {count}")]
    NoState {
        /// The state, or the number that it would have.
        state: usize,
        /// How many there can be.
        count: usize,
    },
    /// A reward that is NaN or infinite, or so great that a value would be, cannot be learned from. Nothing was learned.
    #[error("action {action} was rewarded with {reward}, which leaves no finite value")]
    Reward {
        /// The action.
        action: usize,
        /// Its reward.
        reward: f64,
    },
    /// The region is not a part of the space: take it from a search over the same space.
    #[error("the region is no part of the space: {what}")]
    Region {
        /// The first thing that does not fit.
        what: String,
    },
    /// The grid lies over another space: make it over the space of the tuning, not over its region.
    #[error("the grid lies over another space than the tuning")]
    Grid,
    /// Tuning moves in small steps, which only real parameters allow: leave the others out of its space.
    #[error("parameter {name:?} is {kind}; only real ones can be tuned")]
    NotReal {
        /// The parameter.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// The start is not in the region.
    #[error("the start: {0}")]
    Start(ParameterError),
    /// The objective has no finite value at the start, so nothing can be compared with it.
    #[error("the objective is {value} at the start, not a finite number")]
    Objective {
        /// What it is.
        value: f64,
    },
    /// The training has ended.
    #[error("the training has ended")]
    Ended,
    /// What was saved is of another version of the format.
    #[error("the saved state has format {found}; this version reads format {known}")]
    Version {
        /// Its version.
        found: u32,
        /// The version that can be read.
        known: u32,
    },
    /// What was saved contradicts itself.
    #[error("the saved state is damaged: {what}")]
    Damaged {
        /// The part that does not fit.
        what: &'static str,
    },
}

/// The first row (setting, value, least, greatest) that is out of its range.
pub(crate) fn check_ranges(rows: &[(&'static str, f64, f64, f64)]) -> Result<(), RlError> {
    for &(setting, value, min, max) in rows {
        if !(min <= value && value <= max) {
            return Err(RlError::Setting { setting, value, min, max });
        }
    }
    Ok(())
}
