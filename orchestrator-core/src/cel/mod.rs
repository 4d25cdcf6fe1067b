//! Conditions and transformers as CEL expressions, for definitions that are data.
//!
//! [CEL](https://cel.dev), the Common Expression Language, has no side effects and no loops but those over what is there. An expression is a
//! closure like any other: its name is its text, and what it gives is recorded, so that a replay evaluates nothing.
//!
//! | variable | what it is |
//! |---|---|
//! | `goal` | what the run is for |
//! | `input` | transformers only: the payload to be transformed |
//! | `outputs` | the outputs that can be seen, by step: `outputs.measure`, or `outputs['a-b']` |
//! | `round` | in a loop `round.index` and `round.carried`, else null |
//! | `item` | in a map `item.index` and `item.value`, else null |
//!
//! Whole numbers of JSON are `int` (beyond it `uint`), others `double`; operands of arithmetic must be of one type, as `double(input.n) * 1.5`.
//! Functions: `size`, `contains`, `startsWith`, `endsWith`, `string`, `int`, `uint`, `double`, `bool`, and the macros `has`, `all`,
//! `exists`, `exists_one`, `map` and `filter`. There is no regular expression and no clock.
//!
//! Same input, same bytes: a map has no order in CEL, so going through one goes through its keys in sorted order, and an error is told
//! without the values concerned. An expression ends soon: its length, its depth and the work it does have bounds.
//!
//! ```
//! use orchestrator_core::{Condition, Context, Payload, Transformer, cel_condition, cel_transform};
//! let context = Context::detached("a page").with_output("review", Payload::parse(r#"{"score": 0.7}"#)?);
//! assert!(cel_condition("outputs.review.score > 0.5").holds(&context).unwrap());
//!
//! let mapping = cel_transform("{'title': input.title, 'for': goal}");
//! let made = mapping.transform(&Payload::parse(r#"{"title": "T"}"#)?, &context).unwrap();
//! assert_eq!(made.as_json(), r#"{"for":"a page","title":"T"}"#);
//! # Ok::<(), orchestrator_core::PayloadError>(())
//! ```

mod compile;
mod value;
mod work;

use cel::Value;

use self::compile::Program;
use crate::closure::{ClosureError, Condition, Transformer};
use crate::context::Context;
use crate::payload::Payload;

/// The longest expression, in bytes: far more than anybody would read, and little enough for the parser.
pub(crate) const EXPRESSION_BYTES_MAX: usize = 4096;

/// A condition in CEL; see [`cel_condition`].
pub struct CelCondition(Program);

/// A transformer in CEL; see [`cel_transform`].
pub struct CelTransformer(Program);

/// A condition that is a CEL expression over `goal`, `item`, `outputs` and `round`, giving a bool. One that does not compile is a fault of the
/// workflow that it is put into.
///
/// ```
/// use orchestrator_core::{Role, Step, Workflow, cel_condition};
/// let faults = Workflow::builder("sort")
///     .step(Step::task("measure", Role::GENERIC))
///     .step(Step::task("split", Role::GENERIC).after_when("measure", cel_condition("outputs.measure > limit")))
///     .build()
///     .unwrap_err();
/// assert_eq!(
///     faults.faults[0].to_string(),
///     "step \"split\": the condition \"outputs.measure > limit\" cannot be used: 1:19: unknown name `limit`; there are: goal, item, outputs, round"
/// );
/// ```
pub fn cel_condition(expression: impl Into<String>) -> CelCondition {
    CelCondition(Program::compile(expression.into(), &["goal", "item", "outputs", "round"]))
}

/// A transformer that is a CEL expression over `input`, `goal`, `item`, `outputs` and `round`. One that does not compile is a fault of the workflow
/// that it is put into.
pub fn cel_transform(expression: impl Into<String>) -> CelTransformer {
    CelTransformer(Program::compile(
        expression.into(),
        &["goal", "input", "item", "outputs", "round"],
    ))
}

impl Condition for CelCondition {
    fn holds(&self, context: &Context) -> Result<bool, ClosureError> {
        match self.0.evaluate(None, context)? {
            Value::Bool(holds) => Ok(holds),
            other => {
                Err(ClosureError::new(format!("it gives a {}, and not a bool", other.type_of())))
            }
        }
    }

    fn name(&self) -> &str {
        self.0.expression()
    }

    fn expression(&self) -> Option<&str> {
        Some(self.0.expression())
    }

    fn unusable(&self) -> Option<String> {
        self.0.fault().map(str::to_owned)
    }
}

impl Transformer for CelTransformer {
    fn transform(&self, payload: &Payload, context: &Context) -> Result<Payload, ClosureError> {
        let made = self.0.evaluate(Some(payload), context)?;
        Ok(Payload::of(&value::to_json(&made)?)?)
    }

    fn name(&self) -> &str {
        self.0.expression()
    }

    fn expression(&self) -> Option<&str> {
        Some(self.0.expression())
    }

    fn unusable(&self) -> Option<String> {
        self.0.fault().map(str::to_owned)
    }
}
