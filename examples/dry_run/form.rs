//! Which of the two forms a file has.

use std::error::Error;

use orchestrator_ai::core::{Closures, Workflow};

use crate::trace::Trace;
use crate::wfformat;

/// A definition in our own form is an object with steps; anything else should be a trace.
pub(crate) fn read(bytes: &[u8]) -> Result<Trace, Box<dyn Error>> {
    let ours = serde_json::from_slice::<serde_json::Value>(bytes)
        .is_ok_and(|form| form.get("steps").is_some() && form.get("workflow").is_none());
    if !ours {
        return Ok(wfformat::read(bytes)?);
    }
    let text = std::str::from_utf8(bytes)?;
    Ok(Trace::of(Workflow::from_json(text, &Closures::new())?))
}
