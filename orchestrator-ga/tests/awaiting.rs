//! A fitness that is awaited: so many answers at once, in whatever order they come.

mod support;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::executor::block_on;
use orchestrator_core::{
    ManualClock, ParameterSpace, Payload, Seed, Task, TaskError, TaskOutput, Threads, Timestamp,
    Usage, async_trait, worker_fn, yield_now,
};
use orchestrator_ga::{
    AsyncFitnessFn, Evaluation, FitnessError, GaConfig, GaError, StopReason, WorkerFitness,
    async_fitness_fn, constrained, fitness_fn, on_spawner, repaired,
};
use support::{bytes, search, sphere};

fn at_once(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// Answers after as many turns as the seed says, and counts who is in flight.
#[derive(Default)]
struct Slow {
    in_flight: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl AsyncFitnessFn for Slow {
    async fn evaluate(&self, x: &[f64], evaluation: Evaluation) -> Result<f64, FitnessError> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        for _ in 0..=evaluation.seed.fast_stream().below(9) {
            yield_now().await;
        }
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        if x[0] < -0.9 { Err(FitnessError::failed("too far left")) } else { Ok(sphere(x)) }
    }
}

#[test]
fn the_answers_are_ordered_and_at_most_so_many_are_awaited() {
    let plain = fitness_fn(|x| if x[0] < -0.9 { f64::NAN } else { sphere(x) });
    let mut alone = search(GaConfig::default(), 5);
    alone.run(&plain).unwrap();
    for count in [1, 3, 1000] {
        let slow = Slow::default();
        let mut together = search(GaConfig::default(), 5);
        block_on(together.run_async(&slow, at_once(count))).unwrap();
        assert_eq!(bytes(&alone), bytes(&together), "{count} at once");
        assert_eq!(slow.most.into_inner(), count.min(20));
    }
}

#[test]
fn constraints_and_repair_hold_here_too() {
    let edge = |x: &[f64]| x[0] + x[1] - 0.2;
    let pull = |x: &mut [f64]| x[2] = 0.3;
    let mut alone = search(GaConfig::default(), 5);
    alone.run(&repaired(constrained(fitness_fn(sphere), edge), pull)).unwrap();
    let mut together = search(GaConfig::default(), 5);
    let inner = async_fitness_fn(async |x, _| {
        assert!(x[0] + x[1] <= 0.2 && x[2] == 0.3);
        Ok(sphere(&x))
    });
    block_on(together.run_async(&repaired(constrained(inner, edge), pull), at_once(4))).unwrap();
    assert_eq!(bytes(&alone), bytes(&together));
}

#[test]
fn a_run_that_is_dropped_in_the_middle_can_be_taken_up_again() {
    let mut whole = search(GaConfig::default(), 5);
    whole.run(&sphere).unwrap();
    let mut ga = search(GaConfig::default(), 5);
    let calls = AtomicUsize::new(0);
    let stuck = async_fitness_fn(|x: Vec<f64>, _| {
        let stays = calls.fetch_add(1, Ordering::Relaxed) == 50;
        async move {
            if stays {
                std::future::pending::<()>().await;
            }
            Ok(sphere(&x))
        }
    });
    {
        let mut run = pin!(ga.run_async(&stuck, at_once(4)));
        let mut nobody = Context::from_waker(Waker::noop());
        for _ in 0..100 {
            assert!(matches!(run.as_mut().poll(&mut nobody), Poll::Pending));
        }
    }
    assert!((1..5).contains(&ga.generation()) && !ga.finished(), "{}", ga.generation());
    block_on(ga.run_async(&stuck, at_once(4))).unwrap();
    assert_eq!(bytes(&ga), bytes(&whole));
}

#[test]
fn an_observer_interrupts_between_two_generations() {
    let mut ga = search(GaConfig::default(), 5);
    let slow = Slow::default();
    let run = ga.run_async_observed(&slow, at_once(4), |_, row| match row.index {
        3 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!(block_on(run).unwrap().stop, StopReason::Interrupted);
    assert_eq!(ga.generation(), 4);
}

#[test]
fn a_panic_on_a_thread_of_the_spawner_unwinds_where_the_search_is_driven() {
    let threads = Arc::new(Threads::new(at_once(2)).unwrap());
    let shaky =
        on_spawner(fitness_fn(|x| if x[0] > 0.2 { panic!("it broke") } else { 1.0 }), threads);
    let mut ga = search(GaConfig::default(), 5);
    let before = bytes(&ga);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        block_on(ga.run_async(&shaky, at_once(2)))
    }));
    assert_eq!(*outcome.unwrap_err().downcast::<&str>().unwrap(), "it broke");
    assert_eq!(bytes(&ga), before);
    // The threads are still there.
    let calm = on_spawner(fitness_fn(sphere), Arc::new(Threads::new(at_once(2)).unwrap()));
    block_on(ga.run_async(&calm, at_once(2))).unwrap();
}

fn one() -> ParameterSpace {
    ParameterSpace::new([("heat", orchestrator_core::Bounds { min: 0.0, max: 1.0 })]).unwrap()
}

fn evaluate(fitness: &WorkerFitness) -> Result<f64, FitnessError> {
    let evaluation = Evaluation { generation: 0, index: 0, seed: Seed(77) };
    block_on(fitness.evaluate(&[0.25], evaluation))
}

#[test]
fn a_worker_is_asked_by_name_and_seed_and_its_number_is_found_by_pointer() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    let judge = worker_fn(move |task: Task| {
        heard.lock().unwrap().push((task.input().clone(), task.seed()));
        async move {
            let output = TaskOutput::from(Payload::parse(r#"{"report":{"cost":4.5}}"#)?);
            Ok(output.with_usage(Usage { tokens: 10, ..Usage::default() }))
        }
    });
    let fitness = WorkerFitness::new(Arc::new(judge), &one(), "/report/cost");
    assert_eq!(evaluate(&fitness), Ok(4.5));
    let fitness = fitness.minimised();
    assert_eq!(evaluate(&fitness), Ok(-4.5));
    let input = Payload::parse(r#"{"heat":0.25}"#).unwrap();
    assert_eq!(*asked.lock().unwrap(), [(input.clone(), Seed(77)), (input, Seed(77))]);
    assert_eq!(fitness.usage().tokens, 20);
}

#[test]
fn a_worker_reads_every_kind_of_parameter_as_json_has_it() {
    let space = ParameterSpace::builder()
        .real("heat", 0.0, 1.0)
        .integer("threads", 1, 8)
        .boolean("fast")
        .categorical("codec", ["gzip", "zstd"])
        .permutation("order", 3)
        .build()
        .unwrap();
    let echo = worker_fn(async |task: Task| {
        assert_eq!(
            task.input().as_json(),
            r#"{"codec":"zstd","fast":true,"heat":0.5,"order":[2,0,1],"threads":4}"#
        );
        Ok(Payload::of(&1.0)?.into())
    });
    let fitness = WorkerFitness::new(Arc::new(echo), &space, "");
    let evaluation = Evaluation { generation: 0, index: 0, seed: Seed(77) };
    let point = [0.5, 4.0, 1.0, 1.0, 2.0, 0.0, 1.0];
    assert_eq!(block_on(fitness.evaluate(&point, evaluation)), Ok(1.0));
    let between = [0.5, 4.5, 1.0, 1.0, 2.0, 0.0, 1.0];
    assert!(matches!(
        block_on(fitness.evaluate(&between, evaluation)),
        Err(FitnessError::Parameters(_))
    ));
}

#[test]
fn a_worker_that_fails_or_answers_something_else_is_a_failed_evaluation() {
    let failing = worker_fn(async |_: Task| Err(TaskError::terminal("no_gas", "out of gas")));
    let fitness = WorkerFitness::new(Arc::new(failing), &one(), "/cost");
    assert_eq!(evaluate(&fitness), Err(FitnessError::failed("no_gas: out of gas")));
    let vague = worker_fn(async |_: Task| Ok(Payload::text("quite good").into()));
    let error = evaluate(&WorkerFitness::new(Arc::new(vague), &one(), "/cost")).unwrap_err();
    assert!(error.to_string().contains("/cost"), "{error}");

    let mut ga = orchestrator_ga::Ga::search(one(), GaConfig::default(), Seed(1)).unwrap();
    let failing = worker_fn(async |_: Task| Err(TaskError::terminal("no_gas", "out of gas")));
    let fitness = WorkerFitness::new(Arc::new(failing), &one(), "/cost");
    let error = block_on(ga.run_async(&fitness, at_once(4))).unwrap_err();
    assert!(matches!(error, GaError::AllFailed { count: 20, .. }), "{error}");
}

#[test]
fn a_worker_that_is_late_is_cancelled_and_counts_as_failed() {
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let told = Arc::new(Mutex::new(None));
    let (moved, keeps) = (clock.clone(), told.clone());
    let sleepy = worker_fn(move |task: Task| {
        *keeps.lock().unwrap() = Some(task.cancellation().clone());
        moved.advance(Duration::from_millis(60));
        std::future::pending()
    });
    let fitness = WorkerFitness::new(Arc::new(sleepy), &one(), "/cost")
        .with_timeout(Duration::from_millis(50), clock);
    // The clock moves on when the worker begins, and so when the answer is waited for already.
    assert_eq!(evaluate(&fitness), Err(FitnessError::TimedOut { after_ms: 50 }));
    assert!(told.lock().unwrap().as_ref().unwrap().is_cancelled());
}
