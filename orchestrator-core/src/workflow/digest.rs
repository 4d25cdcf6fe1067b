//! Digests of a definition: by the whole a run knows that it is resumed under the definition that it began with, by the steps one can say
//! what has changed. Made when they are first asked for, since a definition that is only checked needs none.

use std::fmt::{self, Write};
use std::hash::Hasher;

use super::kind::{Awaited, Kind, Until};
use super::step::Step;
use super::{Fires, StepDef, Workflow};
use crate::closure::{BoundCondition, BoundTransformer};
use crate::payload::Payload;

/// The version of the text that is hashed. To be raised when the text changes in any way, since old journals hold digests of it.
const VERSION: u32 = 1;

pub(super) struct Digests {
    pub(super) whole: String,
    pub(super) steps: Payload,
}

/// FNV-1a with 64 bits (Fowler, Noll, Vo): short names are hashed in a few nanoseconds, and the same on every target.
#[derive(Clone, Copy)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}

pub(super) fn of(workflow: &Workflow) -> Digests {
    let mut whole = Payload::hasher();
    let mut steps = std::collections::BTreeMap::new();
    let written = write!(whole, "{VERSION} {:?}", workflow.name().as_str());
    written.expect("a hasher takes everything");
    for def in workflow.defs() {
        let mut own = Fnv::default();
        describe(workflow, def, &mut own).expect("a hasher takes everything");
        let own = own.finish();
        write!(whole, " {own:016x}").expect("a hasher takes everything");
        steps.insert(def.id.to_string(), format!("{own:016x}"));
        if let Some(body) = def.step.kind.body() {
            write!(whole, "/{}", body.digest()).expect("a hasher takes everything");
            let inner: std::collections::BTreeMap<String, String> =
                body.step_digests().to().expect("made as an object of texts");
            steps.extend(inner.into_iter().map(|(step, own)| (format!("{}/{step}", def.id), own)));
        }
    }
    let steps = Payload::of(&steps).expect("an object of texts has a canonical form");
    Digests { whole: whole.finish(), steps }
}

/// Everything of a step that decides how a run goes; descriptions, questions and the bodies inside are not in it.
fn describe(workflow: &Workflow, def: &StepDef, to: &mut impl Write) -> fmt::Result {
    let Step { kind, retry, timeouts, priority, compensation, join, input, output, .. } = &def.step;
    write!(to, "{:?} {} {join:?}", def.id.as_str(), kind.word())?;
    match kind {
        Kind::Task { role, requires } => write!(to, " {role} {requires:?}")?,
        Kind::Branch { cases, .. } => {
            for ((condition, _), way) in cases.iter().zip(&def.ways) {
                write!(to, " {}:{:?}", name(condition), workflow.def(*way).id)?;
            }
            let otherwise = def.ways.last().map(|&way| &workflow.def(way).id);
            write!(to, " {otherwise:?}")?;
        }
        Kind::Loop { rounds_max, rounds_kept, until, .. } => {
            write!(to, " {rounds_max} {rounds_kept}")?;
            match until {
                Until::Condition(condition) => write!(to, " {}", name(condition))?,
                Until::Accepted { by } => write!(to, " by {by:?}")?,
            }
        }
        Kind::Map { concurrency_max, items_max, on_failure, .. } => {
            write!(to, " {concurrency_max} {items_max} {on_failure:?}")?;
        }
        Kind::Decision { choices, default, .. } => write!(to, " {choices:?} {default:?}")?,
        Kind::Wait { awaited: Awaited::Signal(signal) } => write!(to, " {signal:?}")?,
        Kind::Wait { awaited: Awaited::Timer { delay_ms } } => write!(to, " {delay_ms}")?,
        Kind::Sub { .. } => {}
    }
    if *retry != crate::retry::RetryPolicy::default() {
        write!(to, " {retry:?}")?;
    }
    if *timeouts != super::kind::Timeouts::default() {
        write!(to, " {timeouts:?}")?;
    }
    write!(to, " {priority}")?;
    if let Some(compensation) = compensation {
        write!(to, " {compensation:?}")?;
    }
    for edge in &def.incoming {
        let on = match edge.fires {
            Fires::Success => '+',
            Fires::Failure => '-',
            Fires::Always => '=',
            Fires::Chosen => '?',
        };
        write!(to, " {on}{:?}", workflow.def(edge.step).id.as_str())?;
        if let Some(when) = edge.when {
            write!(to, "{}", name(&def.conditions[when as usize]))?;
        }
    }
    for (mark, transformer) in [('<', input), ('>', output)] {
        if let Some(BoundTransformer(transformer)) = transformer {
            let cel = if transformer.expression().is_some() { "cel" } else { "" };
            write!(to, " {mark}{cel}{:?}@{}", transformer.name(), transformer.version())?;
        }
    }
    Ok(())
}

fn name(BoundCondition(condition): &BoundCondition) -> String {
    // An expression is told apart from code that has its text for a name.
    let cel = if condition.expression().is_some() { "cel" } else { "" };
    format!("{cel}{:?}@{}", condition.name(), condition.version())
}
