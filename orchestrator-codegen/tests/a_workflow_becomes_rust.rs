//! A workflow as generated Rust compiles, and builds the very definition it was generated from.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use orchestrator_codegen::{
    GenerateRequest, GeneratedScripts, Generator, InputValue, Inputs, Template,
};
use orchestrator_core::{
    Capability, Context, Join, On, OnItemFailure, Payload, RetryPolicy, Role, Step, Workflow,
    condition_fn, transform_fn,
};

const FAMILY: [&str; 3] = ["workflow-rust", "workflow-rust-standard", "workflow-rust-simple"];

/// A workflow with everything that a definition may have, and texts that no code survives by chance.
fn workflow() -> Workflow {
    let nasty = "it's \"so\" \\ {~ x ~} {^ if ^}\n\"#; */ 😀 \u{1}";
    let draft = || {
        Workflow::builder("draft")
            .describe(nasty)
            .step(Step::task("write", Role::CODER))
            .step(Step::task("review", Role::REVIEWER).after("write"))
            .build()
            .unwrap()
    };
    let holds = || condition_fn("large", 3, |_: &Context| Ok(true));
    let same = transform_fn("same", 2, |payload: &Payload, _: &Context| Ok(payload.clone()));
    let retry = RetryPolicy::attempts(4).never_on("a\"b").never_on("c");
    Workflow::builder("everything")
        .describe(nasty)
        .step(
            Step::task("start", Role::PRODUCT_MANAGER)
                .describe(nasty)
                .requires(Capability::parse("rust").unwrap())
                .priority(-3)
                .expected(Duration::from_millis(1500))
                .attempt_timeout(Duration::from_secs(5))
                .step_timeout(Duration::from_secs(50))
                .heartbeat_timeout(Duration::from_secs(1))
                .compensate(Role::CODER, RetryPolicy::attempts(2))
                .output(same)
                .retry(retry),
        )
        .step(
            Step::decision("ask", nasty, ["yes", "n\"o"])
                .after("start")
                .default_choice("yes", Duration::from_secs(60)),
        )
        .step(Step::branch("size").after("ask").case(holds(), "many").otherwise("once"))
        .step(
            Step::map("many", draft(), 4).items_max(9).on_item_failure(OnItemFailure::Tolerate(2)),
        )
        .step(Step::sub_workflow("once", draft()))
        .step(
            Step::repeat_until("again", draft(), 3, holds())
                .rounds_kept(2)
                .after_when("start", holds()),
        )
        .step(Step::repeat_until_accepted("accepted", draft(), 5, "review").after("again"))
        .step(Step::wait_for("pause", Duration::from_millis(20)).after("start"))
        .step(Step::wait_for_signal("signal", "go").after("pause"))
        .step(Step::task("mourn", Role::GENERIC).after_end("signal", On::Failure))
        .step(
            Step::task("end", Role::GENERIC)
                .after_end("accepted", On::Always)
                .after("signal")
                .join(Join::AtLeast(1)),
        )
        .build()
        .unwrap()
}

fn generate(name: &str, workflow: &Workflow, complexity: f64) -> GeneratedScripts {
    let definition: InputValue = serde_json::from_str(&workflow.to_json()).unwrap();
    let inputs = Inputs::from([("definition".to_owned(), definition)]);
    let features = [("complexity".to_owned(), complexity)].into();
    let theta = Template::builtin(name).unwrap().neutral_parameters();
    Generator::new().generate(&GenerateRequest::new(name, inputs, features, theta)).unwrap()
}

#[test]
fn rustfmt_has_nothing_to_add() {
    for (name, complexity) in FAMILY.iter().flat_map(|name| [(name, 0.0), (name, 1.0)]) {
        let folder = tempfile::tempdir().unwrap();
        generate(name, &workflow(), complexity).write_to(folder.path()).unwrap();
        let checked = Command::new("rustfmt")
            .args(["--check", "--edition", "2024", "main.rs"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&checked.stdout);
        assert!(
            checked.status.success(),
            "{name}: {told}{}",
            String::from_utf8_lossy(&checked.stderr)
        );
    }
}

/// The library that this test itself was linked with: what is newest under the names that cargo gives it.
fn library() -> std::path::PathBuf {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let found = std::fs::read_dir(&deps).unwrap().map(|entry| entry.unwrap().path());
    let is_core = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("liborchestrator_core-") && name.ends_with(".rlib")
    };
    let changed = |path: &std::path::PathBuf| path.metadata().unwrap().modified().unwrap();
    found.filter(is_core).max_by_key(changed).expect("the test is linked with it")
}

#[test]
fn what_is_generated_compiles_and_builds_the_same_definition() {
    let (workflow, library) = (workflow(), library());
    let deps: &Path = library.parent().unwrap();
    for name in FAMILY {
        let folder = tempfile::tempdir().unwrap();
        generate(name, &workflow, 1.0).write_to(folder.path()).unwrap();
        let built = Command::new("rustc")
            .args(["--edition", "2024", "-D", "warnings", "main.rs", "-o", "main"])
            .arg("-L")
            .arg(format!("dependency={}", deps.display()))
            .arg("--extern")
            .arg(format!("orchestrator_core={}", library.display()))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let source = std::fs::read_to_string(folder.path().join("workflow.rs")).unwrap();
        assert!(
            built.status.success(),
            "{name}: {}\n{source}",
            String::from_utf8_lossy(&built.stderr)
        );
        let run = Command::new(folder.path().join("main")).output().unwrap();
        assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
        assert_eq!(String::from_utf8_lossy(&run.stdout).trim_end(), workflow.to_json().trim_end());
        let told = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(told.trim_end().ends_with(workflow.digest()), "{name}: {told}");
    }
}
