//! A template of one's own, from its folder to files that are right: own inputs, own blocks, a validator of one's own, a template that
//! produces a template, and the library call that a `build.rs` makes.
//!
//! ```text
//! cargo run --release --example custom_template [-- DIR]      # into target/custom_template if no folder is named
//! ```
//!
//! The folders under `template/` are all there is to a template: `template.toml` and files in `.j2`. `orchestrator-codegen/templates/README.md`
//! describes both. The same folders work with the example `generate`, by `--templates examples/custom_template/template`.

mod ini;
mod made;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use orchestrator_ai::codegen::{
    Edits, GenerateRequest, GeneratedScripts, Generator, InputValue, Inputs, Language,
    OutputFolder, Templates,
};

use ini::IniValidator;

/// The templates of this example.
const TEMPLATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/custom_template/template");

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let out = std::env::args_os().nth(1);
    let out = out.map_or_else(|| PathBuf::from("target/custom_template"), PathBuf::from);
    match show(&out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("custom_template: {}", error.to_string().replace(['\n', '\r'], " "));
            ExitCode::from(2)
        }
    }
}

fn show(out: &Path) -> Result<(), Failure> {
    let generator = generator()?;

    // 1. Own inputs, checked all at once before anything is rendered.
    let wrong = request("backup", 0.9)?.with("hour", 25).with("colour", "red");
    println!("what is wrong with inputs is told at once:");
    println!("{}\n", generator.generate(&wrong).expect_err("there is no hour 25"));

    // 2. Blocks follow the features: a job that fails now and then gets a second try.
    for flakiness in [0.9, 0.0] {
        let scripts = generator.generate(&request("backup", flakiness)?)?;
        println!("flakiness {flakiness}: blocks {:?}", kept(&scripts));
    }

    // 3. Onto the disk, beside what people have edited.
    let scripts = generator.generate(&request("backup", 0.9)?)?;
    let folder = OutputFolder::new(out.join("job"));
    let plan = folder.plan(&scripts.template, &scripts.code_samples)?;
    for path in plan.write(Edits::Keep)? {
        println!("written {}", path.display());
    }

    // 4. A template that produces a template, which is then used as any other.
    let questions = ["Is the backup newer than a day?", "Has it been \"restored\" once?"];
    let made = made::template(&generator, &out.join("made"), "nightly_checks", &questions)?;
    let script = made::render(&made, "Friday, it's \"late\"")?;
    println!(
        "the template {:?} was produced; it renders {} lines",
        made.name(),
        script.lines().count()
    );

    // 5. What a build script does.
    for path in generate_at_build_time(&out.join("build"))? {
        println!("written {}", path.display());
    }
    Ok(())
}

/// A generator that knows the templates of the folder, and hands out no settings file that is no INI.
fn generator() -> Result<Generator, Failure> {
    let templates = Templates::with_folder(TEMPLATES)?;
    Ok(Generator::new().with_templates(templates).with_validator(Language::Text, IniValidator))
}

/// A job that copies and then counts, as flaky as said.
fn request(name: &str, flakiness: f64) -> Result<GenerateRequest, Failure> {
    let theta = generator()?.templates().named("nightly-job")?.neutral_parameters();
    let command = |name: &str, line: &str| {
        let fields = [("name", name), ("line", line)];
        let fields = fields.map(|(key, value)| (key.to_owned(), InputValue::from(value)));
        InputValue::Record(fields.into())
    };
    let commands =
        [command("copy", "cp -r /srv/data /srv/copy"), command("count", "ls /srv/copy | wc -l")];
    let inputs = Inputs::from([
        ("name".to_owned(), name.into()),
        ("commands".to_owned(), InputValue::List(commands.into())),
        ("greeting".to_owned(), "it's \"$(date)\", or so; \\ 🐧".into()),
    ]);
    let features = BTreeMap::from([("flakiness".to_owned(), flakiness)]);
    Ok(GenerateRequest::new("nightly-job", inputs, features, theta))
}

fn kept(scripts: &GeneratedScripts) -> Vec<&str> {
    let kept = scripts.blocks.iter().filter(|block| block.kept);
    kept.map(|block| block.block.as_str()).collect()
}

/// The whole of a build script, but for where its folder comes from: in `build.rs`, with `orchestrator-codegen` among the
/// `[build-dependencies]`, it is called with `std::env::var_os("OUT_DIR")`, and the crate takes the result by
/// `include!(concat!(env!("OUT_DIR"), "/…"))`. The documentation of orchestrator-codegen shows one in full.
fn generate_at_build_time(out_dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    println!("cargo::rerun-if-changed={TEMPLATES}");
    let scripts = generator()?.generate(&request("at_build_time", 0.0)?)?;
    if !scripts.is_whole() {
        return Err(format!("not all of it validates: {:?}", scripts.diagnostics).into());
    }
    // The folder belongs to the build: nobody edits it, so that it needs no lock.
    Ok(scripts.write_to(out_dir)?)
}
