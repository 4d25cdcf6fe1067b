//! The adapter by which a workflow generates scripts.

use std::collections::BTreeMap;

use orchestrator_core::{
    Check, Parameters, Payload, Task, TaskError, TaskOutput, Worker, async_trait,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::activation::Activation;
use crate::error::GenerateError;
use crate::generate::Generator;
use crate::output::{Completeness, GeneratedScripts, check_scripts};
use crate::request::{DEFAULT_TEMPLATE, GenerateRequest};
use crate::template::Inputs;

/// A [`Generator`] as a worker, for any template that the generator knows. Its output is a [`CodegenOutput`].
///
/// Its input is a [`GenerateRequest`], of which everything may be left out that has a default: the template is that of
/// [`CodegenWorker::with_template`], θ is the neutral one of the template, a feature that is not named is an error where a block
/// listens to it.
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
///
/// A template of one's own; a step of a workflow then gives its inputs and nothing else:
///
/// ```
/// use orchestrator_codegen::{CodegenOutput, CodegenWorker, Generator, Template, Templates};
/// use orchestrator_core::{Failure, Payload, Seed, Task, Worker};
///
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("greet.py.j2"), "print({~ who | python ~})\n")?;
/// std::fs::write(
///     folder.path().join("template.toml"),
///     r#"
///         version = 1
///         name = "greeting"
///         language = "python"
///         inputs = [{ name = "who", type = "text" }]
///         layers = [{ name = "main", file = "greet.py", template = "greet.py.j2" }]
///     "#,
/// )?;
/// let templates = Templates::default().with(Template::load(folder.path())?);
/// let generator = Generator::new().with_templates(templates);
/// let worker = CodegenWorker::new(generator).with_template("greeting");
///
/// let task = |input| Task::detached(Payload::of(&input).expect("it is small"), Seed(1));
/// let ada = task(serde_json::json!({ "inputs": { "who": "Ada" } }));
/// let output: CodegenOutput = futures::executor::block_on(worker.execute(ada))?.payload.to()?;
/// assert_eq!(output.scripts.source("greet.py"), Some("print(\"Ada\")\n"));
///
/// let nobody = task(serde_json::json!({ "inputs": { "whom": "Ada" } }));
/// let error = futures::executor::block_on(worker.execute(nobody)).unwrap_err();
/// assert_eq!((error.failure, error.code.as_str()), (Failure::Terminal, "codegen_inputs"));
/// assert_eq!(error.details.at::<String>("/faults/0/input")?, "who");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Failures
///
/// The same request gives the same scripts, so that no failure of generation is worth another attempt: all are
/// [terminal](orchestrator_core::Failure::Terminal), but for a cancellation. What might mend them is told in their code, by which a
/// workflow can choose another way:
///
/// | code | what | details |
/// |---|---|---|
/// | `payload` | the input is no request | |
/// | `codegen_inputs` | the inputs are not what the template asks for | `faults`: `input`, `reason`, `remedy` |
/// | `codegen_template` | there is no such template, or it is at fault | `faults`: `file`, `line` (null where no line is at fault), `key`, `reason`, `remedy` |
/// | `codegen_features` | a feature is missing, or outside \[0, 1\]; an emphasis is no factor | |
/// | `codegen_parameters` | θ lacks something, or is outside its bounds | |
/// | `codegen_validator` | nobody validates the language of a layer | `file`, `language` |
/// | `codegen_incomplete` | layers do not validate, and [`Incomplete::Refuse`] was asked for | `diagnostics`, by file |
#[derive(Default)]
pub struct CodegenWorker {
    generator: Generator,
    template: Option<String>,
    incomplete: Incomplete,
}

/// What a [`CodegenWorker`] does with a result of which layers are missing, because even those of the simplest template did not
/// validate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Incomplete {
    /// Hand it out: it says that it is partial, and its checks have failed.
    #[default]
    HandOut,
    /// Fail, with what was found in each file.
    Refuse,
}

impl CodegenWorker {
    /// A worker that generates with this generator.
    pub fn new(generator: Generator) -> CodegenWorker {
        CodegenWorker { generator, ..CodegenWorker::default() }
    }

    /// The same worker, with the template that is meant where a task names none; else it is [`DEFAULT_TEMPLATE`]. That there is one of
    /// this name is checked when a task asks for it.
    #[must_use]
    pub fn with_template(self, name: impl Into<String>) -> CodegenWorker {
        CodegenWorker { template: Some(name.into()), ..self }
    }

    /// The same worker, which does this with a result of which layers are missing.
    #[must_use]
    pub fn with_incomplete(self, incomplete: Incomplete) -> CodegenWorker {
        CodegenWorker { incomplete, ..self }
    }

    fn request(&self, asked: Asked) -> Result<GenerateRequest, GenerateError> {
        let template = asked.template.or_else(|| self.template.clone());
        let template = template.unwrap_or_else(|| DEFAULT_TEMPLATE.to_owned());
        let parameters = match asked.parameters {
            Some(parameters) => parameters,
            None => self.generator.templates().named(&template)?.neutral_parameters(),
        };
        Ok(GenerateRequest {
            activation: asked.activation,
            emphasis: asked.emphasis,
            ..GenerateRequest::new(template, asked.inputs, asked.features, parameters)
        })
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

/// A [`GenerateRequest`] of which everything may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    template: Option<String>,
    #[serde(default)]
    inputs: Inputs,
    #[serde(default)]
    features: BTreeMap<String, f64>,
    parameters: Option<Parameters>,
    #[serde(default)]
    activation: Activation,
    #[serde(default)]
    emphasis: BTreeMap<String, BTreeMap<String, f64>>,
}

#[async_trait]
impl Worker for CodegenWorker {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let asked: Asked = task.input().to()?;
        let request = self.request(asked).map_err(failure)?;
        if task.cancellation().is_cancelled() {
            return Err(TaskError::cancelled());
        }
        task.progress(0.0, format!("generating {}", request.template));
        let scripts = self.generator.generate(&request).map_err(failure)?;
        if task.cancellation().is_cancelled() {
            return Err(TaskError::cancelled());
        }
        if scripts.completeness == Completeness::Partial && self.incomplete == Incomplete::Refuse {
            return Err(incomplete(&scripts));
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

/// See the table of [`CodegenWorker`].
fn failure(error: GenerateError) -> TaskError {
    let (code, details) = match &error {
        GenerateError::Inputs(faults) => {
            let faults = faults.faults.iter().map(|fault| {
                json!({ "input": fault.input, "reason": fault.reason, "remedy": fault.remedy })
            });
            ("codegen_inputs", json!({ "faults": faults.collect::<Vec<Value>>() }))
        }
        GenerateError::Template(faults) => {
            let faults = faults.faults.iter().map(|fault| {
                json!({
                    "file": fault.file,
                    "line": fault.line,
                    "key": fault.key,
                    "reason": fault.reason,
                    "remedy": fault.remedy,
                })
            });
            ("codegen_template", json!({ "faults": faults.collect::<Vec<Value>>() }))
        }
        GenerateError::MissingFeature { .. }
        | GenerateError::FeatureOutside { .. }
        | GenerateError::Emphasis { .. } => ("codegen_features", Value::Null),
        GenerateError::MissingWeight { .. }
        | GenerateError::MissingBias { .. }
        | GenerateError::Parameters(_) => ("codegen_parameters", Value::Null),
        GenerateError::Unjudged { file, source } => {
            ("codegen_validator", json!({ "file": file, "language": source.language }))
        }
    };
    TaskError::terminal(code, error.to_string()).with_details(payload(&details))
}

/// What is too much for a payload is told by the message alone.
fn payload(details: &Value) -> Payload {
    Payload::of(details).unwrap_or_default()
}

fn incomplete(scripts: &GeneratedScripts) -> TaskError {
    let missing = scripts.layers.iter().filter(|file| !scripts.code_samples.contains_key(*file));
    let missing: Vec<&str> = missing.map(String::as_str).collect();
    let message = format!(
        "{} cannot be handed out, even as the simplest template {} has it; mend the template",
        missing.join(", "),
        scripts.template
    );
    let diagnostics = missing.iter().map(|file| (*file, scripts.diagnostics.get(*file)));
    let diagnostics: BTreeMap<_, _> = diagnostics.collect();
    TaskError::terminal("codegen_incomplete", message)
        .with_details(payload(&json!({ "diagnostics": diagnostics })))
}
