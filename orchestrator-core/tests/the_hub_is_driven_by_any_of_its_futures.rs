//! One future drives all runs; whoever is dropped or done hands over, and nothing is lost by that.

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use futures::executor::block_on;
use futures::future::{join_all, poll_fn};
use futures::{FutureExt, StreamExt};
use orchestrator_core::{
    BoxFuture, Orchestrator, Role, Spawner, Start, Step, Task, TaskOutput, Threads, Worker,
    Workflow, worker_fn, yield_now,
};

fn chain(name: &str, length: usize) -> Workflow {
    let steps = (0..length).map(|at| {
        let step = Step::task(format!("s{at}"), Role::GENERIC);
        if at == 0 { step } else { step.after(format!("s{}", at - 1)) }
    });
    steps.fold(Workflow::builder(name), |builder, step| builder.step(step)).build().unwrap()
}

fn hub(base: Orchestrator, worker: impl Worker + 'static, length: usize) -> Orchestrator {
    let mut hub = base.with_concurrency(NonZeroUsize::new(16).unwrap());
    hub.register_worker("worker", Role::GENERIC, worker).unwrap();
    hub.register_workflow(chain("w", length)).unwrap();
    hub
}

/// Answers after it has been woken from another thread, some of the time.
fn unsteady() -> (impl Worker, Arc<AtomicUsize>) {
    let (wake, wakers) = mpsc::channel::<Waker>();
    std::thread::spawn(move || wakers.into_iter().for_each(Waker::wake));
    let (wake, calls) = (Mutex::new(wake), Arc::new(AtomicUsize::new(0)));
    let (wake, count) = (Arc::new(wake), calls.clone());
    let worker = worker_fn(move |task: Task| {
        let (wake, call) = (wake.clone(), count.fetch_add(1, Ordering::SeqCst));
        async move {
            let mut turns = call % 4;
            poll_fn(|context| {
                if turns == 0 {
                    return Poll::Ready(());
                }
                turns -= 1;
                wake.lock().unwrap().send(context.waker().clone()).unwrap();
                Poll::Pending
            })
            .await;
            Ok(TaskOutput::from(task.input().clone()))
        }
    });
    (worker, calls)
}

#[test]
fn many_threads_execute_on_one_hub() {
    const THREADS: usize = 8;
    const RUNS: usize = 40;
    for spawned in [false, true] {
        let (worker, calls) = unsteady();
        let mut base = Orchestrator::new();
        if spawned {
            let threads = Threads::new(NonZeroUsize::new(3).unwrap()).unwrap();
            base = base.with_spawner(Arc::new(threads));
        }
        let hub = hub(base, worker, 5);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let hub = &hub;
                scope.spawn(move || {
                    for run in 0..RUNS {
                        let goal = format!("{thread} {run}");
                        let report = block_on(hub.execute("w", &goal)).unwrap();
                        assert_eq!(report.output().unwrap().to::<String>().unwrap(), goal);
                    }
                });
            }
        });
        assert_eq!(calls.load(Ordering::SeqCst), THREADS * RUNS * 5, "spawned: {spawned}");
    }
}

/// Drivers come and go at random while others wait: what one leaves behind the next takes up.
#[test]
fn drivers_that_are_dropped_at_any_poll_lose_nothing() {
    const RUNS: usize = 30;
    let (worker, calls) = unsteady();
    let hub = hub(Orchestrator::new(), worker, 4);
    let runs: Vec<_> = (0..RUNS).map(|_| hub.start("w", Start::default()).unwrap()).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (hub, runs) = (&hub, &runs);
            scope.spawn(move || {
                for polls in (0..3).cycle().take(300) {
                    // Polled a few times, if need be without having been woken, and dropped.
                    let mut driver: Pin<Box<dyn Future<Output = ()>>> = match thread {
                        0 => Box::pin(hub.drive()),
                        at => Box::pin(runs[polls * 4 + at].join().map(|_| ())),
                    };
                    for _ in 0..=polls {
                        if (&mut driver).now_or_never().is_some() {
                            break;
                        }
                        std::thread::yield_now();
                    }
                }
            });
        }
        // Those wait patiently: they are polled only when they are woken.
        for half in runs.chunks(RUNS / 2) {
            scope.spawn(move || {
                let reports = block_on(join_all(half.iter().map(|run| run.join())));
                assert!(reports.into_iter().all(|report| report.unwrap().output().is_ok()));
            });
        }
    });
    assert_eq!(calls.load(Ordering::SeqCst), RUNS * 4, "nothing was done twice");
    assert!(hub.drive().now_or_never().is_some(), "no run is active");
}

#[test]
fn a_driver_that_is_done_hands_over_to_one_that_waits() {
    let open = Arc::new(AtomicUsize::new(0));
    let gate = open.clone();
    let wakers: Arc<Mutex<Vec<Waker>>> = Arc::default();
    let asleep = wakers.clone();
    // The goal "slow" waits for the gate; others end at once.
    let worker = worker_fn(move |task: Task| {
        let (gate, asleep) = (gate.clone(), asleep.clone());
        async move {
            let slow = task.context().goal() == "slow";
            poll_fn(|context| {
                if !slow || gate.load(Ordering::SeqCst) > 0 {
                    return Poll::Ready(());
                }
                asleep.lock().unwrap().push(context.waker().clone());
                Poll::Pending
            })
            .await;
            Ok(TaskOutput::default())
        }
    });
    let hub = Arc::new(hub(Orchestrator::new(), worker, 1));
    let slow = hub.start("w", Start::goal("slow")).unwrap();
    let (first, second) = (slow.join(), slow.join());
    let mut first = Box::pin(first);
    assert!((&mut first).now_or_never().is_none(), "it has the seat now");
    let waiting = std::thread::spawn(move || block_on(second).unwrap());
    assert!(block_on(hub.execute("w", "fast")).is_ok(), "whoever is polled drives");
    drop(first);
    open.store(1, Ordering::SeqCst);
    // Who waited is the only one left; the wake-up goes through the hub to it.
    while !waiting.is_finished() {
        wakers.lock().unwrap().drain(..).for_each(Waker::wake);
        std::thread::yield_now();
    }
    assert!(waiting.join().unwrap().output().is_ok());
}

#[test]
fn a_worker_may_execute_on_its_own_hub() {
    for spawned in [false, true] {
        let own: Arc<Mutex<Option<Arc<Orchestrator>>>> = Arc::default();
        let slot = own.clone();
        let nesting = worker_fn(move |_: Task| {
            let hub = slot.lock().unwrap().clone().unwrap();
            async move {
                let inner = hub.execute("w", "inner").await.unwrap();
                Ok(TaskOutput::from(inner.output().unwrap().clone()))
            }
        });
        let echo = worker_fn(async |task: Task| {
            yield_now().await;
            Ok(TaskOutput::from(task.input().clone()))
        });
        let mut base = Orchestrator::new();
        if spawned {
            let threads = Threads::new(NonZeroUsize::new(2).unwrap()).unwrap();
            base = base.with_spawner(Arc::new(threads));
        }
        let mut hub = hub(base, echo, 3);
        hub.register_worker("nesting", Role::CODER, nesting).unwrap();
        let step = Step::task("outer", Role::CODER);
        hub.register_workflow(Workflow::builder("outer").step(step).build().unwrap()).unwrap();
        let hub = Arc::new(hub);
        *own.lock().unwrap() = Some(hub.clone());
        let report = block_on(hub.execute("outer", "outer")).unwrap();
        assert_eq!(report.output().unwrap().as_json(), "\"inner\"", "spawned: {spawned}");
        own.lock().unwrap().take();
    }
}

#[test]
fn a_long_run_lets_the_executor_look_after_others() {
    let echo = worker_fn(async |task: Task| Ok(TaskOutput::from(task.input().clone())));
    let hub = hub(Orchestrator::new(), echo, 2_000);
    let mut run = pin!(hub.execute("w", "goal"));
    let polls = block_on(poll_fn(|context| {
        let mut polls = 0;
        while run.as_mut().poll(context).is_pending() {
            polls += 1;
        }
        Poll::Ready(polls)
    }));
    assert!(polls > 10, "2,000 steps in a row are not one poll: {polls}");
}

/// Has done what it gets when the call returns.
struct AtOnce;

impl Spawner for AtOnce {
    fn spawn(&self, work: BoxFuture<()>) {
        std::thread::spawn(|| block_on(work)).join().unwrap();
    }
}

#[test]
fn a_spawner_may_work_at_once() {
    let echo = worker_fn(async |task: Task| Ok(TaskOutput::from(task.input().clone())));
    let hub = hub(Orchestrator::new().with_spawner(Arc::new(AtOnce)), echo, 20);
    assert!(block_on(hub.execute("w", "goal")).unwrap().output().is_ok());
}

#[test]
fn a_stream_of_events_wakes_without_driving() {
    let (worker, _) = unsteady();
    let hub = hub(Orchestrator::new(), worker, 10);
    let run = hub.start("w", Start::default()).unwrap();
    let mut events = run.events();
    assert!(events.next().now_or_never().is_none(), "a stream does not drive");
    let reading = std::thread::spawn(move || block_on(events.count()));
    block_on(hub.drive());
    assert_eq!(reading.join().unwrap() as u64, run.view().seq);
}

/// The end of the last run is where waiting for none and beginning another cross.
#[test]
fn who_drives_until_nothing_is_left_ends_also_while_runs_come_and_go() {
    let (worker, _) = unsteady();
    let hub = hub(Orchestrator::new(), worker, 2);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..200 {
                    block_on(hub.drive());
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for at in 0..200 {
                    let run = hub.start("w", Start::default()).unwrap();
                    if at % 3 > 0 {
                        assert!(block_on(run.join()).unwrap().output().is_ok());
                    }
                }
            });
        }
    });
    block_on(hub.drive());
    assert!(hub.drive().now_or_never().is_some());
}
