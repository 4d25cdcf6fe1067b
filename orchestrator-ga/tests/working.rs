//! The search as a worker: overrides, progress, cancellation, refusals.

use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use orchestrator_core::{
    Cancellation, Failure, Note, Notes, Parameters, Payload, Seed, Task, TaskError, Worker,
};
use orchestrator_ga::{DocumentFitness, Ga, GaConfig, GaOutput, GaWorker, fitness_fn};

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
