//! Pause, resume and cancel, at any moment and in any order.

#[path = "support/host.rs"]
mod host;

use host::{Host, bad, flaky, flow, named, task};
use orchestrator_core::{
    Command, Handled, Ignored, Input, InputError, RetryPolicy, Run, RunResult, Step, StepStatus,
    TaskOutput, Timestamp,
};

const NOTHING: Result<Handled, InputError> = Ok(Handled::Ignored(Ignored::NothingToChange));
const ENDED: Result<Handled, InputError> = Ok(Handled::Ignored(Ignored::RunEnded));

fn cancelled() -> Option<RunResult> {
    Some(RunResult::Cancelled { reason: "enough".to_owned() })
}

fn cancel(host: &mut Host) -> Result<Handled, InputError> {
    host.tell(Input::Cancelled { reason: "again".to_owned() })
}

#[test]
fn nothing_can_be_said_to_a_run_before_its_start() {
    let mut run = Run::new(flow([task("a")]), host::options());
    for input in [
        Input::Paused,
        Input::Resumed,
        Input::TimePassed,
        Input::Cancelled { reason: String::new() },
    ] {
        assert_eq!(run.handle(Timestamp(5), input), Err(InputError::NotStarted));
    }
    assert_eq!((run.event_count(), run.next_deadline()), (0, None));
    run.handle(Timestamp(0), Input::Started).unwrap();
    assert_eq!(run.handle(Timestamp(0), Input::Started), NOTHING);
}

#[test]
fn a_cancelled_run_ends_when_everything_in_flight_has_answered() {
    let mut host = Host::start(flow([
        task("a").retry(RetryPolicy::attempts(3).at_once()),
        task("b"),
        task("c").after("a"),
    ]));
    host.commands();
    host.cancel();
    assert_eq!(host.commands(), ["cancel a 1", "cancel b 1"]);
    assert_eq!(cancel(&mut host), NOTHING);
    assert_eq!(host.tell(Input::Paused), NOTHING);
    assert_eq!(host.tell(Input::Resumed), NOTHING);
    host.fail("a", flaky());
    assert_eq!(host.status("a"), Some(StepStatus::Failed), "no further attempt");
    assert_eq!(host.run.result(), None);
    host.done("b", "done all the same");
    assert_eq!(host.run.result().cloned(), cancelled());
    assert_eq!(host.run.outcome().unwrap().outputs.len(), 1);
    assert_eq!(cancel(&mut host), ENDED);
    assert_eq!(host.tell(Input::Paused), ENDED);
    assert_eq!(host.tell(Input::TimePassed), ENDED);
    assert_eq!(host.tell(Input::Started), NOTHING);
}

#[test]
fn a_run_with_nothing_in_flight_is_cancelled_at_once() {
    let steps = [Step::wait_for_signal("wait", "paid"), Step::decision("ask", "?", ["a", "b"])];
    let mut host = Host::start(flow(steps));
    host.cancel();
    assert_eq!(host.run.result().cloned(), cancelled());
    assert_eq!(host.status("wait"), Some(StepStatus::Awaiting));
    assert_eq!(host.decide("ask", "a"), ENDED);
    assert_eq!(host.signal("paid", 1), ENDED);
}

#[test]
fn a_crash_after_a_cancellation_ends_the_run() {
    let mut host = Host::start(flow([task("a"), task("b").after("a")]));
    host.cancel();
    host.crash();
    assert_eq!(host.run.result().cloned(), cancelled());
    assert_eq!(host.told("step_failed"), ["step_failed a 1 cancelled"]);
}

#[test]
fn a_paused_run_can_be_cancelled() {
    let mut host = Host::start(flow([task("a"), task("b").after("a")]));
    host.take(Input::Paused);
    host.done("a", 1);
    host.commands();
    host.cancel();
    assert_eq!(host.run.result().cloned(), cancelled());
    assert_eq!(host.status("b"), Some(StepStatus::Waiting));
}

#[test]
fn a_pause_holds_back_what_was_recorded_and_not_handed_out() {
    let mut run = Run::new(flow([task("a")]), host::options());
    let now = Timestamp(0);
    run.handle(now, Input::Started).unwrap();
    run.handle(now, Input::Paused).unwrap();
    while run.poll_event().is_some() {}
    run.commit_polled();
    assert!(run.poll_command().is_none());
    run.handle(now, Input::Resumed).unwrap();
    assert!(run.poll_command().is_some(), "its cause was committed long ago");
    // And one that is called off before it is handed out is called off when it is.
    let mut run = Run::new(flow([task("a")]), host::options());
    run.handle(now, Input::Started).unwrap();
    run.handle(now, Input::Cancelled { reason: String::new() }).unwrap();
    while run.poll_event().is_some() {}
    run.commit_polled();
    let Some(Command::Execute { task, .. }) = run.poll_command() else { panic!("not handed out") };
    assert!(task.cancellation().is_cancelled());
    assert!(matches!(run.poll_command(), Some(Command::Cancel { .. })));
}

#[test]
fn a_run_that_is_over_in_a_pause_is_over() {
    let mut host = Host::start(flow([task("a")]));
    host.take(Input::Paused);
    assert_eq!(host.tell(Input::Paused), NOTHING);
    host.done("a", 1);
    assert_eq!(host.output(), "1");

    let mut host = Host::start(flow([Step::sub_workflow("sub", named("body", [task("a")]))]));
    host.take(Input::Paused);
    host.done("sub[0]/a", 1);
    assert_eq!(host.run.result(), None, "that the step is over is decided when work goes on");
    host.take(Input::Resumed);
    assert_eq!(host.output(), "1");
}

#[test]
fn in_a_pause_nothing_is_tried_again() {
    let mut host = Host::start(flow([task("a").retry(RetryPolicy::attempts(3).at_once())]));
    host.take(Input::Paused);
    host.fail("a", flaky());
    assert_eq!(host.status("a"), Some(StepStatus::Resting));
    host.pass(10);
    host.crash();
    assert_eq!(host.status("a"), Some(StepStatus::Resting));
    host.take(Input::Resumed);
    assert_eq!(host.attempt("a").attempt, 2);
}

#[test]
fn a_cancellation_reaches_every_depth() {
    let deep = named("deep", [Step::map("each", named("body", [task("x")]), 2)]);
    let steps = [Step::sub_workflow("sub", deep), task("y")];
    let mut host = Host::start_with(flow(steps), host::given("[1,2,3]"));
    host.commands();
    host.cancel();
    let called_off = host.commands();
    assert_eq!(called_off.len(), 3, "{called_off:?}");
    host.fail("sub[0]/each[0]/x", bad());
    host.done("y", 1);
    host.crash();
    assert_eq!(host.run.result().cloned(), cancelled());
    host.finish(|_| Ok(TaskOutput::default()));
}

#[test]
fn a_step_that_is_about_to_fail_does_so_in_a_pause_and_not_in_a_cancelled_run() {
    let stopping = || {
        let sub = Step::sub_workflow("sub", named("body", [task("x")])).step_timeout(host::ms(5));
        let mut host = Host::start(flow([sub, task("y")]));
        host.pass(5);
        assert_eq!(host.status("sub"), Some(StepStatus::Stopping));
        host
    };
    let mut host = stopping();
    host.take(Input::Paused);
    host.done("sub[0]/x", 1);
    assert_eq!(host.status("sub"), Some(StepStatus::Failed));
    host.crash();
    assert_eq!(
        host.late("y", 1),
        Ok(Handled::Taken),
        "nothing is handed out again before it resumes"
    );
    assert_eq!(host.failure().1, "step_timeout");

    let mut host = stopping();
    host.commands();
    host.cancel();
    assert_eq!(host.commands(), ["cancel y 1"], "nobody is told twice");
    host.done("sub[0]/x", 1);
    assert_eq!(host.status("sub"), Some(StepStatus::Stopping), "it stays as it was");
    host.crash();
    assert_eq!(host.run.result().cloned(), cancelled());
}

#[test]
fn what_is_asked_and_taken_back_before_it_is_committed_is_not_asked() {
    let ask = Step::decision("ask", "?", ["a", "b"]).default_choice("a", host::ms(5));
    let mut run =
        Run::new(flow([ask, task("y").attempt_timeout(host::ms(5)), task("z")]), host::options());
    run.handle(Timestamp(0), Input::Started).unwrap();
    run.handle(Timestamp(5), Input::TimePassed).unwrap();
    while run.poll_event().is_some() {}
    run.commit_polled();
    let mut asked = Vec::new();
    while let Some(command) = run.poll_command() {
        asked.push(match command {
            Command::Execute { attempt, .. } => format!("execute {}", attempt.path),
            Command::Decide { path, .. } => format!("decide {path}"),
            _ => continue,
        });
    }
    assert_eq!(asked, ["execute z"]);
}
