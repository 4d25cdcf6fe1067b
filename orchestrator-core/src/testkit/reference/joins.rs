//! Edges and joins, by the table in ARCHITECTURE.md; what a step gets and what it sees; when it may begin.

use std::collections::BTreeMap;

use super::{Checked, Frame, Node, Phase, Reference, Rule, broken, must};
use crate::closure::BoundTransformer;
use crate::context::{Context, Item, Round};
use crate::payload::Payload;
use crate::task::TaskError;
use crate::testkit::model::{EdgeModel, Fires, Model};
use crate::time::Timestamp;
use crate::workflow::{Join, Kind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Open,
    Fired,
    Dead,
    /// Dead because of a failure that nobody handles.
    Poisoned,
}

impl<'m> Reference<'m> {
    pub(super) fn open_frame(
        &mut self,
        key: String,
        model: &'m Model,
        owner: Option<(String, usize, u32)>,
        input: Payload,
        round: Option<Round>,
        item: Option<Item>,
    ) {
        let around = owner.as_ref().map(|(key, at, _)| (&self.frames[key], *at));
        let frame = Frame {
            model,
            input,
            round: round.or_else(|| around.and_then(|(frame, _)| frame.round.clone())),
            item: item.or_else(|| around.and_then(|(frame, _)| frame.item.clone())),
            outside: around.map(|(frame, at)| frame.nodes[at].sees.clone()).unwrap_or_default(),
            nodes: model.steps.iter().map(|_| Node::new()).collect(),
            closed: false,
            owner,
        };
        self.frames.insert(key.clone(), frame);
        self.look_again(&key);
    }

    /// What became of an edge.
    pub(super) fn edge(&self, key: &str, at: usize, edge: &EdgeModel) -> End {
        let frame = &self.frames[key];
        let handled = frame.model.steps[edge.from].handled;
        match (&frame.nodes[edge.from].phase, &edge.fires) {
            (Phase::Succeeded { .. }, Fires::Success | Fires::Always) => End::Fired,
            (Phase::Succeeded { .. }, Fires::Failure) => End::Dead,
            (Phase::Succeeded { .. }, Fires::When(_)) => {
                match frame.nodes[at].decided.get(&edge.from) {
                    None => End::Open,
                    Some(true) => End::Fired,
                    Some(false) => End::Dead,
                }
            }
            (Phase::Succeeded { .. }, Fires::Chosen) => {
                let here = frame.model.steps[at].id();
                let chosen = frame.nodes[edge.from].way.as_deref() == Some(here);
                if chosen { End::Fired } else { End::Dead }
            }
            (Phase::Failed { .. }, Fires::Failure | Fires::Always) => End::Fired,
            (Phase::Failed { .. }, _) if handled => End::Dead,
            (Phase::Failed { .. }, _) => End::Poisoned,
            (Phase::Skipped { poisoned: true }, _) => End::Poisoned,
            (Phase::Skipped { poisoned: false }, _) => End::Dead,
            _ => End::Open,
        }
    }

    /// Whether the join is decided: to start, or to skip.
    fn verdict(&self, key: &str, at: usize) -> Option<bool> {
        let def = self.def(key, at);
        let ends: Vec<End> = def.edges.iter().map(|edge| self.edge(key, at, edge)).collect();
        let count = |end: End| ends.iter().filter(|e| **e == end).count();
        let (open, fired) = (count(End::Open), count(End::Fired));
        let needed = match def.step.join {
            _ if ends.is_empty() => return Some(true),
            Join::All if open > 0 => return None,
            Join::All => return Some(fired > 0 && count(End::Poisoned) == 0),
            Join::Any => 1,
            Join::AtLeast(needed) => needed as usize,
        };
        if fired >= needed {
            Some(true)
        } else if fired + open < needed {
            Some(false)
        } else {
            None
        }
    }

    pub(super) fn poisoned(&self, key: &str, at: usize) -> bool {
        let edges = &self.def(key, at).edges;
        edges.iter().any(|edge| self.edge(key, at, edge) == End::Poisoned)
    }

    /// Looks every join of a frame up anew.
    pub(super) fn look_again(&mut self, key: &str) {
        for at in 0..self.frames[key].nodes.len() {
            let node = self.node(key, at);
            if node.phase == Phase::Waiting && node.ready.is_none() {
                let seq = self.seq;
                let ready = self.verdict(key, at).map(|starts| (seq, starts));
                self.node_mut(key, at).ready = ready;
            }
        }
    }

    /// Ends a step, and looks what follows.
    pub(super) fn end(&mut self, key: &str, at: usize, phase: Phase) -> Checked {
        if let (Phase::Succeeded { output }, Some(_)) =
            (&phase, &self.def(key, at).step.compensation)
        {
            let undo = super::Undo {
                place: (key.to_owned(), at),
                output: output.clone(),
                phase: Phase::Waiting,
            };
            self.undos.push(undo);
        }
        if self.def(key, at).body.is_some() {
            let prefix = format!("{key}{}[", self.def(key, at).id());
            let below = self.frames.iter_mut().filter(|(key, _)| key.starts_with(&prefix));
            below.for_each(|(_, frame)| frame.closed = true);
        }
        self.node_mut(key, at).phase = phase;
        self.look_again(key);
        Ok(())
    }

    /// Whether work may go on in a frame: neither it nor a frame around it has ended or is being stopped.
    pub(super) fn alive(&self, key: &str) -> bool {
        let frame = &self.frames[key];
        !frame.closed
            && frame.owner.as_ref().is_none_or(|(around, at, _)| {
                self.node(around, *at).phase == Phase::Open && self.alive(around)
            })
    }

    /// Whether anything may begin in this frame now.
    pub(super) fn may_work(&self, key: &str) -> Checked {
        must(!self.paused, Rule::Pause, || "the run is paused".into())?;
        must(self.cancelled.is_none(), Rule::Cancel, || "the run is cancelled".into())?;
        must(self.unwinding.is_none(), Rule::Unwinding, || "the run unwinds".into())?;
        must(self.alive(key), Rule::Frames, || "what it is part of has ended or stops".into())
    }

    /// Whether the step is the next that starts, or is skipped.
    pub(super) fn may_begin(&self, key: &str, at: usize, starts: bool) -> Checked {
        self.may_work(key)?;
        let node = self.node(key, at);
        let waiting = node.phase == Phase::Waiting;
        must(waiting, Rule::Join, || "it has started or ended before".into())?;
        let Some((ready, verdict)) = node.ready else {
            return broken(Rule::Join, "its join is open");
        };
        let says = if verdict { "to start" } else { "to skip" };
        must(verdict == starts, Rule::Join, || format!("its join says {says}"))?;
        let first = self.ready().min();
        must(first == Some((ready, at)), Rule::Order, || {
            format!("it was ready with event {ready}; another was before it: {first:?}")
        })
    }

    /// Steps whose join is decided and that have neither started nor ended: when they became ready, and their place.
    pub(super) fn ready(&self) -> impl Iterator<Item = (u64, usize)> + '_ {
        self.frames.iter().filter(|(key, _)| self.alive(key)).flat_map(|(_, frame)| {
            let nodes = frame.nodes.iter().enumerate();
            nodes
                .filter(|(_, node)| node.phase == Phase::Waiting && node.condition_error.is_none())
                .filter_map(|(at, node)| Some((node.ready?.0, at)))
        })
    }

    /// Begins a step: its input is made, and what it sees is fixed.
    pub(super) fn begin(&mut self, key: &str, at: usize, recorded: Option<&Payload>) -> Checked {
        self.may_begin(key, at, true)?;
        let input = match self.start(key, at) {
            Ok(input) => input,
            Err(error) => return broken(Rule::Value, format!("it cannot start: {error}")),
        };
        let made = self.def(key, at).step.input.is_some().then_some(&input);
        must(recorded == made, Rule::Value, || format!("its input is {made:?}"))?;
        let (sees, now) = (self.sees(key, at), self.at);
        let node = self.node_mut(key, at);
        (node.input, node.sees, node.started) = (input, sees, now);
        Ok(())
    }

    /// The input of a step that is about to start, or why it fails at once.
    pub(super) fn start(&self, key: &str, at: usize) -> Result<Payload, TaskError> {
        let def = self.def(key, at);
        let given = self.default_input(key, at);
        let input = match &def.step.input {
            None => given,
            Some(transformer) => {
                self.limited(transformer.apply(&given, &self.context(key, self.sees(key, at)))?)?
            }
        };
        match def.kind() {
            Kind::Task { role, requires } if self.able(role, requires).is_empty() => {
                Err(TaskError::terminal("no_worker", ""))
            }
            Kind::Branch { .. } => self.way_seen(key, at, self.sees(key, at)).map(|_| input),
            Kind::Map { items_max, .. } => match input.to::<Vec<Payload>>() {
                Err(_) => Err(TaskError::terminal("map_input", "")),
                Ok(items) if items.len() > *items_max as usize => {
                    Err(TaskError::terminal("too_many_items", ""))
                }
                Ok(_) => Ok(input),
            },
            _ => Ok(input),
        }
    }

    pub(super) fn limited(&self, payload: Payload) -> Result<Payload, TaskError> {
        if payload.bytes() <= self.terms.payload_bytes_max {
            Ok(payload)
        } else {
            Err(TaskError::terminal("payload_too_large", ""))
        }
    }

    pub(super) fn transformed(
        &self,
        key: &str,
        at: usize,
        transformer: Option<&BoundTransformer>,
        payload: &Payload,
    ) -> Result<Payload, TaskError> {
        let made = match transformer {
            None => payload.clone(),
            Some(transformer) => {
                transformer.apply(payload, &self.context(key, self.node(key, at).sees.clone()))?
            }
        };
        self.limited(made)
    }

    fn default_input(&self, key: &str, at: usize) -> Payload {
        let (frame, def) = (&self.frames[key], self.def(key, at));
        let mut from: Vec<usize> = def.edges.iter().map(|edge| edge.from).collect();
        from.sort_unstable();
        from.dedup();
        let given = |from: usize| {
            let fired =
                |edge: &&EdgeModel| edge.from == from && self.edge(key, at, edge) == End::Fired;
            def.edges.iter().find(fired)?;
            match &frame.nodes[from].phase {
                Phase::Succeeded { output } => Some(output.clone()),
                Phase::Failed { error } => Payload::of(error).ok(),
                _ => None,
            }
        };
        match from.as_slice() {
            [] => frame.input.clone(),
            [one] => given(*one).unwrap_or_default(),
            several => object(
                several
                    .iter()
                    .filter_map(|&from| Some((frame.model.steps[from].id(), given(from)?))),
            ),
        }
    }

    /// The outputs of a step's ancestors as they are now, and what is seen from outside; a name means the nearest step that has it.
    pub(super) fn sees(&self, key: &str, at: usize) -> BTreeMap<String, Payload> {
        let ancestors = &self.def(key, at).ancestors;
        self.seen(key, |other| ancestors.contains(&other))
    }

    pub(super) fn seen(&self, key: &str, own: impl Fn(usize) -> bool) -> BTreeMap<String, Payload> {
        let frame = &self.frames[key];
        let mut seen = frame.outside.clone();
        for (at, node) in frame.nodes.iter().enumerate().filter(|(at, _)| own(*at)) {
            let id = frame.model.steps[at].id();
            seen.remove(id);
            if let Phase::Succeeded { output } = &node.phase {
                seen.insert(id.to_owned(), output.clone());
            }
        }
        seen
    }

    pub(super) fn context(&self, key: &str, sees: BTreeMap<String, Payload>) -> Context {
        let frame = &self.frames[key];
        let mut context = Context::detached(&self.goal);
        for (step, output) in sees {
            context = context.with_output(&step, output);
        }
        if let Some(round) = &frame.round {
            context = context.with_round(round.clone());
        }
        if let Some(item) = &frame.item {
            context = context.with_item(item.clone());
        }
        context
    }

    /// Where a branch that is at its start goes.
    pub(super) fn way(&self, key: &str, at: usize) -> Result<String, TaskError> {
        self.way_seen(key, at, self.node(key, at).sees.clone())
    }

    fn way_seen(
        &self,
        key: &str,
        at: usize,
        sees: BTreeMap<String, Payload>,
    ) -> Result<String, TaskError> {
        let Kind::Branch { cases, otherwise } = self.def(key, at).kind() else {
            unreachable!("only a branch has ways")
        };
        let context = self.context(key, sees);
        for (condition, to) in cases {
            if condition.check(&context)? {
                return Ok(to.clone());
            }
        }
        Ok(otherwise.clone().expect("a branch leads somewhere"))
    }

    pub(super) fn edge_decided(
        &mut self,
        key: &str,
        at: usize,
        from: &str,
        fires: bool,
        error: Option<&TaskError>,
    ) -> Checked {
        must(self.alive(key), Rule::Frames, || "what it is part of has ended or stops".into())?;
        let from = self.frames[key].model.place(from);
        let edges = &self.def(key, at).edges;
        let asked = edges.iter().find_map(|edge| match &edge.fires {
            Fires::When(condition) if Some(edge.from) == from => Some((edge, condition)),
            _ => None,
        });
        let Some((edge, condition)) = asked else {
            return broken(Rule::Join, "there is no such edge with a condition");
        };
        let open = self.edge(key, at, edge) == End::Open
            && matches!(self.node(key, edge.from).phase, Phase::Succeeded { .. });
        must(open, Rule::Join, || "there is nothing to decide".into())?;
        let source = edge.from;
        let ancestors = &self.def(key, source).ancestors;
        let seen = self.seen(key, |other| other == source || ancestors.contains(&other));
        let said = condition.check(&self.context(key, seen));
        let wanted = (*said.as_ref().unwrap_or(&false), said.as_ref().err());
        must((fires, error) == wanted, Rule::Value, || format!("the condition says {said:?}"))?;
        let node = self.node_mut(key, at);
        node.decided.insert(source, fires);
        if node.phase == Phase::Waiting && node.condition_error.is_none() {
            node.condition_error = error.cloned();
        }
        self.look_again(key);
        Ok(())
    }
}

impl Node {
    fn new() -> Node {
        Node {
            phase: Phase::Waiting,
            ready: None,
            started: Timestamp(0),
            input: Payload::null(),
            sees: BTreeMap::new(),
            decided: BTreeMap::new(),
            condition_error: None,
            way: None,
            begun: 0,
            elements: Vec::new(),
            results: Vec::new(),
        }
    }
}

pub(super) fn object<'a>(parts: impl Iterator<Item = (&'a str, Payload)>) -> Payload {
    let parts: BTreeMap<&str, Payload> = parts.collect();
    Payload::of(&parts).expect("payloads under names are a payload")
}
