//! What kind of task a request is, as far as it says so.

use orchestrator_core::{Payload, Role};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::record::{Complexity, Risk};

/// Area, risk and complexity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaskProfile {
    /// What part of the work it belongs to.
    pub area: String,
    /// What a mistake would cost.
    pub risk: Risk,
    /// How large it is.
    pub complexity: Complexity,
}

impl TaskProfile {
    /// Reads the fields `area`, `risk` and `complexity` of the input. What is missing or has another shape is the role's name,
    /// medium and medium: routing must not fail because a step describes itself poorly.
    ///
    /// ```
    /// use orchestrator_core::{Payload, Role};
    /// use orchestrator_intelligence::{Risk, TaskProfile};
    /// let input = Payload::parse(r#"{"area": "docs", "risk": "low", "text": "…"}"#)?;
    /// let profile = TaskProfile::of(&input, &Role::CODER);
    /// assert_eq!((profile.area.as_str(), profile.risk), ("docs", Risk::Low));
    /// assert_eq!(TaskProfile::of(&Payload::null(), &Role::CODER).area, "coder");
    /// # Ok::<(), orchestrator_core::PayloadError>(())
    /// ```
    pub fn of(input: &Payload, role: &Role) -> TaskProfile {
        TaskProfile {
            area: field(input, "/area").unwrap_or_else(|| role.to_string()),
            risk: field(input, "/risk").unwrap_or_default(),
            complexity: field(input, "/complexity").unwrap_or_default(),
        }
    }
}

fn field<T: DeserializeOwned>(input: &Payload, pointer: &str) -> Option<T> {
    input.at(pointer).ok()
}
