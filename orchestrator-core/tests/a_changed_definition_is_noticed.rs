//! A run is resumed under the definition that it began with, or migrated.

#[path = "support/host.rs"]
mod host;

use host::{Host, flow, named, task};
use orchestrator_core::{
    Context, Event, Input, Past, RestoreError, RetryPolicy, Role, Run, RunView, Step, Timestamp,
    Workflow, condition_fn, migrate,
};

fn built(change: &str) -> Workflow {
    let done =
        condition_fn("done", if change == "condition" { 2 } else { 1 }, |_: &Context| Ok(true));
    let retry = RetryPolicy::attempts(if change == "retry" { 3 } else { 2 });
    let inner = match change {
        "inside" => task("x").priority(1),
        _ => task("x"),
    };
    let mut steps = vec![
        task("a").retry(retry),
        Step::repeat_until("again", named("body", [inner]), 3, done).after("a"),
        task("b").after("again"),
    ];
    match change {
        "added" => steps.push(task("c").after("b")),
        "removed" => drop(steps.pop()),
        "role" => steps[2] = Step::task("b", Role::CODER).after("again"),
        "described" => steps[0] = steps[0].clone().describe("in other words"),
        _ => {}
    }
    named(if change == "name" { "other" } else { "flow" }, steps)
}

fn begun() -> Host {
    let mut host = Host::start(built(""));
    host.done("a", 1);
    host
}

fn restored(host: &Host, workflow: Workflow) -> Result<(), RestoreError> {
    let now = Timestamp(0);
    let by_events = Run::restore(workflow.clone(), host.options.clone(), host.run.history(), now);
    let past = Past { snapshot: Some(host.run.snapshot()), events: Vec::new() };
    let by_snapshot = Run::restore(workflow.clone(), host.options.clone(), past, now);
    let view = RunView::at(&workflow, host.run.history(), 1);
    let by_events = by_events.map(|_| ());
    assert_eq!(by_snapshot.map(|_| ()), by_events);
    assert_eq!(view.map(|_| ()), by_events);
    by_events
}

#[test]
fn what_differs_is_named_step_by_step() {
    let host = begun();
    assert_eq!(restored(&host, built("")), Ok(()));
    for (change, differs) in [
        ("retry", &["a"][..]),
        ("condition", &["again"]),
        ("inside", &["again", "again/x"]),
        ("added", &["c"]),
        ("removed", &["b"]),
        ("role", &["b"]),
        ("name", &[]),
    ] {
        let workflow = built(change);
        let given = workflow.digest().to_owned();
        let Err(RestoreError::DefinitionChanged { journal, given: told, steps }) =
            restored(&host, workflow)
        else {
            panic!("{change} is not noticed")
        };
        assert_eq!((journal.as_str(), told), (host.workflow.digest(), given));
        if change == "inside" {
            assert!(steps.contains(&"again/x".to_owned()), "{steps:?}");
        } else {
            assert_eq!(steps, differs, "{change}");
        }
    }
    let message = restored(&host, built("role")).unwrap_err().to_string();
    assert!(message.contains(host.workflow.digest()) && message.ends_with(": b"), "{message}");
    let message = restored(&host, built("name")).unwrap_err().to_string();
    assert!(message.ends_with("the workflow's name"), "{message}");
}

#[test]
fn a_migrated_run_goes_on_under_the_new_definition() {
    let host = begun();
    for change in ["retry", "added", "role", "name", "inside"] {
        let workflow = built(change);
        let history = migrate(&host.run.history(), &workflow, |event| Some(event.clone())).unwrap();
        let last = &history.last().unwrap().event;
        let (from, to) = (host.workflow.digest().to_owned(), workflow.digest().to_owned());
        assert_eq!(last, &Event::Migrated { from, to });
        let mut migrated = Host::resume(workflow, host.options.clone(), history);
        assert_eq!(migrated.open(), ["again[0]/x"], "what was done is done");
        migrated.crash();
        migrated.finish(|_| Ok(Default::default()));
        assert!(!migrated.executed.contains_key("a"));
        assert_eq!(migrated.executed.contains_key("c"), change == "added");
    }
}

#[test]
fn a_migration_may_drop_what_no_longer_is_and_is_checked() {
    // A step that is gone, with what it did.
    let mut host = Host::start(flow([task("a"), task("gone")]));
    host.done("gone", 1);
    let workflow = flow([task("a")]);
    let is_gone = |event: &Event| host::line(event).split(' ').nth(1) == Some("gone");
    let history =
        migrate(&host.run.history(), &workflow, |event| (!is_gone(event)).then(|| event.clone()));
    let history = history.unwrap();
    assert_eq!(history.iter().map(|r| r.seq).collect::<Vec<_>>(), [1, 2, 3], "numbered anew");
    Host::resume(workflow.clone(), host.options.clone(), history).done("a", 1);

    let kept = migrate(&host.run.history(), &workflow, |event| Some(event.clone()));
    let Err(RestoreError::Misfit(misfit)) = kept else { panic!("{kept:?}") };
    assert_eq!((misfit.seq, misfit.path.to_string().as_str()), (3, "gone"));
    let nothing = migrate(&host.run.history(), &workflow, |_| None);
    assert!(nothing.is_err());
    assert_eq!(migrate(&[], &workflow, |e| Some(e.clone())), Err(RestoreError::NoStart));
    let trimmed = migrate(&host.run.history()[1..], &workflow, |e| Some(e.clone()));
    assert_eq!(trimmed, Err(RestoreError::NoStart));
}

#[test]
fn a_run_that_is_over_can_be_migrated_to_be_looked_at() {
    let mut host = Host::start(flow([task("a")]));
    host.done("a", 1);
    let workflow = flow([task("a").priority(3)]);
    let history = migrate(&host.run.history(), &workflow, |event| Some(event.clone())).unwrap();
    assert_eq!(history.len() as u64, host.run.event_count(), "nothing stands after the end");
    let mut run = Run::restore(workflow, host.options.clone(), history, Timestamp(0)).unwrap();
    assert_eq!(run.result(), host.run.result());
    assert!(run.handle(Timestamp(0), Input::TimePassed).is_ok());
    assert!(run.poll_event().is_none());
}
