//! Phase 3: the scripts are run. They must reproduce each other and do their job on the user's own file.

use orchestrator_codegen::{GeneratedScripts, Interpreter, QualityReport, check_by_running};
use orchestrator_core::{Check, Task, TaskError, TaskOutput, Worker, async_trait};
use serde::{Deserialize, Serialize};

use super::Unit;
use super::generate::CodeGeneration;
use super::initialise::Initialised;
use crate::pipeline::output::{CLEANED, ETL_FILES};
use crate::pipeline::settings::Stages;
use crate::pipeline::workflow::step;

/// What running the scripts showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// How thorough it was.
    pub stages: Stages,
    /// What the script reported of the user's file; `None` when it did not run.
    pub rows: Option<QualityReport>,
    /// The verification checklist.
    pub checks: Vec<Check>,
}

/// See the module.
pub(in crate::pipeline) struct VerifyUnit(pub Unit);

#[async_trait]
impl Worker for VerifyUnit {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let initialised: Initialised = task.context().output(step::INITIALISE)?;
        let code: CodeGeneration = task.context().output(step::CODE_GENERATION)?;
        let stages = self.0.context.settings.stages;
        let scripts =
            GeneratedScripts { code_samples: code.code_samples, ..GeneratedScripts::default() };
        let interpreter = match Interpreter::find() {
            Ok(interpreter) => interpreter,
            Err(error) => {
                let checks = vec![Check::new("the scripts were run", false, error.to_string())];
                return Ok(TaskOutput::of(&Verification { stages, rows: None, checks })?);
            }
        };
        task.progress(0.1, "running the layers");
        let (data, staging) = (&self.0.context.data, self.0.staging.path());
        let (mut checks, rows) = check_by_running(&interpreter, &scripts, data, staging);
        if let Some(rows) = &rows {
            checks.push(agrees(&initialised, rows));
            if stages == Stages::Two {
                if task.cancellation().is_cancelled() {
                    return Err(TaskError::cancelled());
                }
                task.progress(0.6, "second stage");
                checks.extend(self.second_stage(&interpreter, &scripts));
            }
        }
        Ok(TaskOutput::of(&Verification { stages, rows, checks })?)
    }
}

/// The script and the profile were written apart, and must have seen the same file.
fn agrees(initialised: &Initialised, rows: &QualityReport) -> Check {
    let profile = &initialised.profile;
    let (ours, theirs) = (profile.columns.len(), rows.columns.len());
    Check::new(
        "the script saw what the profile saw",
        profile.rows == rows.rows_in && ours == theirs && profile.delimiter == rows.delimiter,
        format!(
            "profile: {} rows, {ours} columns; script: {} rows, {theirs} columns",
            profile.rows, rows.rows_in
        ),
    )
}

impl VerifyUnit {
    fn second_stage(&self, interpreter: &Interpreter, scripts: &GeneratedScripts) -> Vec<Check> {
        let first = self.0.staging.path();
        let again = first.join("again");
        let same = match interpreter.run_etl(scripts, &self.0.context.data, &again) {
            Err(error) => (false, error.to_string()),
            Ok(_) => {
                let differ = |file: &&&str| {
                    std::fs::read(first.join(file)).ok() != std::fs::read(again.join(file)).ok()
                };
                let differing: Vec<&&str> = ETL_FILES.iter().filter(differ).collect();
                (differing.is_empty(), format!("files that differ: {differing:?}"))
            }
        };
        let clean = match interpreter.run_etl(scripts, first.join(CLEANED), &again) {
            Err(error) => (false, error.to_string()),
            Ok(rows) => (
                rows.rows_out == rows.rows_in,
                format!("{} rows in, {} out", rows.rows_in, rows.rows_out),
            ),
        };
        // The folder belongs to the staging area, which goes at the end whatever happens here.
        let _swept = std::fs::remove_dir_all(&again);
        vec![
            Check::new("a second run gives the same bytes", same.0, same.1),
            Check::new("cleaning what is clean loses no row", clean.0, clean.1),
        ]
    }
}
