//! The host goes down, and comes up again with what it had committed.

use std::time::Duration;

use super::Host;
use crate::run::{Command, Past, Recorded, Run, Snapshot};
use crate::testkit::reference::{Cause, Checked, Reference, must};
use crate::testkit::violation::Rule;

impl Host<'_> {
    /// Loses everything that is not committed, and begins again from the rest.
    pub(super) fn crash(&mut self) -> Checked {
        if self.committed == 0 {
            return Ok(());
        }
        self.crashes += 1;
        self.coverage.note("crash");
        let past = self.past()?;
        self.log.truncate(self.committed);
        self.snapshot = None;
        self.given.forget();
        // A worker or a person outlives the host now and then, and answers what is asked a second time.
        let keeps = self.dice.chance(0.3);
        let mut outlived = std::mem::take(&mut self.open);
        self.said.clear();
        self.told.clear();
        self.now = self.now.after(Duration::from_millis(self.dice.below(200) as u64));
        let restored =
            Run::restore(self.simulation.workflow.clone(), self.options.clone(), past, self.now);
        self.run = restored.map_err(|error| (Rule::Replay, error.to_string()))?;
        self.reference = Reference::new(self.terms);
        for recorded in &self.log {
            self.reference.event(recorded, Cause::Unknown)?;
        }
        let events = self.new_events();
        self.show(events, Cause::Restored)?;
        self.reference.nothing_missing()?;
        self.compare()?;
        self.compare_steps(&self.run.view(), &self.reference)?;
        outlived.retain(|command| {
            let id = match command {
                Command::Execute { attempt, .. } => attempt,
                _ => return false,
            };
            keeps && self.reference.awaits(id) == Some(true)
        });
        if !outlived.is_empty() {
            self.coverage.note("outlived the host");
        }
        self.open = outlived;
        Ok(())
    }

    /// What is left after a crash: events, a text whose last line is torn, or a snapshot and the events after it.
    fn past(&mut self) -> Checked<Past> {
        let kept = &self.log[..self.committed];
        let events = match self.dice.below(3) {
            0 => {
                self.coverage.note("torn line");
                let mut text = String::new();
                for recorded in kept {
                    text.push_str(&serde_json::to_string(recorded).expect("events are JSON"));
                    text.push('\n');
                }
                if let Some(next) = self.log.get(self.committed) {
                    let line = serde_json::to_string(next).expect("events are JSON");
                    let cut = (1..line.len()).rev().find(|&at| line.is_char_boundary(at));
                    text.push_str(&line[..cut.unwrap_or(0)]);
                }
                let read = text.lines().map_while(|line| serde_json::from_str(line).ok());
                let read: Vec<Recorded> = read.collect();
                must(read == kept, Rule::Replay, || "events change when they are written".into())?;
                read
            }
            _ => kept.to_vec(),
        };
        if self.committed == self.log.len() && self.dice.chance(0.3) {
            self.snapshot = Some(self.run.snapshot());
        }
        let usable = |snapshot: &mut Snapshot| snapshot.seq <= self.committed as u64;
        let Some(snapshot) = self.snapshot.take_if(usable) else { return Ok(events.into()) };
        self.coverage.note("snapshot");
        let text = serde_json::to_string(&snapshot).expect("a snapshot is JSON");
        let read: Option<Snapshot> = serde_json::from_str(&text).ok();
        must(read.as_ref() == Some(&snapshot), Rule::Replay, || {
            "a snapshot changes when it is written".into()
        })?;
        // A store may have kept more than the events after it.
        let from = if self.dice.chance(0.5) { snapshot.seq as usize } else { 0 };
        Ok(Past { snapshot: read, events: events[from..].to_vec() })
    }
}
