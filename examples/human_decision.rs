//! A person decides: a draft is shown, and shipped, revised or dropped. Nobody has to: after a day the default counts.
//!
//! `cargo run --release --example human_decision` asks you if it is run in a terminal; elsewhere nobody answers, and the default counts.
//! With `-- --choose ship` (or `revise`, or `drop`) that is the answer to every question.

use std::collections::VecDeque;
use std::io::{IsTerminal, Write, stdin, stdout};
use std::time::Duration;

use orchestrator_ai::core::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn workflow() -> Result<Workflow, Faults> {
    let settled = condition_fn("settled", 1, |context: &Context| {
        Ok(context.output::<Decided>("approve")?.choice != "revise")
    });
    let shipped = condition_fn("shipped", 1, |context: &Context| {
        Ok(context.output::<Decided>("review")?.choice == "ship")
    });
    let round = Workflow::builder("round")
        .step(Step::task("draft", Role::CODER))
        .step(
            Step::decision("approve", "Ship this draft?", ["ship", "revise", "drop"])
                .default_choice("drop", DAY)
                .after("draft"),
        )
        .build()?;
    Workflow::builder("newsletter")
        .step(Step::repeat_until("review", round, 3, settled))
        .step(Step::branch("verdict").after("review").case(shipped, "publish").otherwise("archive"))
        .step(Step::task("publish", Role::DEPLOYER))
        .step(Step::task("archive", Role::GENERIC))
        .build()
}

fn work(task: &Task) -> Result<TaskOutput, TaskError> {
    let done = match task.path().step().as_str() {
        "draft" => format!("draft number {}", task.context().round()?.index + 1),
        step => format!(
            "{step} by decision of {}",
            task.input().at::<Option<String>>("/by")?.unwrap_or("nobody".to_owned())
        ),
    };
    println!("{}: {done}", task.path());
    Ok(TaskOutput::of(&done)?)
}

/// Somebody's answer, if there is somebody.
fn answer(choices: &[String], chosen: Option<&str>) -> Option<Decided> {
    let mut line = String::new();
    let choice = match chosen {
        Some(chosen) => chosen,
        None if stdin().is_terminal() => {
            print!("  {} > ", choices.join(" / "));
            stdout().flush().ok()?;
            // At the end of the input there is nobody left.
            stdin().read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
            line.trim()
        }
        None => return None,
    };
    Some(Decided { by: Some("you".to_owned()), ..Decided::new(choice) })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let chosen = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => None,
        ["--choose", choice] => Some(*choice),
        _ => return Err("usage: human_decision [--choose ship|revise|drop]".into()),
    };
    let mut run = Run::new(workflow()?, RunOptions::new("newsletter-1", "tell them the news")?);
    // The time of this host is made up, so that a day is over at once when nobody answers.
    let mut now = Timestamp(0);
    let mut asked: VecDeque<(Path, Vec<String>)> = VecDeque::new();
    run.handle(now, Input::Started)?;
    loop {
        while run.poll_event().is_some() {}
        run.commit_polled();
        match run.poll_command() {
            Some(Command::Execute { attempt, task, .. }) => {
                run.handle(now, Input::Answered { attempt, result: work(&task) })?;
            }
            // Asked is asked: other work would go on meanwhile, and the answer may come in any order, or after a restart.
            Some(Command::Decide { path, question, choices, input, .. }) => {
                println!("{path}: {question} It is about {}", input.as_json());
                asked.push_back((path, choices));
            }
            Some(Command::Withdraw { path }) => println!("{path}: no longer asked"),
            Some(other) => return Err(format!("this host cannot {other:?}").into()),
            None if run.result().is_some() => break,
            None => match asked
                .pop_front()
                .map(|(path, choices)| (answer(&choices, chosen), path, choices))
            {
                Some((Some(decided), path, choices)) => {
                    // An answer that is no choice changes nothing, and says what could be said.
                    let said = Input::Decided { path: path.clone(), decided };
                    if let Err(error) = run.handle(now, said) {
                        if chosen.is_some() {
                            eprintln!("error: {error}");
                            std::process::exit(2);
                        }
                        println!("  {error}");
                        asked.push_front((path, choices));
                    }
                }
                _ => {
                    now = run.next_deadline().ok_or("nobody decides, and there is no default")?;
                    println!("  nobody answers, and time passes");
                    run.handle(now, Input::TimePassed)?;
                }
            },
        }
    }
    println!("result: {}", serde_json::to_string(&run.result())?);
    Ok(())
}
