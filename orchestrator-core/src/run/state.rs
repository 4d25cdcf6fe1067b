//! Where a run stands: frames, and in every frame a node for every step.
//!
//! Ids are indices here; a frame is the run itself or one round of a loop. Nothing in this file decides anything.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, OnceLock};

use crate::context::{Context, Outputs, Round};
use crate::id::WorkerName;
use crate::path::{FramePath, Path};
use crate::payload::Payload;
use crate::random::Seed;
use crate::task::TaskError;
use crate::time::Timestamp;
use crate::workflow::{StepDef, Workflow};

/// The index of a node among all nodes of a run.
pub(super) type NodeIx = u32;
/// The index of a frame.
pub(super) type FrameIx = u32;

/// What a step is at.
#[derive(Debug, Clone)]
pub(super) enum Phase {
    /// Its join has not fired yet.
    Waiting,
    /// A router is being asked.
    Routing { attempt: u32 },
    /// A worker is at it.
    Working { attempt: u32, worker: WorkerName, redispatches: u32 },
    /// The next attempt begins at an instant.
    Resting { attempt: u32, until: Timestamp },
    /// Its body is running.
    Looping { round: u32 },
    /// It has succeeded.
    Succeeded { attempt: u32 },
    /// It has failed.
    Failed { attempt: u32, error: TaskError },
    /// It will not be done.
    Skipped,
}

pub(super) struct Node {
    pub(super) frame: FrameIx,
    pub(super) step: u32,
    pub(super) phase: Phase,
    /// The event with which it started; what is recorded later it does not see. 0 until then.
    pub(super) since: u64,
    /// What the step works on, from the moment that it starts.
    pub(super) input: Option<Payload>,
    /// Who has made an attempt, first to last.
    pub(super) tried: Vec<WorkerName>,
    /// Incoming edges that are not settled.
    pub(super) open: u32,
    /// Incoming edges that fired.
    pub(super) fired: u32,
    /// Whether some incoming edge is dead because of a failure that nobody handles.
    pub(super) poisoned: bool,
    /// Whether it stands in the queue of steps to be looked at.
    pub(super) queued: bool,
}

pub(super) struct Frame {
    pub(super) workflow: Workflow,
    pub(super) path: FramePath,
    /// The index of the node of its first step.
    pub(super) base: NodeIx,
    /// Nodes that are not settled.
    pub(super) open: u32,
    /// The loop that this is a round of.
    pub(super) parent: Option<NodeIx>,
    pub(super) view: Arc<FrameView>,
}

/// The outputs of a frame, as contexts see them. Written once a step by the run, read by any number of workers meanwhile.
pub(super) struct FrameView {
    workflow: Workflow,
    slots: Box<[OnceLock<(u64, Payload)>]>,
    round: Option<Round>,
    /// The frame around it, with the loop's step and what of that frame is old enough to be seen.
    outside: Option<Sight>,
}

/// What one step may see: the outputs of its ancestors that were there when it started.
#[derive(Clone)]
struct Sight {
    view: Arc<FrameView>,
    /// `None` sees every step of the frame: a condition at the end of a round.
    step: Option<u32>,
    /// Outputs recorded later are not seen, even if their step is an ancestor.
    seq_max: u64,
}

impl Outputs for Sight {
    fn output(&self, step: &str) -> Option<Payload> {
        let workflow = &self.view.workflow;
        let own = workflow
            .position(step)
            .filter(|&at| self.step.is_none_or(|here| workflow.ancestors(here)[at as usize]));
        match own {
            // An ancestor hides a step of the same name outside, even if it has no output: a name means one step.
            Some(at) => self.slot(at).cloned(),
            None => self.view.outside.as_ref()?.output(step),
        }
    }

    fn visible(&self) -> Vec<String> {
        let workflow = &self.view.workflow;
        let related = match self.step {
            Some(step) => workflow.ancestors(step),
            None => vec![true; workflow.defs().len()],
        };
        let hidden = |name: &String| workflow.position(name).is_some_and(|at| related[at as usize]);
        let outside = self.view.outside.iter().flat_map(Outputs::visible);
        let mut visible: Vec<String> = outside.filter(|name| !hidden(name)).collect();
        let own = (0..related.len() as u32).filter(|&at| related[at as usize]);
        visible.extend(
            own.filter(|&at| self.slot(at).is_some()).map(|at| workflow.def(at).id.to_string()),
        );
        visible
    }
}

impl Sight {
    /// The output of a step of this frame, if it was there in time.
    fn slot(&self, step: u32) -> Option<&Payload> {
        let (seq, output) = self.view.slots[step as usize].get()?;
        (*seq <= self.seq_max).then_some(output)
    }
}

#[derive(Default)]
pub(super) struct State {
    pub(super) goal: Arc<str>,
    pub(super) seed: Seed,
    pub(super) input: Payload,
    pub(super) frames: Vec<Frame>,
    pub(super) nodes: Vec<Node>,
    by_path: BTreeMap<FramePath, FrameIx>,
    /// Steps whose join may have been decided, in the order in which that came about.
    pub(super) queue: VecDeque<NodeIx>,
    /// Frames in which everything is settled.
    pub(super) finished: VecDeque<FrameIx>,
    /// Who rests until when.
    pub(super) deadlines: BTreeSet<(Timestamp, NodeIx)>,
    /// Attempts and routings that have not been answered.
    pub(super) in_flight: BTreeSet<NodeIx>,
    pub(super) paused: bool,
    pub(super) cancelled: Option<String>,
    /// The sequence number of the event being applied.
    pub(super) seq: u64,
}

impl State {
    /// Adds a frame: a node for every step, and the steps without incoming edges in the queue.
    pub(super) fn open_frame(
        &mut self,
        workflow: &Workflow,
        path: FramePath,
        parent: Option<NodeIx>,
        round: Option<Round>,
    ) {
        let frame = self.frames.len() as FrameIx;
        let base = self.nodes.len() as NodeIx;
        let outside = parent.map(|parent| self.sight(parent));
        let view = FrameView {
            workflow: workflow.clone(),
            slots: workflow.defs().iter().map(|_| OnceLock::new()).collect(),
            round,
            outside,
        };
        for (step, def) in workflow.defs().iter().enumerate() {
            let open = def.incoming.len() as u32;
            let node = base + step as u32;
            self.nodes.push(Node {
                frame,
                step: step as u32,
                phase: Phase::Waiting,
                since: 0,
                input: None,
                tried: Vec::new(),
                open,
                fired: 0,
                poisoned: false,
                queued: open == 0,
            });
            if open == 0 {
                self.queue.push_back(node);
            }
        }
        self.by_path.insert(path.clone(), frame);
        self.frames.push(Frame {
            workflow: workflow.clone(),
            path,
            base,
            open: workflow.defs().len() as u32,
            parent,
            view: Arc::new(view),
        });
    }

    pub(super) fn node(&self, node: NodeIx) -> &Node {
        &self.nodes[node as usize]
    }

    pub(super) fn node_mut(&mut self, node: NodeIx) -> &mut Node {
        &mut self.nodes[node as usize]
    }

    pub(super) fn frame_of(&self, node: NodeIx) -> &Frame {
        &self.frames[self.node(node).frame as usize]
    }

    pub(super) fn def(&self, node: NodeIx) -> &StepDef {
        self.frame_of(node).workflow.def(self.node(node).step)
    }

    pub(super) fn path(&self, node: NodeIx) -> Path {
        self.frame_of(node).path.step(self.def(node).id.clone())
    }

    /// The node that a path leads to.
    pub(super) fn locate(&self, path: &Path) -> Option<NodeIx> {
        let frame = &self.frames[*self.by_path.get(path.frame())? as usize];
        Some(frame.base + frame.workflow.position(path.step().as_str())?)
    }

    /// The frame of a round of a loop, if the round has begun.
    pub(super) fn round_frame(&self, node: NodeIx, round: u32) -> Option<FrameIx> {
        let frame = FramePath::round(&self.path(node), round);
        self.by_path.get(&frame).copied()
    }

    pub(super) fn output(&self, node: NodeIx) -> Option<&Payload> {
        let slot = &self.frame_of(node).view.slots[self.node(node).step as usize];
        slot.get().map(|(_, output)| output)
    }

    pub(super) fn set_output(&mut self, node: NodeIx, output: Payload) {
        let slot = &self.frame_of(node).view.slots[self.node(node).step as usize];
        let first = slot.set((self.seq, output));
        debug_assert!(first.is_ok(), "a step succeeds once in its frame");
    }

    /// As of the step's start, whenever that is looked at: a retry, a later round or a command that is polled late sees no more than
    /// the first attempt did, and a restored run no more than the one that crashed.
    fn sight(&self, node: NodeIx) -> Sight {
        let view = self.frame_of(node).view.clone();
        let node = self.node(node);
        Sight {
            view,
            step: Some(node.step),
            seq_max: if node.since > 0 { node.since } else { self.seq },
        }
    }

    /// What the step may see.
    pub(super) fn context(&self, node: NodeIx) -> Context {
        let sight = self.sight(node);
        let round = sight.view.round.clone();
        Context::new(self.goal.clone(), round, Arc::new(sight))
    }

    /// What may be seen at the end of a frame: all of it, and what the loop around it sees.
    pub(super) fn final_context(&self, frame: FrameIx) -> Context {
        let view = self.frames[frame as usize].view.clone();
        let round = view.round.clone();
        let sight = Sight { view, step: None, seq_max: self.seq };
        Context::new(self.goal.clone(), round, Arc::new(sight))
    }

    /// The seed of an attempt: a function of the run's seed, the path and the attempt.
    pub(super) fn seed_of(&self, node: NodeIx, attempt: u32) -> Seed {
        self.seed.derive(&self.path(node).to_string()).index(u64::from(attempt))
    }

    /// The failures of a frame that nobody handles, in definition order.
    pub(super) fn unhandled(
        &self,
        frame: FrameIx,
    ) -> impl Iterator<Item = (NodeIx, &TaskError)> + '_ {
        let frame = &self.frames[frame as usize];
        let end = frame.base + frame.workflow.defs().len() as u32;
        (frame.base..end).filter_map(|node| match &self.node(node).phase {
            Phase::Failed { error, .. } if !self.def(node).handles_failure() => Some((node, error)),
            _ => None,
        })
    }

    /// The output of a frame: that of the step which ends it, or an object of outputs by step when several do. A step ends its frame
    /// when nothing follows its success; a handler of its failure does not count.
    pub(super) fn frame_output(&self, frame: FrameIx) -> Payload {
        let frame = &self.frames[frame as usize];
        let defs = frame.workflow.defs().iter().enumerate();
        let ends: Vec<(usize, &StepDef)> = defs.filter(|(_, def)| def.ends()).collect();
        let output = |at: usize| self.output(frame.base + at as u32);
        match ends.as_slice() {
            [(at, _)] => output(*at).cloned().unwrap_or_default(),
            ends => {
                let outputs: BTreeMap<&str, &Payload> = ends
                    .iter()
                    .filter_map(|(at, def)| Some((def.id.as_str(), output(*at)?)))
                    .collect();
                Payload::of(&outputs).expect("an object of payloads is a payload")
            }
        }
    }
}
