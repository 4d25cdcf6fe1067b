//! Reads a definition.

use std::collections::BTreeSet;

use super::DefinitionError;
use super::form::{
    BodyForm, CaseForm, ClosureForm, KindForm, RootForm, StepForm, UntilForm, VERSION, Versioned,
};
use crate::closure::{BoundCondition, BoundTransformer};
use crate::id::{Capability, NameError, Role, StepId};
use crate::retry::RetryPolicy;
use crate::workflow::closures::Closures;
use crate::workflow::fault::{Fault, Faults};
use crate::workflow::kind::{
    Awaited, Compensation, DefaultChoice, ITEMS_MAX, Kind, Link, OnItemFailure, ROUNDS_KEPT,
    Timeouts, Until,
};
use crate::workflow::step::{On, Step};
use crate::workflow::{Workflow, check};

pub(in crate::workflow) fn read(
    text: &str,
    closures: &Closures,
) -> Result<Workflow, DefinitionError> {
    match serde_json::from_str(text)? {
        Versioned { v: Some(VERSION) } => {}
        Versioned { v: Some(found) } => return Err(DefinitionError::Version { found }),
        Versioned { v: None } => return Err(DefinitionError::NoVersion),
    }
    let RootForm { name, description, steps, .. } = serde_json::from_str(text)?;
    let workflow = name.clone();
    let form = BodyForm { name, description, steps };
    build(form, closures).map_err(|faults| Faults { workflow, faults }.into())
}

/// The workflow, or every fault: those of names and of workflows inside first, then those that `build()` finds.
fn build(form: BodyForm, closures: &Closures) -> Result<Workflow, Vec<Fault>> {
    let mut faults = Vec::new();
    let steps = form.steps.into_iter().map(|step| {
        // A step without a name of its own is told by `check`; nothing else of it could be.
        let id = StepId::parse(&step.id).ok();
        let mut reader = Reader { id, closures, faults: &mut faults };
        reader.step(step)
    });
    let steps = steps.collect();
    match check::compile(&form.name, form.description, steps) {
        Ok(definition) if faults.is_empty() => Ok(Workflow(definition.into())),
        Ok(_) => Err(faults),
        Err(more) => {
            faults.extend(more);
            Err(faults)
        }
    }
}

/// Turns the form of one step into the step. What is missing or unknown is a fault, and gives way to something sound, so that the
/// rest is looked at too.
struct Reader<'a> {
    id: Option<StepId>,
    closures: &'a Closures,
    faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    fn step(&mut self, mut form: StepForm) -> Step {
        let kind = self.kind(&mut form);
        let mut step = Step::new(std::mem::take(&mut form.id), kind);
        step.misplaced = form.left_over();
        step.description = form.description;
        step.retry = form.retry.map(RetryPolicy::from).unwrap_or_default();
        step.timeouts = Timeouts {
            attempt_ms: form.attempt_timeout_ms,
            step_ms: form.step_timeout_ms,
            heartbeat_ms: form.heartbeat_timeout_ms,
        };
        step.priority = form.priority;
        step.expected_ms = form.expected_ms;
        step.compensation = form.compensation.map(|undo| Compensation {
            role: self.name(Role::parse(undo.role)).unwrap_or(Role::GENERIC),
            retry: undo.retry.map(RetryPolicy::from).unwrap_or_default(),
        });
        step.join = form.join;
        step.input = form.input.and_then(|closure| self.transformer(closure));
        step.output = form.output.and_then(|closure| self.transformer(closure));
        for edge in form.after {
            if edge.when.is_some() && edge.on != On::Success {
                let from = edge.step.clone();
                self.fault(|step| Fault::ConditionalEdge { step, from });
            }
            let when = edge.when.and_then(|closure| self.condition(closure));
            step.incoming.push(Link { step: edge.step, on: edge.on, when });
        }
        step
    }

    /// What the step does. Takes out of the form what its kind has.
    fn kind(&mut self, form: &mut StepForm) -> Kind {
        let kind = form.kind;
        match kind {
            KindForm::Task => {
                let role = self.needed(form.role.take(), "role", "task");
                let role = role.and_then(|role| self.name(Role::parse(role)));
                let requires = std::mem::take(&mut form.requires).into_iter();
                let requires: BTreeSet<Capability> =
                    requires.filter_map(|name| self.name(Capability::parse(name))).collect();
                Kind::Task { role: role.unwrap_or(Role::GENERIC), requires }
            }
            KindForm::Branch => {
                let cases = std::mem::take(&mut form.cases).into_iter();
                let cases = cases.map(|CaseForm { when, step }| {
                    (self.condition(when).unwrap_or_else(BoundCondition::never), step)
                });
                Kind::Branch { cases: cases.collect(), otherwise: form.otherwise.take() }
            }
            KindForm::Loop => {
                let until = self.needed(form.until.take(), "until", "loop");
                let judge = match &until {
                    Some(UntilForm::AcceptedBy(by)) => Some(by.clone()),
                    Some(UntilForm::Condition(_)) | None => None,
                };
                let body = self.body(form, "loop", judge);
                let rounds_max = self.needed(form.rounds_max.take(), "rounds_max", "loop");
                let until = match until {
                    Some(UntilForm::AcceptedBy(by)) => Until::Accepted { by },
                    Some(UntilForm::Condition(closure)) => Until::Condition(
                        self.condition(closure).unwrap_or_else(BoundCondition::never),
                    ),
                    None => Until::Condition(BoundCondition::never()),
                };
                let rounds_kept = form.rounds_kept.take().unwrap_or(ROUNDS_KEPT);
                Kind::Loop { body, rounds_max: rounds_max.unwrap_or(1), rounds_kept, until }
            }
            KindForm::Map => {
                let body = self.body(form, "map", None);
                let most = form.concurrency_max.take();
                let concurrency_max = self.needed(most, "concurrency_max", "map").unwrap_or(1);
                let items_max = form.items_max.take().unwrap_or(ITEMS_MAX);
                let on_failure = form.on_item_failure.take().unwrap_or(OnItemFailure::FailFast);
                Kind::Map { body, concurrency_max, items_max, on_failure }
            }
            KindForm::Decision => {
                let question = self.needed(form.question.take(), "question", "decision");
                let default = form.default_choice.take();
                let default = default
                    .map(|form| DefaultChoice { choice: form.choice, after_ms: form.after_ms });
                let choices = form.choices.take().unwrap_or_default();
                Kind::Decision { question: question.unwrap_or_default(), choices, default }
            }
            KindForm::Wait => {
                let awaited = match form.signal.take() {
                    Some(signal) => Awaited::Signal(signal),
                    None => {
                        let delay = form.delay_ms.take();
                        let delay_ms = self.needed(delay, "signal` or `delay_ms", "wait");
                        Awaited::Timer { delay_ms: delay_ms.unwrap_or(0) }
                    }
                };
                Kind::Wait { awaited }
            }
            KindForm::SubWorkflow => Kind::Sub { body: self.body(form, "sub_workflow", None) },
        }
    }

    /// The workflow inside. One with faults gives way to one of a single step, named as the loop's judge if there is one.
    fn body(&mut self, form: &mut StepForm, kind: &'static str, judge: Option<String>) -> Workflow {
        let form = self.needed(form.body.take(), "body", kind);
        let built = form.map(|form| build(form, self.closures));
        match built {
            Some(Ok(workflow)) => return workflow,
            Some(Err(faults)) => {
                for fault in faults {
                    self.fault(|step| Fault::Inside { step, fault: Box::new(fault) });
                }
            }
            None => {}
        }
        let only = judge.filter(|name| StepId::parse(name).is_ok()).unwrap_or("step".to_owned());
        let sound = Workflow::builder("sound").step(Step::task(only, Role::GENERIC)).build();
        sound.expect("one task with a good name has no fault")
    }

    fn condition(&mut self, form: ClosureForm) -> Option<BoundCondition> {
        let step = self.id.clone()?;
        let found = self.closures.find_condition(&step, form);
        found.map_err(|fault| self.faults.push(fault)).ok()
    }

    fn transformer(&mut self, form: ClosureForm) -> Option<BoundTransformer> {
        let step = self.id.clone()?;
        let found = self.closures.find_transformer(&step, form);
        found.map_err(|fault| self.faults.push(fault)).ok()
    }

    fn name<T>(&mut self, parsed: Result<T, NameError>) -> Option<T> {
        parsed.map_err(|error| self.fault(|step| Fault::NameIn { step, error })).ok()
    }

    fn needed<T>(
        &mut self,
        value: Option<T>,
        setting: &'static str,
        kind: &'static str,
    ) -> Option<T> {
        if value.is_none() {
            self.fault(|step| Fault::Incomplete { step, setting, kind });
        }
        value
    }

    fn fault(&mut self, fault: impl FnOnce(StepId) -> Fault) {
        self.faults.extend(self.id.clone().map(fault));
    }
}

impl StepForm {
    /// The settings of other kinds, after the step's kind has taken its own.
    fn left_over(&self) -> Vec<&'static str> {
        let given = [
            ("role", self.role.is_some()),
            ("requires", !self.requires.is_empty()),
            ("cases", !self.cases.is_empty()),
            ("otherwise", self.otherwise.is_some()),
            ("rounds_max", self.rounds_max.is_some()),
            ("rounds_kept", self.rounds_kept.is_some()),
            ("until", self.until.is_some()),
            ("concurrency_max", self.concurrency_max.is_some()),
            ("items_max", self.items_max.is_some()),
            ("on_item_failure", self.on_item_failure.is_some()),
            ("question", self.question.is_some()),
            ("choices", self.choices.is_some()),
            ("default_choice", self.default_choice.is_some()),
            ("signal", self.signal.is_some()),
            ("delay_ms", self.delay_ms.is_some()),
            ("body", self.body.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(setting, _)| setting).collect()
    }
}
