//! The host's conditions and transformers by name and version: what a definition as data refers to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::fault::Fault;
use super::json::{CelForm, ClosureForm, NamedForm};
use crate::closure::{BoundCondition, BoundTransformer, Condition, Transformer};
use crate::id::StepId;

type Table<T> = BTreeMap<(String, u32), T>;

/// Conditions and transformers that a definition as data may name.
///
/// ```
/// use orchestrator_core::{Closures, Context, Workflow, condition_fn};
/// let closures = Closures::new()
///     .condition(condition_fn("large", 1, |context: &Context| Ok(context.output::<u64>("measure")? > 100)));
/// let workflow = Workflow::from_json(
///     r#"{
///         "v": 1,
///         "name": "sort",
///         "steps": [
///             { "id": "measure", "kind": "task", "role": "generic" },
///             { "id": "split", "kind": "task", "role": "generic",
///               "after": [{ "step": "measure", "when": { "name": "large", "version": 1 } }] }
///         ]
///     }"#,
///     &closures,
/// )?;
/// assert_eq!(workflow.steps().count(), 2);
/// # Ok::<(), orchestrator_core::DefinitionError>(())
/// ```
#[derive(Clone, Default)]
pub struct Closures {
    conditions: Table<BoundCondition>,
    transformers: Table<BoundTransformer>,
}

impl Closures {
    /// None.
    pub fn new() -> Closures {
        Closures::default()
    }

    /// Adds a condition under its own name and version; the last one that is added under them counts.
    #[must_use]
    pub fn condition(mut self, condition: impl Condition + 'static) -> Closures {
        let key = (condition.name().to_owned(), condition.version());
        self.conditions.insert(key, BoundCondition(Arc::new(condition)));
        self
    }

    /// Adds a transformer under its own name and version; the last one that is added under them counts.
    #[must_use]
    pub fn transformer(mut self, transformer: impl Transformer + 'static) -> Closures {
        let key = (transformer.name().to_owned(), transformer.version());
        self.transformers.insert(key, BoundTransformer(Arc::new(transformer)));
        self
    }

    pub(super) fn find_condition(
        &self,
        step: &StepId,
        form: ClosureForm,
    ) -> Result<BoundCondition, Fault> {
        match form {
            ClosureForm::Named(named) => find(&self.conditions, step, "condition", named),
            ClosureForm::Cel(CelForm { cel }) => cel_condition(step, cel),
        }
    }

    pub(super) fn find_transformer(
        &self,
        step: &StepId,
        form: ClosureForm,
    ) -> Result<BoundTransformer, Fault> {
        match form {
            ClosureForm::Named(named) => find(&self.transformers, step, "transformer", named),
            ClosureForm::Cel(CelForm { cel }) => cel_transformer(step, cel),
        }
    }
}

fn find<T: Clone>(
    table: &Table<T>,
    step: &StepId,
    what: &'static str,
    named: NamedForm,
) -> Result<T, Fault> {
    let key = (named.name, named.version);
    table.get(&key).cloned().ok_or_else(|| {
        let known = table.keys().map(|(name, version)| format!("{name}@{version}")).collect();
        Fault::NoClosure { step: step.clone(), what, name: key.0, version: key.1, known }
    })
}

#[cfg(feature = "cel")]
fn cel_condition(_: &StepId, expression: String) -> Result<BoundCondition, Fault> {
    Ok(BoundCondition(Arc::new(crate::cel::cel_condition(expression))))
}

#[cfg(feature = "cel")]
fn cel_transformer(_: &StepId, expression: String) -> Result<BoundTransformer, Fault> {
    Ok(BoundTransformer(Arc::new(crate::cel::cel_transform(expression))))
}

#[cfg(not(feature = "cel"))]
fn cel_condition(step: &StepId, expression: String) -> Result<BoundCondition, Fault> {
    Err(Fault::NoCel { step: step.clone(), expression })
}

#[cfg(not(feature = "cel"))]
fn cel_transformer(step: &StepId, expression: String) -> Result<BoundTransformer, Fault> {
    Err(Fault::NoCel { step: step.clone(), expression })
}

impl fmt::Debug for Closures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closures")
            .field("conditions", &self.conditions.values())
            .field("transformers", &self.transformers.values())
            .finish()
    }
}
