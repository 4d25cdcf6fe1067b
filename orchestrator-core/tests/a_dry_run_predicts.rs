//! A dry run says how long a workflow takes on so many workers, and which steps decide it; a scheduler that shares nothing with it agrees.

#[path = "support/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use orchestrator_core::{
    Candidate, Command, DryRun, DryRunError, DryRunReport, Input, Join, On, Path, Payload,
    RetryPolicy, Role, RunOptions, RunResult, Seed, Staff, Step, StepId, Stream, TaskError,
    WorkerName, Workflow, condition_fn,
};

fn workers(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn names(path: &[Path]) -> Vec<String> {
    path.iter().map(Path::to_string).collect()
}

/// Tasks as a trace has them: what each waits for, and nanoseconds.
type Dag = Vec<(Vec<usize>, u64)>;

fn workflow(dag: &Dag) -> Workflow {
    let steps = dag.iter().enumerate().map(|(at, (parents, _))| {
        let parents = parents.iter().map(|parent| format!("t{parent}"));
        Step::task(format!("t{at}"), Role::GENERIC).after_all(parents)
    });
    steps.fold(Workflow::builder("dag"), |builder, step| builder.step(step)).build().unwrap()
}

fn dry_run(dag: &Dag, count: usize) -> DryRun<'_> {
    let time = |path: &Path, _| {
        Duration::from_nanos(dag[path.step().as_str()[1..].parse::<usize>().unwrap()].1)
    };
    DryRun::new(&workflow(dag)).workers(workers(count)).duration(time)
}

/// Lists, and no cleverness: at every instant first what ends, then what is ready, in order.
fn naive_makespan(dag: &Dag, workers: usize) -> u64 {
    let (mut now, mut done, mut begun) = (0, vec![false; dag.len()], vec![None; dag.len()]);
    loop {
        for at in 0..dag.len() {
            let working = begun.iter().zip(&done).filter(|(b, done)| b.is_some() && !**done);
            let ready = dag[at].0.iter().all(|&parent| done[parent]);
            if begun[at].is_none() && ready && working.count() < workers {
                begun[at] = Some(now);
            }
        }
        let end = |at: usize| begun[at].map(|since| since + dag[at].1).filter(|_| !done[at]);
        let Some(next) = (0..dag.len()).filter_map(end).min() else {
            return now;
        };
        now = next;
        let ended: Vec<usize> = (0..dag.len()).filter(|&at| end(at) == Some(now)).collect();
        ended.into_iter().for_each(|at| done[at] = true);
    }
}

/// The longest way by what `weight` says of a task.
fn longest(dag: &Dag, weight: impl Fn(u64) -> u64) -> u64 {
    fn to(dag: &Dag, at: usize, weight: &dyn Fn(u64) -> u64, known: &mut [Option<u64>]) -> u64 {
        if let Some(known) = known[at] {
            return known;
        }
        let before = dag[at].0.iter().map(|&parent| to(dag, parent, weight, known)).max();
        *known[at].insert(before.unwrap_or(0) + weight(dag[at].1))
    }
    let mut known = vec![None; dag.len()];
    (0..dag.len()).map(|at| to(dag, at, &weight, &mut known)).max().unwrap()
}

/// Edges lead along a random order, which is not the order of definition.
fn random_dag(stream: &mut Stream) -> Dag {
    let tasks = 1 + stream.below(40);
    let mut order: Vec<usize> = (0..tasks).collect();
    for at in (1..tasks).rev() {
        order.swap(at, stream.below(at + 1));
    }
    let (density, longest) = (stream.below(5), [1, 3, 1_000_000_007][stream.below(3)]);
    let mut dag = vec![(Vec::new(), 0); tasks];
    for (place, &at) in order.iter().enumerate() {
        let parents = order[..place].iter().copied().filter(|_| stream.below(8) < density);
        dag[at] = (parents.collect(), stream.below(longest + 1) as u64);
    }
    dag
}

#[test]
fn any_graph_takes_what_a_naive_scheduler_says() {
    for seed in 0..600 {
        let mut stream = Seed(seed).derive("dry run").stream();
        let dag = random_dag(&mut stream);
        for count in [1, 2, 1 + stream.below(6), 1_000] {
            let about = format!("seed {seed}, {count} workers, {dag:?}");
            let report = dry_run(&dag, count).report().unwrap();
            let makespan = naive_makespan(&dag, count);
            assert_eq!(report.makespan, Duration::from_nanos(makespan), "{about}");

            let distinct: BTreeSet<(usize, usize)> = (dag.iter().enumerate())
                .flat_map(|(at, (parents, _))| parents.iter().map(move |&parent| (parent, at)))
                .collect();
            assert_eq!(report.steps, dag.len() as u64, "{about}");
            assert_eq!(report.attempts, dag.len() as u64, "{about}");
            assert_eq!(report.edges, distinct.len() as u64, "{about}");
            assert_eq!(report.depth, longest(&dag, |_| 1), "{about}");

            let busy: u64 = dag.iter().map(|(_, time)| time).sum();
            let share =
                if makespan == 0 { 0.0 } else { busy as f64 / (makespan as f64 * count as f64) };
            assert!((report.utilisation - share).abs() < 1e-12, "{about}: {}", report.utilisation);
            check_critical_path(&dag, &report, &about);
        }
    }
}

/// A chain along edges, from a task that waits for none to one that none waits for, as long as the longest.
#[track_caller]
fn check_critical_path(dag: &Dag, report: &DryRunReport, about: &str) {
    let path: Vec<usize> = report
        .critical_path
        .iter()
        .map(|path| path.step().as_str()[1..].parse().unwrap())
        .collect();
    let time: u64 = path.iter().map(|&at| dag[at].1).sum();
    assert_eq!(report.critical_path_length, Duration::from_nanos(time), "{about}: {path:?}");
    assert_eq!(time, longest(dag, |time| time), "{about}: {path:?}");
    assert!(path.windows(2).all(|pair| dag[pair[1]].0.contains(&pair[0])), "{about}: {path:?}");
    let (first, last) = (path[0], path[path.len() - 1]);
    assert!(dag[first].0.is_empty(), "{about}: {path:?}");
    assert!(dag.iter().all(|(parents, _)| !parents.contains(&last)), "{about}: {path:?}");
}

#[test]
fn small_graphs_take_what_a_person_works_out() {
    #[track_caller]
    fn check(dag: &Dag, count: usize, seconds: u64, path: &[&str]) {
        let dag: Dag = dag.iter().cloned().map(|(p, s)| (p, s * 1_000_000_000)).collect();
        let report = dry_run(&dag, count).report().unwrap();
        assert_eq!(report.makespan, Duration::from_secs(seconds));
        assert_eq!(names(&report.critical_path), path);
    }
    // One after another, however many workers.
    check(&vec![(vec![], 3), (vec![0], 4)], 2, 7, &["t0", "t1"]);
    // Independent: 1 takes 9, 2 take 6 (3 beside 2, then 4 after the 2).
    let three = vec![(vec![], 3), (vec![], 2), (vec![], 4)];
    check(&three, 1, 9, &["t2"]);
    check(&three, 2, 6, &["t2"]);
    check(&three, 3, 4, &["t2"]);
    // A diamond whose sides are equal: the first in the definition.
    let diamond = vec![(vec![], 1), (vec![0], 2), (vec![0], 2), (vec![1, 2], 1)];
    check(&diamond, 2, 4, &["t0", "t1", "t3"]);
    check(&diamond, 1, 6, &["t0", "t1", "t3"]);
    // Definition order decides who starts, not who has been ready longest: t0 becomes ready while t2 waits, and goes first.
    check(&vec![(vec![1], 1), (vec![], 1), (vec![], 5), (vec![0], 5)], 1, 12, &["t1", "t0", "t3"]);
    check(&vec![(vec![1], 1), (vec![], 1), (vec![], 5), (vec![], 5)], 2, 7, &["t2"]);
    // What takes no time still comes after what it waits for.
    check(&vec![(vec![1], 0), (vec![2], 0), (vec![], 0)], 1, 0, &["t2", "t1", "t0"]);
    // More workers can take longer (Graham 1969): the nine tasks of his example, on three and on four.
    let graham: Dag = vec![
        (vec![], 3),
        (vec![], 2),
        (vec![], 2),
        (vec![], 2),
        (vec![3], 4),
        (vec![3], 4),
        (vec![3], 4),
        (vec![3], 4),
        (vec![0], 9),
    ];
    check(&graham, 3, 12, &["t0", "t8"]);
    check(&graham, 4, 15, &["t0", "t8"]);
}

#[test]
fn other_numbers_of_workers_are_told_too() {
    let dag: Dag = vec![(vec![], 6), (vec![], 6), (vec![], 6)];
    let what_if = dry_run(&dag, 1).what_if([1, 2, 3, 9].map(workers)).unwrap();
    let found: Vec<_> = what_if.iter().map(|w| (w.makespan.as_nanos(), w.utilisation)).collect();
    assert_eq!(found, [(18, 1.0), (12, 0.75), (6, 1.0), (6, 3.0 / 9.0)]);
}

#[test]
fn a_retry_counts_with_its_rest_to_the_nanosecond() {
    let retry = RetryPolicy { jitter_percent: 0, ..RetryPolicy::attempts(3) };
    let workflow = Workflow::builder("retried")
        .step(Step::task("a", Role::GENERIC))
        .step(Step::task("b", Role::GENERIC).after("a").retry(retry))
        .build()
        .unwrap();
    let odd = Duration::from_nanos(1_700_001);
    let report = DryRun::new(&workflow)
        .duration(|_, _| odd)
        .answers(|task| match (task.path().step().as_str(), task.attempt()) {
            ("b", 1 | 2) => Err(TaskError::retryable("busy", "later")),
            _ => Ok(Payload::null().into()),
        })
        .report()
        .unwrap();
    // The rests are 1 s and 2 s.
    assert_eq!(report.makespan, 4 * odd + ms(3_000));
    assert_eq!(report.critical_path_length, report.makespan);
    assert_eq!(names(&report.critical_path), ["a", "b"]);
    assert_eq!((report.steps, report.attempts, report.depth), (2, 4, 2));
    let share = 4.0 * odd.as_secs_f64() / report.makespan.as_secs_f64();
    assert!((report.utilisation - share).abs() < 1e-12);
}

#[test]
fn a_resting_step_leaves_its_worker_to_others() {
    let retry = RetryPolicy { jitter_percent: 0, ..RetryPolicy::attempts(2) };
    let workflow = Workflow::builder("resting")
        .step(Step::task("flaky", Role::GENERIC).retry(retry))
        .step(Step::task("other", Role::GENERIC))
        .build()
        .unwrap();
    let report = DryRun::new(&workflow)
        .duration(|path, _| if path.step().as_str() == "flaky" { ms(100) } else { ms(500) })
        .answers(|task| match task.attempt() {
            1 if task.path().step().as_str() == "flaky" => Err(TaskError::retryable("x", "y")),
            _ => Ok(Payload::null().into()),
        })
        .report()
        .unwrap();
    // 100 + 1,000 of rest, in which the other one works, + 100.
    assert_eq!(report.makespan, ms(1_200));
}

#[test]
fn what_fails_and_what_is_skipped_counts_as_it_ran() {
    let workflow = Workflow::builder("failing")
        .step(Step::task("a", Role::GENERIC))
        .step(Step::task("bad", Role::GENERIC).after("a"))
        .step(Step::task("never", Role::GENERIC).after("bad"))
        .step(Step::task("mend", Role::GENERIC).after_end("bad", On::Failure))
        .step(
            Step::task("end", Role::GENERIC)
                .after_all(["never", "mend"])
                .after_end("mend", On::Always)
                .join(Join::Any),
        )
        .build()
        .unwrap();
    let report = DryRun::new(&workflow)
        .duration(|_, _| ms(1))
        .answers(|task| match task.path().step().as_str() {
            "bad" => Err(TaskError::terminal("no", "never")),
            _ => Ok(Payload::null().into()),
        })
        .report()
        .unwrap();
    assert_eq!(report.steps, 4);
    assert_eq!(report.edges, 3); // a-bad, bad-mend, mend-end (drawn twice)
    assert_eq!(report.depth, 4);
    assert_eq!(names(&report.critical_path), ["a", "bad", "mend", "end"]);
    assert!(matches!(report.result, RunResult::Succeeded { .. }));

    let unhandled = Workflow::builder("failing")
        .step(Step::task("a", Role::GENERIC))
        .step(Step::task("b", Role::GENERIC).after("a"))
        .build()
        .unwrap();
    let report = DryRun::new(&unhandled)
        .duration(|_, _| ms(7))
        .answers(|_| Err(TaskError::terminal("no", "never")))
        .report()
        .unwrap();
    assert!(matches!(&report.result, RunResult::Failed { path, .. } if path.to_string() == "a"));
    assert_eq!((report.steps, report.edges, report.makespan), (1, 0, ms(7)));
}

fn looping() -> Workflow {
    let body = Workflow::builder("body")
        .step(Step::task("draft", Role::CODER))
        .step(Step::task("spell", Role::CODER).after("draft"))
        .step(Step::task("review", Role::REVIEWER).after("draft"))
        .build()
        .unwrap();
    let done = condition_fn("two rounds", 1, |context: &orchestrator_core::Context| {
        Ok(context.round()?.index == 1)
    });
    Workflow::builder("looping")
        .step(Step::task("ask", Role::GENERIC))
        .step(Step::repeat_until("write", body, 5, done).after("ask"))
        .step(Step::task("print", Role::GENERIC).after("write"))
        .build()
        .unwrap()
}

#[test]
fn rounds_of_a_loop_are_unfolded() {
    let time = |path: &Path, _| match path.step().as_str() {
        // The second round is held up by the other step.
        "spell" => ms(if path.rounds().next().unwrap().1 == 0 { 1 } else { 9 }),
        "review" => ms(5),
        _ => ms(2),
    };
    let report = DryRun::new(&looping()).workers(workers(2)).duration(time).report().unwrap();
    assert_eq!(report.steps, 2 + 2 * 3);
    assert_eq!(report.edges, 2 + 2 * 2);
    assert_eq!(report.depth, 1 + 2 + 2 + 1);
    assert_eq!(report.makespan, ms(2 + (2 + 5) + (2 + 9) + 2));
    assert_eq!(
        names(&report.critical_path),
        ["ask", "write[0]/draft", "write[0]/review", "write[1]/draft", "write[1]/spell", "print"]
    );
}

#[test]
fn a_recorded_run_is_run_again_on_other_numbers_of_workers() {
    // Recorded: a run with a failed attempt and a rejected round, one attempt after another.
    let workflow = Workflow::builder("site")
        .step(Step::task("specify", Role::ANALYST).retry(RetryPolicy::attempts(2).at_once()))
        .step(Step::task("code", Role::CODER).after("specify"))
        .step(Step::task("style", Role::CODER).after("specify"))
        .step(Step::task("review", Role::REVIEWER).after("code").on_failure_back_to("code", 3))
        .build()
        .unwrap();
    let options = || RunOptions::new("run-1", "a site").unwrap();
    let mut run = orchestrator_core::Run::new(workflow.clone(), options());
    let mut now = orchestrator_core::Timestamp(1_000);
    let mut history = Vec::new();
    run.handle(now, Input::Started).unwrap();
    while run.result().is_none() {
        run.committed(u64::MAX);
        let Some(Command::Execute { attempt, .. }) = run.poll_command() else { panic!() };
        now = now.after(ms(30));
        let at = format!("{} {}", attempt.path, attempt.attempt);
        let result = match at.as_str() {
            "specify 1" => Err(TaskError::retryable("busy", "later")),
            "until_review[0]/review 1" => Err(TaskError::terminal("rejected", "once more")),
            _ => Ok(Payload::text(&at).into()),
        };
        run.handle(now, Input::Answered { attempt, result }).unwrap();
    }
    while let Some(recorded) = run.poll_event() {
        history.push(recorded.clone());
    }
    let dry_run = DryRun::new(&workflow).options(options()).workers(workers(2)).recorded(&history);
    let report = dry_run.report().unwrap();
    assert_eq!(Some(&report.result), run.result());
    assert_eq!(report.attempts, 2 + 1 + 4);
    assert_eq!(report.steps, 1 + 1 + 4);
    assert_eq!(report.makespan, report.critical_path_length);

    let unseen = Workflow::builder("other").step(Step::task("new", Role::CODER)).build().unwrap();
    let error = DryRun::new(&unseen).recorded(&history).report().unwrap_err();
    assert_eq!(error.to_string(), "nobody has said how long attempt 1 of step new takes");
}

#[test]
fn a_router_is_asked_before_work_begins() {
    let mut staff = Staff::default();
    for name in ["ada", "grace"] {
        let worker = WorkerName::parse(name).unwrap();
        staff.add(Role::CODER, Candidate { worker, capabilities: Vec::new() });
    }
    let options = RunOptions { staff, ..RunOptions::new("run-1", "routed").unwrap() };
    // More than a stack would hold if every choice were made inside the one before.
    let wide = (0..20_000).fold(Workflow::builder("wide"), |builder, at| {
        builder.step(Step::task(format!("t{at}"), Role::CODER))
    });
    let wide = wide.build().unwrap();
    let dry_run = |workflow| {
        DryRun::new(workflow).options(options.clone()).workers(workers(4)).duration(|_, _| ms(1))
    };
    assert_eq!(dry_run(&wide).report().unwrap().makespan, ms(5_000));

    // A router that thinks for 10 ms; and one that never says anything of use.
    let one = Workflow::builder("one").step(Step::task("a", Role::CODER)).build().unwrap();
    let slow = dry_run(&one).replies(|command| match command {
        Command::Route { attempt, candidates, .. } => {
            let decision = orchestrator_core::Decision {
                worker: candidates[1].worker.clone(),
                rationale: String::new(),
                confidence: 1.0,
                propensity: 1.0,
            };
            Some((ms(10), Input::Routed { attempt: attempt.clone(), result: Ok(decision) }))
        }
        _ => None,
    });
    assert_eq!(slow.report().unwrap().makespan, ms(11));
    let mute = dry_run(&one).replies(|_| Some((ms(3), Input::TimePassed)));
    let error = mute.report().unwrap_err();
    assert_eq!(error, DryRunError::Stalled { at: ms(3), open: vec![StepId::parse("a").unwrap()] });
    assert_eq!(
        error.to_string(),
        "after 0.003 s nothing more happens, and the run is not over; open steps: a"
    );
}

#[test]
fn a_run_that_is_called_off_ends_there() {
    let dag: Dag = vec![(vec![], 9_000_000), (vec![], 9_000_000), (vec![0], 1)];
    for (count, share) in [(1, 1.0), (2, 1.0), (4, 0.5)] {
        let called_off =
            dry_run(&dag, count).input_at(ms(4), Input::Cancelled { reason: "enough".into() });
        let report = called_off.report().unwrap();
        assert_eq!(report.makespan, ms(4));
        assert!(matches!(report.result, RunResult::Cancelled { .. }));
        assert!((report.utilisation - share).abs() < 1e-12, "{count}: {}", report.utilisation);
    }
}

#[test]
fn what_was_not_said_or_cannot_be_is_an_error() {
    let dag: Dag = vec![(vec![], 1), (vec![0], 1)];
    let workflow = workflow(&dag);
    let some = BTreeMap::from([(StepId::parse("t0").unwrap(), ms(1))]);
    let error = DryRun::new(&workflow).durations(some).report().unwrap_err();
    assert_eq!(error.to_string(), "nobody has said how long attempt 1 of step t1 takes");
    let error = DryRun::new(&workflow).duration(|_, _| Duration::MAX).report().unwrap_err();
    assert_eq!(error.to_string(), "step t1 ends beyond the end of time");
}

#[test]
fn a_report_is_written_in_seconds() {
    let dag: Dag = vec![(vec![], 100_000_000), (vec![0], 200_000_000)];
    let report = dry_run(&dag, 2).report().unwrap();
    assert_eq!(
        serde_json::to_value(&report).unwrap(),
        serde_json::json!({
            "workers": 2, "steps": 2, "edges": 1, "depth": 2, "attempts": 2, "makespan_s": 0.3,
            "critical_path": ["t0", "t1"], "critical_path_s": 0.3, "utilisation": 0.5,
            "result": { "status": "succeeded", "output": null },
        })
    );
}

/// Loops, retries, failures and handlers, as the state machine is tested with.
#[test]
fn a_random_workflow_gives_the_same_however_many_work() {
    for seed in 0..300 {
        let world = world::World::new(seed);
        let time = |path: &Path, attempt| {
            let place = format!("{path} {attempt}");
            ms(Seed(seed).derive("time").derive(&place).stream().below(2_000) as u64)
        };
        let dry_run = DryRun::new(&world.workflow)
            .options(world.options.clone())
            .duration(time)
            .answers(|task| world.work(task));
        let alone = dry_run.report().unwrap();
        assert_eq!(dry_run.report().unwrap(), alone, "seed {seed}");
        let start = orchestrator_core::Timestamp(0);
        let mut run = world.run();
        run.handle(start, Input::Started).unwrap();
        let run = world::drive_in_order(&world, run, start);
        assert_eq!(run.result(), Some(&alone.result), "seed {seed}");

        let mut tried: Vec<(Path, u32)> = Vec::new();
        let history = run.history();
        for recorded in history.iter() {
            use orchestrator_core::Event::{AttemptStarted, RouteDecided};
            if let AttemptStarted { path, attempt, .. } | RouteDecided { path, attempt, .. } =
                &recorded.event
            {
                tried.push((path.clone(), *attempt));
            }
        }
        let steps: BTreeSet<&Path> = tried.iter().map(|(path, _)| path).collect();
        assert_eq!(
            (alone.attempts, alone.steps),
            (tried.len() as u64, steps.len() as u64),
            "seed {seed}"
        );
        assert!(
            alone.depth <= alone.steps && alone.edges <= alone.steps * alone.steps,
            "seed {seed}"
        );
        let path: BTreeSet<&Path> = alone.critical_path.iter().collect();
        assert!(path.is_subset(&steps) && !path.is_empty(), "seed {seed}");
        assert_eq!(
            path.len(),
            alone.critical_path.len(),
            "seed {seed}: a step is on its path once"
        );

        for other in dry_run.what_if([1, 2, 3, 50].map(workers)).unwrap() {
            assert!(other.makespan >= alone.critical_path_length, "seed {seed}: {other:?}");
        }
        let wide = DryRun::new(&world.workflow)
            .options(world.options.clone())
            .workers(workers(50))
            .duration(time)
            .answers(|task| world.work(task))
            .report()
            .unwrap();
        assert_eq!(wide.result, alone.result, "seed {seed}");
        assert_eq!(wide.critical_path, alone.critical_path, "seed {seed}");
        assert_eq!((wide.steps, wide.edges, wide.depth), (alone.steps, alone.edges, alone.depth));
        assert!(wide.makespan == wide.critical_path_length && wide.makespan <= alone.makespan);
        check_chain(seed, &wide, time);
    }
}

/// The tasks of the path and the rests between them fill the time from start to end.
#[track_caller]
fn check_chain(seed: u64, report: &DryRunReport, time: impl Fn(&Path, u32) -> Duration) {
    let first: Duration = report.critical_path.iter().map(|path| time(path, 1)).sum();
    assert!(first <= report.critical_path_length, "seed {seed}: {report:?}");
    if report.attempts == report.steps {
        assert_eq!(first, report.critical_path_length, "seed {seed}: {report:?}");
    }
}
