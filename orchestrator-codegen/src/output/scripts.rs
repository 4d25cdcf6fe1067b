//! What generation gives: the scripts, and how they came about.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io};

use orchestrator_core::Parameters;
use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::error::GenerateError;
use crate::quality::Quality;
use crate::template::{BlockDecision, Template};
use crate::validate::Diagnostic;

/// Generated layers, with everything that a report says of them. Maps go by file name: `layer_0.py`, …
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GeneratedScripts {
    /// The template that they come from: the one of the request, or a simpler one.
    #[serde(default)]
    pub template: String,
    /// The files that the template writes, outermost first, whether or not they validate.
    #[serde(default)]
    pub layers: Vec<String>,
    /// The sources; only what validates.
    pub code_samples: BTreeMap<String, String>,
    /// Whether this is what was asked for.
    pub completeness: Completeness,
    /// The activation function of the decisions.
    pub activation: Activation,
    /// Why each optional block is, or is not, in its layer.
    pub blocks: Vec<BlockDecision>,
    /// How good each layer is.
    pub quality: BTreeMap<String, Quality>,
    /// What the validator found in each layer.
    pub diagnostics: BTreeMap<String, Vec<Diagnostic>>,
    /// What it found at the first attempt, where there were more; otherwise empty.
    #[serde(default)]
    pub refused: BTreeMap<String, Vec<Diagnostic>>,
    /// The attempts that were refused before this one.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// Python tokens of all layers: what the ledger counts.
    pub script_tokens: u64,
    /// Sizes and digests of the layers.
    pub sample_metadata: BTreeMap<String, SampleMetadata>,
}

/// Whether the scripts are what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// They are.
    #[default]
    Complete,
    /// Something did not validate; the layers have fewer optional blocks, or come from a simpler template.
    Simplified,
    /// Even so something did not validate; layers are missing.
    Partial,
}

/// An attempt whose layers were not handed out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The template.
    pub template: String,
    /// θ, as it was adjusted for the attempt.
    pub parameters: Parameters,
    /// What the validator found, by file; only files with findings.
    pub diagnostics: BTreeMap<String, Vec<Diagnostic>>,
    /// Why there was nothing to validate; empty where there was.
    pub error: String,
}

impl Attempt {
    pub(crate) fn refused(
        template: &Template,
        parameters: &Parameters,
        scripts: &GeneratedScripts,
    ) -> Attempt {
        let mut diagnostics = scripts.diagnostics.clone();
        diagnostics.retain(|_, found| !found.is_empty());
        let (template, error) = (template.name().to_owned(), String::new());
        Attempt { template, parameters: parameters.clone(), diagnostics, error }
    }

    pub(crate) fn failed(
        template: &Template,
        parameters: &Parameters,
        error: &GenerateError,
    ) -> Attempt {
        Attempt {
            template: template.name().to_owned(),
            parameters: parameters.clone(),
            diagnostics: BTreeMap::new(),
            error: error.to_string(),
        }
    }
}

/// Facts about a layer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SampleMetadata {
    /// Its length.
    pub bytes: u64,
    /// Its lines.
    pub lines: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its Python tokens.
    pub script_tokens: u64,
    /// The tokens that its template was cut into, kept or not.
    pub template_tokens: u64,
    /// The optional blocks that are in it.
    pub blocks: Vec<String>,
}

/// Why scripts were not written. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
#[error("{path}: the scripts cannot be written ({source}); name another folder")]
#[non_exhaustive]
pub struct WriteError {
    /// Where it failed.
    pub path: String,
    /// What the operating system said.
    pub source: std::io::Error,
}

impl GeneratedScripts {
    /// Whether every layer is there.
    pub fn is_whole(&self) -> bool {
        self.code_samples.len() == self.layers.len()
    }

    /// The source of a layer, by its file name.
    pub fn source(&self, file: &str) -> Option<&str> {
        self.code_samples.get(file).map(String::as_str)
    }

    /// The mean score of the layers; 0 if there are none.
    pub fn quality_score(&self) -> f64 {
        let scores = self.quality.values().map(|quality| quality.score);
        scores.sum::<f64>() / self.quality.len().max(1) as f64
    }

    /// Writes the layers into a folder, which is made if it is not there: all of them, or none. Existing files of the same
    /// names are replaced, whoever wrote them: a folder that people work in is an [`OutputFolder`](crate::OutputFolder), which
    /// takes [`code_samples`](GeneratedScripts::code_samples) as they are.
    ///
    /// # Errors
    /// When the operating system refuses. What was there before is put back.
    pub fn write_to(&self, folder: impl AsRef<Path>) -> Result<Vec<PathBuf>, WriteError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let folder = folder.as_ref();
        let targets = self.code_samples.keys().map(|name| folder.join(name));
        let targets: Vec<PathBuf> = targets.collect();
        let mut made: Vec<PathBuf> =
            targets.iter().filter_map(|path| path.parent()).flat_map(missing_ancestors).collect();
        made.extend(missing_ancestors(folder));
        // Innermost first.
        made.sort_by_key(|path| std::cmp::Reverse(path.as_os_str().len()));
        made.dedup();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let staging = folder.join(format!(".scripts-{}-{number}", std::process::id()));
        let result = self.stage(&targets, &staging).and_then(|()| self.publish(&targets, &staging));
        // What is staged is worthless after either outcome; that it cannot be removed is no reason to fail.
        let _ = fs::remove_dir_all(&staging);
        if result.is_err() {
            for folder in &made {
                let _ = fs::remove_dir(folder);
            }
        }
        result.map(|()| targets)
    }

    /// Writes the texts beside their places, as `new-0`, `new-1`, ….
    fn stage(&self, targets: &[PathBuf], staging: &Path) -> Result<(), WriteError> {
        fs::create_dir_all(staging).map_err(refused(staging))?;
        for (at, (source, target)) in self.code_samples.values().zip(targets).enumerate() {
            if target.is_dir() {
                return Err(refused(target)(io::ErrorKind::IsADirectory.into()));
            }
            let parent = target.parent().unwrap_or(staging);
            fs::create_dir_all(parent).map_err(refused(parent))?;
            fs::write(staging.join(format!("new-{at}")), source).map_err(refused(target))?;
        }
        Ok(())
    }

    /// Puts the staged texts in their places; if one cannot be, none is.
    fn publish(&self, targets: &[PathBuf], staging: &Path) -> Result<(), WriteError> {
        let new = |at: usize| staging.join(format!("new-{at}"));
        let old = |at: usize| staging.join(format!("old-{at}"));
        let put = |at: usize, target: &Path| {
            match fs::rename(target, old(at)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::rename(new(at), target)
        };
        for (at, target) in targets.iter().enumerate() {
            let Err(error) = put(at, target) else { continue };
            for (at, target) in targets.iter().enumerate().take(at + 1) {
                // As far as the operating system lets us.
                let _ = match old(at).exists() {
                    true => fs::rename(old(at), target),
                    false if new(at).exists() => Ok(()),
                    false => fs::remove_file(target),
                };
            }
            return Err(refused(target)(error));
        }
        Ok(())
    }
}

fn refused(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.display().to_string();
    move |source| WriteError { path, source }
}

/// The folders that will have to be made, innermost first.
fn missing_ancestors(folder: &Path) -> Vec<PathBuf> {
    let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    folder.ancestors().take_while(missing).map(Path::to_owned).collect()
}
