//! A fork does some steps again, with all that came of them, and keeps the rest.

#[path = "support/host.rs"]
mod host;

use std::collections::BTreeMap;

use host::{Host, bad, flow, given, named, path, task};
use orchestrator_core::{
    Context, Event, ForkError, Input, OnItemFailure, Path, Recorded, RestoreError, RetryPolicy,
    Role, RunId, Seed, Step, StepStatus, Task, TaskError, TaskOutput, condition_fn, fork,
};

fn forked(host: &Host, from: &[&str], seed: Option<Seed>) -> Result<Vec<Recorded>, ForkError> {
    let from: Vec<Path> = from.iter().map(|at| path(at)).collect();
    let parent = RunId::parse("run").unwrap();
    fork(&host.workflow, &parent, &host.run.history(), &from, seed)
}

/// The fork as a run that goes on.
#[track_caller]
fn again(host: &Host, from: &[&str]) -> Host {
    let history = forked(host, from, None).unwrap();
    Host::resume(host.workflow.clone(), host.options.clone(), history)
}

fn works(task: &Task) -> host::Answer {
    Ok(TaskOutput::of(&format!("{} again", task.path()))?)
}

fn done(paths: &[&str]) -> BTreeMap<String, u32> {
    paths.iter().map(|at| ((*at).to_owned(), 1)).collect()
}

fn diamond() -> Host {
    let mut host = Host::start(flow([
        task("a"),
        task("b").after("a"),
        task("c").after("a"),
        task("d").after_all(["b", "c"]),
        task("beside"),
    ]));
    for step in ["a", "beside", "b", "c"] {
        host.done(step, step);
    }
    host
}

#[test]
fn a_step_and_what_came_of_it_is_done_again_and_nothing_else() {
    let mut host = diamond();
    host.done("d", "d");
    for (from, open, redone) in [
        (&["b"][..], &["b"][..], &["b", "d"][..]),
        (&["d"], &["d"], &["d"]),
        (&["a"], &["a"], &["a", "b", "c", "d"]),
        (&["b", "c"], &["b", "c"], &["b", "c", "d"]),
        (&["beside"], &["beside"], &["beside"]),
        (&["d", "a", "a"], &["a"], &["a", "b", "c", "d"]),
    ] {
        let mut fork = again(&host, from);
        assert_eq!(fork.open(), open);
        let history = fork.run.history();
        let Event::Forked { parent, seq, reset } = &history[1].event else { panic!("{from:?}") };
        assert_eq!((parent.as_str(), *seq), ("run", host.run.event_count()));
        assert_eq!(reset, &from.iter().map(|at| path(at)).collect::<Vec<_>>());
        fork.finish(works);
        assert_eq!(fork.executed, done(redone), "{from:?}");
        let outcome = fork.run.outcome().unwrap();
        for (path, output) in &outcome.outputs {
            let new = redone.contains(&path.to_string().as_str());
            let want = if new { format!("\"{path} again\"") } else { format!("\"{path}\"") };
            assert_eq!(output.as_json(), want);
        }
        assert_eq!(host.run.history().len() as u64, host.run.event_count(), "it is left as it was");
    }
}

#[test]
fn seeds_are_kept_or_drawn_anew() {
    let host = diamond();
    let before = host.task("d").seed();
    assert_eq!(again(&host, &["d"]).task("d").seed(), before);
    let history = forked(&host, &["d"], Some(Seed(99))).unwrap();
    let renewed = Host::resume(host.workflow.clone(), host.options.clone(), history);
    assert_ne!(renewed.task("d").seed(), before);
    assert_eq!(renewed.task("d").input(), host.task("d").input());
}

#[test]
fn it_may_begin_amid_a_run() {
    // `d` is in flight; it is handed out again under its key, and `beside` is done again.
    let mut fork = again(&diamond(), &["beside"]);
    assert_eq!(fork.open(), ["beside", "d"]);
    fork.finish(works);
    assert_eq!(fork.executed, done(&["beside", "d"]));
}

#[test]
fn what_does_not_exist_is_refused() {
    let host = diamond();
    for unknown in ["e", "a[0]/b", "d[0]/e"] {
        let error = forked(&host, &["a", unknown], None).unwrap_err();
        assert_eq!(error, ForkError::UnknownStep { path: path(unknown) });
    }
    assert_eq!(forked(&host, &[], None), Err(ForkError::NoStep));
    let parent = RunId::parse("run").unwrap();
    let from = [path("a")];
    let none = fork(&host.workflow, &parent, &[], &from, None);
    assert_eq!(none, Err(ForkError::History(RestoreError::NoStart)));
    let trimmed = fork(&host.workflow, &parent, &host.run.history()[2..], &from, None);
    assert_eq!(trimmed, Err(ForkError::Trimmed { oldest: 3 }));
    let other = fork(&flow([task("a")]), &parent, &host.run.history(), &from, None);
    let changed = matches!(other, Err(ForkError::History(RestoreError::DefinitionChanged { .. })));
    assert!(changed, "{other:?}");
}

fn looped() -> Host {
    let rounds = condition_fn("rounds", 1, |context: &Context| Ok(context.round()?.index == 2));
    let body = named("body", [task("x"), task("y").after("x"), task("z")]);
    let again = Step::repeat_until("again", body, 5, rounds).rounds_kept(1);
    let mut host = Host::start(flow([again, task("end").after("again")]));
    host.finish(|task| Ok(TaskOutput::of(&task.path().to_string())?));
    host
}

#[test]
fn in_a_round_later_rounds_are_done_again_and_earlier_ones_are_not() {
    let host = looped();
    let mut fork = again(&host, &["again[1]/y"]);
    assert_eq!(fork.open(), ["again[1]/y"]);
    assert_eq!(fork.task("again[1]/y").input().as_json(), "\"again[1]/x\"");
    fork.finish(works);
    assert_eq!(
        fork.executed,
        done(&["again[1]/y", "again[2]/x", "again[2]/y", "again[2]/z", "end"])
    );
    let mut fork = again(&host, &["again"]);
    fork.finish(works);
    assert_eq!(fork.executed.len(), 10);
    assert_eq!(fork.executed["again[0]/x"], 1);
}

#[test]
fn a_round_that_never_was_is_refused() {
    let host = looped();
    for unknown in ["again[3]/x", "again[9]/x"] {
        let error = forked(&host, &[unknown], None);
        assert_eq!(error, Err(ForkError::UnknownStep { path: path(unknown) }));
    }
}

fn mapped(on_failure: OnItemFailure) -> Host {
    let body = named("body", [task("load"), task("parse").after("load")]);
    let map = Step::map("each", body, 3).on_item_failure(on_failure);
    Host::start_with(flow([map, task("end").after("each")]), given("[0,1,2]"))
}

#[test]
fn an_item_is_done_again_by_itself() {
    let mut host = mapped(OnItemFailure::Collect);
    host.finish(|task| match task.path().to_string().as_str() {
        "each[1]/parse" => Err(bad()),
        at => Ok(TaskOutput::of(at)?),
    });
    let mut fork = again(&host, &["each[1]/parse"]);
    assert_eq!(fork.open(), ["each[1]/parse"]);
    fork.finish(works);
    assert_eq!(fork.executed, done(&["each[1]/parse", "end"]));
    let each = &fork.run.outcome().unwrap().outputs[&path("each")];
    assert_eq!(
        each.as_json(),
        r#"[{"output":"each[0]/parse"},{"output":"each[1]/parse again"},{"output":"each[2]/parse"}]"#
    );
    for unknown in ["each[3]/load", "each[0]/other"] {
        let error = forked(&host, &[unknown], None);
        assert_eq!(error, Err(ForkError::UnknownStep { path: path(unknown) }));
    }
}

#[test]
fn what_a_failed_item_stopped_is_done_again_with_it() {
    let mut host = mapped(OnItemFailure::FailFast);
    host.done("each[0]/load", 0);
    host.done("each[0]/parse", 0);
    host.done("each[1]/load", 1);
    host.fail("each[1]/parse", bad());
    host.fail("each[2]/load", TaskError::cancelled());
    assert_eq!(host.failure(), ("each".to_owned(), "bad".to_owned()));
    let mut fork = again(&host, &["each[1]/parse"]);
    assert_eq!(fork.open(), ["each[1]/parse", "each[2]/load"]);
    fork.finish(works);
    let redone = ["each[1]/parse", "each[2]/load", "each[2]/parse", "end"];
    assert_eq!(fork.executed, done(&redone));
    assert_eq!(fork.output(), "\"end again\"");
}

#[test]
fn a_failed_run_goes_on_from_what_failed() {
    let mut host = diamond();
    host.fail("d", bad());
    assert_eq!(host.failure().0, "d");
    let mut fork = again(&host, &["d"]);
    fork.done("d", 1);
    assert_eq!(fork.executed, done(&["d"]));
    // Without what failed among them it fails again.
    let mut fork = again(&host, &["beside"]);
    fork.finish(works);
    assert_eq!(fork.failure(), ("d".to_owned(), "bad".to_owned()));
}

#[test]
fn a_cancelled_run_goes_on_with_what_was_cut_short() {
    let mut host = Host::start(flow([
        task("a"),
        task("b").retry(RetryPolicy::attempts(5).at_once()),
        task("c"),
        task("d").after("a"),
        Step::decision("ask", "?", ["yes", "no"]),
    ]));
    host.done("c", "c");
    host.take(Input::Paused);
    host.cancel();
    host.fail("a", TaskError::cancelled());
    // It was told to stop, and says so in its own words.
    host.fail("b", TaskError::retryable("stopped", "I was told to stop"));
    assert!(host.run.result().is_some());
    let mut fork = again(&host, &["c"]);
    assert_eq!(fork.open(), ["a", "b", "c"]);
    assert_eq!(fork.commands().last().map(String::as_str), Some("execute c 1"));
    fork.done("a", 1);
    assert_eq!(fork.status("d"), Some(StepStatus::Running));
    fork.decide("ask", "yes").unwrap();
}

#[test]
fn what_was_undone_cannot_be_kept() {
    let undo = |step: Step| step.compensate(Role::TESTER, RetryPolicy::default());
    let mut host =
        Host::start(flow([undo(task("a")), undo(task("b")).after("a"), task("c").after("b")]));
    host.done("a", 1);
    host.done("b", 2);
    host.fail("c", bad());
    host.done("b~compensation", ());
    // `a` is being undone, and so counts as undone.
    assert_eq!(forked(&host, &["c"], None), Err(ForkError::Undone { path: path("b") }));
    assert_eq!(forked(&host, &["b"], None), Err(ForkError::Undone { path: path("a") }));
    host.done("a~compensation", ());
    assert_eq!(forked(&host, &["b"], None), Err(ForkError::Undone { path: path("a") }));
    let mut fork = again(&host, &["a"]);
    fork.finish(works);
    assert_eq!(fork.executed, done(&["a", "b", "c"]));
    assert_eq!(fork.told("unwinding_started"), [""; 0]);
}

#[test]
fn what_could_not_be_undone_can_be_kept() {
    let a = task("a").compensate(Role::TESTER, RetryPolicy::default());
    let mut host = Host::start(flow([a, task("b").after("a")]));
    host.done("a", 1);
    host.fail("b", bad());
    host.fail("a~compensation", bad());
    let mut fork = again(&host, &["b"]);
    fork.done("b", 2);
    assert_eq!(fork.executed, done(&["b"]));
    assert_eq!(fork.output(), "2");
}

#[test]
fn a_decision_a_branch_and_a_sub_workflow_are_done_again_too() {
    let inner = named("inner", [task("x"), task("y").after("x")]);
    let yes = condition_fn("yes", 1, |context: &Context| {
        Ok(context.output::<orchestrator_core::Decided>("ask")?.choice == "yes")
    });
    let mut host = Host::start(flow([
        Step::decision("ask", "?", ["yes", "no"]),
        Step::branch("way").after("ask").case(yes, "sub").otherwise("other"),
        Step::sub_workflow("sub", inner),
        task("other"),
    ]));
    host.decide("ask", "yes").unwrap();
    host.finish(works);
    let mut fork = again(&host, &["ask"]);
    assert_eq!(fork.commands(), ["decide ask"]);
    fork.decide("ask", "no").unwrap();
    fork.finish(works);
    assert_eq!(fork.executed, done(&["other"]));
    let mut fork = again(&host, &["sub[0]/y"]);
    fork.finish(works);
    assert_eq!(fork.executed, done(&["sub[0]/y"]));
    let unknown = forked(&host, &["sub[1]/y"], None);
    assert_eq!(unknown, Err(ForkError::UnknownStep { path: path("sub[1]/y") }));
}

#[test]
fn a_signal_goes_back_to_the_wait_that_is_done_again() {
    let waits = |id: &str| Step::wait_for_signal(id, "paid");
    let mut host = Host::start(flow([waits("first"), waits("second"), task("end")]));
    host.signal("paid", "one").unwrap();
    host.signal("paid", "two").unwrap();
    host.signal("paid", "three").unwrap();
    let output = |host: &Host, at: &str| {
        host.run.view().steps[&path(at)].output.as_ref().map(|p| p.as_json().to_owned())
    };
    for (from, kept, said) in [("first", "second", "two"), ("second", "first", "one")] {
        let fork = again(&host, &[from]);
        let own = output(&host, from);
        assert_eq!(output(&fork, kept), Some(format!("\"{said}\"")));
        assert_eq!(output(&fork, from), own, "of those that are left, the first");
    }
}

#[test]
fn a_fork_can_be_forked() {
    let mut host = diamond();
    host.done("d", "d");
    let mut once = again(&host, &["b"]);
    once.finish(works);
    let mut twice = again(&once, &["d"]);
    twice.finish(works);
    assert_eq!(twice.executed, done(&["d"]));
    assert_eq!(twice.told("forked").len(), 2);
}
