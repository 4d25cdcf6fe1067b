//! The state of a run as one value, so that the events before it need not be kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Run;
use super::event::RunResult;
use super::history::History;
use super::node::{FrameIx, Node, NodeIx, Undo};
use super::restore::{Replayed, RestoreError, check_definition};
use super::sight::FrameView;
use super::state::{Frame, State, Workers};
use crate::context::{Item, Round, Sight};
use crate::id::{SignalName, WorkerName, WorkflowName};
use crate::path::{FramePath, Path};
use crate::payload::{Payload, PayloadError};
use crate::random::Seed;
use crate::time::Timestamp;
use crate::workflow::Workflow;

/// The version of the form in which a state is written.
const VERSION: u32 = 1;

/// The state of a run after some event. What is in it is the run's affair; a store keeps it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The version of its form.
    pub v: u32,
    /// The last event that is in it.
    pub seq: u64,
    /// When that happened.
    pub at: Timestamp,
    /// The state.
    pub state: Payload,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    workflow: WorkflowName,
    definition: String,
    steps: Payload,
    goal: String,
    seed: Seed,
    workers: Vec<WorkerName>,
    /// How many frames there have been.
    frames: u32,
    kept: Vec<SavedFrame>,
    undos: Vec<Undo>,
    undos_in_flight: u32,
    queue: VecDeque<NodeIx>,
    undecided: VecDeque<(NodeIx, u32)>,
    finished: VecDeque<FrameIx>,
    stopping: Vec<NodeIx>,
    signals: BTreeMap<SignalName, VecDeque<Payload>>,
    awaiting: BTreeMap<SignalName, VecDeque<NodeIx>>,
    paused: bool,
    cancelled: Option<String>,
    unwinding: Option<RunResult>,
    uncompensated: Vec<Path>,
    result: Option<RunResult>,
}

#[derive(Serialize, Deserialize)]
struct SavedFrame {
    frame: FrameIx,
    parent: Option<NodeIx>,
    index: u32,
    input: Payload,
    nodes: Vec<Node>,
    open: u32,
    in_flight: u32,
    stopped: bool,
    round: Option<Round>,
    item: Option<Item>,
    /// The step, the event that recorded it, and its output.
    outputs: Vec<(u32, u64, Payload)>,
}

impl Run {
    /// The state after the last event. Linear in the steps and outputs that are kept.
    pub fn snapshot(&self) -> Snapshot {
        let state = &self.state;
        let kept = state.frames().map(|(ix, frame)| SavedFrame {
            frame: ix,
            parent: frame.parent,
            index: frame.index,
            input: frame.input.clone(),
            nodes: frame.nodes.clone(),
            open: frame.open,
            in_flight: frame.in_flight,
            stopped: frame.stopped,
            round: frame.view.round().cloned(),
            item: frame.view.item().cloned(),
            outputs: (0..frame.nodes.len() as u32)
                .filter_map(|step| {
                    let (seq, output) = frame.view.recorded(step)?;
                    Some((step, *seq, output.clone()))
                })
                .collect(),
        });
        let saved = Saved {
            workflow: self.workflow.name().clone(),
            definition: self.workflow.digest().to_owned(),
            steps: self.workflow.step_digests().clone(),
            goal: state.goal.to_string(),
            seed: state.seed,
            workers: state.workers.names().to_vec(),
            frames: state.frames.len() as u32,
            kept: kept.collect(),
            undos: state.undos.clone(),
            undos_in_flight: state.undos_in_flight,
            queue: state.queue.clone(),
            undecided: state.undecided.clone(),
            finished: state.finished.clone(),
            stopping: state.stopping.clone(),
            signals: state.signals.clone(),
            awaiting: state.awaiting.clone(),
            paused: state.paused,
            cancelled: state.cancelled.clone(),
            unwinding: state.unwinding.clone(),
            uncompensated: state.uncompensated.clone(),
            result: self.result.clone(),
        };
        let state = Payload::of(&saved).expect("a state is made of what has a canonical form");
        Snapshot { v: VERSION, seq: self.event_count(), at: self.now, state }
    }
}

impl Snapshot {
    /// The name of the workflow that the run follows: of use when its first event is no longer kept.
    ///
    /// # Errors
    /// [`RestoreError::Snapshot`] when the state is none that a run has written.
    pub fn workflow(&self) -> Result<WorkflowName, RestoreError> {
        #[derive(Deserialize)]
        struct Named {
            workflow: WorkflowName,
        }
        let named = self.state.to::<Named>();
        let wrong = |error: PayloadError| RestoreError::Snapshot { reason: error.to_string() };
        named.map(|named| named.workflow).map_err(wrong)
    }

    /// The state that is in it.
    pub(super) fn open(self, workflow: &Workflow) -> Result<Replayed, RestoreError> {
        let wrong = |reason: String| RestoreError::Snapshot { reason };
        if self.v != VERSION {
            let v = self.v;
            return Err(wrong(format!("it has version {v}, and this library reads {VERSION}")));
        }
        let saved: Saved = self.state.to().map_err(|error| wrong(error.to_string()))?;
        check_definition(workflow, &saved.definition, &saved.steps)?;
        let mut state = State {
            goal: saved.goal.into(),
            seed: saved.seed,
            undos: saved.undos,
            undos_in_flight: saved.undos_in_flight,
            queue: saved.queue,
            undecided: saved.undecided,
            finished: saved.finished,
            stopping: saved.stopping,
            signals: saved.signals,
            awaiting: saved.awaiting,
            paused: saved.paused,
            cancelled: saved.cancelled,
            unwinding: saved.unwinding,
            uncompensated: saved.uncompensated,
            seq: self.seq,
            at: self.at,
            workers: Workers::default(),
            frames: Vec::new(),
            deadlines: Default::default(),
        };
        saved.workers.iter().for_each(|name| {
            state.workers.number(name);
        });
        state.frames.resize_with(saved.frames as usize, || None);
        for frame in saved.kept {
            state
                .put_back(workflow, frame)
                .ok_or_else(|| wrong("it speaks of steps that are not there".to_owned()))?;
        }
        let deadlines = state.nodes().flat_map(|(node, own)| {
            let deadlines = own.extra().map_or(&[][..], |extra| &extra.deadlines);
            deadlines.iter().map(move |(instant, alarm)| (*instant, *alarm, node))
        });
        state.deadlines = deadlines.collect();
        if saved.result.is_some() {
            state.deadlines.clear();
        }
        let history = History::after(self.seq);
        Ok(Replayed { state, history, now: self.at, result: saved.result })
    }
}

impl State {
    /// Puts a frame in its place; those around it are there already, since they began earlier.
    fn put_back(&mut self, root: &Workflow, saved: SavedFrame) -> Option<()> {
        let (workflow, path, outside) = match saved.parent {
            None => (root.clone(), FramePath::root(), None),
            Some(parent) => {
                let around = self.frames.get(parent.frame as usize)?.as_deref()?;
                around.nodes.get(parent.step as usize)?;
                let body = around.workflow.def(parent.step).step.kind.body()?.clone();
                let path = FramePath::round(&self.path(parent), saved.index);
                (body, path, Some((around.view.clone(), self.before(parent))))
            }
        };
        if workflow.defs().len() != saved.nodes.len() {
            return None;
        }
        let view = FrameView::new(&workflow, saved.round, saved.item, outside);
        for (step, seq, output) in saved.outputs {
            ((step as usize) < saved.nodes.len() && view.record(step, seq, output)).then_some(())?;
        }
        *self.frames.get_mut(saved.frame as usize)? = Some(Box::new(Frame {
            workflow,
            path,
            parent: saved.parent,
            index: saved.index,
            input: saved.input,
            nodes: saved.nodes,
            open: saved.open,
            in_flight: saved.in_flight,
            stopped: saved.stopped,
            view: Arc::new(view),
        }));
        Some(())
    }
}
