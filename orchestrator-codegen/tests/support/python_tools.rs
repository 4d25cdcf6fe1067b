//! A throw-away Python environment for tests that compare with other people's tools.
#![allow(dead_code, unreachable_pub)]

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The interpreter of an environment of this name that has these packages (`name==version`); made once, under the target
/// directory. `None`, with a message, where it cannot be made: there is no network.
pub fn python_with(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder of target");
    let folder = target.join("test-venv").join(name);
    let python = folder.join("bin").join("python");
    let stamp = folder.join("packages");
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == packages.join(" ")) {
        return Some(python);
    }
    let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).output();
    let made = made.expect("these tests need python3 in the PATH");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let pip = Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--retries", "1", "--timeout", "15"])
        .args(packages)
        .output()
        .expect("the environment has an interpreter");
    if !pip.status.success() {
        eprintln!(
            "SKIPPED: {packages:?} cannot be installed, is there a network? {}",
            String::from_utf8_lossy(&pip.stderr).lines().last().unwrap_or("")
        );
        return None;
    }
    std::fs::write(stamp, packages.join(" ")).unwrap();
    Some(python)
}

/// A program that a package brings.
pub fn program_of(package: &str, program: &str) -> Option<PathBuf> {
    Some(python_with(program, &[package])?.with_file_name(program))
}

/// What `program` prints, a Python program given as text; panics with its stderr if it fails.
pub fn ask(python: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(python).args(["-I", "-c", program]).args(arguments).output();
    let output = output.expect("the interpreter runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Files of the standard library of the interpreter that are written in UTF-8, in the order of their names; none of its
/// tests, and none of another size.
pub fn standard_library(bytes: Range<u64>) -> Vec<PathBuf> {
    let program = "import os; print(os.path.dirname(os.__file__))";
    let root = PathBuf::from(ask(Path::new("python3"), program, &[]).trim());
    let mut folders = vec![root];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let skipped = ["test", "tests", "idle_test", "site-packages", "dist-packages"];
            if path.is_dir() && !skipped.contains(&&*name) && !name.starts_with("__") {
                folders.push(path);
            } else if name.ends_with(".py")
                && bytes.contains(&entry.metadata().unwrap().len())
                && std::fs::read_to_string(&path).is_ok()
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
