//! The adapter by which a workflow generates scripts.

use orchestrator_core::{Check, Payload, Task, TaskError, TaskOutput, Worker, async_trait};
use serde::{Deserialize, Serialize};

use crate::generate::Generator;
use crate::output::GeneratedScripts;
use crate::output::check_scripts;
use crate::request::GenerateRequest;

/// A [`Generator`] as a worker. Its input is a [`GenerateRequest`], its output a [`CodegenOutput`].
///
/// ```
/// use orchestrator_codegen::{CodegenOutput, CodegenWorker, GenerateRequest, Profile, Template};
/// use orchestrator_core::{Payload, Seed, Task, TaskError, Worker};
///
/// let profile = Profile::of_bytes("a.csv", b"a,b\n1,x\n2,\n").expect("a table");
/// let theta = Template::builtin("etl-python").expect("it is there").neutral_parameters();
/// let request = GenerateRequest::for_profile("etl-python", &profile, theta).with("project", "demo");
/// let task = Task::detached(Payload::of(&request)?, Seed(1));
/// let output = futures::executor::block_on(CodegenWorker::default().execute(task))?;
/// let output: CodegenOutput = output.payload.to()?;
/// assert!(output.scripts.code_samples.contains_key("layer_2.py"));
/// assert!(output.checks.iter().all(|check| check.passed));
/// # Ok::<(), TaskError>(())
/// ```
#[derive(Default)]
pub struct CodegenWorker {
    generator: Generator,
}

impl CodegenWorker {
    /// A worker that generates with this generator.
    pub fn new(generator: Generator) -> CodegenWorker {
        CodegenWorker { generator }
    }
}

/// What the worker gives back: the keys of [`GeneratedScripts`] (`code_samples`, `blocks`, `quality`, `script_tokens`, …),
/// and the checklist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodegenOutput {
    /// The scripts.
    #[serde(flatten)]
    pub scripts: GeneratedScripts,
    /// The mean score of the layers.
    pub quality_score: f64,
    /// What was checked without running anything.
    pub checks: Vec<Check>,
}

#[async_trait]
impl Worker for CodegenWorker {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let request: GenerateRequest = task.input().to()?;
        if task.cancellation().is_cancelled() {
            return Err(TaskError::cancelled());
        }
        task.progress(0.0, format!("generating {}", request.template));
        let scripts = self
            .generator
            .generate(&request)
            .map_err(|error| TaskError::terminal("codegen", error.to_string()))?;
        if task.cancellation().is_cancelled() {
            return Err(TaskError::cancelled());
        }
        let kept = scripts.blocks.iter().filter(|block| block.kept).count();
        let total = scripts.blocks.len();
        task.progress(1.0, format!("{kept} of {total} optional blocks are in"));
        let output = CodegenOutput {
            quality_score: scripts.quality_score(),
            checks: check_scripts(&scripts),
            scripts,
        };
        Ok(Payload::of(&output)?.into())
    }
}
