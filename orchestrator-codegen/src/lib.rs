//! Layered script generation from weighted tokens, validated before it is written.
//!
//! A user has a file of data, CSV or JSON, and wants it clean. This crate looks at the file ([`Profile`]), weighs what it sees with the
//! parameters θ of an optimiser, and writes three layers of Python that run wherever Python 3.8 does: `layer_2.py` cleans
//! the file, `layer_1.py` writes `layer_2.py`, `layer_0.py` writes `layer_1.py`. Which optional blocks the layers have is
//! decided token by token, kept when activation((w · feature + b) / T) reaches a threshold, and every decision is reported.
//!
//! Templates and data rules are shared between Rust and Python, so that the profile and the script see the same table; see
//! [`rules`]. Nothing here calls a model, and nothing but [`Sandbox`] runs code.
//!
//! ```
//! use orchestrator_codegen::{GenerateRequest, Generator, Profile, Template};
//!
//! let csv = b"name,age\nAda,36\nBob,\nEve,NA\nDan,41\n";
//! let profile = Profile::of_bytes("people.csv", csv)?;
//! let theta = Template::builtin("etl-python")?.neutral_parameters();
//! let request = GenerateRequest::for_profile("etl-python", &profile, theta).with("project", "people");
//! let scripts = Generator::new().generate(&request)?;
//!
//! let imputation = scripts.blocks.iter().find(|decision| decision.block == "imputation").unwrap();
//! assert!(imputation.kept, "a quarter of the cells is missing: {imputation:?}");
//! let script = scripts.source("layer_2.py").unwrap();
//! assert!(script.contains("def impute("));
//! assert!(!script.contains("chunked"), "a small file needs no streaming");
//! assert_eq!(scripts, Generator::new().generate(&request)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # In a build script
//!
//! The same call makes Rust while a crate is built. In its `Cargo.toml`:
//!
//! ```toml
//! [build-dependencies]
//! orchestrator-codegen = { version = "0.1", features = ["rust"] }
//! ```
//!
//! Its `build.rs` renders a template of its own, here for the names of columns, into `OUT_DIR`; what does not validate breaks the
//! build with the line and column. Beside it, the folder `templates/columns` has what is written here as texts.
//!
//! ```standalone_crate
//! # #[cfg(not(feature = "rust"))]
//! # fn main() {}
//! # #[cfg(feature = "rust")]
//! # fn main() -> Result<(), Failure> {
//! #     let (out, crate_root) = (tempfile::tempdir()?, tempfile::tempdir()?);
//! #     std::env::set_current_dir(crate_root.path())?;
//! #     std::fs::create_dir_all("templates/columns")?;
//! #     std::fs::write("templates/columns/template.toml", MANIFEST)?;
//! #     std::fs::write("templates/columns/columns.rs.j2", COLUMNS)?;
//! #     std::fs::write("data.csv", "name,age\nAda,36\n")?;
//! #     build(out.path())?;
//! #     let made = std::fs::read_to_string(out.path().join("columns.rs"))?;
//! #     assert!(made.contains("pub const AGE: &str = \"age\";"), "{made}");
//! #     // Once more, as a second build does; and a template that renders no Rust breaks it.
//! #     build(out.path())?;
//! #     std::fs::write("templates/columns/columns.rs.j2", COLUMNS.replace(": &str", ": &&&"))?;
//! #     let error = build(out.path()).unwrap_err().to_string();
//! #     assert!(error.contains("columns.rs, line 3"), "{error}");
//! #     Ok(())
//! # }
//! use orchestrator_codegen::{GenerateRequest, Generator, Profile, Templates};
//! use std::path::Path;
//!
//! # const MANIFEST: &str = r#"
//! # version = 1
//! # name = "columns"
//! # language = "rust"
//! # inputs = [{ name = "columns", type = "records" }]
//! # layers = [{ name = "main", file = "columns.rs", template = "columns.rs.j2" }]
//! # "#;
//! // templates/columns/columns.rs.j2
//! const COLUMNS: &str = "
//! /// The columns of data.csv.
//! {^ for column in columns ^}
//! pub const {~ column.name | upper ~}: &str = {~ column.name | rust ~};
//! {^ endfor ^}
//! ";
//!
//! type Failure = Box<dyn std::error::Error>;
//!
//! /// `fn main` calls it with `std::env::var_os("OUT_DIR")`; the crate has
//! /// `include!(concat!(env!("OUT_DIR"), "/columns.rs"));`.
//! fn build(out_dir: &Path) -> Result<(), Failure> {
//!     println!("cargo::rerun-if-changed=data.csv");
//!     println!("cargo::rerun-if-changed=templates");
//!     let templates = Templates::with_folder("templates")?;
//!     let request = GenerateRequest::for_template(
//!         templates.named("columns")?,
//!         &Profile::of_path("data.csv")?,
//!     );
//!     let scripts = Generator::new().with_templates(templates).generate(&request)?;
//!     for (file, found) in &scripts.diagnostics {
//!         if let Some(fault) = found.first() {
//!             let (line, column) = (fault.line, fault.column);
//!             return Err(format!("{file}, line {line}, column {column}: {}", fault.message).into());
//!         }
//!     }
//!     // Nobody edits the folder of a build: it needs no lock.
//!     scripts.write_to(out_dir)?;
//!     Ok(())
//! }
//! ```

mod activation;
mod batch;
mod error;
mod families;
mod fitness;
mod generate;
mod language;
mod memory;
mod output;
mod profile;
mod python;
mod quality;
mod request;
pub mod rules;
mod sandbox;
mod sha256;
mod template;
mod text;
mod validate;
mod worker;

pub use activation::{Activation, SCORE_THRESHOLD};
pub use error::GenerateError;
pub use fitness::{
    CACHE_MAX, DataParts, FitnessWeights, FitnessWeightsError, KEPT_MARGIN, Kept, MeasureError,
    MeasuredFitness, MeasuredFitnessError, MeasuredScore, MeasuredSearch, Measurement, Measurer,
    Sampling, SamplingError, ScriptData,
};
pub use generate::{Generator, RETRIES_MAX};
pub use language::Language;
pub use output::{
    Action, Attempt, Change, Completeness, DIFF_LINES_MAX, Edits, GeneratedScripts, LOCK_FILE,
    OutputError, OutputFolder, Plan, Reason, RegionError, SampleMetadata, WriteError,
    check_by_running, check_scripts,
};
pub use profile::{ColumnProfile, ColumnType, DataFormat, FEATURES, Profile, ProfileError, Shares};
pub use python::{PYTHON_MINOR, PythonSource};
#[cfg(feature = "rust")]
pub use quality::RustQuality;
pub use quality::{
    COVERAGE_RUNNER, Coverage, CoverageError, DUPLICATE_CHARS_MIN, FunctionQuality, Halstead,
    LineQuality, PythonQuality, Quality, QualityAnalyzer, QualityWeights, analyzer_of,
    maintainability_index,
};
pub use request::{COLUMNS, DEFAULT_TEMPLATE, DELIMITER, GenerateRequest, HEADER, columns_of};
pub use sandbox::{
    Ending, Exceeded, Interpreter, InterpreterError, Isolation, Job, Limits, Namespaces, Outcome,
    PYTHON, QualityReport, ReportedColumn, Sandbox, SandboxError, TIME_LIMIT,
};
pub use template::{
    Block, BlockDecision, Constant, Delimiters, Fault, Guard, InputError, InputFault, InputSpec,
    InputType, InputValue, Inputs, LayerSpec, MANIFEST, MANIFEST_VERSION, Manifest, RESERVED,
    ScriptToken, Span, Template, TemplateError, Templates, TokenKind,
};
#[cfg(feature = "javascript")]
pub use validate::JavaScriptValidator;
#[cfg(feature = "rust")]
pub use validate::RustValidator;
#[cfg(feature = "shell")]
pub use validate::ShellValidator;
#[cfg(feature = "sql")]
pub use validate::SqlValidator;
pub use validate::{
    COMPILE_TIME_LIMIT, CompilerError, DIAGNOSTICS_MAX, Diagnostic, NoValidator, PythonCompiler,
    PythonRelease, PythonValidator, SOURCE_BYTES_MAX, Severity, TextValidator, Validator,
    Validators,
};
pub use worker::{CodegenOutput, CodegenWorker, Incomplete};
