//! Layers attend to layers: who listens to whom, by what they are about, and what each hands on to the next.
//!
//! ```text
//! cargo run --release --example attend_layers -- --heads 8 --layer report="explain the cleaned table to a reader"
//! ```
//!
//! The steps before have given two features of the data and two texts. In a workflow of two steps, the layers of the first attend to them one
//! after the other, each also to the contexts of those before it; the layer of the second attends to the contexts that the first step handed
//! on. At the end the same with embeddings that nothing tells apart: the check fails, and the advice says why.

use std::process::ExitCode;

use clap::Parser;
use futures::executor::block_on;
use orchestrator_ai::attention::{
    AttentionConfig, ContextEntry, ContextInput, ContextOutput, ContextWorker, Flow,
};
use orchestrator_ai::core::{
    Context, Orchestrator, Path, Payload, Role, RunReport, Step, Workflow, transform_fn,
};

/// Who listens to whom.
#[derive(Parser)]
struct Arguments {
    /// Attention heads, of four dimensions each; as many as the layers ask for, if left out.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    heads: Option<u16>,
    /// One more layer, after the three that are there, with a text that says what it is about.
    #[arg(long, value_name = "NAME=TEXT")]
    layer: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => return refuse(&error),
        Err(help) => help.exit(),
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&*error),
    }
}

/// One line.
fn refuse(error: &dyn std::error::Error) -> ExitCode {
    let said = error.to_string();
    let said = said.lines().next().unwrap_or_default();
    eprintln!("error: {}", said.strip_prefix("error: ").unwrap_or(said));
    ExitCode::from(2)
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut layers = vec![
        ContextEntry::text("outline", "read the table and write a cleaned table"),
        ContextEntry::interests("repair", [("nulls", 1.0), ("duplicates", 0.3)]),
        ContextEntry::text("script", "fill the gaps of the table and drop rows that come twice"),
    ];
    for layer in &arguments.layer {
        let (name, text) = layer.split_once('=').ok_or("--layer wants NAME=TEXT")?;
        layers.push(ContextEntry::text(name, text));
    }
    let previous = vec![
        ContextEntry::value("nulls", 0.9),
        ContextEntry::value("duplicates", 0.2),
        ContextEntry::text("request", "a cleaned table without gaps"),
        ContextEntry::text("colours", "the logo is green on white"),
    ];
    let heads = arguments.heads.map(usize::from);
    let config = heads
        .map_or_else(|| AttentionConfig::for_layers(layers.len()), AttentionConfig::with_heads);
    let input = ContextInput { layers, previous: Some(previous), flow: Flow::Chained };
    let report = attend(config, &input)?;
    let first: ContextOutput = output(&report, "layers")?;
    println!("{} dimensions, {} heads\n", config.embed_dim, config.heads);
    print(&first);
    println!(
        "\nthe next step, which is about tests, attends to the contexts that this one handed on\n"
    );
    print(&output(&report, "tests")?);

    println!("\nthe same words everywhere\n");
    let alike = |name: &str| ContextEntry::text(name, "do something with the data");
    let previous = Some(["one", "two", "three", "four"].map(alike).to_vec());
    let layers = vec![ContextEntry::text("layer", "fill the gaps of the table")];
    let report = attend(config, &ContextInput { layers, previous, flow: Flow::Apart })?;
    print(&output(&report, "layers")?);
    Ok(())
}

/// A workflow of two steps: one lets the given layers attend, the next attends to what they hand on.
fn attend(
    config: AttentionConfig,
    input: &ContextInput,
) -> Result<RunReport, Box<dyn std::error::Error>> {
    let tests = ContextEntry::text("tests", "rows that come twice are dropped, gaps are filled");
    let mut hub = Orchestrator::new();
    hub.register_worker("attention", Role::GENERIC, ContextWorker::new(config)?)?;
    hub.register_worker("tester", Role::TESTER, ContextWorker::of_layer(config, tests)?)?;
    let given = Payload::of(input)?;
    let given = transform_fn("given", 1, move |_: &Payload, _: &Context| Ok(given.clone()));
    let workflow = Workflow::builder("attend_layers")
        .step(Step::task("layers", Role::GENERIC).input(given))
        .step(Step::task("tests", Role::TESTER).after("layers"))
        .build()?;
    hub.register_workflow(workflow)?;
    let report = block_on(hub.execute("attend_layers", "a cleaned table"))?;
    report.output()?;
    Ok(report)
}

fn output(report: &RunReport, step: &str) -> Result<ContextOutput, Box<dyn std::error::Error>> {
    let output = report.outputs.get(&Path::parse(step)?).ok_or("every step has succeeded")?;
    Ok(output.to()?)
}

/// A row a layer, a column a source; then what was measured.
fn print(output: &ContextOutput) {
    let width = output.sources.iter().map(String::len).max().unwrap_or(0).max(8) + 2;
    print!("{:10}", "");
    output.sources.iter().for_each(|source| print!("{source:>width$}"));
    println!("   entropy of each head");
    for (layer, entropies) in output.layers.iter().zip(&output.attention_entropy) {
        print!("{layer:10}");
        for source in &output.sources {
            match output.routes[layer].get(source) {
                Some(share) => print!("{share:width$.3}"),
                None => print!("{:>width$}", "-"),
            }
        }
        let entropies: Vec<String> = entropies.iter().map(|h| format!("{h:.2}")).collect();
        println!("   {}", entropies.join(" "));
    }
    println!();
    for check in &output.checks {
        println!("[{}] {}: {}", if check.passed { "x" } else { " " }, check.name, check.detail);
    }
    output.diagnosis.iter().for_each(|advice| println!("- {advice}"));
}
