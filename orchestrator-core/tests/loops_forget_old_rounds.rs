//! Of a loop only the last rounds stay in memory; what comes late for an older one is ignored.

#[path = "support/host.rs"]
mod host;

use host::{Host, flow, ms, named, path, task};
use orchestrator_core::{
    AttemptId, Context, Handled, Ignored, Input, RetryPolicy, Step, condition_fn,
};

fn looped(kept: u32, rounds: u32) -> Step {
    let done =
        condition_fn("done", 1, move |context: &Context| Ok(context.round()?.index + 1 == rounds));
    let x = task("x").attempt_timeout(ms(10)).retry(RetryPolicy::attempts(2).at_once());
    let each = Step::map("each", named("item", [task("y")]), 2).after("x");
    Step::repeat_until("again", named("body", [x, each]), rounds, done).rounds_kept(kept)
}

fn go_round(host: &mut Host, round: u32) {
    host.done(&format!("again[{round}]/x"), [round, round]);
    for item in 0..2 {
        host.done(&format!("again[{round}]/each[{item}]/y"), round);
    }
}

#[test]
fn so_many_are_kept_the_present_one_included() {
    for kept in [1, 2, 3, 100] {
        let mut host = Host::start(flow([looped(kept, 6)]));
        for round in 0..6 {
            let there: Vec<u32> =
                (0..10).filter(|r| host.status(&format!("again[{r}]/x")).is_some()).collect();
            let oldest = (round + 1u32).saturating_sub(kept);
            assert_eq!(there, (oldest..=round).collect::<Vec<_>>(), "{kept} kept");
            go_round(&mut host, round);
        }
        assert_eq!(host.output(), "[5,5]");
        let outputs = host.run.outcome().unwrap().outputs;
        // A round has the output of `x`, of `each` and of two items; and there is that of the loop.
        assert_eq!(outputs.len() as u32, kept.min(6) * 4 + 1);
        assert_eq!(outputs.contains_key(&path("again[0]/x")), kept >= 6);
    }
}

#[test]
fn what_comes_late_for_a_forgotten_round_is_ignored() {
    let mut host = Host::start(flow([looped(1, 4)]));
    // The first attempt runs out of time and answers when its round is gone.
    host.pass(10);
    go_round(&mut host, 0);
    assert_eq!(host.status("again[0]/x"), None);
    let late = Ok(Handled::Ignored(Ignored::AlreadyAnswered));
    assert_eq!(host.late("again[0]/x", 1), late);
    assert_eq!(host.late("again[0]/each[1]/y", 1), late);
    let attempt = AttemptId { path: path("again[0]/x"), attempt: 1 };
    assert_eq!(host.tell(Input::Heartbeat { attempt }), late);
    assert_eq!(host.decide("again[0]/x", "?"), late);
    assert!(host.late("again[2]/x", 1).is_err(), "that one has not begun");
    host.crash();
    assert_eq!(host.late("again[0]/x", 1), late, "nor after a crash");
    for round in 1..4 {
        go_round(&mut host, round);
    }
    let ended = Ok(Handled::Ignored(Ignored::RunEnded));
    assert_eq!(host.late("again[0]/x", 1), ended);
    assert_eq!(host.late("again[3]/x", 1), ended);
    assert!(host.late("again[4]/x", 1).is_err());
}

#[test]
fn a_late_command_for_a_forgotten_round_is_dropped() {
    // The host is slow to commit, and a round is over before its commands went out.
    let mut run = orchestrator_core::Run::new(flow([looped(1, 3)]), host::options());
    let now = orchestrator_core::Timestamp(0);
    run.handle(now, Input::Started).unwrap();
    let answer = |at: &str| Input::Answered {
        attempt: AttemptId { path: path(at), attempt: 1 },
        result: Ok(orchestrator_core::TaskOutput::of(&[0; 0]).unwrap()),
    };
    run.handle(now, answer("again[0]/x")).unwrap();
    assert_eq!(run.status(&path("again[0]/x")), None);
    while run.poll_event().is_some() {}
    run.commit_polled();
    let Some(orchestrator_core::Command::Execute { attempt, .. }) = run.poll_command() else {
        panic!("nothing is handed out")
    };
    assert_eq!(attempt.path, path("again[1]/x"));
    assert!(run.poll_command().is_none());
}

#[test]
fn a_long_loop_stays_small() {
    let done = condition_fn("done", 1, |context: &Context| Ok(context.round()?.index == 999));
    let step = Step::repeat_until("again", named("body", [task("x")]), 1_000, done).rounds_kept(2);
    let mut run = orchestrator_core::Run::new(flow([step]), host::options());
    let now = orchestrator_core::Timestamp(0);
    run.handle(now, Input::Started).unwrap();
    let mut sizes = Vec::new();
    while run.result().is_none() {
        while run.poll_event().is_some() {}
        run.commit_polled();
        sizes.push(run.snapshot().state.bytes());
        let Some(orchestrator_core::Command::Execute { attempt, .. }) = run.poll_command() else {
            panic!("nothing to do")
        };
        run.handle(now, Input::Answered { attempt, result: Ok(Default::default()) }).unwrap();
    }
    assert_eq!(sizes.len(), 1_000);
    assert!(sizes[999] < sizes[10] + 100, "{} grew to {}", sizes[10], sizes[999]);
}
