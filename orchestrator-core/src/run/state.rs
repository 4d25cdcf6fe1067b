//! Where a run stands: frames, and in every frame a node for every step. Ids are indices here. Nothing in this file decides anything.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::event::RunResult;
use super::node::{Alarm, Body, FrameIx, Node, NodeIx, Phase, Undo};
use super::sight::FrameView;
use crate::context::{Context, Item, Round, Scope, Standpoint};
use crate::id::{SignalName, WorkerName};
use crate::path::{FramePath, Path};
use crate::payload::Payload;
use crate::random::Seed;
use crate::task::{SeedOf, TaskError};
use crate::time::Timestamp;
use crate::workflow::{Brief, StepDef, Workflow};

pub(super) struct Frame {
    pub(super) workflow: Workflow,
    pub(super) path: FramePath,
    /// The step that this is a round, an item or the body of.
    pub(super) parent: Option<NodeIx>,
    /// Which round or item.
    pub(super) index: u32,
    /// What steps get that nothing stands before.
    pub(super) input: Payload,
    pub(super) nodes: Vec<Node>,
    /// Nodes that are not settled.
    pub(super) open: u32,
    /// Attempts and routings without an answer, those of the frames inside included.
    pub(super) in_flight: u32,
    /// Whether nothing may start in it any more.
    pub(super) stopped: bool,
    pub(super) view: Arc<FrameView>,
}

/// The names of workers, so that nodes and history can do with numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Workers {
    names: Vec<WorkerName>,
    numbers: BTreeMap<WorkerName, u32>,
}

impl Workers {
    pub(super) fn number(&mut self, name: &WorkerName) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.clone());
        self.numbers.insert(name.clone(), number);
        number
    }

    pub(super) fn name(&self, number: u32) -> &WorkerName {
        &self.names[number as usize]
    }

    pub(super) fn names(&self) -> &[WorkerName] {
        &self.names
    }
}

/// Why a path leads to no node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// There never was one.
    Unknown,
    /// Its round is no longer kept.
    Dropped,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) goal: Arc<str>,
    pub(super) seed: Seed,
    pub(super) frames: Vec<Option<Box<Frame>>>,
    /// In the order in which the steps succeeded.
    pub(super) undos: Vec<Undo>,
    pub(super) undos_in_flight: u32,
    pub(super) workers: Workers,
    /// Steps whose join has been decided, in the order in which that came about.
    pub(super) queue: VecDeque<NodeIx>,
    /// Edges whose condition is to be looked at: the step where it ends, and which of its incoming edges it is.
    pub(super) undecided: VecDeque<(NodeIx, u32)>,
    /// Frames in which everything is settled.
    pub(super) finished: VecDeque<FrameIx>,
    /// Steps that fail when what is in flight inside them has been answered.
    pub(super) stopping: Vec<NodeIx>,
    pub(super) deadlines: BTreeSet<(Timestamp, Alarm, NodeIx)>,
    /// Signals that nobody has waited for, oldest first.
    pub(super) signals: BTreeMap<SignalName, VecDeque<Payload>>,
    /// Steps that wait for a signal, in the order in which they began to.
    pub(super) awaiting: BTreeMap<SignalName, VecDeque<NodeIx>>,
    pub(super) paused: bool,
    pub(super) cancelled: Option<String>,
    /// How the run will end when everything is undone.
    pub(super) unwinding: Option<RunResult>,
    pub(super) uncompensated: Vec<Path>,
    /// The event that is being applied, and its instant.
    pub(super) seq: u64,
    pub(super) at: Timestamp,
}

impl State {
    pub(super) fn frame(&self, frame: FrameIx) -> &Frame {
        self.frames[frame as usize].as_deref().expect("indices lead to frames that are kept")
    }

    pub(super) fn frame_mut(&mut self, frame: FrameIx) -> &mut Frame {
        self.frames[frame as usize].as_deref_mut().expect("indices lead to frames that are kept")
    }

    /// The frames that are kept, with their indices.
    pub(super) fn frames(&self) -> impl Iterator<Item = (FrameIx, &Frame)> {
        let kept = self.frames.iter().enumerate();
        kept.filter_map(|(at, frame)| Some((at as FrameIx, frame.as_deref()?)))
    }

    /// Every node, those of compensations last.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (NodeIx, &Node)> {
        let steps = self.frames().flat_map(|(ix, frame)| {
            let nodes = frame.nodes.iter().enumerate();
            nodes.map(move |(at, node)| (NodeIx { frame: ix, step: at as u32 }, node))
        });
        let undos = self.undos.iter().enumerate();
        steps.chain(undos.map(|(at, undo)| (NodeIx::undo(at), &undo.node)))
    }

    pub(super) fn node(&self, node: NodeIx) -> &Node {
        if node.is_undo() {
            &self.undos[node.step as usize].node
        } else {
            &self.frame(node.frame).nodes[node.step as usize]
        }
    }

    pub(super) fn node_mut(&mut self, node: NodeIx) -> &mut Node {
        if node.is_undo() {
            &mut self.undos[node.step as usize].node
        } else {
            &mut self.frame_mut(node.frame).nodes[node.step as usize]
        }
    }

    /// The node, if its frame is still kept.
    pub(super) fn kept(&self, node: NodeIx) -> Option<&Node> {
        if node.is_undo() {
            return Some(&self.undos[node.step as usize].node);
        }
        let frame = self.frames[node.frame as usize].as_deref()?;
        frame.nodes.get(node.step as usize)
    }

    pub(super) fn def(&self, node: NodeIx) -> &StepDef {
        let node = self.done_at(node);
        self.frame(node.frame).workflow.def(node.step)
    }

    /// The step that a node stands for: that which a compensation undoes.
    fn done_at(&self, node: NodeIx) -> NodeIx {
        if node.is_undo() { self.undos[node.step as usize].of } else { node }
    }

    pub(super) fn path(&self, node: NodeIx) -> Path {
        if node.is_undo() {
            return self.undos[node.step as usize].path.clone();
        }
        let frame = self.frame(node.frame);
        frame.path.step(frame.workflow.brief(node.step).id.clone())
    }

    /// What of its step is looked at all the time.
    pub(super) fn brief(&self, node: NodeIx) -> &Brief {
        let node = self.done_at(node);
        self.frame(node.frame).workflow.brief(node.step)
    }

    /// The node that a path leads to.
    pub(super) fn locate(&self, path: &Path) -> Result<NodeIx, Missing> {
        if path.is_compensation() {
            let at = self.undos.iter().rposition(|undo| undo.path == *path);
            return at.map(NodeIx::undo).ok_or(Missing::Unknown);
        }
        if self.frames.is_empty() {
            return Err(Missing::Unknown);
        }
        let mut frame = 0;
        for (step, index) in path.rounds() {
            let own = self.frame(frame);
            let at = own.workflow.position(step.as_str()).ok_or(Missing::Unknown)?;
            frame = match own.nodes[at as usize].body().ok_or(Missing::Unknown)? {
                Body::Loop { frames, .. } => match frames.front() {
                    Some((oldest, _)) if index < *oldest => return Err(Missing::Dropped),
                    Some((oldest, _)) => frames.get((index - oldest) as usize).map(|(_, ix)| *ix),
                    None => None,
                },
                Body::Map { frames, .. } => frames.get(index as usize).copied(),
                Body::Sub { frame } => (index == 0).then_some(*frame),
            }
            .ok_or(Missing::Unknown)?;
        }
        let step = self.frame(frame).workflow.position(path.step().as_str());
        Ok(NodeIx { frame, step: step.ok_or(Missing::Unknown)? })
    }

    /// Adds a frame: a node for every step, and the steps without incoming edges in the queue.
    pub(super) fn open_frame(
        &mut self,
        workflow: &Workflow,
        input: Payload,
        place: Option<(NodeIx, u32)>,
        (round, item): (Option<Round>, Option<Item>),
    ) -> FrameIx {
        let ix = self.frames.len() as FrameIx;
        let outside = place.map(|(parent, _)| {
            let view = self.frame(parent.frame).view.clone();
            (view, self.before(parent))
        });
        let path = match place {
            None => FramePath::root(),
            Some((parent, index)) => FramePath::round(&self.path(parent), index),
        };
        let view = Arc::new(FrameView::new(workflow, round, item, outside));
        let mut nodes = Vec::with_capacity(workflow.defs().len());
        for step in 0..workflow.defs().len() {
            let mut node = Node::new(workflow.brief(step as u32).incoming);
            if node.open == 0 {
                node.queued = true;
                self.queue.push_back(NodeIx { frame: ix, step: step as u32 });
            }
            nodes.push(node);
        }
        self.frames.push(Some(Box::new(Frame {
            workflow: workflow.clone(),
            path,
            parent: place.map(|(parent, _)| parent),
            index: place.map_or(0, |(_, index)| index),
            input,
            open: nodes.len() as u32,
            nodes,
            in_flight: 0,
            stopped: false,
            view,
        })));
        ix
    }

    /// Whether something in a frame, or inside it, may have to be undone.
    pub(super) fn may_be_undone(&self, frame: FrameIx) -> bool {
        let mut undos = self.undos.iter().map(|undo| undo.of.frame);
        undos.any(|mut at| {
            while at != frame {
                match self.frame(at).parent {
                    Some(parent) => at = parent.frame,
                    None => return false,
                }
            }
            true
        })
    }

    /// Forgets a frame and those inside it. All of it is settled.
    pub(super) fn drop_frame(&mut self, frame: FrameIx) {
        let Some(frame) = self.frames[frame as usize].take() else { return };
        for inner in frame.nodes.iter().filter_map(Node::body).flat_map(Body::frames) {
            self.drop_frame(inner);
        }
    }

    /// Whether the frame lies inside the step, at any depth.
    pub(super) fn is_inside(&self, frame: FrameIx, step: NodeIx) -> bool {
        let mut at = self.frame(frame).parent;
        while let Some(parent) = at {
            if parent == step {
                return true;
            }
            at = self.frame(parent.frame).parent;
        }
        false
    }

    /// Whether nothing may start at the node any more.
    pub(super) fn is_stopped(&self, node: NodeIx) -> bool {
        !node.is_undo() && self.frame(node.frame).stopped
    }

    /// Attempts and routings without an answer.
    pub(super) fn in_flight(&self) -> u32 {
        self.frames.first().map_or(0, |_| self.frame(0).in_flight) + self.undos_in_flight
    }

    /// Attempts and routings without an answer inside a step.
    pub(super) fn in_flight_inside(&self, node: NodeIx) -> u32 {
        let frames = self.node(node).body().map(Body::frames).unwrap_or_default();
        frames.into_iter().map(|frame| self.frame(frame).in_flight).sum()
    }

    pub(super) fn output(&self, node: NodeIx) -> Option<&Payload> {
        self.frame(node.frame).view.output_of(node.step)
    }

    pub(super) fn set_output(&mut self, node: NodeIx, output: Payload) {
        let kept = self.frame(node.frame).view.record(node.step, self.seq, output);
        debug_assert!(kept, "a step succeeds once in its frame");
    }

    /// As of the step's start, whenever that is looked at: a retry, a later round or a command that is polled late sees no more than
    /// the first attempt did, and a restored run no more than the one that crashed.
    pub(super) fn before(&self, node: NodeIx) -> Standpoint {
        let since = self.node(node).since;
        let seq_max = if since > 0 { since } else { self.seq };
        Standpoint { scope: Scope::Before(node.step), seq_max }
    }

    /// What the step may see.
    pub(super) fn context(&self, node: NodeIx) -> Context {
        if node.is_undo() {
            // As of the success that is undone.
            let of = self.done_at(node);
            let seq_max = self.node(of).settled;
            let from = Standpoint { scope: Scope::UpTo(of.step), seq_max };
            return Context::new(self.goal.clone(), from, self.frame(of.frame).view.clone());
        }
        let view = self.frame(node.frame).view.clone();
        Context::new(self.goal.clone(), self.before(node), view)
    }

    /// What may be seen when the step has ended: its output, and what it saw.
    pub(super) fn context_after(&self, node: NodeIx) -> Context {
        let from = Standpoint { scope: Scope::UpTo(node.step), seq_max: self.seq };
        Context::new(self.goal.clone(), from, self.frame(node.frame).view.clone())
    }

    /// What may be seen at the end of a frame: all of it, and what the step around it sees.
    pub(super) fn final_context(&self, frame: FrameIx) -> Context {
        let from = Standpoint { scope: Scope::Whole, seq_max: self.seq };
        Context::new(self.goal.clone(), from, self.frame(frame).view.clone())
    }

    pub(super) fn seed_of(&self, node: NodeIx, attempt: u32) -> Seed {
        SeedOf::Run(self.seed).attempt(&self.path(node), attempt)
    }

    /// The failures of a frame that nobody handles, in definition order.
    pub(super) fn unhandled(&self, ix: FrameIx) -> impl Iterator<Item = (NodeIx, &TaskError)> + '_ {
        let frame = self.frame(ix);
        let nodes = frame.nodes.iter().zip(frame.workflow.defs()).enumerate();
        nodes.filter_map(move |(at, (node, def))| match &node.phase {
            Phase::Failed { error, .. } if !def.handles_failure() => {
                Some((NodeIx { frame: ix, step: at as u32 }, &**error))
            }
            _ => None,
        })
    }

    /// The output of a frame: that of the step which ends it, or an object of outputs by step when several do. A step ends its frame
    /// when nothing follows its success; a handler of its failure does not count.
    pub(super) fn frame_output(&self, ix: FrameIx) -> Payload {
        let frame = self.frame(ix);
        let defs = frame.workflow.defs().iter().enumerate();
        let ends: Vec<(u32, &StepDef)> =
            defs.filter(|(_, def)| def.ends()).map(|(at, def)| (at as u32, def)).collect();
        match ends.as_slice() {
            [(at, _)] => frame.view.output_of(*at).cloned().unwrap_or_default(),
            ends => {
                let given = ends.iter().filter_map(|(at, def)| {
                    Some((def.id.as_str(), frame.view.output_of(*at)?.clone()))
                });
                Payload::object(given.collect())
            }
        }
    }
}
