//! Writes a definition as JSON, and reads one: every fault of the text at once, as `build()` does.

use std::collections::BTreeSet;

use super::closures::Closures;
use super::fault::{Fault, Faults};
use super::form::{
    BodyForm, CaseForm, CelForm, ClosureForm, CompensationForm, DefaultForm, EdgeForm, KindForm,
    NamedForm, RootForm, StepForm, UntilForm, VERSION, Versioned,
};
use super::step::{
    Awaited, Compensation, DefaultChoice, ITEMS_MAX, Join, Kind, Link, On, OnItemFailure,
    ROUNDS_KEPT, Step, Timeouts, Until,
};
use super::{Fires, StepDef, Workflow, check};
use crate::closure::{BoundCondition, BoundTransformer};
use crate::id::{Capability, NameError, Role, StepId};
use crate::retry::RetryPolicy;

/// The schema, draft 2020-12.
pub(super) const SCHEMA: &str = include_str!("../../schema/workflow.v1.schema.json");

/// Why a text is no definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionError {
    /// Correct the text at this place.
    #[error("the definition cannot be read: {reason}")]
    Json {
        /// What is wrong, with line and column.
        reason: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1 in bytes.
        column: usize,
    },
    /// Write `"v": 1`.
    #[error("the definition does not say its version; write \"v\": {VERSION}")]
    NoVersion,
    /// Read it with a library that knows this version.
    #[error("the definition has version {found}; this library reads version {VERSION}")]
    Version {
        /// What the text says.
        found: u32,
    },
    /// Correct all of them.
    #[error(transparent)]
    Faults(#[from] Faults),
}

impl From<serde_json::Error> for DefinitionError {
    fn from(error: serde_json::Error) -> DefinitionError {
        let (line, column) = (error.line(), error.column());
        DefinitionError::Json { reason: error.to_string(), line, column }
    }
}

pub(super) fn write(workflow: &Workflow) -> String {
    let form = RootForm::new(body_form(workflow));
    serde_json::to_string_pretty(&form).expect("a form has text keys and no floating numbers")
}

pub(super) fn read(text: &str, closures: &Closures) -> Result<Workflow, DefinitionError> {
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
    fn new(id: String, kind: KindForm) -> StepForm {
        StepForm {
            id,
            kind,
            description: String::new(),
            role: None,
            requires: Vec::new(),
            priority: 0,
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
