//! User code that the engine calls while it decides: transformers and conditions.
//!
//! Both are synchronous, pure, named and versioned: the name and version go into the definition's hash, the verdict into the history,
//! and a replay calls neither. A panic inside is an error of the step concerned, not the end of the host.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::context::{Context, ContextError};
use crate::payload::{Payload, PayloadError};
use crate::task::TaskError;

/// Why a transformer or a condition gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ClosureError {
    /// What went wrong.
    pub reason: String,
}

impl ClosureError {
    /// An error with this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        ClosureError { reason: reason.into() }
    }
}

impl From<ContextError> for ClosureError {
    fn from(error: ContextError) -> Self {
        ClosureError::new(error.to_string())
    }
}

impl From<PayloadError> for ClosureError {
    fn from(error: PayloadError) -> Self {
        ClosureError::new(error.to_string())
    }
}

/// Makes a step's input out of what it sees, or its output out of what its worker gave.
///
/// ```
/// use orchestrator_core::{transform_fn, Context, Payload, Transformer};
/// let title = transform_fn("title", 1, |spec: &Payload, _: &Context| {
///     Ok(Payload::of(&spec.at::<String>("/title")?)?)
/// });
/// let spec = Payload::parse(r#"{"title": "Portfolio"}"#)?;
/// assert_eq!(title.transform(&spec, &Context::detached("")).unwrap(), Payload::from("Portfolio"));
/// # Ok::<(), orchestrator_core::PayloadError>(())
/// ```
pub trait Transformer: Send + Sync {
    /// The new payload. For an input, `payload` is what the step would get without a transformer.
    ///
    /// # Errors
    /// When it cannot be made: the step fails with the code `transformer`.
    fn transform(&self, payload: &Payload, context: &Context) -> Result<Payload, ClosureError>;

    /// The name in the definition.
    fn name(&self) -> &str;

    /// Raised whenever the code changes in a way that changes results. Default 1.
    fn version(&self) -> u32 {
        1
    }

    /// The CEL expression that says all of it: a definition as data holds it in place of name and version. Default: none, it is code.
    fn expression(&self) -> Option<&str> {
        None
    }

    /// Why it can never be used, if that can be told beforehand: a fault of the definition. Default: nothing is known.
    fn unusable(&self) -> Option<String> {
        None
    }
}

/// Says whether something holds of what can be seen.
///
/// ```
/// use orchestrator_core::{condition_fn, Condition, Context, Payload};
/// let approved = condition_fn("approved", 1, |context: &Context| {
///     Ok(context.output::<bool>("review_code")?)
/// });
/// let context = Context::detached("").with_output("review_code", Payload::of(&true)?);
/// assert!(approved.holds(&context).unwrap());
/// # Ok::<(), orchestrator_core::PayloadError>(())
/// ```
pub trait Condition: Send + Sync {
    /// Whether it holds.
    ///
    /// # Errors
    /// When it cannot be said: the step concerned fails with the code `condition`.
    fn holds(&self, context: &Context) -> Result<bool, ClosureError>;

    /// The name in the definition.
    fn name(&self) -> &str;

    /// Raised whenever the code changes in a way that changes results. Default 1.
    fn version(&self) -> u32 {
        1
    }

    /// The CEL expression that says all of it: a definition as data holds it in place of name and version. Default: none, it is code.
    fn expression(&self) -> Option<&str> {
        None
    }

    /// Why it can never be used, if that can be told beforehand: a fault of the definition. Default: nothing is known.
    fn unusable(&self) -> Option<String> {
        None
    }
}

/// A transformer out of a closure.
pub fn transform_fn<F>(name: &str, version: u32, transform: F) -> Named<F>
where
    F: Fn(&Payload, &Context) -> Result<Payload, ClosureError> + Send + Sync,
{
    Named { name: name.to_owned(), version, call: transform }
}

/// A condition out of a closure.
pub fn condition_fn<F>(name: &str, version: u32, holds: F) -> Named<F>
where
    F: Fn(&Context) -> Result<bool, ClosureError> + Send + Sync,
{
    Named { name: name.to_owned(), version, call: holds }
}

/// A closure with the name and version under which a definition knows it. See [`transform_fn`] and [`condition_fn`].
pub struct Named<F> {
    name: String,
    version: u32,
    call: F,
}

impl<F> Transformer for Named<F>
where
    F: Fn(&Payload, &Context) -> Result<Payload, ClosureError> + Send + Sync,
{
    fn transform(&self, payload: &Payload, context: &Context) -> Result<Payload, ClosureError> {
        (self.call)(payload, context)
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn version(&self) -> u32 {
        self.version
    }
}

impl<F> Condition for Named<F>
where
    F: Fn(&Context) -> Result<bool, ClosureError> + Send + Sync,
{
    fn holds(&self, context: &Context) -> Result<bool, ClosureError> {
        (self.call)(context)
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn version(&self) -> u32 {
        self.version
    }
}

/// A transformer in a definition: shared, and safe against panics.
#[derive(Clone)]
pub(crate) struct BoundTransformer(pub(crate) Arc<dyn Transformer>);

impl BoundTransformer {
    pub(crate) fn unusable(&self) -> Option<String> {
        guarded(|| Ok(self.0.unusable())).unwrap_or_else(Some)
    }

    pub(crate) fn apply(&self, payload: &Payload, context: &Context) -> Result<Payload, TaskError> {
        guarded(|| self.0.transform(payload, context))
            .map_err(|reason| failure("transformer", self.0.name(), &reason))
    }
}

/// A condition in a definition: shared, and safe against panics.
#[derive(Clone)]
pub(crate) struct BoundCondition(pub(crate) Arc<dyn Condition>);

impl BoundCondition {
    /// A condition in the place of one that could not be had, in a definition that is refused for it.
    pub(crate) fn never() -> BoundCondition {
        BoundCondition(Arc::new(condition_fn("never", 1, |_: &Context| Ok(false))))
    }

    pub(crate) fn unusable(&self) -> Option<String> {
        guarded(|| Ok(self.0.unusable())).unwrap_or_else(Some)
    }

    pub(crate) fn check(&self, context: &Context) -> Result<bool, TaskError> {
        guarded(|| self.0.holds(context))
            .map_err(|reason| failure("condition", self.0.name(), &reason))
    }
}

fn failure(kind: &str, name: &str, reason: &str) -> TaskError {
    TaskError::terminal(kind, format!("{kind} {name:?}: {reason}"))
}

fn guarded<T>(call: impl FnOnce() -> Result<T, ClosureError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(answer) => answer.map_err(|error| error.reason),
        Err(panic) => Err(format!("it panicked: {}", panic_text(&*panic))),
    }
}

/// What a panic said, if it said it in words.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

impl fmt::Debug for BoundTransformer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.0.name(), self.0.version())
    }
}

impl fmt::Debug for BoundCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.0.name(), self.0.version())
    }
}
