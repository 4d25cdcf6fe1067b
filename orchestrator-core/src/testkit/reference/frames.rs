//! Loops, maps, sub-workflows, decisions and waits: what is in them, and how they end.

use std::time::Duration;

use super::{Cause, Checked, Phase, Reference, Rule, broken, joins, must};
use crate::context::{Item, Round};
use crate::path::Path;
use crate::payload::Payload;
use crate::run::{Decided, Input};
use crate::task::TaskError;
use crate::time::Timestamp;
use crate::workflow::{Awaited, Kind, OnItemFailure, Until};

/// What comes next for a loop, a map or a sub-workflow.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// Something in it is still to happen.
    Open,
    Done(Payload),
    Round(Payload),
    Failed(TaskError),
    /// The map has failed; what is under way in it is stopped first.
    Stop(TaskError),
}

/// Whether this is the failure that was expected. Messages of failures that the run itself finds are for people, and left to it.
pub(super) fn same(wanted: &TaskError, found: &TaskError) -> bool {
    wanted == found || (wanted.message.is_empty() && wanted.code == found.code)
}

impl<'m> Reference<'m> {
    pub(super) fn settled(&self, key: &str) -> bool {
        self.frames.get(key).is_some_and(|frame| frame.nodes.iter().all(|node| node.phase.is_end()))
    }

    /// The failures of a frame that nobody handles, in definition order.
    pub(super) fn unhandled(&self, key: &str) -> Vec<(usize, TaskError)> {
        let frame = &self.frames[key];
        let nodes = frame.nodes.iter().enumerate();
        nodes
            .filter(|(at, _)| !frame.model.steps[*at].handled)
            .filter_map(|(at, node)| match &node.phase {
                Phase::Failed { error } => Some((at, error.clone())),
                _ => None,
            })
            .collect()
    }

    pub(super) fn frame_output(&self, key: &str) -> Payload {
        let frame = &self.frames[key];
        let output = |at: usize| match &frame.nodes[at].phase {
            Phase::Succeeded { output } => Some(output.clone()),
            _ => None,
        };
        let steps = frame.model.steps.iter().enumerate().filter(|(_, def)| def.ends);
        let ends: Vec<(usize, &str)> = steps.map(|(at, def)| (at, def.id())).collect();
        match ends.as_slice() {
            [(at, _)] => output(*at).unwrap_or_default(),
            ends => joins::object(ends.iter().filter_map(|(at, id)| Some((*id, output(*at)?)))),
        }
    }

    pub(super) fn part(&self, key: &str, at: usize, index: u32) -> String {
        format!("{key}{}[{index}]/", self.def(key, at).id())
    }

    pub(super) fn open_part(
        &mut self,
        key: &str,
        at: usize,
        index: u32,
        round: Option<Round>,
        item: Option<Item>,
    ) {
        let body = self.def(key, at).body.as_ref().expect("only what has a body has parts");
        let given = item.as_ref().map(|item| item.value.clone());
        let input = given.unwrap_or_else(|| self.node(key, at).input.clone());
        let owner = Some((key.to_owned(), at, index));
        self.open_frame(self.part(key, at, index), body, owner, input, round, item);
    }

    /// What comes next for the loop, map or sub-workflow, as things stand.
    pub(super) fn completion(&self, key: &str, at: usize) -> Checked<Next> {
        let (node, def) = (self.node(key, at), self.def(key, at));
        must(node.phase == Phase::Open, Rule::Frames, || format!("it is at {:?}", node.phase))?;
        let next = match def.kind() {
            Kind::Sub { .. } => {
                let part = self.part(key, at, 0);
                match (self.settled(&part), self.frames.contains_key(&part)) {
                    (true, true) => match self.unhandled(&part).into_iter().next() {
                        Some((_, error)) => Next::Failed(error),
                        None => Next::Done(self.frame_output(&part)),
                    },
                    _ => Next::Open,
                }
            }
            Kind::Loop { rounds_max, until, .. } => {
                let begun = node.begun;
                let part = self.part(key, at, begun.wrapping_sub(1));
                match begun {
                    0 => Next::Round(Payload::null()),
                    _ if !self.settled(&part) => Next::Open,
                    _ => match self.judged(&part, until) {
                        Next::Round(carried) if begun >= *rounds_max => Next::Failed(
                            TaskError::terminal("rounds_exhausted", "").with_details(carried),
                        ),
                        next => next,
                    },
                }
            }
            Kind::Map { on_failure, .. } => self.mapped(key, at, *on_failure),
            _ => return broken(Rule::Frames, "it has nothing inside"),
        };
        Ok(match next {
            Next::Done(output) => {
                match self.transformed(key, at, def.step.output.as_ref(), &output) {
                    Ok(output) => Next::Done(output),
                    Err(error) => Next::Failed(error),
                }
            }
            next => next,
        })
    }

    fn judged(&self, part: &str, until: &Until) -> Next {
        let output = || self.frame_output(part);
        let failures = self.unhandled(part);
        let id = |at: usize| self.frames[part].model.steps[at].id();
        match (until, failures.as_slice()) {
            (Until::Accepted { .. }, []) => Next::Done(output()),
            (Until::Condition(condition), []) => {
                let seen = self.seen(part, |_| true);
                match condition.check(&self.context(part, seen)) {
                    Ok(true) => Next::Done(output()),
                    Ok(false) => Next::Round(output()),
                    Err(error) => Next::Failed(error),
                }
            }
            (Until::Accepted { by }, [(at, error)]) if id(*at) == by => {
                Next::Round(Payload::of(error).expect("an error is a payload"))
            }
            (Until::Accepted { by }, failures) => {
                let other = failures.iter().find(|(at, _)| id(*at) != by);
                Next::Failed(other.expect("a step fails once").1.clone())
            }
            (Until::Condition(_), [(_, error), ..]) => Next::Failed(error.clone()),
        }
    }

    fn mapped(&self, key: &str, at: usize, on_failure: OnItemFailure) -> Next {
        let results = &self.node(key, at).results;
        let tolerated = match on_failure {
            OnItemFailure::FailFast => 0,
            OnItemFailure::Tolerate(items) => items as usize,
            OnItemFailure::Collect => usize::MAX,
        };
        let failed = results.iter().filter(|result| matches!(result, Some(Err(_)))).count();
        if failed > tolerated {
            return Next::Stop(TaskError::terminal("", ""));
        }
        let Some(results) = results.iter().cloned().collect::<Option<Vec<_>>>() else {
            return Next::Open;
        };
        let wrapped = results.into_iter().map(|result| match (on_failure, result) {
            (OnItemFailure::FailFast, result) => result.expect("none has failed"),
            (_, Ok(output)) => joins::object([("output", output)].into_iter()),
            (_, Err(error)) => {
                let error = Payload::of(&error).expect("an error is a payload");
                joins::object([("error", error)].into_iter())
            }
        });
        Next::Done(Payload::of(&wrapped.collect::<Vec<_>>()).expect("payloads are a payload"))
    }

    pub(super) fn round_started(
        &mut self,
        key: &str,
        at: usize,
        round: u32,
        carried: &Payload,
    ) -> Checked {
        self.may_work(key)?;
        let wanted = self.completion(key, at)?;
        must(wanted == Next::Round(carried.clone()), Rule::Frames, || {
            format!("instead of {wanted:?}")
        })?;
        let begun = self.node(key, at).begun;
        must(begun == round, Rule::Frames, || format!("the round is {begun}"))?;
        self.node_mut(key, at).begun += 1;
        if let Some(frame) = round.checked_sub(1).map(|before| self.part(key, at, before)) {
            self.frames.get_mut(&frame).expect("the round before").closed = true;
        }
        let round = Round { index: round, carried: carried.clone() };
        self.open_part(key, at, round.index, Some(round), None);
        Ok(())
    }

    pub(super) fn map_expanded(&mut self, key: &str, at: usize, len: u32, digest: &str) -> Checked {
        let node = self.node_mut(key, at);
        let elements: Vec<Payload> = node.input.to().expect("it has started with a list");
        let wanted = node.input.digest();
        must((elements.len(), &*wanted) == (len as usize, digest), Rule::Value, || {
            format!("there are {} items with the digest {wanted}", elements.len())
        })?;
        node.results = vec![None; elements.len()];
        node.elements = elements;
        node.phase = Phase::Open;
        Ok(())
    }

    /// Items that have begun and not ended.
    pub(super) fn items_open(&self, key: &str, at: usize) -> u32 {
        let node = self.node(key, at);
        node.begun - node.results.iter().flatten().count() as u32
    }

    pub(super) fn item_started(&mut self, key: &str, at: usize, item: u32) -> Checked {
        self.may_work(key)?;
        let node = self.node(key, at);
        let Kind::Map { concurrency_max, .. } = self.def(key, at).kind() else {
            return broken(Rule::Frames, "only a map has items");
        };
        let next = self.completion(key, at)?;
        must(next == Next::Open, Rule::Frames, || format!("instead of {next:?}"))?;
        must(item == node.begun, Rule::Concurrency, || format!("the next is {}", node.begun))?;
        let open = self.items_open(key, at);
        must(open < *concurrency_max, Rule::Concurrency, || format!("{open} are open"))?;
        let Some(value) = node.elements.get(item as usize).cloned() else {
            return broken(Rule::Frames, "there is no such item");
        };
        self.node_mut(key, at).begun += 1;
        self.open_part(key, at, item, None, Some(Item { index: item, value }));
        Ok(())
    }

    pub(super) fn item_ended(
        &mut self,
        key: &str,
        at: usize,
        item: u32,
        error: Option<&TaskError>,
    ) -> Checked {
        let part = self.part(key, at, item);
        must(self.node(key, at).phase == Phase::Open, Rule::Frames, || "the map is over".into())?;
        must(self.settled(&part), Rule::Frames, || "the item has not come to its end".into())?;
        must(self.node(key, at).results[item as usize].is_none(), Rule::Frames, || {
            "the item has ended before".into()
        })?;
        let wanted = self.unhandled(&part).into_iter().next().map(|(_, error)| error);
        must(wanted.as_ref() == error, Rule::Value, || format!("its failure is {wanted:?}"))?;
        let result = match wanted {
            Some(error) => Err(error),
            None => Ok(self.frame_output(&part)),
        };
        self.frames.get_mut(&part).expect("a settled frame").closed = true;
        self.node_mut(key, at).results[item as usize] = Some(result);
        Ok(())
    }

    pub(super) fn stopping(&mut self, key: &str, at: usize, error: &TaskError) -> Checked {
        must(self.alive(key), Rule::Frames, || "what it is part of has ended or stops".into())?;
        let open = self.node(key, at).phase == Phase::Open;
        must(open, Rule::Frames, || "nothing is under way in it".into())?;
        let late = error.code == "step_timeout" && self.step_late(key, at);
        if !late {
            let next = self.completion(key, at)?;
            must(matches!(next, Next::Stop(_)), Rule::Frames, || format!("instead of {next:?}"))?;
            let mut failures = self.node(key, at).results.iter().flatten();
            let is_one = failures.any(|result| result.as_ref().is_err_and(|e| e == error));
            must(is_one, Rule::Value, || "no item has failed like this".into())?;
        }
        self.node_mut(key, at).phase = Phase::Stopping { error: error.clone() };
        Ok(())
    }

    /// A step has failed: at its start, in an attempt, or by what is in it.
    pub(super) fn step_failed(
        &mut self,
        path: &Path,
        attempt: u32,
        error: &TaskError,
        cause: Cause<'_>,
    ) -> Checked {
        if path.is_compensation() || attempt > 0 {
            return self.attempts_failed(path, attempt, error, cause);
        }
        let (key, at) = self.step(path)?;
        let node = self.node(&key, at);
        match &node.phase {
            Phase::Waiting => match node.condition_error.clone() {
                Some(wanted) => {
                    self.may_work(&key)?;
                    must(wanted == *error, Rule::Value, || format!("it fails with {wanted}"))?;
                }
                None => {
                    self.may_begin(&key, at, true)?;
                    let wanted = self.start(&key, at);
                    let fits = wanted.as_ref().is_err_and(|wanted| same(wanted, error));
                    must(fits, Rule::Value, || format!("its start gives {wanted:?}"))?;
                }
            },
            Phase::Open => {
                let wanted = self.completion(&key, at)?;
                let fits = match &wanted {
                    Next::Failed(wanted) => {
                        same(wanted, error)
                            && (wanted.details.is_null() || wanted.details == error.details)
                    }
                    _ => false,
                };
                must(fits, Rule::Frames, || format!("instead of {wanted:?}"))?;
            }
            Phase::Stopping { error: wanted } => {
                must(wanted == error, Rule::Value, || format!("it stops with {wanted}"))?;
                let below = format!("{key}{}[", self.def(&key, at).id());
                let in_flight = self.in_flight_below(&below);
                must(in_flight == 0, Rule::Frames, || format!("{in_flight} are in flight in it"))?;
            }
            Phase::Asked { .. } | Phase::Awaiting { .. } => {
                let late = error.code == "step_timeout" && self.step_late(&key, at);
                let unfit = self
                    .awaited_output(&key, at)
                    .is_some_and(|output| output.is_err_and(|wanted| same(&wanted, error)));
                must(late || unfit, Rule::Value, || "nothing fails it".into())?;
                must(self.alive(&key), Rule::Frames, || "it has been stopped".into())?;
            }
            other => return broken(Rule::Frames, format!("it is at {other:?}")),
        }
        self.end(&key, at, Phase::Failed { error: error.clone() })
    }

    pub(super) fn default_at(&self, key: &str, at: usize) -> Option<Timestamp> {
        match self.def(key, at).kind() {
            Kind::Decision { default: Some(default), .. } => {
                Some(self.at.after(Duration::from_millis(default.after_ms)))
            }
            _ => None,
        }
    }

    pub(super) fn decided(
        &mut self,
        key: &str,
        at: usize,
        path: &Path,
        decided: &Decided,
        cause: Cause<'_>,
    ) -> Checked {
        let Kind::Decision { choices, default, .. } = self.def(key, at).kind() else {
            return broken(Rule::Value, "there is nothing to decide");
        };
        let Phase::Asked { deadline } = self.node(key, at).phase else {
            return broken(Rule::Cause, "nobody was asked, or it is decided");
        };
        must(self.alive(key), Rule::Frames, || "it has been withdrawn".into())?;
        must(self.cancelled.is_none(), Rule::Cancel, || "the run is cancelled".into())?;
        must(choices.contains(&decided.choice), Rule::Value, || "that is no choice".into())?;
        let said = match cause {
            Cause::Told(Input::Decided { path: p, decided: d }) => p == path && d == decided,
            Cause::Unknown => decided.by.is_some(),
            Cause::Told(_) | Cause::Restored => false,
        };
        let defaulted = decided.by.is_none()
            && deadline.is_some_and(|deadline| self.at >= deadline)
            && default.as_ref().is_some_and(|default| default.choice == decided.choice);
        must(said || defaulted, Rule::Cause, || "nobody decided so".into())?;
        let output = Payload::of(decided).expect("a decision is a payload");
        self.end(key, at, Phase::Succeeded { output })
    }

    pub(super) fn timer_until(&self, key: &str, at: usize) -> Option<Timestamp> {
        match self.def(key, at).kind() {
            Kind::Wait { awaited: Awaited::Timer { delay_ms } } => {
                Some(self.at.after(Duration::from_millis(*delay_ms)))
            }
            _ => None,
        }
    }

    /// The first step that waits for a signal, of those that may still get it.
    fn first_waiting(&self, signal: &str) -> Option<(u64, String, usize)> {
        let frames = self.frames.iter().filter(|(key, _)| self.alive(key));
        let waiting = frames.flat_map(|(key, frame)| {
            frame.nodes.iter().enumerate().filter_map(move |(at, node)| {
                match (&node.phase, frame.model.steps[at].kind()) {
                    (
                        Phase::Awaiting { since, .. },
                        Kind::Wait { awaited: Awaited::Signal(name) },
                    ) if name == signal => Some((*since, key.clone(), at)),
                    _ => None,
                }
            })
        });
        waiting.min()
    }

    /// What a step that waits can end with now.
    pub(super) fn awaited_output(
        &self,
        key: &str,
        at: usize,
    ) -> Option<Result<Payload, TaskError>> {
        let (node, def) = (self.node(key, at), self.def(key, at));
        let Phase::Awaiting { since, until } = &node.phase else { return None };
        let given = match (def.kind(), until) {
            (Kind::Wait { awaited: Awaited::Signal(name) }, _) => {
                let first = self.first_waiting(name)? == (*since, key.to_owned(), at);
                self.signals.get(name)?.front().filter(|_| first)?.clone()
            }
            (_, Some(until)) if self.at >= *until => node.input.clone(),
            _ => return None,
        };
        Some(self.transformed(key, at, def.step.output.as_ref(), &given))
    }

    pub(super) fn wait_ended(&mut self, key: &str, at: usize, output: &Payload) -> Checked {
        must(self.alive(key), Rule::Frames, || "it has been stopped".into())?;
        must(self.cancelled.is_none(), Rule::Cancel, || "the run is cancelled".into())?;
        let wanted = self.awaited_output(key, at);
        must(wanted.as_ref() == Some(&Ok(output.clone())), Rule::Deadline, || {
            format!("instead of {wanted:?}")
        })?;
        if let Kind::Wait { awaited: Awaited::Signal(name) } = self.def(key, at).kind() {
            self.signals.get_mut(name).and_then(|kept| kept.pop_front());
        }
        self.end(key, at, Phase::Succeeded { output: output.clone() })
    }
}
