//! Where results go: made in a staging folder beside their destination, and moved there when all of them are ready.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use orchestrator_codegen::CodegenOutput;
use orchestrator_core::Payload;
use serde::{Deserialize, Serialize};

use super::report::Report;
use super::workflow::workflow;

/// The cleaned data.
pub(super) const CLEANED: &str = "cleaned.csv";
/// What the script writes.
pub(super) const ETL_FILES: [&str; 3] = [CLEANED, "quarantine.csv", "quality_report.json"];
/// The scripts made last, in the folder of the snapshot.
const SCRIPTS: &str = "scripts.json";

/// The results cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: the results cannot be written ({source}); name another folder", path.display())]
pub struct OutputError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> OutputError + use<> {
    let path = path.to_owned();
    move |source| OutputError { path, source }
}

/// A folder in which results are made. It goes when this is dropped; what was published stays.
pub(super) struct Staging {
    path: PathBuf,
    out: Option<PathBuf>,
}

impl Staging {
    /// A folder on the same file system as `out`, so that moving is renaming; in the system's temporary folder without one. The folder
    /// is made when something is written to it, so that a run which ends before that leaves no trace.
    ///
    /// # Errors
    /// When `out` is there, and is no folder.
    pub(super) fn beside(out: Option<&Path>) -> Result<Staging, OutputError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!(".orchestrate-{}-{number}.partial", std::process::id());
        let out = out
            .map(|out| std::path::absolute(out).map_err(at(out)))
            .transpose()?;
        if let Some(out) = out.as_deref().filter(|out| out.exists() && !out.is_dir()) {
            return Err(at(out)(io::Error::new(
                io::ErrorKind::NotADirectory,
                "it is a file",
            )));
        }
        let parent = out.as_deref().and_then(Path::parent).map(Path::to_owned);
        Ok(Staging {
            path: parent.unwrap_or_else(std::env::temp_dir).join(name),
            out,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the scripts and reports, and moves everything to its destination.
    pub(super) fn publish(&self, report: &Report, state: Option<&Path>) -> Result<(), OutputError> {
        if let Some(state) = state
            && self.path.join(SCRIPTS).exists()
        {
            fs::create_dir_all(state).map_err(at(state))?;
            // The staging folder may be on another file system than the snapshot: copy beside, then rename.
            let beside = state.join(format!("{SCRIPTS}.new"));
            fs::copy(self.path.join(SCRIPTS), &beside).map_err(at(&beside))?;
            fs::rename(&beside, state.join(SCRIPTS)).map_err(at(state))?;
        }
        let Some(out) = &self.out else { return Ok(()) };
        let mut names = Vec::new();
        for (name, text) in texts(report) {
            let path = self.path.join(&name);
            fs::create_dir_all(&self.path).map_err(at(&self.path))?;
            fs::write(&path, text).map_err(at(&path))?;
            names.push(name);
        }
        let made = ETL_FILES
            .iter()
            .filter(|name| self.path.join(name).exists());
        names.extend(made.map(|&name| name.to_owned()));
        fs::create_dir_all(out).map_err(at(out))?;
        for name in names {
            let target = out.join(&name);
            fs::rename(self.path.join(&name), &target).map_err(at(&target))?;
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // It may never have been made.
        let _absent = fs::remove_dir_all(&self.path);
    }
}

fn texts(report: &Report) -> Vec<(String, String)> {
    let pretty = |value: &serde_json::Value| {
        serde_json::to_string_pretty(value).expect("a JSON value is JSON") + "\n"
    };
    let suggestions = serde_json::json!({
        "suggestions": report.self_optimization.suggestions,
        "remedies": report.self_optimization.remedies,
        "failure_patterns": report.self_optimization.failure_patterns,
    });
    let mut texts: Vec<(String, String)> = vec![
        (
            "orchestration_report.json".to_owned(),
            report.to_json() + "\n",
        ),
        (
            "optimization_suggestions.json".to_owned(),
            pretty(&suggestions),
        ),
    ];
    if let Ok(workflow) = workflow() {
        texts.push(("workflow.mmd".to_owned(), workflow.to_mermaid()));
    }
    texts.extend(report.code_generation.code_samples.clone());
    texts
}

/// The scripts that were made last, and for what.
#[derive(Serialize, Deserialize)]
struct Kept {
    request: String,
    scripts: Payload,
}

/// The scripts made last, if they were made for the very same request. A file that cannot be read is as good as none: the scripts are
/// made again.
pub(super) fn earlier_scripts(state: &Path, request: &Payload) -> Option<Payload> {
    let text = fs::read_to_string(state.join(SCRIPTS)).ok()?;
    let kept: Kept = Payload::parse(&text).ok()?.to().ok()?;
    (kept.request == request.digest()).then_some(kept.scripts)
}

/// Keeps the scripts in the staging folder; publishing moves them to the snapshot.
pub(super) fn keep_scripts(
    staging: &Path,
    request: &Payload,
    scripts: &CodegenOutput,
) -> io::Result<()> {
    let scripts = Payload::of(scripts).map_err(io::Error::other)?;
    let kept = Payload::of(&Kept {
        request: request.digest(),
        scripts,
    });
    fs::create_dir_all(staging)?;
    fs::write(
        staging.join(SCRIPTS),
        kept.map_err(io::Error::other)?.as_json(),
    )
}
