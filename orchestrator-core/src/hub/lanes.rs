//! Attempts that wait for a place, and who is next.

use std::collections::{BTreeMap, VecDeque};

use super::Limits;
use crate::id::{Role, WorkerName, WorkflowName};
use crate::run::AttemptId;
use crate::task::Task;

/// An attempt that nobody has begun.
pub(super) struct Waiting {
    pub(super) run: u32,
    pub(super) attempt: AttemptId,
    pub(super) worker: WorkerName,
    pub(super) task: Box<Task>,
    /// The order in which they came.
    ticket: u64,
}

/// Attempts that the same bounds hold for: a lane for every workflow and role that has a bound, and one for the rest.
#[derive(Default)]
struct Lane {
    workflow: Option<WorkflowName>,
    role: Option<Role>,
    /// By priority, oldest first.
    queues: BTreeMap<i32, VecDeque<Waiting>>,
    in_flight: usize,
}

impl Lane {
    /// Who is first, by priority and order.
    fn first(&self) -> Option<(i32, u64)> {
        let mut queues = self.queues.iter().rev();
        queues.find_map(|(priority, queue)| Some((*priority, queue.front()?.ticket)))
    }

    fn pop(&mut self) -> Option<Waiting> {
        let (&priority, queue) = self.queues.iter_mut().rev().find(|(_, q)| !q.is_empty())?;
        let first = queue.pop_front();
        // The last queue stays, empty or not: most definitions have one priority.
        if queue.is_empty() && self.queues.len() > 1 {
            self.queues.remove(&priority);
        }
        first
    }
}

/// All of them. There are at most as many lanes as pairs of a bounded workflow and a bounded role.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: Vec<Lane>,
    tickets: u64,
    waiting: usize,
}

impl Lanes {
    pub(super) fn push(
        &mut self,
        limits: &Limits,
        workflow: &WorkflowName,
        (run, attempt, worker, task): (u32, AttemptId, WorkerName, Box<Task>),
    ) {
        let bounded = limits.attempts_max_of_workflow.get_key_value(workflow);
        let workflow = bounded.map(|(workflow, _)| workflow);
        let role = limits.attempts_max_of_role.get_key_value(task.role()).map(|(role, _)| role);
        let same = |lane: &Lane| lane.workflow.as_ref() == workflow && lane.role.as_ref() == role;
        let at = self.lanes.iter().position(same).unwrap_or_else(|| {
            let (workflow, role) = (workflow.cloned(), role.cloned());
            self.lanes.push(Lane { workflow, role, ..Lane::default() });
            self.lanes.len() - 1
        });
        self.tickets += 1;
        self.waiting += 1;
        let queue = self.lanes[at].queues.entry(task.priority()).or_default();
        queue.push_back(Waiting { run, attempt, worker, task, ticket: self.tickets });
    }

    /// Takes out the next attempt that may begin, with its lane.
    pub(super) fn next(&mut self, limits: &Limits) -> Option<(u32, Waiting)> {
        if self.waiting == 0 {
            return None;
        }
        let at = match self.lanes.len() {
            1 if self.may(limits, 0) => 0,
            1 => return None,
            _ => {
                let open = (0..self.lanes.len()).filter(|at| self.may(limits, *at));
                let firsts = open.filter_map(|at| Some((self.lanes[at].first()?, at)));
                firsts.min_by_key(|((priority, ticket), _)| (-i64::from(*priority), *ticket))?.1
            }
        };
        let waiting = self.lanes[at].pop()?;
        self.waiting -= 1;
        self.lanes[at].in_flight += 1;
        Some((at as u32, waiting))
    }

    /// An attempt of the lane is no longer in flight.
    pub(super) fn release(&mut self, lane: u32) {
        self.lanes[lane as usize].in_flight -= 1;
    }

    fn may(&self, limits: &Limits, at: usize) -> bool {
        let in_flight = |same: &dyn Fn(&Lane) -> bool| {
            self.lanes.iter().filter(|lane| same(lane)).map(|lane| lane.in_flight).sum::<usize>()
        };
        let lane = &self.lanes[at];
        let workflow = lane.workflow.as_ref().and_then(|workflow| {
            let max = limits.attempts_max_of_workflow.get(workflow)?;
            Some(in_flight(&|other| other.workflow.as_ref() == Some(workflow)) < max.get())
        });
        let role = lane.role.as_ref().and_then(|role| {
            let max = limits.attempts_max_of_role.get(role)?;
            Some(in_flight(&|other| other.role.as_ref() == Some(role)) < max.get())
        });
        workflow.unwrap_or(true) && role.unwrap_or(true)
    }

    /// Takes out what a run no longer wants: these attempts, or all.
    pub(super) fn withdraw(
        &mut self,
        run: u32,
        which: Option<&BTreeMap<AttemptId, bool>>,
    ) -> Vec<AttemptId> {
        let mut withdrawn = Vec::new();
        if self.waiting == 0 {
            return withdrawn;
        }
        for queue in self.lanes.iter_mut().flat_map(|lane| lane.queues.values_mut()) {
            queue.retain(|waiting| {
                let stays = waiting.run != run
                    || which.is_some_and(|which| !which.contains_key(&waiting.attempt));
                if !stays {
                    withdrawn.push(waiting.attempt.clone());
                }
                stays
            });
        }
        self.waiting -= withdrawn.len();
        withdrawn
    }
}
