//! What the pipeline is asked to do.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use orchestrator_codegen::Edits;
use orchestrator_core::{Clock, NoObserver, Observer, Seed, SystemClock};
use serde::{Deserialize, Serialize};

use super::report::FailedCheck;
use super::settings::Settings;

/// What to make, out of what, and with what means.
///
/// ```no_run
/// use orchestrator_ai::{OrchestrationContext, OrchestratorAi};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let report = OrchestratorAi::new(OrchestrationContext {
///     project: "Data Pipeline Generator".into(),
///     objective: "Create optimised ETL scripts".into(),
///     ..OrchestrationContext::of_file("measurements.csv")
/// })
/// .orchestrate()
/// .await?;
/// println!("{}", report.summary());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OrchestrationContext {
    /// The name of the project; runs of the same project learn from each other.
    pub project: String,
    /// What the scripts are for, in the user's words. Any text.
    pub objective: String,
    /// The data that the scripts are made for: a text table in UTF-8.
    pub data: PathBuf,
    /// Where the results go, all of them or none. `None` keeps them in the report only.
    pub out: Option<PathBuf>,
    /// What becomes of scripts there that somebody has edited: by default the run is refused, before it begins where that can be told. A
    /// script that was ejected (`OutputFolder::eject`) is left alone, and a protected region is kept, in any case.
    pub edits: Edits,
    /// Where the knowledge of earlier runs is read from and written to. `None` neither reads nor writes.
    pub state: Option<PathBuf>,
    /// Where all randomness comes from.
    pub seed: Seed,
    /// How hard to work.
    pub settings: Settings,
    /// What the run before has left.
    pub feedback_loop: FeedbackLoop,
    /// Who is told of progress.
    pub observer: Arc<dyn Observer>,
    /// Where time comes from; it shows in the report's timings only.
    pub clock: Arc<dyn Clock>,
}

impl OrchestrationContext {
    /// The context of one file, else the defaults.
    pub fn of_file(data: impl Into<PathBuf>) -> Self {
        OrchestrationContext {
            project: "orchestration".to_owned(),
            objective: "clean and check the data".to_owned(),
            data: data.into(),
            out: None,
            edits: Edits::default(),
            state: None,
            seed: Seed::default(),
            settings: Settings::default(),
            feedback_loop: FeedbackLoop::default(),
            observer: Arc::new(NoObserver),
            clock: Arc::new(SystemClock),
        }
    }
}

/// What one run leaves for the next.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FeedbackLoop {
    /// What was used up so far, by resource: `evaluations`, `episodes`, `script_tokens`, `model_tokens`, `usd`. Each run adds its own
    /// to what it was handed.
    #[serde(default)]
    pub resource_usage: BTreeMap<String, f64>,
    /// What went wrong; the oldest are forgotten beyond [`FeedbackLoop::FAILURES_MAX`].
    #[serde(default)]
    pub failure_cases: Vec<FailureCase>,
}

impl FeedbackLoop {
    /// The most failure cases that are handed on.
    pub const FAILURES_MAX: usize = 100;
}

/// One thing that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureCase {
    /// The step that made the check, or [`WHOLE`](crate::WHOLE).
    pub stage: String,
    /// The check that failed.
    pub code: String,
    /// What was measured.
    pub detail: String,
}

impl From<&FailedCheck> for FailureCase {
    fn from(failed: &FailedCheck) -> FailureCase {
        FailureCase {
            stage: failed.stage.clone(),
            code: failed.check.name.clone(),
            detail: failed.check.detail.clone(),
        }
    }
}
