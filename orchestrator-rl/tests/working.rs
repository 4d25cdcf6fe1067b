//! Tuning as a worker: keys, warm table, progress, cancellation, refusals.

use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use orchestrator_core::{
    Cancellation, Failure, Note, Notes, ParameterSpace, Payload, Seed, Task, TaskError, Worker,
};
use orchestrator_rl::{DocumentReward, RlConfig, RlOutput, RlWorker, Scaling, StopReason};
use serde_json::json;

fn space() -> ParameterSpace {
    orchestrator_core::Parameters::space(["a", "b"], ["layer_0"])
}

fn worker() -> impl Worker {
    RlWorker::new(space(), RlConfig::documents(), |x: &[f64]| {
        -(x[0] - x[1]).abs() - (x[3] - 1.0).abs()
    })
}

fn start() -> serde_json::Value {
    json!({"weight.a": 0.9, "weight.b": 1.0, "bias.layer_0": 0.0, "temperature": 1.05})
}

fn execute(worker: &impl Worker, input: &serde_json::Value) -> Result<Payload, TaskError> {
    let task = Task::detached(Payload::of(input).unwrap(), Seed(1));
    block_on(worker.execute(task)).map(|output| output.payload)
}

#[test]
fn it_answers_with_the_documents_keys_and_the_same_bytes_for_the_same_seed() {
    let input = json!({"start": start()});
    let payload = execute(&worker(), &input).unwrap();
    for key in ["/optimized_params/weight.a", "/final_reward", "/q_table_size", "/objective_end"] {
        assert!(payload.at::<f64>(key).is_ok(), "{key} in {payload}");
    }
    let output: RlOutput = payload.to().unwrap();
    assert_eq!(output.result.q_table_size, output.q_table.len());
    assert_eq!(output.checks.len(), 5);
    assert!(output.result.objective_end > output.result.objective_start);
    assert_eq!(execute(&worker(), &input).unwrap(), payload);
}

#[test]
fn it_goes_on_from_a_table_stays_in_the_region_and_takes_overrides() {
    let region = space().around(&[0.9, 1.0, 0.0, 1.05], 0.1).unwrap();
    let first: RlOutput = execute(&worker(), &json!({"start": start()})).unwrap().to().unwrap();
    let input = json!({
        "start": start(), "region": region, "episodes": 4, "epsilon": 0.1, "context": 0, "q_table": first.q_table,
    });
    let second: RlOutput = execute(&worker(), &input).unwrap().to().unwrap();
    assert_eq!(second.result.episodes, 4);
    assert!(region.check(&second.result.best).is_ok());
    assert!(second.q_table.len() >= first.q_table.len());
}

#[test]
fn its_agent_takes_another_reward() {
    let rewarded = RlWorker::new(space(), RlConfig::documents(), |x: &[f64]| -x[0])
        .rewarded_by(DocumentReward::over(&space()).unwrap());
    let output: RlOutput = execute(&rewarded, &json!({"start": start()})).unwrap().to().unwrap();
    assert!(output.result.final_reward > 5.0);
}

#[test]
fn what_it_does_not_understand_it_refuses() {
    let mut outside = start();
    outside["temperature"] = json!(9.0);
    let mut strange = start();
    strange["colour"] = json!(1.0);
    for (input, part) in [
        (json!(null), "no "),
        (json!({"start": start(), "episode": 3}), "episode"),
        (json!({"start": {"weight.a": 1.0}}), "no value for \"weight.b\""),
        (json!({"start": strange}), "\"colour\""),
        (json!({"start": outside}), "temperature"),
        (json!({"start": start(), "epsilon": 2.0}), "epsilon is 2"),
    ] {
        let error = execute(&worker(), &input).unwrap_err();
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
    let input = Payload::of(&json!({"start": start()})).unwrap();
    let task = Task::detached(input, Seed(1)).with_notes(notes).with_cancellation(cancellation);
    let error = block_on(worker().execute(task)).unwrap_err();
    assert_eq!(error.failure, Failure::Cancelled);
    let done = heard.lock().unwrap().0.clone();
    assert_eq!(done.len(), 3);
    assert!(done.windows(2).all(|pair| pair[0] < pair[1]), "{done:?}");
}

#[test]
fn it_goes_on_while_it_finds_something_and_stays_cancellable_between_episodes() {
    let config = RlConfig { episodes_max: 2_000, converged_td: None, ..RlConfig::documents() };
    let scaled = |scaling| {
        RlWorker::new(space(), config.clone(), |x: &[f64]| {
            -(x[0] - x[1]).abs() - (x[3] - 1.0).abs()
        })
        .with_scaling(scaling)
    };
    let input = json!({"start": start()});
    let output: RlOutput = execute(&scaled(Scaling::default()), &input).unwrap().to().unwrap();
    assert_eq!(output.result.stop, StopReason::Settled);
    assert!((30..1_000).contains(&output.result.episodes), "{}", output.result.episodes);
    assert_eq!(output.result.rounds.last().unwrap().episodes, output.result.episodes);
    // The request's budget holds.
    let short = json!({"start": start(), "episodes": 12});
    let output: RlOutput = execute(&scaled(Scaling::default()), &short).unwrap().to().unwrap();
    assert_eq!((output.result.stop, output.result.episodes), (StopReason::EpisodesUsedUp, 12));
    let bad = Scaling { round: 0, ..Scaling::default() };
    let error = execute(&scaled(bad), &input).unwrap_err();
    assert!(error.message.contains("round is 0"), "{}", error.message);

    let (cancel, cancellation) = Cancellation::new();
    let (cancel, heard) = (Mutex::new(Some(cancel)), Arc::new(Mutex::new(0)));
    let ear = heard.clone();
    let notes = Notes::to(move |_, note| {
        if let Note::Progress { .. } = note {
            *ear.lock().unwrap() += 1;
            if *ear.lock().unwrap() == 7
                && let Some(cancel) = cancel.lock().unwrap().take()
            {
                cancel.cancel();
            }
        }
    });
    let task = Task::detached(Payload::of(&input).unwrap(), Seed(1));
    let task = task.with_notes(notes).with_cancellation(cancellation);
    let error = block_on(scaled(Scaling::default()).execute(task)).unwrap_err();
    assert_eq!((error.failure, *heard.lock().unwrap()), (Failure::Cancelled, 7));
}
