//! A loop and a branch: a text is shortened until it fits, then sent as a message or by mail, as its length allows.
//! Run it with `cargo run --release --example branch_and_loop`.

use orchestrator_ai::core::*;

/// Drops the longest word: of the text that the loop got at first, then of what the round before handed on.
async fn shorten(task: Task) -> Result<TaskOutput, TaskError> {
    let round = task.context().round()?;
    let text = if round.index == 0 { task.input() } else { &round.carried };
    let text: String = text.to()?;
    let mut words: Vec<&str> = text.split(' ').collect();
    let longest = words.iter().enumerate().rev().max_by_key(|(_, word)| word.len());
    if let Some((at, _)) = longest {
        words.remove(at);
    }
    println!("round {}: {}", round.index + 1, words.join(" "));
    Ok(TaskOutput::of(&words.join(" "))?)
}

/// A text is short enough when it has at most so many characters; a message may have thirty.
fn workflow(name: &str, chars_max: usize) -> Result<Workflow, Faults> {
    // A condition of a loop is asked when a round is over, and sees what its steps gave.
    let short_enough = condition_fn("short_enough", 1, move |context: &Context| {
        Ok(context.output::<String>("shorten")?.len() <= chars_max)
    });
    let round = Workflow::builder("round").step(Step::task("shorten", Role::CODER)).build()?;
    // A condition of a branch sees what the steps before it gave, here that of the last round.
    let fits = condition_fn("fits_a_message", 1, |context: &Context| {
        Ok(context.output::<String>("rewrite")?.len() <= 30)
    });
    Workflow::builder(name)
        .step(Step::repeat_until("rewrite", round, 6, short_enough))
        .step(Step::branch("channel").after("rewrite").case(fits, "message").otherwise("mail"))
        .step(Step::task("message", Role::DEPLOYER))
        .step(Step::task("mail", Role::DEPLOYER))
        .build()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut hub = Orchestrator::new();
    hub.register_worker("editor", Role::CODER, worker_fn(shorten))?;
    let sender = typed_worker(async |text: String, task: Task| {
        Ok(format!("sent as a {}: {text}", task.path().step()))
    });
    hub.register_worker("sender", Role::DEPLOYER, sender)?;
    for (name, chars_max) in [("short", 30), ("long", 50), ("tiny", 5)] {
        hub.register_workflow(workflow(name, chars_max)?)?;
        println!("-- at most {chars_max} characters");
        let text = "please remember that tomorrow's extraordinary meeting begins at noon";
        let report = futures::executor::block_on(hub.execute(name, text))?;
        match report.output() {
            Ok(output) => println!("{}", output.as_json()),
            // A loop has a bound. What is not done after its last round is a failure that says so.
            Err(failure) => println!("{failure}"),
        }
    }
    Ok(())
}
