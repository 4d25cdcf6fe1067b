//! Who attends which queries.
//!
//! A task is some queries of a head. Threads take the next task when they are done with one, so a thread that is held up holds up
//! nobody; and since a query is computed the same way by whoever takes it, the result is the same on any number of threads.
#![allow(unsafe_code)]

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::group::{Pack, Span};
use super::output::Outputs;
use super::problem::Problem;
use super::simd::Level;
use super::workspace::{Bench, Workspace, group};
use crate::real::Real;

/// Tasks per thread, so that the last one to finish keeps the others waiting for a sixteenth of the time.
const TASKS_PER_THREAD: usize = 16;

/// Multiplications that a further thread must have before it is worth starting, which takes as long as some hundred thousand
/// of them.
const MULTIPLICATIONS_PER_THREAD_MIN: usize = 4_000_000;

/// What the exponential of a logit costs, in multiplications.
const EXPONENTIAL_COST: usize = 12;

/// Keys after which is asked whether to go on, also in the midst of a group of queries.
const SPAN: usize = 4096;

/// Attends all queries of all heads. `go_on` is asked on the calling thread, before every span of every group of queries that this
/// thread attends, with the head; when it breaks, the outputs are only partly filled.
pub(super) fn attend<T: Real>(
    level: Level,
    problem: &Problem<'_, T>,
    threads: usize,
    workspace: &mut Workspace<T>,
    outputs: &Outputs<'_, T>,
    go_on: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let threads = threads.clamp(1, worth(problem));
    let tasks = Tasks::new(problem, threads);
    let benches = workspace.benches(threads);
    let (mine, others) = benches.split_first_mut().expect("there is at least one thread");
    let crew = Crew { level, problem, outputs, tasks, stopped: AtomicBool::new(false) };
    if others.is_empty() {
        return crew.work(mine, go_on);
    }
    thread::scope(|scope| {
        // Also when `go_on` panics the others are not to go on to the end.
        let stop = StopOnDrop(&crew.stopped);
        for bench in others {
            let crew = &crew;
            let helper = move || {
                // Whether all is done is for the calling thread to say.
                let _ = crew.work(bench, &mut |_| ControlFlow::Continue(()));
            };
            // A thread that the system refuses is one fewer to share the work with.
            let _ = thread::Builder::new().spawn_scoped(scope, helper);
        }
        let flow = crew.work(mine, go_on);
        if flow.is_continue() {
            // No task is left to take, but the others are still at theirs.
            std::mem::forget(stop);
        }
        flow
    })
}

/// How many threads have enough to do.
fn worth<T: Real>(problem: &Problem<'_, T>) -> usize {
    let Problem { queries, keys, heads, width, value_width, .. } = *problem;
    let pairs = queries.saturating_mul(keys).saturating_mul(heads);
    let all = pairs.saturating_mul(width + value_width + EXPONENTIAL_COST);
    (all / MULTIPLICATIONS_PER_THREAD_MIN).max(1)
}

/// What all threads share.
struct Crew<'a, T: Real> {
    level: Level,
    problem: &'a Problem<'a, T>,
    outputs: &'a Outputs<'a, T>,
    tasks: Tasks,
    stopped: AtomicBool,
}

impl<T: Real> Crew<'_, T> {
    /// Takes tasks until there are none.
    fn work(
        &self,
        bench: &mut Bench<T>,
        go_on: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let problem = self.problem;
        let mut parts = bench.parts(problem);
        let mut packed = None;
        while let Some((head, queries)) = self.tasks.take() {
            if packed != Some(head) {
                T::run(self.level, Pack { problem, head, parts: &mut parts });
                packed = Some(head);
            }
            // SAFETY: no two tasks have a query of a head in common, and each is taken once.
            let mut piece = unsafe { self.outputs.piece(head, queries.clone()) };
            for start in queries.clone().step_by(group::<T>()) {
                let queries = start..queries.end.min(start + group::<T>());
                let keys = problem.keys_before(&queries);
                let mut at = 0;
                loop {
                    if self.stopped.load(Ordering::Relaxed) {
                        return ControlFlow::Break(());
                    }
                    go_on(head)?;
                    let end = keys.min(at + SPAN);
                    let (queries, keys, last) = (queries.clone(), at..end, end == keys);
                    let (parts, piece) = (&mut parts, &mut piece);
                    T::run(self.level, Span { problem, head, queries, keys, last, parts, piece });
                    if last {
                        break;
                    }
                    at = end;
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// All queries of all heads, in tasks that are taken one after the other.
struct Tasks {
    next: AtomicUsize,
    count: usize,
    tasks_per_head: usize,
    queries: usize,
    queries_per_task: usize,
}

impl Tasks {
    fn new<T: Real>(problem: &Problem<'_, T>, threads: usize) -> Tasks {
        let Problem { queries, heads, .. } = *problem;
        let groups = queries.div_ceil(group::<T>()).max(1);
        // A thread on its own has nobody to wait for.
        let wanted = if threads == 1 { 1 } else { threads * TASKS_PER_THREAD };
        let groups_per_task = groups.div_ceil(wanted.div_ceil(heads));
        let tasks_per_head = groups.div_ceil(groups_per_task);
        let queries_per_task = groups_per_task * group::<T>();
        let count = heads * tasks_per_head;
        Tasks { next: AtomicUsize::new(0), count, tasks_per_head, queries, queries_per_task }
    }

    /// A head and some of its queries.
    fn take(&self) -> Option<(usize, Range<usize>)> {
        // Every thread comes once after the last task, so the counter cannot wrap.
        let task = self.next.fetch_add(1, Ordering::Relaxed);
        (task < self.count).then(|| {
            let start = task % self.tasks_per_head * self.queries_per_task;
            (task / self.tasks_per_head, start..self.queries.min(start + self.queries_per_task))
        })
    }
}

/// Tells the others to stop, unless it is forgotten.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
