//! A decision asks a person, and takes one of its choices, or its default when nobody answers in time.

#[path = "support/host.rs"]
mod host;

use host::{Host, bad, flow, given, ms, named, path, task};
use orchestrator_core::{
    Command, Context, Decided, Handled, Ignored, Input, InputError, OnItemFailure, Payload, Run,
    Step, StepStatus, Timestamp, condition_fn,
};

fn asked(id: &str) -> Step {
    Step::decision(id, "ship it?", ["ship", "wait"])
}

#[test]
fn one_of_the_choices_is_taken_with_name_and_remark() {
    let mut host = Host::start(flow([asked("ask"), task("next").after("ask")]));
    assert_eq!(host.commands(), ["decide ask"]);
    assert_eq!(host.status("ask"), Some(StepStatus::Awaiting));
    assert_eq!(host.run.in_flight(), 0);
    let decided = Decided {
        by: Some("ada".to_owned()),
        remark: Payload::from("at last"),
        ..Decided::new("ship")
    };
    host.take(Input::Decided { path: path("ask"), decided: decided.clone() });
    assert_eq!(host.task("next").input().to::<Decided>(), Ok(decided));
}

#[test]
fn what_is_no_choice_is_refused_and_can_be_mended() {
    let mut host = Host::start(flow([task("a"), asked("ask").after("a"), task("other")]));
    let not_asked = Err(InputError::NotAsked { path: path("ask") });
    assert_eq!(host.decide("ask", "ship"), not_asked, "not yet");
    assert_eq!(host.decide("other", "ship"), Err(InputError::NotAsked { path: path("other") }));
    let unknown = InputError::UnknownStep { path: path("nowhere") };
    assert_eq!(host.decide("nowhere", "ship"), Err(unknown));
    host.done("a", 1);
    for choice in ["", "SHIP", "ship ", "burn"] {
        let told = host.decide("ask", choice);
        assert!(matches!(told, Err(InputError::UnknownChoice { .. })), "{told:?}");
    }
    let told = host.decide("ask", "burn").unwrap_err();
    assert_eq!(told.to_string(), "\"burn\" is none of the choices of ask; there are: ship, wait");
    assert!(host.late("ask", 1).is_err(), "no worker answers for a person");
    assert_eq!(host.decide("ask", "wait"), Ok(Handled::Taken));
    assert_eq!(host.decide("ask", "ship"), Ok(Handled::Ignored(Ignored::AlreadyAnswered)));
    host.done("other", 1);
    assert_eq!(host.decide("ask", "ship"), Ok(Handled::Ignored(Ignored::RunEnded)));
}

#[test]
fn the_command_says_what_is_asked_about_what_and_until_when() {
    let asked = asked("ask").default_choice("wait", ms(500)).step_timeout(ms(900));
    let mut run = Run::new(flow([asked]), given(r#"{"page":1}"#));
    run.handle(Timestamp(10), Input::Started).unwrap();
    while run.poll_event().is_some() {}
    assert!(run.poll_command().is_none(), "not before it is committed");
    run.commit_polled();
    let Some(Command::Decide { path, question, choices, input, deadline }) = run.poll_command()
    else {
        panic!("nobody is asked")
    };
    assert_eq!((path.to_string().as_str(), question.as_str()), ("ask", "ship it?"));
    assert_eq!(choices, ["ship", "wait"]);
    assert_eq!(input.as_json(), r#"{"page":1}"#);
    assert_eq!((deadline, run.next_deadline()), (Some(Timestamp(510)), Some(Timestamp(510))));
}

#[test]
fn the_default_counts_at_its_deadline_and_not_before() {
    let ask = || asked("ask").default_choice("wait", ms(500));
    let mut host = Host::start(flow([ask()]));
    host.commands();
    host.pass(499);
    assert_eq!(host.status("ask"), Some(StepStatus::Awaiting));
    host.pass(1);
    assert_eq!(host.output(), r#"{"by":null,"choice":"wait","remark":null}"#);
    assert_eq!(host.decide("ask", "ship"), Ok(Handled::Ignored(Ignored::RunEnded)));

    // A person who is in time is in time even if nobody has said that time has passed.
    let mut host = Host::start(flow([ask(), task("next").after("ask")]));
    host.commands();
    host.now = 600;
    assert_eq!(host.decide("ask", "ship"), Ok(Handled::Taken));
    assert_eq!(host.commands(), ["execute next 1"], "nothing is withdrawn that was answered");
    assert_eq!(host.run.next_deadline(), None);

    let mut host = Host::start(flow([ask(), task("next").after("ask")]));
    host.commands();
    host.pass(10_000);
    assert_eq!(host.commands(), ["withdraw ask", "execute next 1"]);
}

#[test]
fn without_a_default_a_decision_that_takes_too_long_fails() {
    let mut host = Host::start(flow([asked("ask").step_timeout(ms(50)), task("other")]));
    host.commands();
    host.pass(50);
    assert_eq!(host.commands(), ["withdraw ask"]);
    assert_eq!(host.decide("ask", "ship"), Ok(Handled::Ignored(Ignored::AlreadyAnswered)));
    host.done("other", 1);
    assert_eq!(host.failure(), ("ask".to_owned(), "step_timeout".to_owned()));
}

#[test]
fn the_default_counts_if_it_and_the_time_limit_come_at_once() {
    let ask = asked("ask").default_choice("wait", ms(50)).step_timeout(ms(50));
    let mut host = Host::start(flow([ask]));
    host.pass(1_000);
    assert!(host.output().contains("wait"));
}

#[test]
fn several_are_answered_in_any_order_and_none_is_asked_twice() {
    let orders = [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]];
    for order in orders {
        let mut host = Host::start(flow([asked("a"), asked("b"), asked("c")]));
        assert_eq!(host.commands(), ["decide a", "decide b", "decide c"]);
        for id in order {
            assert_eq!(host.decide(id, "ship"), Ok(Handled::Taken));
            assert_eq!(host.commands(), [""; 0], "{order:?}");
        }
        assert_eq!(host.told("decision_requested").len(), 3);
        assert!(host.run.result().is_some());
    }
}

#[test]
fn a_restore_asks_what_is_open_again_without_an_event() {
    let mut host = Host::start(flow([asked("a"), asked("b").default_choice("wait", ms(70))]));
    host.pass(5);
    host.decide("a", "ship").unwrap();
    let story = host.story();
    host.crash();
    assert_eq!(host.commands(), ["decide b"]);
    assert_eq!(host.story(), story);
    assert_eq!(host.run.next_deadline(), Some(Timestamp(70)), "its time goes on");
    host.crash();
    host.pass(65);
    assert!(host.output().contains(r#""b":{"by":null,"choice":"wait""#));
}

#[test]
fn what_stops_takes_its_questions_back() {
    let body = || named("body", [asked("ask"), task("work")]);
    // A map.
    let map = Step::map("each", body(), 2).on_item_failure(OnItemFailure::FailFast);
    let mut host = Host::start_with(flow([map]), given("[1,2]"));
    host.done("each[0]/work", 1);
    host.fail("each[1]/work", bad());
    assert_eq!(host.status("each"), Some(StepStatus::Running), "its item still asks");
    host.commands();
    host.decide("each[1]/ask", "ship").unwrap();
    assert_eq!(host.failure().1, "bad");
    // The run is over at once, and says nothing more.
    assert_eq!(host.commands(), [""; 0]);

    // A loop.
    let done = condition_fn("done", 1, |_: &Context| Ok(true));
    let looped = Step::repeat_until("again", body(), 2, done).step_timeout(ms(10));
    let mut host = Host::start(flow([looped]));
    host.commands();
    host.pass(10);
    assert_eq!(host.commands(), ["withdraw again[0]/ask", "cancel again[0]/work 1"]);
    let late = host.decide("again[0]/ask", "ship");
    assert_eq!(late, Ok(Handled::Ignored(Ignored::AlreadyAnswered)));
    host.crash();
    assert_eq!(host.failure(), ("again".to_owned(), "step_timeout".to_owned()));

    // The run.
    let mut host = Host::start(flow([asked("ask"), task("work")]));
    host.commands();
    host.cancel();
    assert_eq!(host.commands(), ["withdraw ask", "cancel work 1"]);
    let late = host.decide("ask", "ship");
    assert_eq!(late, Ok(Handled::Ignored(Ignored::AlreadyAnswered)));
    host.crash();
    assert_eq!(host.commands(), [""; 0], "nothing is asked again");
    assert_eq!(host.told("run_ended").len(), 1);
}

#[test]
fn a_pause_takes_decisions_and_holds_the_default_back() {
    let mut host = Host::start(flow([
        asked("a").default_choice("wait", ms(10)),
        asked("b").default_choice("wait", ms(10)),
        task("next").after("a"),
    ]));
    host.take(Input::Paused);
    host.commands();
    assert_eq!(host.run.next_deadline(), None);
    host.pass(1_000);
    assert_eq!(host.decide("a", "ship"), Ok(Handled::Taken));
    assert_eq!(host.status("next"), Some(StepStatus::Waiting));
    host.crash();
    assert_eq!(host.commands(), [""; 0], "in a pause nobody is asked");
    host.take(Input::Resumed);
    assert_eq!(host.told("decision_made").len(), 2);
    assert_eq!(host.open(), ["next"]);
}

#[test]
fn a_round_of_a_loop_asks_anew() {
    let shipped = condition_fn("shipped", 1, |context: &Context| {
        Ok(context.output::<Decided>("ask")?.choice == "ship")
    });
    let looped = Step::repeat_until("again", named("body", [asked("ask")]), 3, shipped);
    let mut host = Host::start(flow([looped]));
    host.decide("again[0]/ask", "wait").unwrap();
    assert_eq!(host.commands(), ["decide again[0]/ask", "decide again[1]/ask"]);
    let late = host.decide("again[0]/ask", "ship");
    assert_eq!(late, Ok(Handled::Ignored(Ignored::AlreadyAnswered)));
    let early = host.decide("again[2]/ask", "ship");
    assert_eq!(early, Err(InputError::UnknownStep { path: path("again[2]/ask") }));
    host.decide("again[1]/ask", "ship").unwrap();
    assert!(host.output().contains("ship"));
}

#[test]
fn a_huge_answer_is_refused() {
    let mut options = host::options();
    options.payload_bytes_max = 200;
    let mut host = Host::start_with(flow([asked("ask")]), options);
    let long = || "x".repeat(200);
    for decided in [
        Decided { remark: Payload::text(&long()), ..Decided::new("ship") },
        Decided { by: Some(long()), ..Decided::new("ship") },
    ] {
        let told = host.tell(Input::Decided { path: path("ask"), decided });
        assert!(matches!(told, Err(InputError::TooLarge { .. })), "{told:?}");
    }
    assert_eq!(host.decide("ask", "ship"), Ok(Handled::Taken));
}
