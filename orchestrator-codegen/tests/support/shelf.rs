//! A folder of templates for tests.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use orchestrator_codegen::{GenerateRequest, Generator, InputValue, Inputs, Template, Templates};

/// The source of the only layer of a template that has the input `texts`, a list, and this template text.
pub fn render_texts(language: &str, template: &str, texts: &[String]) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let manifest = format!(
        "version = 1\nname = \"t\"\nlanguage = \"{language}\"\ninputs = [{{ name = \"texts\", type = \"list\" }}]\nlayers = [{{ name = \"main\", file = \"main\", template = \"main.j2\" }}]\n"
    );
    std::fs::write(folder.path().join("template.toml"), manifest).unwrap();
    std::fs::write(folder.path().join("main.j2"), template).unwrap();
    let template = Template::load(folder.path()).map_err(|error| error.to_string())?;
    let theta = template.neutral_parameters();
    let inputs = Inputs::from([("texts".to_owned(), InputValue::from(texts.to_vec()))]);
    let request = GenerateRequest::new("t", inputs, BTreeMap::new(), theta);
    let generator = Generator::new().with_templates(Templates::default().with(template));
    let scripts = generator.generate(&request).map_err(|error| error.to_string())?;
    Ok(scripts.source("main").ok_or("it does not validate")?.to_owned())
}

/// A program of a package of the Python package index, in an environment under the target directory that is made once. `None`,
/// with a message, where it cannot be made: there is no network.
pub fn program_of(package: &str, program: &str) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder of target");
    let name = package.replace("==", "-");
    let folder = target.join("test-venv").join(&name);
    let (stamp, bin) = (folder.join("made"), folder.join("bin"));
    if stamp.exists() {
        return Some(bin.join(program));
    }
    let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).output();
    assert!(made.expect("these tests need python3 in the PATH").status.success());
    let pip = Command::new(bin.join("python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--retries", "1", "--timeout", "15", package])
        .output()
        .expect("the environment has an interpreter");
    if !pip.status.success() {
        eprintln!("SKIPPED: {package} cannot be installed, is there a network?");
        return None;
    }
    std::fs::write(stamp, "").unwrap();
    Some(bin.join(program))
}
