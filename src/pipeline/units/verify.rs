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
                checks.extend(self.second_stage(&interpreter, &scripts, rows));
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
    fn second_stage(
        &self,
        interpreter: &Interpreter,
        scripts: &GeneratedScripts,
        rows: &QualityReport,
    ) -> Vec<Check> {
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
            Ok(again) => finds_nothing(rows, &again),
        };
        // The folder belongs to the staging area, which goes at the end whatever happens here.
        let _swept = std::fs::remove_dir_all(&again);
        vec![
            Check::new("a second run gives the same bytes", same.0, same.1),
            Check::new("cleaning what is clean finds no fault", clean.0, clean.1),
        ]
    }
}

/// What cleaning the cleaned file may find: nothing, but for rows that only filling gaps and clipping outliers have made equal. The first
/// pass was right to keep those, because they were different observations; the second cannot know.
fn finds_nothing(first: &QualityReport, again: &QualityReport) -> (bool, String) {
    let changed = first.columns.iter().any(|column| column.imputed + column.clipped > 0);
    let allowed = if changed { again.duplicates } else { 0 };
    (
        again.rows_quarantined == 0 && again.rows_dropped <= allowed,
        format!(
            "{} rows in, {} dropped (at most {allowed} made equal by filling or clipping), {} quarantined",
            again.rows_in, again.rows_dropped, again.rows_quarantined
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_that_were_made_equal_may_go_the_second_time() {
        let report = |imputed: u64, dropped: u64, duplicates: u64, quarantined: u64| {
            let text = format!(
                r#"{{"rows_in": 9, "rows_out": 0, "rows_dropped": {dropped}, "rows_quarantined": {quarantined},
                "blank_lines": 0, "duplicates": {duplicates}, "delimiter": ",", "header": true, "blocks": [],
                "columns": [{{"name": "a", "type": "text", "nulls": 0, "imputed": {imputed}, "clipped": 0}}]}}"#
            );
            serde_json::from_str::<QualityReport>(&text).unwrap()
        };
        assert!(finds_nothing(&report(0, 0, 0, 0), &report(0, 0, 0, 0)).0);
        assert!(finds_nothing(&report(1, 0, 0, 0), &report(0, 2, 2, 0)).0);
        assert!(
            !finds_nothing(&report(0, 0, 0, 0), &report(0, 2, 2, 0)).0,
            "nothing was made equal"
        );
        assert!(!finds_nothing(&report(1, 0, 0, 0), &report(0, 3, 2, 0)).0, "one was no duplicate");
        assert!(!finds_nothing(&report(1, 0, 0, 0), &report(0, 0, 0, 1)).0, "it does not fit");
    }
}
