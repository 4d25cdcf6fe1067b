//! The oracle: a naive scheduler that is shown the history of a run and says of every event whether it was allowed just then, and after
//! every input whether something that had to happen is missing.
//!
//! It shares nothing with `run/` but the words of the history: it keeps maps keyed by paths in text, looks every edge of a frame up again
//! after every event, and follows the table in ARCHITECTURE.md rather than any code. What workers, routers and people said is taken from
//! the events; everything that follows from that is worked out here and compared.

mod attempts;
mod duties;
mod frames;
mod joins;

use std::collections::{BTreeMap, VecDeque};

use super::model::{Model, StepModel};
use super::violation::Rule;
use crate::context::{Item, Round};
use crate::id::Role;
use crate::payload::Payload;
use crate::route::Candidate;
use crate::run::{Event, Input, Recorded, RunResult};
use crate::task::TaskError;
use crate::time::Timestamp;

/// What a run was asked to be.
pub(super) struct Terms<'m> {
    pub(super) model: &'m Model,
    pub(super) staff: &'m [(Role, Candidate)],
    pub(super) redispatches_max: u32,
    pub(super) payload_bytes_max: usize,
}

/// Why events came about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cause<'a> {
    /// Nobody knows: the history is all there is.
    Unknown,
    /// The run was restored.
    Restored,
    /// The run was told something.
    Told(&'a Input),
}

/// A broken rule, and how it was broken.
pub(super) type Broken = (Rule, String);
pub(super) type Checked<T = ()> = Result<T, Broken>;

pub(super) fn broken<T>(rule: Rule, detail: impl Into<String>) -> Checked<T> {
    Err((rule, detail.into()))
}

pub(super) fn must(holds: bool, rule: Rule, detail: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err((rule, detail())) }
}

pub(super) struct Reference<'m> {
    terms: &'m Terms<'m>,
    goal: String,
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    /// By the text in front of the steps in their paths: nothing for the run itself, `draft[2]/` for a round.
    frames: BTreeMap<String, Frame<'m>>,
    signals: BTreeMap<String, VecDeque<Payload>>,
    paused: bool,
    pub(super) cancelled: Option<String>,
    unwinding: Option<RunResult>,
    pub(super) result: Option<RunResult>,
    /// Steps that have succeeded and can be undone, in the order of their success.
    undos: Vec<Undo>,
}

/// The run, a round, an item, or a sub-workflow.
struct Frame<'m> {
    model: &'m Model,
    /// The frame around it, the step in that, and which round or item this is.
    owner: Option<(String, usize, u32)>,
    input: Payload,
    round: Option<Round>,
    item: Option<Item>,
    /// What the step around it sees.
    outside: BTreeMap<String, Payload>,
    nodes: Vec<Node>,
    /// Nothing happens in it any more.
    closed: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    Waiting,
    Routing { attempt: u32, redispatches: u32 },
    Working { attempt: u32, redispatches: u32, began: Timestamp, beat: Timestamp },
    Resting { attempt: u32, until: Timestamp },
    Open,
    Asked { deadline: Option<Timestamp> },
    Awaiting { since: u64, until: Option<Timestamp> },
    Stopping { error: TaskError },
    Succeeded { output: Payload },
    Failed { error: TaskError },
    Skipped { poisoned: bool },
}

struct Node {
    phase: Phase,
    /// The event by which its join was decided, and whether it is to start.
    ready: Option<(u64, bool)>,
    started: Timestamp,
    input: Payload,
    sees: BTreeMap<String, Payload>,
    /// What the conditions of its edges said, by the step where they start.
    decided: BTreeMap<usize, bool>,
    /// The condition that could not be asked.
    condition_error: Option<TaskError>,
    /// Where a branch went.
    way: Option<String>,
    /// Rounds begun, or items.
    begun: u32,
    elements: Vec<Payload>,
    results: Vec<Option<Result<Payload, TaskError>>>,
}

struct Undo {
    place: (String, usize),
    output: Payload,
    phase: Phase,
}

/// A step of a frame, or what undoes one.
#[derive(Clone, PartialEq)]
enum Place {
    Step(String, usize),
    Undo(usize),
}

impl<'m> Reference<'m> {
    pub(super) fn new(terms: &'m Terms<'m>) -> Reference<'m> {
        Reference {
            terms,
            goal: String::new(),
            seq: 0,
            at: Timestamp(0),
            frames: BTreeMap::new(),
            signals: BTreeMap::new(),
            paused: false,
            cancelled: None,
            unwinding: None,
            result: None,
            undos: Vec::new(),
        }
    }

    /// Takes the next event, or says why it cannot be.
    pub(super) fn event(&mut self, recorded: &Recorded, cause: Cause<'_>) -> Checked {
        must(recorded.seq == self.seq + 1, Rule::History, || "its number does not follow".into())?;
        must(recorded.at >= self.at, Rule::History, || "time runs backwards".into())?;
        must(self.result.is_none(), Rule::End, || "the run is over".into())?;
        let starts = matches!(recorded.event, Event::RunStarted { .. });
        must(starts == (self.seq == 0), Rule::History, || "a run starts once, at first".into())?;
        self.seq = recorded.seq;
        self.at = recorded.at;
        self.apply(&recorded.event, cause)
    }

    fn apply(&mut self, event: &Event, cause: Cause<'_>) -> Checked {
        match event {
            Event::RunStarted { goal, input, .. } => {
                self.goal.clone_from(goal);
                self.open_frame(String::new(), self.terms.model, None, input.clone(), None, None);
                Ok(())
            }
            Event::Forked { .. } | Event::Migrated { .. } => {
                broken(Rule::History, "forks and migrations are not simulated")
            }
            Event::RouteRequested { .. }
            | Event::RouteDecided { .. }
            | Event::AttemptStarted { .. }
            | Event::AttemptRedispatched { .. }
            | Event::HeartbeatReceived { .. }
            | Event::AttemptFailed { .. } => self.attempt_event(event, cause),
            Event::StepSucceeded { path, attempt: 0, output, .. } => {
                let (key, at) = self.step(path)?;
                let wanted = self.completion(&key, at)?;
                must(wanted == frames::Next::Done(output.clone()), Rule::Frames, || {
                    format!("instead of {wanted:?}")
                })?;
                self.end(&key, at, Phase::Succeeded { output: output.clone() })
            }
            Event::StepSucceeded { .. } => self.attempt_event(event, cause),
            Event::StepFailed { path, attempt, error } => {
                self.step_failed(path, *attempt, error, cause)
            }
            Event::StepSkipped { path } => {
                let (key, at) = self.step(path)?;
                self.may_begin(&key, at, false)?;
                let poisoned = self.poisoned(&key, at);
                self.end(&key, at, Phase::Skipped { poisoned })
            }
            Event::StepStopping { path, error } => {
                let (key, at) = self.step(path)?;
                self.stopping(&key, at, error)
            }
            Event::EdgeDecided { path, from, fires, error } => {
                let (key, at) = self.step(path)?;
                self.edge_decided(&key, at, from.as_str(), *fires, error.as_ref())
            }
            Event::BranchTaken { path, to, input } => {
                let (key, at) = self.step(path)?;
                self.begin(&key, at, input.as_ref())?;
                let way = self
                    .way(&key, at)
                    .map_err(|error| (Rule::Value, format!("the branch fails with {error}")))?;
                must(way == to.as_str(), Rule::Value, || format!("the way is {way}"))?;
                let node = self.node_mut(&key, at);
                node.way = Some(way);
                let output = node.input.clone();
                self.end(&key, at, Phase::Succeeded { output })
            }
            Event::LoopStarted { path, input } | Event::SubWorkflowStarted { path, input } => {
                let (key, at) = self.step(path)?;
                self.begin(&key, at, input.as_ref())?;
                self.node_mut(&key, at).phase = Phase::Open;
                if matches!(event, Event::SubWorkflowStarted { .. }) {
                    self.open_part(&key, at, 0, None, None);
                }
                Ok(())
            }
            Event::RoundStarted { path, round, carried } => {
                let (key, at) = self.step(path)?;
                self.round_started(&key, at, *round, carried)
            }
            Event::MapExpanded { path, len, digest, input } => {
                let (key, at) = self.step(path)?;
                self.begin(&key, at, input.as_ref())?;
                self.map_expanded(&key, at, *len, digest)
            }
            Event::ItemStarted { path, item } => {
                let (key, at) = self.step(path)?;
                self.item_started(&key, at, *item)
            }
            Event::ItemEnded { path, item, error } => {
                let (key, at) = self.step(path)?;
                self.item_ended(&key, at, *item, error.as_ref())
            }
            Event::DecisionRequested { path, deadline, input } => {
                let (key, at) = self.step(path)?;
                self.begin(&key, at, input.as_ref())?;
                let wanted = self.default_at(&key, at);
                must(*deadline == wanted, Rule::Deadline, || format!("wanted {wanted:?}"))?;
                self.node_mut(&key, at).phase = Phase::Asked { deadline: *deadline };
                Ok(())
            }
            Event::DecisionMade { path, decided } => {
                let (key, at) = self.step(path)?;
                self.decided(&key, at, path, decided, cause)
            }
            Event::WaitStarted { path, until, input } => {
                let (key, at) = self.step(path)?;
                self.begin(&key, at, input.as_ref())?;
                let wanted = self.timer_until(&key, at);
                must(*until == wanted, Rule::Deadline, || format!("wanted {wanted:?}"))?;
                let since = self.seq;
                self.node_mut(&key, at).phase = Phase::Awaiting { since, until: *until };
                Ok(())
            }
            Event::WaitEnded { path, output } => {
                let (key, at) = self.step(path)?;
                self.wait_ended(&key, at, output)
            }
            Event::SignalReceived { name, payload } => {
                let told = matches!(cause, Cause::Unknown)
                    || matches!(cause, Cause::Told(Input::Signalled { name: n, payload: p })
                        if n == name && p == payload);
                must(told, Rule::Cause, || "nobody sent it".into())?;
                self.signals.entry(name.to_string()).or_default().push_back(payload.clone());
                Ok(())
            }
            Event::Paused | Event::Resumed => {
                let pauses = matches!(event, Event::Paused);
                must(self.paused != pauses, Rule::Pause, || "it is so already".into())?;
                self.paused = pauses;
                Ok(())
            }
            Event::CancelRequested { reason } => {
                let before = self.cancelled.is_some() || self.unwinding.is_some();
                must(!before, Rule::Cancel, || "it is cancelled or unwinding already".into())?;
                self.cancelled = Some(reason.clone());
                // What is cancelled does not wait for anybody to resume it.
                self.paused = false;
                Ok(())
            }
            Event::UnwindingStarted { result } => {
                must(self.unwinding.is_none(), Rule::Unwinding, || "it unwinds already".into())?;
                must(!self.undos.is_empty(), Rule::Unwinding, || "nothing to undo".into())?;
                self.check_result(result)?;
                self.unwinding = Some(result.clone());
                Ok(())
            }
            Event::RunEnded { result, uncompensated } => {
                let uncompensated: Vec<String> =
                    uncompensated.iter().map(ToString::to_string).collect();
                self.run_ended(result, &uncompensated)
            }
        }
    }

    fn run_ended(&mut self, result: &RunResult, uncompensated: &[String]) -> Checked {
        match &self.unwinding {
            Some(unwinding) => {
                let open = self.undos.iter().any(|undo| !undo.phase.is_end());
                must(!open, Rule::Unwinding, || "not everything is undone".into())?;
                must(result == unwinding, Rule::End, || format!("instead of {unwinding:?}"))?;
            }
            None => {
                let fails = !matches!(result, RunResult::Succeeded { .. });
                must(!(fails && !self.undos.is_empty()), Rule::Unwinding, || {
                    "steps that have succeeded are not undone".into()
                })?;
                self.check_result(result)?;
            }
        }
        let failed = |undo: &&Undo| matches!(undo.phase, Phase::Failed { .. });
        // The last success is undone first.
        let wanted: Vec<String> =
            self.undos.iter().rev().filter(failed).map(|undo| self.undo_path(undo)).collect();
        must(wanted == uncompensated, Rule::Unwinding, || format!("instead of {wanted:?}"))?;
        self.result = Some(result.clone());
        Ok(())
    }

    /// Whether the run, or the unwinding, may come to this result now.
    fn check_result(&self, result: &RunResult) -> Checked {
        let in_flight = self.in_flight();
        must(in_flight == 0, Rule::Cancel, || format!("{in_flight} attempts are in flight"))?;
        let wanted = match &self.cancelled {
            Some(reason) => RunResult::Cancelled { reason: reason.clone() },
            None => {
                must(self.settled(""), Rule::End, || "not every step has ended".into())?;
                self.frame_result("")
            }
        };
        must(*result == wanted, Rule::End, || format!("instead of {wanted:?}"))
    }

    /// The result that the steps of a frame lead to; only the run's is asked for.
    fn frame_result(&self, key: &str) -> RunResult {
        let frame = &self.frames[key];
        match self.unhandled(key).first() {
            Some((at, error)) => {
                let path = format!("{key}{}", frame.model.steps[*at].id());
                let path = crate::path::Path::parse(&path).expect("a path of this run");
                RunResult::Failed { path, error: error.clone() }
            }
            None => RunResult::Succeeded { output: self.frame_output(key) },
        }
    }

    fn undo_path(&self, undo: &Undo) -> String {
        let (key, at) = &undo.place;
        format!("{key}{}~compensation", self.frames[key].model.steps[*at].id())
    }

    fn node(&self, key: &str, at: usize) -> &Node {
        &self.frames[key].nodes[at]
    }

    fn node_mut(&mut self, key: &str, at: usize) -> &mut Node {
        &mut self.frames.get_mut(key).expect("a frame that was found").nodes[at]
    }

    fn def(&self, key: &str, at: usize) -> &'m StepModel {
        &self.frames[key].model.steps[at]
    }

    /// Where a path leads.
    fn step(&self, path: &crate::path::Path) -> Checked<(String, usize)> {
        let text = path.to_string();
        let split = text.rfind('/').map_or(0, |slash| slash + 1);
        let (key, id) = text.split_at(split);
        let at = self.frames.get(key).and_then(|frame| frame.model.place(id));
        at.map(|at| (key.to_owned(), at))
            .ok_or_else(|| (Rule::History, format!("there is no step {text}")))
    }

    /// Attempts and routings that have not been answered.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight_below("") + self.undos.iter().filter(|undo| undo.phase.in_flight()).count()
    }

    fn in_flight_below(&self, prefix: &str) -> usize {
        let frames =
            self.frames.iter().filter(|(key, frame)| !frame.closed && key.starts_with(prefix));
        frames.flat_map(|(_, frame)| &frame.nodes).filter(|node| node.phase.in_flight()).count()
    }
}

impl Phase {
    fn in_flight(&self) -> bool {
        matches!(self, Phase::Routing { .. } | Phase::Working { .. })
    }

    fn is_end(&self) -> bool {
        matches!(self, Phase::Succeeded { .. } | Phase::Failed { .. } | Phase::Skipped { .. })
    }
}
