//! A step says what its worker must be able to do, how urgent it is, and after which failures it is not tried again.

#[path = "support/host.rs"]
mod host;

use host::{Host, flow, options, path, task};
use orchestrator_core::{
    AttemptId, Candidate, Capability, Command, Decision, Handled, Ignored, Input, InputError, On,
    RetryPolicy, Role, RouteError, Run, RunOptions, Step, StepStatus, TaskError, Timestamp,
    WorkerName,
};

fn name(worker: &str) -> WorkerName {
    WorkerName::parse(worker).unwrap()
}

fn able(worker: &str, capabilities: &[&str]) -> Candidate {
    let capabilities = capabilities.iter().map(|c| Capability::parse(c).unwrap()).collect();
    Candidate { worker: name(worker), capabilities }
}

fn staffed(candidates: &[Candidate]) -> RunOptions {
    let mut options = options();
    candidates.iter().for_each(|candidate| options.staff.add(Role::CODER, candidate.clone()));
    options
}

fn needs(capabilities: &[&str]) -> Step {
    let step = Step::task("a", Role::CODER).retry(RetryPolicy::attempts(3).at_once());
    capabilities.iter().fold(step, |step, c| step.requires(Capability::parse(c).unwrap()))
}

fn choose(worker: &str) -> Decision {
    let worker = name(worker);
    Decision { worker, rationale: "because".to_owned(), confidence: 1.0, propensity: 1.0 }
}

fn route(host: &mut Host, attempt: u32, worker: &str) -> Result<Handled, InputError> {
    let attempt = AttemptId { path: path("a"), attempt };
    host.tell(Input::Routed { attempt, result: Ok(choose(worker)) })
}

#[test]
fn the_one_who_is_able_gets_it_without_a_question() {
    let staff = [able("ada", &["rust"]), able("bob", &["python", "rust"]), able("eve", &[])];
    let mut host = Host::start_with(flow([needs(&["python", "rust"])]), staffed(&staff));
    assert_eq!(host.commands(), ["execute a 1"]);
    let history = host.run.history();
    let json = serde_json::to_value(&history[1].event).unwrap();
    assert_eq!((&json["type"], &json["worker"]), (&"attempt_started".into(), &"bob".into()));
}

#[test]
fn where_nobody_is_able_the_step_fails_and_that_can_be_handled() {
    let staff = [able("ada", &["rust"]), able("bob", &["python"])];
    let steps = [needs(&["python", "rust"]), task("instead").after_end("a", On::Failure)];
    let mut host = Host::start_with(flow(steps), staffed(&staff));
    assert_eq!(host.told("step_failed"), ["step_failed a 0 no_worker"]);
    assert!(host.late("a", 1).is_err());
    host.done("instead", 1);
}

#[test]
fn among_several_a_router_chooses_and_only_the_able_are_candidates() {
    let staff = [able("ada", &["rust"]), able("bob", &[]), able("eve", &["rust"])];
    let mut run = Run::new(flow([needs(&["rust"])]), staffed(&staff));
    run.handle(Timestamp(0), Input::Started).unwrap();
    while run.poll_event().is_some() {}
    run.commit_polled();
    let Some(Command::Route { candidates, request, .. }) = run.poll_command() else {
        panic!("no router is asked")
    };
    assert_eq!(candidates, [able("ada", &["rust"]), able("eve", &["rust"])]);
    assert_eq!((request.attempt, request.tried.len()), (1, 0));

    let mut host = Host::start_with(flow([needs(&["rust"])]), staffed(&staff));
    assert!(host.late("a", 1).is_err(), "nobody was given it yet");
    let stranger = route(&mut host, 1, "bob");
    assert!(matches!(stranger, Err(InputError::NoCandidate { .. })), "{stranger:?}");
    assert!(route(&mut host, 2, "ada").is_err());
    assert_eq!(route(&mut host, 1, "eve"), Ok(Handled::Taken));
    assert_eq!(route(&mut host, 1, "ada"), Ok(Handled::Ignored(Ignored::AlreadyAnswered)));
    host.fail("a", host::flaky());
    assert_eq!(host.commands(), ["route a 1", "execute a 1", "route a 2"]);
    host.crash();
    assert_eq!(host.commands(), ["route a 2"]);
    route(&mut host, 2, "ada").unwrap();
    host.done("a", 1);
    assert_eq!(host.output(), "1");
}

#[test]
fn a_router_that_has_no_answer_fails_the_step() {
    let staff = [able("ada", &[]), able("eve", &[])];
    let attempt = AttemptId { path: path("a"), attempt: 1 };
    let none = Err(RouteError { reason: "nobody will do".to_owned() });
    let odd = Ok(Decision { confidence: f64::NAN, ..choose("ada") });
    for result in [none, odd] {
        let mut host = Host::start_with(flow([needs(&[])]), staffed(&staff));
        host.take(Input::Routed { attempt: attempt.clone(), result });
        assert_eq!(host.failure(), ("a".to_owned(), "no_route".to_owned()));
    }
}

#[test]
fn a_role_that_nobody_was_named_for_is_filled_by_its_own_name() {
    let mut host = Host::start(flow([needs(&["rust"])]));
    assert_eq!(host.commands(), ["execute a 1"]);
}

#[test]
fn a_task_says_how_urgent_it_is() {
    let host = Host::start(flow([task("a"), task("b").priority(7), task("c").priority(i32::MIN)]));
    assert_eq!(host.task("a").priority(), 0);
    assert_eq!(host.task("b").priority(), 7);
    assert_eq!(host.task("c").priority(), i32::MIN);
    // The order of the history is that of the definition all the same.
    assert_eq!(
        host.told("attempt_started"),
        ["attempt_started a 1", "attempt_started b 1", "attempt_started c 1",]
    );
}

#[test]
fn some_codes_are_never_tried_again() {
    let retry = RetryPolicy::attempts(5).at_once().never_on("quota").never_on("auth");
    let a = task("a").retry(retry);
    let mut host = Host::start(flow([a.clone()]));
    host.fail("a", host::flaky());
    host.fail("a", TaskError::retryable("quota", "used up"));
    assert_eq!(host.failure(), ("a".to_owned(), "quota".to_owned()));
    assert_eq!(host.executed["a"], 2);

    let never = RetryPolicy::attempts(5).at_once().never_on("attempt_timeout");
    let a = task("a").retry(never).attempt_timeout(host::ms(5));
    let mut host = Host::start(flow([a]));
    host.pass(5);
    assert_eq!(host.failure().1, "attempt_timeout", "our own codes too");
}

#[test]
fn attempts_are_counted_across_crashes_and_a_worker_that_kills_its_host_is_lost() {
    let mut host = Host::start(flow([needs(&[])]));
    host.fail("a", host::flaky());
    host.crash();
    host.fail("a", host::flaky());
    let keys: Vec<String> = (0..3)
        .map(|_| {
            host.crash();
            host.task("a").idempotency_key()
        })
        .collect();
    assert_eq!(keys, ["run:a:3", "run:a:3", "run:a:3"]);
    host.crash();
    assert_eq!(host.failure(), ("a".to_owned(), "worker_lost".to_owned()));
    assert_eq!(host.status("a"), Some(StepStatus::Failed));
}
