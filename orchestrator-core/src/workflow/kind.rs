//! What a step does, and the settings that only its kind has.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Workflow;
use super::step::On;
use crate::closure::BoundCondition;
use crate::id::{Capability, Role};
use crate::retry::RetryPolicy;

/// When a loop is done.
#[derive(Debug, Clone)]
pub(crate) enum Until {
    /// The body has succeeded and the condition holds of it.
    Condition(BoundCondition),
    /// The body has succeeded; a failure of the named step, and of no other, asks for one more round.
    Accepted { by: String },
}

/// What a failed item does to its map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnItemFailure {
    /// The map fails with the item's failure: no further item is started, and what is under way is told to stop. The output of a map that
    /// succeeds is the array of its items' outputs. The default.
    FailFast,
    /// Up to so many items may fail; one more fails the map as [`OnItemFailure::FailFast`] does. The output is an array with
    /// `{"output": …}` or `{"error": …}` for every item.
    Tolerate(u32),
    /// All items are done, and the map succeeds. The output is as with [`OnItemFailure::Tolerate`].
    Collect,
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Awaited {
    Signal(String),
    Timer { delay_ms: u64 },
}

/// What a decision becomes when nobody decides in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DefaultChoice {
    pub(crate) choice: String,
    pub(crate) after_ms: u64,
}

/// What a step does.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Task { role: Role, requires: BTreeSet<Capability> },
    Branch { cases: Vec<(BoundCondition, String)>, otherwise: Option<String> },
    Loop { body: Workflow, rounds_max: u32, rounds_kept: u32, until: Until },
    Map { body: Workflow, concurrency_max: u32, items_max: u32, on_failure: OnItemFailure },
    Decision { question: String, choices: Vec<String>, default: Option<DefaultChoice> },
    Wait { awaited: Awaited },
    Sub { body: Workflow },
}

impl Kind {
    /// The word for it in faults and in the JSON form.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Kind::Task { .. } => "task",
            Kind::Branch { .. } => "branch",
            Kind::Loop { .. } => "loop",
            Kind::Map { .. } => "map",
            Kind::Decision { .. } => "decision",
            Kind::Wait { .. } => "wait",
            Kind::Sub { .. } => "sub_workflow",
        }
    }

    /// The steps that a branch may lead to; others have no ways.
    pub(crate) fn ways(&self) -> impl Iterator<Item = &str> {
        let (cases, otherwise) = match self {
            Kind::Branch { cases, otherwise } => (cases.as_slice(), otherwise.as_deref()),
            _ => (&[][..], None),
        };
        cases.iter().map(|(_, to)| to.as_str()).chain(otherwise)
    }

    /// Lets the ways of a branch that lead to one of the steps lead to `name` instead.
    pub(crate) fn redirect(&mut self, is_one: impl Fn(&str) -> bool, name: &str) {
        if let Kind::Branch { cases, otherwise } = self {
            let ways = cases.iter_mut().map(|(_, to)| to).chain(otherwise);
            ways.filter(|to| is_one(to)).for_each(|to| name.clone_into(to));
        }
    }

    /// The workflow inside, if there is one.
    pub(crate) fn body(&self) -> Option<&Workflow> {
        match self {
            Kind::Loop { body, .. } | Kind::Map { body, .. } | Kind::Sub { body } => Some(body),
            Kind::Task { .. } | Kind::Branch { .. } | Kind::Decision { .. } | Kind::Wait { .. } => {
                None
            }
        }
    }
}

/// An edge as it is drawn: to or from which step, on what, and under which condition.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) step: String,
    pub(crate) on: On,
    pub(crate) when: Option<BoundCondition>,
}

impl Link {
    pub(crate) fn new(step: impl Into<String>, on: On) -> Link {
        Link { step: step.into(), on, when: None }
    }
}

/// How long a step may take. Nothing is limited by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timeouts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempt_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) step_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) heartbeat_ms: Option<u64>,
}

/// Who undoes a step, and how often that is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compensation {
    pub(crate) role: Role,
    pub(crate) retry: RetryPolicy,
}

/// How many rounds of a loop stay in memory, unless its author says otherwise: enough to see how it came to its end.
pub(crate) const ROUNDS_KEPT: u32 = 16;
/// How many items a map may have, unless its author says otherwise.
pub(crate) const ITEMS_MAX: u32 = 10_000;
