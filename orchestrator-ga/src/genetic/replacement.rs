//! Who lives on.

use serde::{Deserialize, Serialize};

use crate::error::GaError;
use crate::genetic::config::POPULATION_MAX;

/// How the next generation is made of parents and children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Replacement {
    /// Children replace their parents, but for the elites (De Jong, "An analysis of the behavior of a class of genetic adaptive
    /// systems", 1975).
    Generational,
    /// (μ+λ): the best of parents and children together, parents before children that are no better (Schwefel, "Numerical
    /// optimization of computer models", 1981). μ is the population; elites have no say, since the best always lives on. A child
    /// that is one of its parents again does not count.
    Plus {
        /// λ, how many children a generation has, at least 1.
        children: usize,
    },
}

impl Replacement {
    pub(super) fn check(&self) -> Result<(), GaError> {
        match *self {
            Replacement::Generational => Ok(()),
            Replacement::Plus { children } => GaError::check_setting(
                "replacement.plus.children",
                children as f64,
                1.0,
                POPULATION_MAX as f64,
            ),
        }
    }
}
