//! What generation gives: the scripts, and how they came about.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use orchestrator_core::Parameters;
use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::generate::GenerateError;
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
    /// names are replaced.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn write_to(&self, folder: impl AsRef<Path>) -> Result<Vec<PathBuf>, WriteError> {
        let folder = folder.as_ref();
        let made = missing_ancestors(folder);
        let staging = folder.join(format!(".scripts-{}", std::process::id()));
        let result = self.stage(folder, &staging);
        // What is staged is worthless after either outcome; that it cannot be removed is no reason to fail.
        let _ = fs::remove_dir_all(&staging);
        if result.is_err() {
            for folder in &made {
                let _ = fs::remove_dir(folder);
            }
        }
        result
    }

    fn stage(&self, folder: &Path, staging: &Path) -> Result<Vec<PathBuf>, WriteError> {
        let at = |path: &Path| {
            let path = path.display().to_string();
            move |source| WriteError { path, source }
        };
        fs::create_dir_all(staging).map_err(at(staging))?;
        for (name, source) in &self.code_samples {
            let target = folder.join(name);
            if target.is_dir() {
                return Err(at(&target)(std::io::ErrorKind::IsADirectory.into()));
            }
            let staged = staging.join(name);
            for parent in [staged.parent(), target.parent()].into_iter().flatten() {
                fs::create_dir_all(parent).map_err(at(parent))?;
            }
            fs::write(staged, source).map_err(at(&target))?;
        }
        let mut written = Vec::new();
        for name in self.code_samples.keys() {
            let target = folder.join(name);
            fs::rename(staging.join(name), &target).map_err(at(&target))?;
            written.push(target);
        }
        Ok(written)
    }
}

/// The folders that will have to be made, innermost first.
fn missing_ancestors(folder: &Path) -> Vec<PathBuf> {
    let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    folder.ancestors().take_while(missing).map(Path::to_owned).collect()
}
