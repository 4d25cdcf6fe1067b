//! The search as a worker: overrides, progress, cancellation, refusals.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use orchestrator_core::{
    Cancellation, Failure, Note, Notes, Orchestrator, ParameterSpace, Parameters, Payload, Role,
    Seed, Start, Step, Task, TaskError, Worker, Workflow, worker_fn, yield_now,
};
use orchestrator_ga::{
    AsyncGaWorker, DocumentFitness, Ga, GaConfig, GaOutput, GaWorker, Method, Search, Stop,
    StopReason, WorkerFitness, async_fitness_fn, constrained, fitness_fn,
};

fn worker() -> impl Worker {
    let space = Parameters::space(["complexity", "size"], ["layer_0"]);
    let fitness = DocumentFitness { desired_complexity: 1.0 }.over(&space).unwrap();
    GaWorker::new(space, GaConfig::documents(), fitness)
}

fn ask(input: &str) -> Result<GaOutput, TaskError> {
    let task = Task::detached(Payload::parse(input).unwrap(), Seed(1));
    block_on(worker().execute(task)).map(|output| output.payload.to().unwrap())
}

#[test]
fn it_answers_what_the_search_itself_would_with_the_documents_keys() {
    let space = Parameters::space(["complexity", "size"], ["layer_0"]);
    let fitness = DocumentFitness { desired_complexity: 1.0 }.over(&space).unwrap();
    let direct = Ga::search(space, GaConfig::documents(), Seed(1)).unwrap().run(&fitness).unwrap();
    assert_eq!(ask("null").unwrap().result, direct);

    let task = Task::detached(Payload::null(), Seed(1));
    let payload = block_on(worker().execute(task)).unwrap().payload;
    assert_eq!(payload.at::<f64>("/final_fitness").unwrap(), direct.final_fitness);
    assert!(payload.at::<f64>("/optimized_params/weight.complexity").is_ok());
    assert_eq!(payload.at::<Vec<serde::de::IgnoredAny>>("/checks").unwrap().len(), 5);
}

#[test]
fn a_task_overrides_settings_and_starts_warm() {
    let optimum =
        r#"{"weight.complexity":1.0,"weight.size":1.0,"bias.layer_0":0.0,"temperature":1.0}"#;
    let input = format!(r#"{{"generations":5,"population":8,"warm_start":[{optimum},[1,1,0,1]]}}"#);
    let output = ask(&input).unwrap();
    assert_eq!(output.result.final_fitness, DocumentFitness::OPTIMUM);
    assert_eq!(output.result.fitness_history.len(), 6);
    assert_eq!(output.result.warm_starts, 2);
}

#[test]
fn what_it_does_not_understand_it_refuses() {
    for (input, part) in [
        (r#"{"genrations":5}"#, "genrations"),
        (r#"{"population":1}"#, "population is 1"),
        (r#"{"tournament":0}"#, "tournament"),
        (r#"{"tournament":2,"selection":{"tournament":{"size":3}}}"#, "contradict"),
        (r#"{"evaluations":0}"#, "no evaluations"),
        (r#"{"method":"guessing"}"#, "guessing"),
        (r#"{"method":"auto","population":9}"#, "no setting of auto"),
        (r#"{"method":"cma_es","elites":2}"#, "elites is a setting of the genetic algorithm"),
        (r#"{"warm_start":[{"temperature":1.0}]}"#, "no value for \"weight.complexity\""),
        (r#"{"warm_start":[[9,1,0,1]]}"#, "start point 0"),
    ] {
        let error = ask(input).unwrap_err();
        assert_eq!(error.failure, Failure::Terminal);
        assert!(error.message.contains(part), "{}", error.message);
    }
}

#[test]
fn it_tells_its_progress_and_stops_when_cancelled() {
    let (cancel, cancellation) = Cancellation::new();
    let heard = Arc::new(Mutex::new((Vec::new(), Some(cancel))));
    let ear = heard.clone();
    let notes = Notes::to(move |_, note| {
        let Note::Progress { done, .. } = note else {
            return;
        };
        let mut heard = ear.lock().unwrap();
        heard.0.push(done);
        if heard.0.len() == 3 {
            heard.1.take().unwrap().cancel();
        }
    });
    let task =
        Task::detached(Payload::null(), Seed(1)).with_notes(notes).with_cancellation(cancellation);
    let error = block_on(worker().execute(task)).unwrap_err();
    assert_eq!(error.failure, Failure::Cancelled);
    let done = heard.lock().unwrap().0.clone();
    assert_eq!(done.len(), 3);
    assert!(done.windows(2).all(|pair| pair[0] < pair[1]), "{done:?}");
}

#[test]
fn a_fitness_that_always_fails_may_be_tried_again() {
    let space = Parameters::space(["complexity"], ["layer_0"]);
    let broken = GaWorker::new(space, GaConfig::documents(), fitness_fn(|_| f64::NAN));
    let task = Task::detached(Payload::null(), Seed(1));
    let error = block_on(broken.execute(task)).unwrap_err();
    assert_eq!(
        (error.failure, error.code.as_str()),
        (Failure::Retryable { after_ms: None }, "ga_fitness")
    );
}

#[test]
fn a_budget_of_evaluations_is_kept_and_the_step_decays_over_what_it_pays_for() {
    let output = ask(r#"{"evaluations":205}"#).unwrap();
    assert_eq!((output.result.evaluations, output.result.stop), (205, StopReason::Evaluations));
    let space = Parameters::space(["complexity", "size"], ["layer_0"]);
    let fitness = DocumentFitness { desired_complexity: 1.0 }.over(&space).unwrap();
    // 205 evaluations are a start population and ten generations of 20.
    let config = GaConfig { generations: 10, ..GaConfig::documents() };
    let ga = Ga::new(space, config, Seed(1)).unwrap();
    let direct = Search::new(ga, Stop::Evaluations(205)).unwrap().run(&fitness).unwrap();
    assert_eq!(output.result, direct);

    let both = ask(r#"{"evaluations":205,"generations":3,"method":"genetic"}"#).unwrap();
    assert_eq!((both.result.fitness_history.len(), both.result.stop), (4, StopReason::Generations));
}

#[test]
fn a_task_names_its_method() {
    let methods = [("cma_es", 620), ("genetic", 590), ("differential", 620), ("auto", 620)];
    for (method, evaluations) in methods {
        let result = ask(&format!(r#"{{"method":"{method}"}}"#)).unwrap().result;
        assert!(result.evaluations <= evaluations, "{method}: {}", result.evaluations);
        assert!(result.final_fitness > 2.9, "{method}: {}", result.final_fitness);
        let budget = format!(r#"{{"method":"{method}","evaluations":77}}"#);
        assert_eq!(ask(&budget).unwrap().result.evaluations, 77);
    }
}

#[test]
fn progress_comes_to_its_end_whatever_the_bound() {
    for input in ["null", r#"{"evaluations":100}"#, r#"{"generations":5,"target":2.999}"#] {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = heard.clone();
        let notes = Notes::to(move |_, note| {
            if let Note::Progress { done, message } = note {
                ear.lock().unwrap().push((done, message));
            }
        });
        let task = Task::detached(Payload::parse(input).unwrap(), Seed(1)).with_notes(notes);
        block_on(worker().execute(task)).unwrap();
        let heard = heard.lock().unwrap();
        assert!(heard.windows(2).all(|pair| pair[0].0 < pair[1].0), "{heard:?}");
        let (done, message) = heard.last().unwrap();
        assert!(*done > 0.79 && message.contains("best fitness"), "{input}: {done} {message}");
    }
}

#[test]
fn what_nothing_keeps_is_a_terminal_failure_with_the_nearest_by_name() {
    let space = Parameters::space(["complexity"], ["layer_0"]);
    let impossible = constrained(fitness_fn(|x| x[0]), |x| 3.0 - x[0]);
    let worker = GaWorker::new(space, GaConfig::documents(), impossible);
    let task = Task::detached(Payload::null(), Seed(1));
    let error = block_on(worker.execute(task)).unwrap_err();
    assert_eq!((error.failure, error.code.as_str()), (Failure::Terminal, "ga_infeasible"));
    let weight: f64 = error.details.at("/nearest/weight.complexity").unwrap();
    assert_eq!(error.details.at::<f64>("/violation").unwrap(), 3.0 - weight);
    assert!(weight > 1.9);
}

#[test]
fn with_a_fitness_that_is_awaited_it_answers_the_same() {
    let space = Parameters::space(["complexity", "size"], ["layer_0"]);
    let fitness = DocumentFitness { desired_complexity: 1.0 }.over(&space).unwrap();
    let judge = async_fitness_fn(move |x: Vec<f64>, _| {
        let fitness = fitness(&x);
        async move {
            yield_now().await;
            Ok(fitness)
        }
    });
    let method = Method::Genetic(GaConfig::documents());
    let four = NonZeroUsize::new(4).unwrap();
    let worker = AsyncGaWorker::by(method, space, judge, four);
    let task = Task::detached(Payload::null(), Seed(1));
    let output: GaOutput = block_on(worker.execute(task)).unwrap().payload.to().unwrap();
    assert_eq!(output, ask("null").unwrap());
}

#[test]
fn a_fitness_that_is_awaited_is_cancelled_in_the_middle_of_a_generation() {
    let (cancel, cancellation) = Cancellation::new();
    let cancel = Mutex::new(Some(cancel));
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let endless = async_fitness_fn(move |_: Vec<f64>, _| {
        if counted.fetch_add(1, Ordering::Relaxed) == 1 {
            cancel.lock().unwrap().take().unwrap().cancel();
        }
        std::future::pending()
    });
    let space = Parameters::space(["complexity"], ["layer_0"]);
    let method = Method::Genetic(GaConfig::documents());
    let worker = AsyncGaWorker::by(method, space, endless, NonZeroUsize::new(3).unwrap());
    let task = Task::detached(Payload::null(), Seed(1)).with_cancellation(cancellation);
    assert_eq!(block_on(worker.execute(task)).unwrap_err().failure, Failure::Cancelled);
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

#[test]
fn a_search_whose_fitness_is_another_worker_runs_inside_a_workflow() {
    let judge = worker_fn(async |task: Task| {
        let x: f64 = task.input().at("/x0")?;
        Ok(Payload::of(&-(x - 0.25).abs())?.into())
    });
    let space = ParameterSpace::uniform(1, 0.0, 1.0).unwrap();
    let fitness = WorkerFitness::new(Arc::new(judge), &space, "");
    let method = Method::Genetic(GaConfig::documents());
    let four = NonZeroUsize::new(4).unwrap();
    let mut hub = Orchestrator::new();
    let optimizer = AsyncGaWorker::by(method, space, fitness, four);
    hub.register_worker("tuner", Role::GENERIC, optimizer).unwrap();
    let flow = Workflow::builder("tune").step(Step::task("search", Role::GENERIC)).build().unwrap();
    hub.register_workflow(flow).unwrap();
    let start = Start { input: Some(Payload::null()), ..Start::default() };
    let report = block_on(hub.execute_with("tune", start)).unwrap();
    let best: f64 = report.output().unwrap().at("/optimized_params/x0").unwrap();
    assert!((best - 0.25).abs() < 0.01, "{best}");
}
