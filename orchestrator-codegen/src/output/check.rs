//! The verification checklist of code generation: each item says what was looked at.

use std::path::Path;

use orchestrator_core::Check;

use crate::output::{Completeness, GeneratedScripts};
use crate::sandbox::{Interpreter, QualityReport};

/// What can be said without running anything: all layers are there, each one validates, decisions are sound.
pub fn check_scripts(scripts: &GeneratedScripts) -> Vec<Check> {
    let mut checks: Vec<Check> = scripts
        .layers
        .iter()
        .map(|file| {
            let found = scripts.diagnostics.get(file).and_then(|found| found.first());
            let detail = match (scripts.source(file), found) {
                (Some(source), _) => format!("{} lines", source.lines().count()),
                (None, Some(fault)) => {
                    format!("line {}, column {}: {}", fault.line, fault.column, fault.message)
                }
                (None, None) => "the layer was not generated".to_owned(),
            };
            Check::new(format!("{file} parses"), scripts.source(file).is_some(), detail)
        })
        .collect();
    let finite = scripts.blocks.iter().all(|block| block.activation.is_finite());
    checks.push(Check::new(
        "activations are finite",
        finite,
        format!("{} decisions", scripts.blocks.len()),
    ));
    checks.push(Check::new(
        "no fallback was needed",
        scripts.completeness == Completeness::Complete,
        match scripts.completeness {
            Completeness::Complete => "all layers as decided",
            Completeness::Simplified => "simpler layers, or those of a simpler template",
            Completeness::Partial => "layers are missing",
        }
        .to_owned(),
    ));
    checks
}

/// What running the layers says: the chain reproduces itself, and no row of the user's file is lost. The cleaned data is
/// left in `out`, and its report comes back if there is one.
pub fn check_by_running(
    interpreter: &Interpreter,
    scripts: &GeneratedScripts,
    input: impl AsRef<Path>,
    out: impl AsRef<Path>,
) -> (Vec<Check>, Option<QualityReport>) {
    let chain = match interpreter.reproduces_chain(scripts) {
        Ok(true) => (true, "layer_0 writes layer_1, layer_1 writes layer_2, byte for byte".into()),
        Ok(false) => (false, "a layer writes another text than was shipped".into()),
        Err(error) => (false, error.to_string()),
    };
    let report = interpreter.run_etl(scripts, input, out);
    let conserved = match &report {
        Ok(report) => (
            report.conserves_rows(),
            format!(
                "{} rows in, {} out, {} dropped, {} quarantined",
                report.rows_in, report.rows_out, report.rows_dropped, report.rows_quarantined
            ),
        ),
        Err(error) => (false, error.to_string()),
    };
    let checks = vec![
        Check::new("the chain reproduces itself", chain.0, chain.1),
        Check::new("no row is lost", conserved.0, conserved.1),
    ];
    (checks, report.ok())
}
