//! A step in a frame: what it is at, and what only some steps have beside that.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::present;
use crate::path::Path;
use crate::payload::Payload;
use crate::task::TaskError;
use crate::time::Timestamp;

/// The index of a frame. The run itself is frame 0; a frame that is no longer kept leaves its number unused.
pub(super) type FrameIx = u32;

/// A node: the step of a frame, or what undoes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct NodeIx {
    pub(super) frame: FrameIx,
    pub(super) step: u32,
}

impl NodeIx {
    /// What stands for a frame in the index of a compensation.
    const UNDO: FrameIx = FrameIx::MAX;

    pub(super) fn undo(at: usize) -> NodeIx {
        NodeIx { frame: NodeIx::UNDO, step: at as u32 }
    }

    pub(super) fn is_undo(self) -> bool {
        self.frame == NodeIx::UNDO
    }
}

/// What a step is at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Phase {
    /// Its join has not fired yet.
    Waiting,
    /// A router is being asked.
    Routing { attempt: u32, redispatches: u32 },
    /// A worker is at it.
    Working { attempt: u32, worker: u32, redispatches: u32 },
    /// The next attempt begins at an instant.
    Resting { attempt: u32 },
    /// A person is being asked.
    Asking,
    /// It waits for a signal or an instant.
    Awaiting,
    /// Its body is running.
    Inside,
    /// It will fail with this as soon as nothing in its body is in flight.
    Stopping { error: Arc<TaskError> },
    /// It has succeeded.
    Succeeded { attempt: u32 },
    /// It has failed.
    Failed { attempt: u32, error: Arc<TaskError> },
    /// It will not be done.
    Skipped,
}

/// What happens when a deadline has come. Several at the same instant come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Alarm {
    /// The next attempt begins.
    Rest,
    /// The wait is over.
    Timer,
    /// The default counts.
    Choice,
    /// The worker has been silent for too long.
    Heartbeat,
    /// The attempt takes too long.
    Attempt,
    /// The step takes too long.
    Step,
}

/// A step in a frame.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Node {
    /// The event with which it started; what is recorded later it does not see. 0 until then.
    pub(super) since: u64,
    /// The event with which it ended. 0 until then.
    pub(super) settled: u64,
    pub(super) phase: Phase,
    /// Incoming edges that are not settled.
    pub(super) open: u32,
    /// Incoming edges that fired.
    pub(super) fired: u32,
    /// Whether some incoming edge is dead because of a failure that nobody handles.
    pub(super) poisoned: bool,
    /// Whether it stands in the queue of steps to be looked at.
    pub(super) queued: bool,
    /// What most steps do without; in a box, so that they do not pay for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extra: Option<Box<Extra>>,
}

/// What only some steps have.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Extra {
    /// What the step works on, if a transformer made it.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<Payload>,
    /// Who has failed at it, first to last.
    pub(super) tried: Vec<u32>,
    pub(super) deadlines: Vec<(Timestamp, Alarm)>,
    /// When its worker was last heard of.
    pub(super) heard: Timestamp,
    pub(super) body: Option<Body>,
    /// Incoming edges with a condition that fired, and with which event.
    pub(super) held: Vec<(u32, u64)>,
    /// The step to which a branch leads.
    pub(super) way: Option<u32>,
    /// Why a condition of an incoming edge could not be decided.
    pub(super) refused: Option<TaskError>,
}

/// The frames inside a step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Body {
    Loop {
        round: u32,
        /// The rounds that are kept, oldest first.
        frames: VecDeque<(u32, FrameIx)>,
    },
    Map {
        items: Vec<Payload>,
        /// The frames of the items that have begun, by item.
        frames: Vec<FrameIx>,
        running: u32,
        failed: BTreeMap<u32, TaskError>,
    },
    Sub {
        frame: FrameIx,
    },
}

impl Body {
    /// The frames that are kept, in order.
    pub(super) fn frames(&self) -> Vec<FrameIx> {
        match self {
            Body::Loop { frames, .. } => frames.iter().map(|(_, frame)| *frame).collect(),
            Body::Map { frames, .. } => frames.clone(),
            Body::Sub { frame } => vec![*frame],
        }
    }
}

impl Node {
    pub(super) fn new(open: u32) -> Node {
        Node {
            since: 0,
            settled: 0,
            phase: Phase::Waiting,
            open,
            fired: 0,
            poisoned: false,
            queued: false,
            extra: None,
        }
    }

    pub(super) fn extra(&self) -> Option<&Extra> {
        self.extra.as_deref()
    }

    pub(super) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    pub(super) fn body(&self) -> Option<&Body> {
        self.extra.as_ref()?.body.as_ref()
    }

    pub(super) fn body_mut(&mut self) -> Option<&mut Body> {
        self.extra.as_mut()?.body.as_mut()
    }

    pub(super) fn in_flight(&self) -> bool {
        matches!(self.phase, Phase::Routing { .. } | Phase::Working { .. })
    }
}

/// A step that has succeeded and may have to be undone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Undo {
    /// The step.
    pub(super) of: NodeIx,
    /// The path of the compensation.
    pub(super) path: Path,
    /// The output of the step.
    pub(super) input: Payload,
    pub(super) node: Node,
}
