//! Random workflows: steps of every kind, edges and joins of every kind, with all that a step can be told. Everything follows from a seed.

use std::time::Duration;

use super::worker::{Sight, sight};
use crate::closure::{ClosureError, condition_fn, transform_fn};
use crate::context::Context;
use crate::id::{Capability, Role, WorkerName};
use crate::payload::Payload;
use crate::random::{Seed, Stream};
use crate::retry::RetryPolicy;
use crate::route::Candidate;
use crate::workflow::{Join, On, OnItemFailure, Step, Workflow};

/// How deep workflows are nested at most.
const DEPTH_MAX: u32 = 3;
/// How many steps there are at most, those inside included.
const STEPS_MAX: u32 = 20;
/// The signals that steps wait for.
pub(super) const SIGNALS: [&str; 2] = ["go", "paid"];
/// What some tasks ask for and not every worker has.
const RUST: &str = "rust";

/// What a random workflow may be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// Everything there is.
    OfAll,
    /// Only of what gives the same outcome in whatever order answers arrive: no join but [`Join::All`], no timeouts and defaults, no
    /// signals, no map that stops at a failure, one worker a role.
    OrderFree,
}

/// A random workflow of every kind of step, up to three workflows deep. The same seed gives the same definition.
///
/// ```
/// use orchestrator_core::testkit::{Made, random_workflow};
/// assert_eq!(random_workflow(7, Made::OfAll).digest(), random_workflow(7, Made::OfAll).digest());
/// ```
pub fn random_workflow(seed: u64, made: Made) -> Workflow {
    let stream = Seed(seed).derive("definition").stream();
    Author { stream, made, left: STEPS_MAX }.frame("root", 0)
}

/// Who fills the roles of random workflows: one coder, three reviewers of whom two know Rust, and nobody in particular who tests.
pub(super) fn random_staff(made: Made) -> Vec<(Role, Candidate)> {
    let candidate = |role: Role, worker: &str, able: bool| {
        let worker = WorkerName::parse(worker).expect("a valid name");
        let capabilities = if able { vec![rust()] } else { Vec::new() };
        (role, Candidate { worker, capabilities })
    };
    let mut staff = vec![
        candidate(Role::CODER, "ada", true),
        candidate(Role::REVIEWER, "grace", false),
        candidate(Role::DEPLOYER, "edsger", false),
        candidate(Role::DEPLOYER, "barbara", true),
    ];
    if made == Made::OfAll {
        staff.push(candidate(Role::REVIEWER, "donald", true));
        staff.push(candidate(Role::REVIEWER, "tony", true));
    }
    staff
}

fn rust() -> Capability {
    Capability::parse(RUST).expect("a valid name")
}

struct Author {
    stream: Stream,
    made: Made,
    left: u32,
}

/// The kinds of steps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Task,
    Branch,
    Loop,
    Map,
    Decision,
    Signal,
    Timer,
    Sub,
}

impl Author {
    fn frame(&mut self, name: &str, depth: u32) -> Workflow {
        let most = if depth == 0 { 7 } else { 3 };
        let count = (1 + self.stream.below(most)).min(self.left.max(1) as usize);
        self.left = self.left.saturating_sub(count as u32);
        // Names come again in every frame: which step a name means depends on where it is said.
        let id = |at: usize| format!("s{at}");
        let mut builder = Workflow::builder(name);
        for at in 0..count {
            let (mut step, kind) = self.step(&id(at), at, count, depth);
            let mut edges = 0;
            for before in 0..at {
                if self.stream.chance(0.35) {
                    step = self.edge(step, &id(before));
                    edges += 1;
                }
            }
            if self.made == Made::OfAll && edges > 0 {
                step = match self.stream.below(5) {
                    0 => step.join(Join::Any),
                    1 => step.join(Join::AtLeast(1 + self.stream.below(edges) as u32)),
                    _ => step,
                };
            }
            builder = builder.step(self.shaped(step, kind));
        }
        builder.build().expect("a random workflow has no faults")
    }

    fn edge(&mut self, step: Step, before: &str) -> Step {
        match self.stream.below(8) {
            0..=3 => step.after(before),
            4 => step.after_end(before, On::Failure),
            5 => step.after_end(before, On::Always),
            _ => {
                let salt = self.stream.word();
                step.after_when(
                    before,
                    condition_fn("when", 1, move |c: &Context| says(c, salt, 70)),
                )
            }
        }
    }

    fn step(&mut self, id: &str, at: usize, count: usize, depth: u32) -> (Step, Kind) {
        let kind = self.kind(at + 1 < count, depth);
        let step = match kind {
            Kind::Task => self.task(id),
            Kind::Branch => self.branch(id, at, count),
            Kind::Loop => self.repeated(id, depth),
            Kind::Map => self.map(id, depth),
            Kind::Decision => self.decision(id),
            Kind::Signal => Step::wait_for_signal(id, SIGNALS[self.stream.below(SIGNALS.len())]),
            Kind::Timer => {
                Step::wait_for(id, Duration::from_millis(50 * self.stream.below(5) as u64))
            }
            Kind::Sub => {
                let body = self.frame(&format!("sub_{id}"), depth + 1);
                Step::sub_workflow(id, body)
            }
        };
        (step, kind)
    }

    fn kind(&mut self, leads_on: bool, depth: u32) -> Kind {
        let nests = depth < DEPTH_MAX && self.left > 0;
        let waits = self.made == Made::OfAll;
        match self.stream.below(20) {
            0..=1 if leads_on => Kind::Branch,
            2..=4 if nests => Kind::Loop,
            5..=7 if nests => Kind::Map,
            8..=9 if nests => Kind::Sub,
            10 => Kind::Decision,
            11 if waits => Kind::Signal,
            12 => Kind::Timer,
            _ => Kind::Task,
        }
    }

    fn retry(&mut self) -> RetryPolicy {
        let retry = RetryPolicy {
            delay_ms: [0, 100][self.stream.below(2)],
            repeat_unknown: self.stream.chance(0.5),
            ..RetryPolicy::attempts(1 + self.stream.below(3) as u32)
        };
        if self.stream.chance(0.2) { retry.never_on("busy") } else { retry }
    }

    fn task(&mut self, id: &str) -> Step {
        let roles = [
            Role::CODER,
            Role::CODER,
            Role::REVIEWER,
            Role::REVIEWER,
            Role::DEPLOYER,
            Role::TESTER,
        ];
        let role = roles[self.stream.below(roles.len())].clone();
        let mut step = Step::task(id, role.clone()).retry(self.retry());
        // Where several are able in a workflow that must not depend on who is asked, one of them is left.
        let alone = self.made == Made::OrderFree && role == Role::DEPLOYER;
        if alone || self.stream.chance(0.2) {
            step = step.requires(rust());
        }
        if self.stream.chance(0.3) {
            let undo = self.retry();
            let by = [Role::CODER, Role::REVIEWER][self.stream.below(2)].clone();
            step = step.compensate(by, undo);
        }
        if self.stream.chance(0.2) {
            step = step.priority(self.stream.below(5) as i32 - 2);
        }
        if self.made == Made::OfAll {
            let attempt = self.stream.chance(0.15).then(|| self.limit());
            if let Some(limit) = attempt {
                step = step.attempt_timeout(limit);
            }
            if self.stream.chance(0.1) {
                // A worker must be able to be silent for too long within its attempt.
                let limit = self.limit();
                let most = attempt.map_or(limit, |attempt| attempt - Duration::from_millis(1));
                step = step.heartbeat_timeout(limit.min(most));
            }
            if self.stream.chance(0.08) {
                step = step.step_timeout(self.limit() * 2);
            }
        }
        step
    }

    fn limit(&mut self) -> Duration {
        Duration::from_millis(40 + self.stream.below(400) as u64)
    }

    fn branch(&mut self, id: &str, at: usize, count: usize) -> Step {
        let mut step = Step::branch(id);
        let mut way = || format!("s{}", at + 1 + self.stream.below(count - at - 1));
        let (otherwise, ways) = (way(), [way(), way()]);
        let cases = 1 + self.stream.below(2);
        for to in ways.into_iter().take(cases) {
            let salt = self.stream.word();
            step = step.case(condition_fn("case", 1, move |c: &Context| says(c, salt, 45)), to);
        }
        step.otherwise(otherwise)
    }

    fn repeated(&mut self, id: &str, depth: u32) -> Step {
        let body = self.frame(&format!("round_{id}"), depth + 1);
        let rounds_max = 1 + self.stream.below(3) as u32;
        let step = if self.stream.chance(0.5) {
            let judges: Vec<String> = body.steps().map(ToString::to_string).collect();
            let judge = &judges[self.stream.below(judges.len())];
            Step::repeat_until_accepted(id, body, rounds_max, judge)
        } else {
            let salt = self.stream.word();
            let done = condition_fn("done", 1, move |c: &Context| says(c, salt, 45));
            Step::repeat_until(id, body, rounds_max, done)
        };
        let step = if self.stream.chance(0.3) {
            step.rounds_kept(1 + self.stream.below(2) as u32)
        } else {
            step
        };
        self.timed(step)
    }

    fn map(&mut self, id: &str, depth: u32) -> Step {
        let body = self.frame(&format!("item_{id}"), depth + 1);
        let on_failure = match self.stream.below(3) {
            _ if self.made == Made::OrderFree => OnItemFailure::Collect,
            0 => OnItemFailure::FailFast,
            1 => OnItemFailure::Tolerate(1),
            _ => OnItemFailure::Collect,
        };
        let mut step =
            Step::map(id, body, 1 + self.stream.below(3) as u32).on_item_failure(on_failure);
        if self.stream.chance(0.2) {
            step = step.items_max(2);
        }
        self.timed(step)
    }

    fn decision(&mut self, id: &str) -> Step {
        let step = Step::decision(id, "go on?", ["yes", "no"]);
        if self.made == Made::OfAll && self.stream.chance(0.5) {
            let after = self.limit();
            step.default_choice("no", after)
        } else {
            self.timed(step)
        }
    }

    fn timed(&mut self, step: Step) -> Step {
        if self.made == Made::OfAll && self.stream.chance(0.15) {
            step.step_timeout(self.limit() * 3)
        } else {
            step
        }
    }

    /// Gives a step what every kind can have: transformers, and a list where one is needed.
    fn shaped(&mut self, mut step: Step, kind: Kind) -> Step {
        let salt = self.stream.word();
        if kind == Kind::Map && self.stream.chance(0.9) {
            let list = move |given: &Payload, context: &Context| {
                let seen = sight(given, &Sight::of(context));
                let items: Vec<u64> = (0..seen.index(salt).0 % 5).collect();
                Ok(Payload::of(&items)?)
            };
            step = step.input(transform_fn("list", 1, list));
        } else if self.stream.chance(0.15) {
            step = step.input(transform_fn("look", 1, move |p, c| look(p, c, salt)));
        }
        if !matches!(kind, Kind::Branch | Kind::Decision) && self.stream.chance(0.15) {
            step = step.output(transform_fn("look", 1, move |p, c| look(p, c, salt)));
        }
        step
    }
}

/// A condition: it holds, does not, or cannot be asked, by all that is seen.
fn says(context: &Context, salt: u64, percent: u64) -> Result<bool, ClosureError> {
    let roll = sight(&Payload::null(), &Sight::of(context)).index(salt).0 % 100;
    match roll {
        97..=99 => Err(ClosureError::new("nobody can tell")),
        roll => Ok(roll < percent),
    }
}

/// A transformer whose result shows all that is seen.
fn look(payload: &Payload, context: &Context, salt: u64) -> Result<Payload, ClosureError> {
    let seen = sight(payload, &Sight::of(context)).index(salt).0;
    match seen % 20 {
        0 => Err(ClosureError::new("nothing to look at")),
        _ => Ok(Payload::of(&(seen >> 40))?),
    }
}
