//! A score for generated code, and the counts it is made of.
//!
//! ```
//! use orchestrator_codegen::{PythonQuality, QualityAnalyzer};
//! let quality = PythonQuality.analyze("def double(x):\n    \"\"\"Twice x.\"\"\"\n    return 2 * x\n");
//! assert_eq!((quality.functions, quality.mccabe_mean, quality.documented), (1, 1.0, 1.0));
//! assert_eq!(quality.score, 1.0);
//! ```

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::validate::python;

/// What was counted in a source, and the score that follows.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Quality {
    /// All lines.
    pub lines: usize,
    /// Lines that are neither blank nor a comment.
    pub code_lines: usize,
    /// Tokens without white space and comments.
    pub tokens: usize,
    /// Functions and methods.
    pub functions: usize,
    /// McCabe's cyclomatic complexity ("A complexity measure", 1976), averaged over the functions: 1 each, and 1 for each
    /// `if`, `elif`, `for`, `while`, `except`, `and`, `or` (those in comprehensions too).
    pub mccabe_mean: f64,
    /// The deepest indentation, in steps of four.
    pub nesting_max: usize,
    /// The share of functions and classes with a docstring.
    pub documented: f64,
    /// The share of lines of [`DUPLICATE_CHARS_MIN`] characters or more that repeat an earlier one.
    pub duplicated: f64,
    /// The mean of four parts, each in [0, 1]: complexity, 1 up to a mean of 5 and then 5 / mean; nesting, 1 up to 4
    /// steps and then 4 / steps; `documented`; 1 − `duplicated`.
    pub score: f64,
}

/// Shorter lines (`else:`, a bracket, `return None`) repeat in any code.
pub const DUPLICATE_CHARS_MIN: usize = 24;

const MCCABE_GOOD: f64 = 5.0;
const NESTING_GOOD: f64 = 4.0;
const INDENT: usize = 4;

/// Judges how good a source is, whether or not it is valid.
///
/// ```
/// use orchestrator_codegen::{Quality, QualityAnalyzer};
/// /// The shorter the better.
/// struct Short;
/// impl QualityAnalyzer for Short {
///     fn analyze(&self, source: &str) -> Quality {
///         let lines = source.lines().count();
///         Quality { lines, score: 1.0 / (1.0 + lines as f64), ..Quality::default() }
///     }
/// }
/// assert!(Short.analyze("x").score > Short.analyze("x\ny").score);
/// ```
pub trait QualityAnalyzer: Send + Sync {
    /// The counts and the score.
    fn analyze(&self, source: &str) -> Quality;
}

/// Judges Python by its tokens and lines.
#[derive(Debug, Clone, Copy, Default)]
pub struct PythonQuality;

impl QualityAnalyzer for PythonQuality {
    fn analyze(&self, source: &str) -> Quality {
        let tokens = python::tokens(source);
        let count = |words: &[&str]| {
            let counted =
                tokens.iter().filter(|token| token.keyword && words.contains(&token.text));
            counted.count()
        };
        let functions = count(&["def", "lambda"]);
        let decisions = count(&["if", "elif", "for", "while", "except", "and", "or"]);
        let mccabe_mean = (functions.max(1) + decisions) as f64 / functions.max(1) as f64;
        let code = || {
            let lines = source.lines().filter(|line| !line.trim().is_empty());
            lines.filter(|line| !line.trim_start().starts_with('#'))
        };
        let indentation = |line: &str| (line.len() - line.trim_start_matches(' ').len()) / INDENT;
        let nesting_max = code().map(indentation).max().unwrap_or(0);
        let documented = documented(source);
        let duplicated = duplicated(code());
        let parts = [
            MCCABE_GOOD / mccabe_mean.max(MCCABE_GOOD),
            NESTING_GOOD / (nesting_max as f64).max(NESTING_GOOD),
            documented,
            1.0 - duplicated,
        ];
        Quality {
            lines: source.lines().count(),
            code_lines: code().count(),
            tokens: tokens.len(),
            functions,
            mccabe_mean,
            nesting_max,
            documented,
            duplicated,
            score: parts.iter().sum::<f64>() / parts.len() as f64,
        }
    }
}

/// 1 where there is nothing to document.
fn documented(source: &str) -> f64 {
    let (mut named, mut described) = (0_usize, 0_usize);
    let mut lines = source.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if !["def ", "async def ", "class "].iter().any(|start| line.starts_with(start)) {
            continue;
        }
        named += 1;
        let mut last = line;
        while !last.ends_with(':') {
            match lines.next() {
                Some(next) => last = next,
                None => break,
            }
        }
        let body = lines.clone().find(|line| !line.is_empty()).unwrap_or("");
        described += usize::from(body.starts_with(['"', '\'']) || body.starts_with("r\""));
    }
    if named == 0 { 1.0 } else { described as f64 / named as f64 }
}

fn duplicated<'a>(lines: impl Iterator<Item = &'a str>) -> f64 {
    let (mut seen, mut all, mut repeated) = (BTreeSet::new(), 0_usize, 0_usize);
    for line in lines.map(str::trim).filter(|line| line.len() >= DUPLICATE_CHARS_MIN) {
        all += 1;
        repeated += usize::from(!seen.insert(line));
    }
    repeated as f64 / all.max(1) as f64
}
