//! What a simulation found: which rule was broken, by which event, and the seed that shows it again.

use std::fmt;

use crate::run::Recorded;

/// What must be true of every run. See ARCHITECTURE.md for the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// Events are numbered without gaps, their times do not run backwards, and they are of a run that has begun.
    History,
    /// No step starts or is skipped before its join says so, and none does so twice; the edges fire as the truth table has it.
    Join,
    /// Steps that are ready start in the order in which they became so.
    Order,
    /// Steps get the inputs, and give the outputs, that the definition makes of what has happened.
    Value,
    /// Attempts follow each other without gaps, never exceed their bound, and rest as long as they should.
    Attempts,
    /// No attempt is handed out again after a crash more often than allowed.
    Redispatches,
    /// Nothing is late, and nothing too early: timers, timeouts, defaults.
    Deadline,
    /// Loops, maps and sub-workflows end when, and as, what is in them has ended.
    Frames,
    /// A map starts its items in order, and never has more of them open than allowed.
    Concurrency,
    /// Nothing begins while the run is paused.
    Pause,
    /// After a cancellation nothing but compensations begins, and everything in flight is told and answers.
    Cancel,
    /// Compensations run one after the other, the last success first, each once.
    Unwinding,
    /// The run ends when everything has, with the result that follows from it; nothing comes after its end.
    End,
    /// Nothing that has to happen is left undone when an input has been handled.
    Missing,
    /// Answers, choices, decisions and signals that stand in the history were given.
    Cause,
    /// No command leaves before its cause is committed, none twice, and none after the end.
    Command,
    /// An attempt is handed out with the same key, seed, input and context every time.
    HandOut,
    /// An input that is late, double or invented is ignored or refused, and leaves nothing behind.
    Ignored,
    /// What the run says of itself is what follows from its history: statuses, deadlines, outcome.
    State,
    /// A run that is restored, out of its history or a snapshot, is the run that was.
    Replay,
    /// The same inputs give the same bytes.
    Bytes,
    /// Other orders of arrival give the same outcome, where the workflow does not make them matter.
    Confluence,
    /// The run comes to its end.
    Progress,
    /// Nothing panics.
    Panic,
}

/// A rule that was broken.
///
/// It prints how to see it again. The seed is that of the [`Simulation`](super::Simulation).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Violation {
    /// What [`Simulation::new`](super::Simulation::new) was given.
    pub seed: u64,
    /// The rule.
    pub rule: Rule,
    /// The event that broke it, if it was one.
    pub event: Option<Recorded>,
    /// What should have been.
    pub detail: String,
    /// The last events before that, oldest first; at most [`Violation::EVENTS_MAX`].
    pub before: Vec<Recorded>,
}

impl Violation {
    /// How many of the last events a violation keeps.
    pub const EVENTS_MAX: usize = 12;
}

impl std::error::Error for Violation {}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |recorded: &Recorded| {
            serde_json::to_string(recorded).unwrap_or_else(|_| format!("{recorded:?}"))
        };
        writeln!(f, "seed {} breaks the rule {:?}: {}", self.seed, self.rule, self.detail)?;
        for recorded in &self.before {
            writeln!(f, "    {}", line(recorded))?;
        }
        if let Some(event) = &self.event {
            writeln!(f, "  > {}", line(event))?;
        }
        write!(f, "repeat it with {}={}", super::SEED_VARIABLE, self.seed)
    }
}
