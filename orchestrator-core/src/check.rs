//! A named check with its verdict: how every part says whether its own result holds.

use serde::{Deserialize, Serialize};

/// One line of a verification checklist, with the measurement behind the verdict.
///
/// ```
/// use orchestrator_core::Check;
/// let sum = 0.999_999_999_9_f64;
/// let check = Check::new("weights sum to 1", (sum - 1.0).abs() < 1e-9, format!("sum {sum}"));
/// assert!(check.passed);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What must hold.
    pub name: String,
    /// Whether it does.
    pub passed: bool,
    /// The measurement, for a person.
    pub detail: String,
}

impl Check {
    /// A check that has been made.
    pub fn new(name: impl Into<String>, passed: bool, detail: impl Into<String>) -> Check {
        Check { name: name.into(), passed, detail: detail.into() }
    }
}
