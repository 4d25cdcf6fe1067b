//! What keeps evaluation short, and in one order: two functions that the compiler puts into an expression, and no author can write.
//!
//! `@work(x)` is `x`, and adds the size of `x` to the work done; the compiler puts it around whatever a call works on and whatever goes
//! into a new list or map. So a value that was ever made is paid for, and a small text cannot blow itself up. `@list(x)` is what a
//! comprehension goes through: `x` if it is a list, its keys in sorted order if it is a map, paid for element by element.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cel::common::types::{CelBytes, CelList, CelMap, CelString};
use cel::common::value::{CowVal, Val};
use cel::functions::FunctionContext;
use cel::{Context, ExecutionError};

type Function = Box<
    dyn for<'c, 'v> Fn(&mut FunctionContext<'c, 'v>) -> Result<CowVal<'c, 'v>, ExecutionError>
        + Send
        + Sync,
>;

pub(super) const WORK: &str = "@work";
pub(super) const LIST: &str = "@list";

/// How much work one evaluation may do: a value is a unit, and so are eight bytes of text. Enough to go a few times through the largest
/// payload there may be; done in well under a second.
pub(super) const WORK_MAX: u64 = 2_000_000;

/// How much work has been done.
#[derive(Clone, Default)]
pub(super) struct Meter(Arc<AtomicU64>);

impl Meter {
    pub(super) fn is_exhausted(&self) -> bool {
        self.0.load(Ordering::Relaxed) > WORK_MAX
    }

    /// Pays for a value. `all` and `exists` go on after an error, so an exhausted meter must not measure anything any more.
    fn add(&self, value: &dyn Val) -> Result<(), ExecutionError> {
        if !self.is_exhausted() {
            self.0.fetch_add(size(value), Ordering::Relaxed);
        }
        if self.is_exhausted() {
            // Told by the caller, who asks the meter.
            return Err(ExecutionError::InternalError(String::new()));
        }
        Ok(())
    }

    /// Puts both functions into the context.
    pub(super) fn install(&self, context: &mut Context<'_, '_>) {
        let meter = self.clone();
        let work: Function = Box::new(move |call| {
            let value = only(call)?;
            meter.add(value.as_ref())?;
            Ok(value)
        });
        let meter = self.clone();
        let list: Function = Box::new(move |call| {
            let value = only(call)?;
            meter.add(value.as_ref())?;
            match value.downcast_ref::<CelMap<'_>>() {
                Some(map) => Ok(CowVal::owned(sorted_keys(map))),
                None => Ok(value),
            }
        });
        for (name, function) in [(WORK, work), (LIST, list)] {
            context.add_function(name, function).expect("CEL has no function of this name");
        }
    }
}

/// The argument. The compiler gives exactly one.
fn only<'c, 'v>(call: &mut FunctionContext<'c, 'v>) -> Result<CowVal<'c, 'v>, ExecutionError> {
    call.args.pop().ok_or(ExecutionError::MissingArgumentOrTarget)
}

fn sorted_keys<'v>(map: &CelMap<'v>) -> CelList<'v> {
    let mut keys: Vec<_> = map.inner().keys().collect();
    keys.sort();
    CelList::from(keys.into_iter().map(|key| key.inner().clone_as_boxed()).collect::<Vec<_>>())
}

/// How large a value is. Recursion is as deep as the value: as JSON may be, and an expression besides.
fn size(value: &dyn Val) -> u64 {
    let text = |bytes: usize| 1 + bytes as u64 / 8;
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        1 + list.inner().iter().map(|item| size(item.as_ref())).sum::<u64>()
    } else if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
        let entries = map.inner().iter();
        1 + entries.map(|(key, item)| size(key.inner()) + size(item.as_ref())).sum::<u64>()
    } else if let Some(string) = value.downcast_ref::<CelString<'_>>() {
        text(string.inner().len())
    } else if let Some(bytes) = value.downcast_ref::<CelBytes<'_>>() {
        text(bytes.inner().len())
    } else {
        1
    }
}
