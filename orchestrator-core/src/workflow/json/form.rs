//! The JSON form of a definition, field by field: what [`Workflow::to_json`](crate::Workflow::to_json) writes and
//! [`Workflow::from_json`](crate::Workflow::from_json) reads. The schema in `schema/workflow.v1.schema.json` says the same.
//!
//! A step is one flat object: what a kind does not have is told as a fault of that step beside all the others, where a form by kind would
//! end at the first. Fields are written in the order that they have here, and left out where they say the default.

use serde::{Deserialize, Serialize};

use crate::retry::RetryPolicy;
use crate::workflow::kind::OnItemFailure;
use crate::workflow::step::{Join, On};

/// The version of the form.
pub(super) const VERSION: u32 = 1;

/// The version alone, so that a later form is told as such, and not by the first field that is new in it.
#[derive(Deserialize)]
pub(super) struct Versioned {
    pub(super) v: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RootForm {
    /// For editors; not looked at.
    #[serde(rename = "$schema", default, skip_serializing)]
    _schema: Option<String>,
    pub(super) v: u32,
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    pub(super) steps: Vec<StepForm>,
}

impl RootForm {
    pub(super) fn new(body: BodyForm) -> RootForm {
        let BodyForm { name, description, steps } = body;
        RootForm { _schema: None, v: VERSION, name, description, steps }
    }
}

/// A workflow inside a step.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BodyForm {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    pub(super) steps: Vec<StepForm>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KindForm {
    Task,
    Branch,
    Loop,
    Map,
    Decision,
    Wait,
    SubWorkflow,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepForm {
    pub(super) id: String,
    pub(super) kind: KindForm,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) description: String,

    // Task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) requires: Vec<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) priority: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expected_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry: Option<RetryForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) compensation: Option<CompensationForm>,

    // Branch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) cases: Vec<CaseForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) otherwise: Option<String>,

    // Loop and map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rounds_max: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rounds_kept: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<UntilForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) concurrency_max: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) items_max: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) on_item_failure: Option<OnItemFailure>,

    // Decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) question: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) choices: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) default_choice: Option<DefaultForm>,

    // Wait: one of the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) delay_ms: Option<u64>,

    // All kinds, as far as they have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attempt_timeout_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) step_timeout_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) heartbeat_timeout_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<ClosureForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<ClosureForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) after: Vec<EdgeForm>,
    #[serde(default = "all", skip_serializing_if = "is_all")]
    pub(super) join: Join,

    // Loop, map and sub-workflow; last, since it is long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<BodyForm>,
}

/// A retry policy of which every part has its default.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RetryForm {
    attempts_max: u32,
    delay_ms: u64,
    growth_percent: u32,
    delay_ms_max: u64,
    jitter_percent: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    never_on: Vec<String>,
    repeat_unknown: bool,
}

impl Default for RetryForm {
    fn default() -> RetryForm {
        RetryForm::from(&RetryPolicy::default())
    }
}

impl From<&RetryPolicy> for RetryForm {
    fn from(policy: &RetryPolicy) -> RetryForm {
        RetryForm {
            attempts_max: policy.attempts_max,
            delay_ms: policy.delay_ms,
            growth_percent: policy.growth_percent,
            delay_ms_max: policy.delay_ms_max,
            jitter_percent: policy.jitter_percent,
            never_on: policy.never_on.iter().cloned().collect(),
            repeat_unknown: policy.repeat_unknown,
        }
    }
}

impl From<RetryForm> for RetryPolicy {
    fn from(form: RetryForm) -> RetryPolicy {
        RetryPolicy {
            attempts_max: form.attempts_max,
            delay_ms: form.delay_ms,
            growth_percent: form.growth_percent,
            delay_ms_max: form.delay_ms_max,
            jitter_percent: form.jitter_percent,
            never_on: form.never_on.into_iter().collect(),
            repeat_unknown: form.repeat_unknown,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompensationForm {
    pub(super) role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry: Option<RetryForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseForm {
    pub(super) when: ClosureForm,
    pub(super) step: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UntilForm {
    Condition(ClosureForm),
    AcceptedBy(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DefaultForm {
    pub(super) choice: String,
    pub(super) after_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EdgeForm {
    pub(super) step: String,
    #[serde(default = "success", skip_serializing_if = "is_success")]
    pub(super) on: On,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) when: Option<ClosureForm>,
}

/// A condition or a transformer: by name and version, or as an expression.
#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a closure is {\"name\": TEXT, \"version\": NUMBER} or {\"cel\": TEXT}"
)]
pub(in crate::workflow) enum ClosureForm {
    Named(NamedForm),
    Cel(CelForm),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::workflow) struct NamedForm {
    pub(in crate::workflow) name: String,
    #[serde(default = "one")]
    pub(in crate::workflow) version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::workflow) struct CelForm {
    pub(in crate::workflow) cel: String,
}

fn one() -> u32 {
    1
}

fn all() -> Join {
    Join::All
}

fn is_all(join: &Join) -> bool {
    *join == Join::All
}

fn success() -> On {
    On::Success
}

fn is_success(on: &On) -> bool {
    *on == On::Success
}

fn is_zero(number: &i32) -> bool {
    *number == 0
}
