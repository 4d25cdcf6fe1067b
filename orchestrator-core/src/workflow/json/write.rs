//! Writes a definition.

use super::form::{
    BodyForm, CaseForm, CelForm, ClosureForm, CompensationForm, DefaultForm, EdgeForm, KindForm,
    NamedForm, RootForm, StepForm, UntilForm,
};
use crate::closure::{BoundCondition, BoundTransformer};
use crate::id::Capability;
use crate::retry::RetryPolicy;
use crate::workflow::kind::{Awaited, Kind, Until};
use crate::workflow::step::{Join, On};
use crate::workflow::{Fires, StepDef, Workflow};

pub(in crate::workflow) fn write(workflow: &Workflow) -> String {
    let form = RootForm::new(body_form(workflow));
    serde_json::to_string_pretty(&form).expect("a form has text keys and no floating numbers")
}

fn body_form(workflow: &Workflow) -> BodyForm {
    let steps = workflow.defs().iter().map(|def| step_form(workflow, def)).collect();
    let description = workflow.description().to_owned();
    BodyForm { name: workflow.name().to_string(), description, steps }
}

fn step_form(workflow: &Workflow, def: &StepDef) -> StepForm {
    let step = &def.step;
    let retry = |policy: &RetryPolicy| (*policy != RetryPolicy::default()).then(|| policy.into());
    let mut form = StepForm::new(def.id.to_string(), kind_form(&step.kind));
    form.description.clone_from(&step.description);
    form.priority = step.priority;
    form.expected_ms = step.expected_ms;
    form.retry = retry(&step.retry);
    form.compensation = step
        .compensation
        .as_ref()
        .map(|undo| CompensationForm { role: undo.role.to_string(), retry: retry(&undo.retry) });
    form.attempt_timeout_ms = step.timeouts.attempt_ms;
    form.step_timeout_ms = step.timeouts.step_ms;
    form.heartbeat_timeout_ms = step.timeouts.heartbeat_ms;
    form.input = step.input.as_ref().map(transformer_form);
    form.output = step.output.as_ref().map(transformer_form);
    form.join = step.join;
    form.body = step.kind.body().map(body_form);
    let edges = def.incoming.iter().filter_map(|edge| {
        let on = match edge.fires {
            Fires::Success => On::Success,
            Fires::Failure => On::Failure,
            Fires::Always => On::Always,
            // Said by the branch.
            Fires::Chosen => return None,
        };
        let when = edge.when.map(|at| condition_form(&def.conditions[at as usize]));
        Some(EdgeForm { step: workflow.def(edge.step).id.to_string(), on, when })
    });
    form.after = edges.collect();
    match &step.kind {
        Kind::Task { role, requires } => {
            form.role = Some(role.to_string());
            form.requires = requires.iter().map(Capability::to_string).collect();
        }
        Kind::Branch { cases, otherwise } => {
            let case = |(when, to): &(BoundCondition, String)| CaseForm {
                when: condition_form(when),
                step: to.clone(),
            };
            form.cases = cases.iter().map(case).collect();
            form.otherwise.clone_from(otherwise);
        }
        Kind::Loop { rounds_max, rounds_kept, until, .. } => {
            form.rounds_max = Some(*rounds_max);
            form.rounds_kept = Some(*rounds_kept);
            form.until = Some(match until {
                Until::Condition(condition) => UntilForm::Condition(condition_form(condition)),
                Until::Accepted { by } => UntilForm::AcceptedBy(by.clone()),
            });
        }
        Kind::Map { concurrency_max, items_max, on_failure, .. } => {
            form.concurrency_max = Some(*concurrency_max);
            form.items_max = Some(*items_max);
            form.on_item_failure = Some(*on_failure);
        }
        Kind::Decision { question, choices, default } => {
            form.question = Some(question.clone());
            form.choices = Some(choices.clone());
            form.default_choice = default.as_ref().map(|default| DefaultForm {
                choice: default.choice.clone(),
                after_ms: default.after_ms,
            });
        }
        Kind::Wait { awaited: Awaited::Signal(signal) } => form.signal = Some(signal.clone()),
        Kind::Wait { awaited: Awaited::Timer { delay_ms } } => form.delay_ms = Some(*delay_ms),
        Kind::Sub { .. } => {}
    }
    form
}

fn kind_form(kind: &Kind) -> KindForm {
    match kind {
        Kind::Task { .. } => KindForm::Task,
        Kind::Branch { .. } => KindForm::Branch,
        Kind::Loop { .. } => KindForm::Loop,
        Kind::Map { .. } => KindForm::Map,
        Kind::Decision { .. } => KindForm::Decision,
        Kind::Wait { .. } => KindForm::Wait,
        Kind::Sub { .. } => KindForm::SubWorkflow,
    }
}

fn condition_form(BoundCondition(condition): &BoundCondition) -> ClosureForm {
    closure_form(condition.expression(), condition.name(), condition.version())
}

fn transformer_form(BoundTransformer(transformer): &BoundTransformer) -> ClosureForm {
    closure_form(transformer.expression(), transformer.name(), transformer.version())
}

fn closure_form(expression: Option<&str>, name: &str, version: u32) -> ClosureForm {
    match expression {
        Some(cel) => ClosureForm::Cel(CelForm { cel: cel.to_owned() }),
        None => ClosureForm::Named(NamedForm { name: name.to_owned(), version }),
    }
}

impl StepForm {
    fn new(id: String, kind: KindForm) -> StepForm {
        StepForm {
            id,
            kind,
            description: String::new(),
            role: None,
            requires: Vec::new(),
            priority: 0,
            expected_ms: None,
            retry: None,
            compensation: None,
            cases: Vec::new(),
            otherwise: None,
            rounds_max: None,
            rounds_kept: None,
            until: None,
            concurrency_max: None,
            items_max: None,
            on_item_failure: None,
            question: None,
            choices: None,
            default_choice: None,
            signal: None,
            delay_ms: None,
            attempt_timeout_ms: None,
            step_timeout_ms: None,
            heartbeat_timeout_ms: None,
            input: None,
            output: None,
            after: Vec::new(),
            join: Join::All,
            body: None,
        }
    }
}
