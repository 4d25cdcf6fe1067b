//! A map does its body once for every element of a list that is known only at run time.

#[path = "support/host.rs"]
mod host;

use host::{Host, bad, flaky, flow, given, ms, named, task};
use orchestrator_core::{
    Context, Handled, Ignored, Input, On, OnItemFailure, RetryPolicy, Step, StepStatus, Task,
    TaskOutput, Workflow, condition_fn,
};

fn body() -> Workflow {
    named("body", [task("work")])
}

/// A flow of a map alone, whose list is the input of the run.
fn mapped(map: Step, list: &str) -> Host {
    Host::start_with(flow([map]), given(list))
}

fn double(task: &Task) -> host::Answer {
    Ok(TaskOutput::of(&(task.input().to::<u64>()? * 2))?)
}

#[test]
fn results_stand_in_the_order_of_the_list_whoever_is_first() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let mut host = mapped(Step::map("each", body(), 3), "[1,2,3]");
        for item in order {
            host.done(&format!("each[{item}]/work"), (item + 1) * 10);
        }
        assert_eq!(host.output(), "[10,20,30]", "{order:?}");
        let ended: Vec<String> =
            order.iter().map(|item| format!("item_ended each {item}")).collect();
        assert_eq!(host.told("item_ended"), ended);
    }
}

#[test]
fn an_item_gets_its_element_and_knows_its_place() {
    let inner = task("work").input(orchestrator_core::transform_fn(
        "place",
        1,
        |payload, context: &Context| {
            let item = context.item()?;
            assert_eq!(payload, &item.value);
            Ok(orchestrator_core::Payload::of(&(item.index, &item.value))?)
        },
    ));
    let host = mapped(Step::map("each", named("body", [inner]), 9), r#"["x",null,[1]]"#);
    let input = |at: &str| host.task(at).input().as_json().to_owned();
    assert_eq!(input("each[0]/work"), r#"[0,"x"]"#);
    assert_eq!(input("each[1]/work"), "[1,null]");
    assert_eq!(input("each[2]/work"), "[2,[1]]");
}

#[test]
fn no_more_items_are_open_than_may_be() {
    for concurrency in [1, 2, 3, 7, 100] {
        let mut host = mapped(Step::map("each", body(), concurrency), "[0,1,2,3,4,5,6]");
        let mut most = 0;
        // The last that was begun ends first.
        while let Some(last) = host.open().pop() {
            most = most.max(host.open().len());
            assert_eq!(host.run.in_flight(), host.open().len());
            host.done(&last, 0);
        }
        assert_eq!(most, (concurrency as usize).min(7));
        assert_eq!(host.output(), "[0,0,0,0,0,0,0]");
        let started: Vec<String> = (0..7).map(|item| format!("item_started each {item}")).collect();
        assert_eq!(host.told("item_started"), started);
    }
}

#[test]
fn an_empty_list_gives_an_empty_list() {
    let host = mapped(Step::map("each", body(), 2), "[]");
    assert_eq!(host.output(), "[]");
    assert_eq!(host.told("map_expanded"), ["map_expanded each"]);
    let collected = Step::map("each", body(), 2).on_item_failure(OnItemFailure::Collect);
    assert_eq!(mapped(collected, "[]").output(), "[]");
}

#[test]
fn what_is_no_list_fails_the_map() {
    for input in ["null", "{}", r#""text""#, "3", r#"{"0":1}"#] {
        let host = mapped(Step::map("each", body(), 2), input);
        assert_eq!(host.failure(), ("each".to_owned(), "map_input".to_owned()), "{input}");
        assert_eq!(host.executed.len(), 0);
    }
}

#[test]
fn a_list_may_be_as_long_as_items_max_and_no_longer() {
    let map = || Step::map("each", body(), 2).items_max(3);
    let mut host = mapped(map(), "[1,2,3]");
    host.finish(double);
    assert_eq!(host.output(), "[2,4,6]");
    let host = mapped(map(), "[1,2,3,4]");
    assert_eq!(host.failure(), ("each".to_owned(), "too_many_items".to_owned()));
    assert_eq!(host.told("map_expanded"), [""; 0]);
}

#[test]
fn a_failure_of_the_list_can_be_handled() {
    let steps = [Step::map("each", body(), 2), task("instead").after_end("each", On::Failure)];
    let mut host = Host::start_with(flow(steps), given("1"));
    host.done("instead", "one");
    assert_eq!(host.output(), r#"{"instead":"one"}"#);
}

#[test]
fn the_first_failed_item_stops_the_others() {
    let mut host = mapped(Step::map("each", body(), 2), "[0,1,2,3]");
    host.commands();
    host.fail("each[1]/work", bad());
    assert_eq!(host.commands(), ["cancel each[0]/work 1"]);
    assert_eq!(host.status("each"), Some(StepStatus::Stopping));
    assert_eq!(host.told("item_started").len(), 2, "nothing further is begun");
    // A crash now: nobody is at it any more.
    let kept = host.run.history();
    let resumed = Host::resume(host.workflow.clone(), host.options.clone(), kept);
    assert_eq!(resumed.failure(), ("each".to_owned(), "bad".to_owned()));
    assert_eq!(
        resumed.told("step_failed"),
        [
            "step_failed each[1]/work 1 bad",
            "step_failed each[0]/work 1 cancelled",
            "step_failed each 0 bad",
        ]
    );
    // Or its answer comes, whatever it says.
    host.done("each[0]/work", "too late");
    assert_eq!(host.failure(), ("each".to_owned(), "bad".to_owned()));
    assert_eq!(host.told("step_stopping"), ["step_stopping each bad"]);
    assert_eq!(host.late("each[0]/work", 1), Ok(Handled::Ignored(Ignored::RunEnded)));
}

#[test]
fn a_map_that_stops_alone_fails_at_once_and_still_says_both() {
    let mut host = mapped(Step::map("each", body(), 1), "[0,1]");
    let seq = host.run.event_count();
    host.fail("each[0]/work", bad());
    assert_eq!(
        host.since(seq),
        [
            "step_failed each[0]/work 1 bad",
            "item_ended each 0 bad",
            "step_stopping each bad",
            "step_failed each 0 bad",
            "run_ended",
        ]
    );
    assert!(host.late("each[1]/work", 1).is_err(), "it was never begun");
}

#[test]
fn a_retry_does_not_begin_in_a_map_that_stops() {
    let work = task("work").retry(RetryPolicy::attempts(5).at_once());
    let rests = task("work2").retry(RetryPolicy::attempts(5));
    let body = named("body", [work, rests]);
    let mut host = mapped(Step::map("each", body, 3), "[0,1]");
    host.fail("each[1]/work2", flaky());
    assert_eq!(host.status("each[1]/work2"), Some(StepStatus::Resting));
    assert!(host.run.next_deadline().is_some());
    host.fail("each[0]/work", bad());
    host.done("each[0]/work2", 1);
    assert_eq!(host.status("each"), Some(StepStatus::Stopping));
    assert_eq!(host.run.next_deadline(), None, "what rests rests for ever");
    host.fail("each[1]/work", flaky());
    assert_eq!(host.failure(), ("each".to_owned(), "bad".to_owned()));
    assert_eq!(host.status("each[1]/work2"), Some(StepStatus::Resting), "it stays as it was");
}

#[test]
fn some_failures_may_be_tolerated() {
    let map = || Step::map("each", body(), 2).on_item_failure(OnItemFailure::Tolerate(1));
    let mut host = mapped(map(), "[0,1,2]");
    host.fail("each[0]/work", bad());
    host.done("each[1]/work", 1);
    host.done("each[2]/work", 2);
    let output = host.output();
    assert!(output.starts_with(r#"[{"error":{"code":"bad","#), "{output}");
    assert!(output.ends_with(r#"{"output":1},{"output":2}]"#), "{output}");

    let mut host = mapped(map(), "[0,1,2]");
    host.fail("each[1]/work", bad());
    host.fail("each[0]/work", flaky());
    assert_eq!(host.status("each"), Some(StepStatus::Stopping));
    host.done("each[2]/work", 2);
    assert_eq!(host.failure().0, "each");
}

#[test]
fn failures_may_be_collected() {
    let map = Step::map("each", body(), 2).on_item_failure(OnItemFailure::Collect);
    let mut host = mapped(map, "[0,1,2]");
    host.fail("each[1]/work", bad());
    host.fail("each[2]/work", bad());
    host.fail("each[0]/work", flaky());
    let codes: Vec<serde_json::Value> = serde_json::from_str(host.output()).unwrap();
    let codes: Vec<&str> =
        codes.iter().map(|item| item["error"]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["flaky", "bad", "bad"]);
}

#[test]
fn a_failure_that_an_item_handles_is_none() {
    let body = named("body", [task("work"), task("mend").after_end("work", On::Failure)]);
    let mut host = mapped(Step::map("each", body, 2), "[0,1]");
    host.fail("each[0]/work", bad());
    host.done("each[0]/mend", "mended");
    host.done("each[1]/work", "fine");
    assert_eq!(host.output(), r#"[{"mend":"mended"},{"work":"fine"}]"#);
}

#[test]
fn items_are_retried_by_themselves() {
    let retry = RetryPolicy { jitter_percent: 0, ..RetryPolicy::attempts(2) };
    let body = named("body", [task("work").retry(retry)]);
    let mut host = mapped(Step::map("each", body, 2), "[0,1,2]");
    host.fail("each[0]/work", flaky());
    assert_eq!(host.open(), ["each[1]/work"], "who rests keeps the place of its item");
    assert_eq!(host.late("each[0]/work", 1), Ok(Handled::Ignored(Ignored::AlreadyAnswered)));
    host.done("each[1]/work", 1);
    assert_eq!(host.open(), ["each[2]/work"]);
    host.pass(1000);
    assert_eq!(host.attempt("each[0]/work").attempt, 2);
    assert_eq!(host.late("each[0]/work", 1), Ok(Handled::Ignored(Ignored::AlreadyAnswered)));
    host.done("each[2]/work", 2);
    host.done("each[0]/work", 0);
    assert_eq!(host.output(), "[0,1,2]");
}

#[test]
fn maps_stand_in_maps_and_in_loops() {
    let inner = Step::map("inner", body(), 2);
    let outer = Step::map("outer", named("outer_body", [inner]), 2);
    let mut host = mapped(outer, "[[1,2],[],[3]]");
    assert_eq!(
        host.open(),
        ["outer[0]/inner[0]/work", "outer[0]/inner[1]/work", "outer[2]/inner[0]/work"]
    );
    host.finish(double);
    assert_eq!(host.output(), "[[2,4],[],[6]]");

    let sum = task("sum").after("each");
    let body = named("round", [Step::map("each", body(), 2), sum]);
    let done = condition_fn("done", 1, |context: &Context| Ok(context.output::<u64>("sum")? > 5));
    let looped = Step::repeat_until("again", body, 5, done);
    let mut host = mapped(looped, "[1,2]");
    host.done("again[0]/each[0]/work", 1);
    host.done("again[0]/each[1]/work", 2);
    assert_eq!(host.task("again[0]/sum").input().as_json(), "[1,2]");
    host.done("again[0]/sum", 3);
    assert_eq!(host.open(), ["again[1]/each[0]/work", "again[1]/each[1]/work"]);
    assert_eq!(
        host.late("again[0]/each[0]/work", 1),
        Ok(Handled::Ignored(Ignored::AlreadyAnswered))
    );
    host.finish(|task| {
        Ok(TaskOutput::of(&if task.path().step().as_str() == "sum" { 9 } else { 4 })?)
    });
    assert_eq!(host.output(), "9");
}

#[test]
fn an_inner_map_that_fails_fails_its_item_and_an_outer_one_stops_inner_ones() {
    let inner = Step::map("inner", body(), 2);
    let outer = Step::map("outer", named("outer_body", [inner]), 3);
    let mut host = mapped(outer, "[[1,2],[3,4],[5]]");
    host.commands();
    host.fail("outer[0]/inner[0]/work", bad());
    assert_eq!(host.commands(), ["cancel outer[0]/inner[1]/work 1"]);
    assert_eq!(host.status("outer"), Some(StepStatus::Running));
    host.done("outer[0]/inner[1]/work", 0);
    assert_eq!(
        host.commands(),
        [
            "cancel outer[1]/inner[0]/work 1",
            "cancel outer[1]/inner[1]/work 1",
            "cancel outer[2]/inner[0]/work 1",
        ]
    );
    host.done("outer[1]/inner[0]/work", 0);
    host.fail("outer[2]/inner[0]/work", bad());
    assert_eq!(host.status("outer"), Some(StepStatus::Stopping));
    host.done("outer[1]/inner[1]/work", 0);
    assert_eq!(host.failure(), ("outer".to_owned(), "bad".to_owned()));
    assert_eq!(
        host.told("step_stopping"),
        ["step_stopping outer[0]/inner bad", "step_stopping outer bad"]
    );
}

#[test]
fn in_a_pause_items_end_and_none_begins() {
    let mut host = mapped(Step::map("each", body(), 2), "[0,1,2,3]");
    host.take(Input::Paused);
    host.done("each[1]/work", 1);
    host.done("each[0]/work", 0);
    assert_eq!(host.told("item_started").len(), 2);
    host.crash();
    assert_eq!(host.told("item_started").len(), 2);
    host.take(Input::Resumed);
    assert_eq!(host.open(), ["each[2]/work", "each[3]/work"]);
    host.finish(double);
    assert_eq!(host.output(), "[0,1,4,6]");
}

#[test]
fn a_map_that_takes_too_long_stops() {
    let map = Step::map("each", body(), 2).step_timeout(ms(100));
    let mut host = mapped(map, "[0,1,2]");
    host.done("each[0]/work", 0);
    host.commands();
    host.pass(100);
    assert_eq!(host.commands(), ["cancel each[1]/work 1", "cancel each[2]/work 1"]);
    host.done("each[2]/work", 0);
    host.fail("each[1]/work", bad());
    assert_eq!(host.failure(), ("each".to_owned(), "step_timeout".to_owned()));
}

#[test]
fn paths_of_items_that_are_not_there_are_refused() {
    let mut host = mapped(Step::map("each", body(), 1), "[0,1]");
    for unknown in ["each[1]/work", "each[2]/work", "each[4294967295]/work", "each[0]/other"] {
        assert!(host.late(unknown, 1).is_err(), "{unknown}");
        assert_eq!(host.status(unknown), None);
    }
    assert!(host.late("each", 1).is_err(), "nobody answers for a map");
}

#[test]
fn a_long_list_costs_what_it_holds() {
    let list: Vec<u32> = (0..1_000).collect();
    let map = Step::map("each", body(), 50);
    let workflow = flow([map]);
    // Without the checks of the host, which look at the whole history after every input.
    let options = given(&serde_json::to_string(&list).unwrap());
    let mut run = orchestrator_core::Run::new(workflow, options);
    let now = orchestrator_core::Timestamp(0);
    run.handle(now, Input::Started).unwrap();
    let mut open = 0;
    while run.result().is_none() {
        while run.poll_event().is_some() {}
        run.commit_polled();
        let Some(command) = run.poll_command() else { panic!("nothing to do") };
        if let orchestrator_core::Command::Execute { attempt, task, .. } = command {
            open += 1;
            assert!(run.in_flight() <= 50);
            run.handle(now, Input::Answered { attempt, result: double(&task) }).unwrap();
        }
    }
    assert_eq!(open, 1_000);
    let orchestrator_core::RunResult::Succeeded { output } = run.result().unwrap() else {
        panic!()
    };
    assert_eq!(output.to::<Vec<u32>>().unwrap(), list.iter().map(|n| n * 2).collect::<Vec<_>>());
}
