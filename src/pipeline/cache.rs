//! The scripts that were made last, for runs that would make the very same ones again.

use std::fs;
use std::io;
use std::path::Path;

use orchestrator_codegen::CodegenOutput;
use orchestrator_core::Payload;
use serde::{Deserialize, Serialize};

/// The file, in the folder of the snapshot. One set of scripts is kept: that is the bound.
pub(super) const SCRIPTS: &str = "scripts.json";

/// The scripts that were made last, by which version, and for what.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: String,
    request: String,
    scripts: CodegenOutput,
}

/// Another version has other templates, and makes other scripts for the same request.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The scripts made last, if they were made for the very same request. A file that cannot be read is as good as none: the scripts are
/// made again.
pub(super) fn earlier(state: &Path, request: &Payload) -> Option<CodegenOutput> {
    let text = fs::read_to_string(state.join(SCRIPTS)).ok()?;
    let kept: Kept = Payload::parse(&text).ok()?.to().ok()?;
    (kept.version == VERSION && kept.request == request.digest()).then_some(kept.scripts)
}

/// Keeps the scripts in the staging folder; publishing moves them to the snapshot.
pub(super) fn keep(staging: &Path, request: &Payload, scripts: &CodegenOutput) -> io::Result<()> {
    let (version, scripts) = (VERSION.to_owned(), scripts.clone());
    let kept = Payload::of(&Kept { version, request: request.digest(), scripts });
    fs::create_dir_all(staging)?;
    fs::write(staging.join(SCRIPTS), kept.map_err(io::Error::other)?.as_json())
}
