//! A simulator for runs: random workflows or your own, workers whose answers are a pure function of what they are shown, and a host that
//! is late, repeats itself, invents answers, changes the order of everything, and crashes. Everything follows from one seed.
//!
//! Every event is shown to a naive [`reference`](self) scheduler that shares nothing with the state machine but the words of the history.
//! It says whether the event was allowed just then; after every input it says whether something is missing; and what the run says of
//! itself (statuses, deadlines, outcome) is compared with what follows from the history. A [`Violation`] names the broken [`Rule`] and
//! the seed that shows it again.
//!
//! It uses no clock, no file and no thread, but for [`sweep`], which divides many seeds among the cores, and [`seeds`], which reads the
//! environment. It does not simulate forks and migrations, nor the hub.
//!
//! ```
//! use orchestrator_core::testkit::{Habits, Simulation};
//! use orchestrator_core::{RetryPolicy, Role, Step, Workflow};
//!
//! let workflow = Workflow::builder("publish")
//!     .step(Step::task("write", Role::CODER).retry(RetryPolicy::attempts(3)))
//!     .step(Step::decision("approve", "publish it?", ["yes", "no"]).after("write"))
//!     .build()?;
//! for seed in 0..20 {
//!     let report = Simulation::new(seed).workflow(workflow.clone()).habits(Habits::all()).run()?;
//!     assert!(report.executions.values().all(|&times| times <= 1 + report.crashes));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod author;
mod coverage;
mod history;
mod host;
mod model;
mod reference;
mod rules;
mod violation;
mod worker;

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use author::{Made, random_workflow};
pub use coverage::Coverage;
pub use history::check_history;
pub use violation::{Rule, Violation};

use crate::closure::panic_text;
use crate::id::Role;
use crate::payload::Payload;
use crate::random::Seed;
use crate::route::Candidate;
use crate::run::{AttemptId, Recorded, RunOptions, RunOutcome, Staff};
use crate::task::{Task, TaskError, TaskOutput};
use crate::workflow::Workflow;
use host::Host;
use model::Model;
use reference::Terms;

/// The variable of the environment that [`seeds`] looks at.
pub const SEED_VARIABLE: &str = "ORCHESTRATOR_SEED";

/// What a host does beside carrying out what it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habits {
    /// How often it crashes at most; each simulation draws its own number from 0 to this. What was not committed is lost.
    pub crashes_max: u32,
    /// In how many of 100 simulations it cancels the run, if that is still going on.
    pub cancels_percent: u32,
    /// In how many of 100 turns it pauses the run; it is resumed soon.
    pub pauses_percent: u32,
    /// In how many of 100 turns it says something late, twice, or invented.
    pub strays_percent: u32,
    /// In how many of 100 turns it commits nothing, or a part of what there is, even amid a batch.
    pub laggard_percent: u32,
}

impl Habits {
    /// Everything, often.
    pub const fn all() -> Habits {
        Habits {
            crashes_max: 6,
            cancels_percent: 20,
            pauses_percent: 4,
            strays_percent: 12,
            laggard_percent: 40,
        }
    }

    /// Nothing of it: orders and delays are random still.
    pub const fn none() -> Habits {
        Habits {
            crashes_max: 0,
            cancels_percent: 0,
            pauses_percent: 0,
            strays_percent: 0,
            laggard_percent: 0,
        }
    }
}

type Work = dyn Fn(&Task) -> Result<TaskOutput, TaskError> + Send + Sync;

/// One simulated run: a workflow, its workers, its host, all out of one seed.
#[derive(Clone)]
pub struct Simulation {
    seed: u64,
    workflow: Workflow,
    staff: Vec<(Role, Candidate)>,
    input: Option<Payload>,
    habits: Habits,
    work: Option<Arc<Work>>,
}

/// What came of a simulation in which no rule was broken.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// What [`Simulation::new`] was given.
    pub seed: u64,
    /// How the run ended.
    pub outcome: RunOutcome,
    /// Everything that happened.
    pub history: Vec<Recorded>,
    /// How often each attempt was handed to a worker.
    pub executions: BTreeMap<AttemptId, u32>,
    /// How often the host crashed.
    pub crashes: u32,
    /// What was reached.
    pub coverage: Coverage,
}

impl Simulation {
    /// A simulation of a random workflow of every kind, with all habits.
    pub fn new(seed: u64) -> Simulation {
        Simulation::random(seed, Made::OfAll)
    }

    /// A simulation of a random workflow, with all habits.
    pub fn random(seed: u64, made: Made) -> Simulation {
        Simulation {
            seed,
            workflow: random_workflow(seed, made),
            staff: author::random_staff(made),
            input: None,
            habits: Habits::all(),
            work: None,
        }
    }

    /// Simulates this workflow. Roles that no [`worker`](Simulation::worker) was added to are filled by one worker each.
    #[must_use]
    pub fn workflow(self, workflow: Workflow) -> Simulation {
        Simulation { workflow, staff: Vec::new(), ..self }
    }

    /// Adds a worker to a role.
    #[must_use]
    pub fn worker(mut self, role: Role, candidate: Candidate) -> Simulation {
        self.staff.push((role, candidate));
        self
    }

    /// What the first steps get.
    #[must_use]
    pub fn input(self, input: Payload) -> Simulation {
        Simulation { input: Some(input), ..self }
    }

    /// What the host does.
    #[must_use]
    pub fn habits(self, habits: Habits) -> Simulation {
        Simulation { habits, ..self }
    }

    /// What workers say. It must depend on nothing but the task, since an attempt may be handed out again. Without it they succeed with
    /// numbers or lists, or fail in every way there is.
    #[must_use]
    pub fn work(
        self,
        work: impl Fn(&Task) -> Result<TaskOutput, TaskError> + Send + Sync + 'static,
    ) -> Simulation {
        Simulation { work: Some(Arc::new(work)), ..self }
    }

    /// Simulates one run to its end.
    ///
    /// # Errors
    /// When a rule is broken; a panic counts as one.
    pub fn run(&self) -> Result<Report, Violation> {
        self.in_order(0)
    }

    /// Simulates the same run several times, each time with another order of arrivals, and compares the outcomes. For workflows whose
    /// outcome the order does not decide: see [`Made::OrderFree`].
    ///
    /// # Errors
    /// When a rule is broken, or two outcomes differ.
    pub fn run_in_orders(&self, orders: u64) -> Result<Report, Violation> {
        let first = self.in_order(0)?;
        for order in 1..orders {
            let other = self.in_order(order)?;
            if other.outcome != first.outcome {
                let detail = format!(
                    "the outcome in order {order} is {:?}, in order 0 {:?}",
                    other.outcome, first.outcome
                );
                return Err(self.violation(Rule::Confluence, detail, other.history));
            }
        }
        Ok(first)
    }

    fn in_order(&self, order: u64) -> Result<Report, Violation> {
        let model = Model::of(&self.workflow);
        let options = self.options();
        let terms = self.terms(&model, &options);
        let simulated = catch_unwind(AssertUnwindSafe(|| {
            let mut host = Host::new(self, &terms, &options, order);
            match host.to_the_end() {
                Ok(outcome) => Ok(host.report(outcome)),
                Err(broken) => Err(host.violation(broken)),
            }
        }));
        simulated.unwrap_or_else(|panic| {
            let detail = format!("a panic: {}", panic_text(&*panic));
            Err(self.violation(Rule::Panic, detail, Vec::new()))
        })
    }

    fn violation(&self, rule: Rule, detail: String, before: Vec<Recorded>) -> Violation {
        Violation { seed: self.seed, rule, event: None, detail, before }
    }

    fn terms<'a>(&'a self, model: &'a Model, options: &RunOptions) -> Terms<'a> {
        Terms {
            model,
            staff: &self.staff,
            redispatches_max: options.redispatches_max,
            payload_bytes_max: options.payload_bytes_max,
        }
    }

    /// The definition that is simulated.
    pub fn definition(&self) -> &Workflow {
        &self.workflow
    }

    /// What the run is made with: for doing something else with its history.
    pub fn options(&self) -> RunOptions {
        let mut staff = Staff::default();
        for (role, candidate) in &self.staff {
            staff.add(role.clone(), candidate.clone());
        }
        RunOptions {
            seed: Seed(self.seed).derive("run"),
            staff,
            input: self.input.clone(),
            ..RunOptions::new("run-1", "a goal").expect("a valid name")
        }
    }
}

/// The seeds to simulate: these, or the one that the environment names in [`SEED_VARIABLE`].
pub fn seeds(all: Range<u64>) -> Range<u64> {
    let named = std::env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse::<u64>().ok());
    named.map_or(all, |seed| seed..seed.saturating_add(1))
}

/// Simulates every seed, on all cores, and adds up what was reached.
///
/// # Errors
/// The violation with the smallest seed of those that were found before all threads had stopped.
///
/// ```
/// use orchestrator_core::testkit::{Simulation, seeds, sweep};
/// let reached = sweep(seeds(0..100), |seed| Simulation::new(seed).run())?;
/// assert_eq!(reached.simulations(), seeds(0..100).count() as u64);
/// # Ok::<(), orchestrator_core::testkit::Violation>(())
/// ```
pub fn sweep(
    seeds: Range<u64>,
    simulate: impl Fn(u64) -> Result<Report, Violation> + Sync,
) -> Result<Coverage, Violation> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, end) = (AtomicU64::new(seeds.start), AtomicU64::new(seeds.end));
    let part = || {
        let mut coverage = Coverage::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end.load(Ordering::Relaxed) {
                return Ok(coverage);
            }
            match simulate(seed) {
                Ok(report) => coverage.add(&report.coverage),
                Err(violation) => {
                    // Smaller seeds are under way or done; larger ones are of no use any more.
                    end.store(0, Ordering::Relaxed);
                    return Err(violation);
                }
            }
        }
    };
    let parts: Vec<Result<Coverage, Violation>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(part)).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|part| part.expect("a simulation keeps its panics to itself")).collect()
    });
    let (mut coverage, mut first) = (Coverage::default(), None::<Violation>);
    for part in parts {
        match part {
            Ok(part) => coverage.add(&part),
            Err(violation) if first.as_ref().is_none_or(|f| violation.seed < f.seed) => {
                first = Some(violation);
            }
            Err(_) => {}
        }
    }
    first.map_or(Ok(coverage), Err)
}
