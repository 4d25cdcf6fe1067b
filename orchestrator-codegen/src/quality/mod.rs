//! How good generated code is: counts with their definitions, and a score made of them.
//!
//! | count | Python | Rust (feature `rust`) | other languages |
//! |---|---|---|---|
//! | complexity by function, nesting, documentation | from the tree | from the tree | not known: there are no functions in the result |
//! | Halstead, maintainability index | as `radon` has them | from the tokens | from the tokens |
//! | lines, duplicated lines | yes | yes | yes |
//! | statement coverage | by [`COVERAGE_RUNNER`] | no | no |
//!
//! What is not known does not take part in the score.
//!
//! ```
//! use orchestrator_codegen::{PythonQuality, QualityAnalyzer};
//! let quality = PythonQuality.analyze("def double(x):\n    \"\"\"Twice x.\"\"\"\n    return 2 * x\n");
//! assert_eq!((quality.functions, quality.mccabe_mean, quality.documented), (1, 1.0, 1.0));
//! assert_eq!(quality.per_function[0].cognitive, 0);
//! assert_eq!(quality.score, 1.0);
//! ```

mod coverage;
mod halstead;
mod lines;
#[cfg(feature = "rust")]
mod rust;
pub(crate) mod score;

use serde::{Deserialize, Serialize};

pub use coverage::{COVERAGE_RUNNER, Coverage, CoverageError};
pub use halstead::Halstead;
pub use lines::LineQuality;
#[cfg(feature = "rust")]
pub use rust::RustQuality;
pub use score::QualityWeights;

use crate::language::Language;
use crate::python;

/// Shorter lines (`else:`, a bracket, `return None`) repeat in any code.
pub const DUPLICATE_CHARS_MIN: usize = 24;

/// What was counted in a source, and the score that follows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Quality {
    /// All lines.
    pub lines: usize,
    /// Lines that are neither blank nor a comment.
    pub code_lines: usize,
    /// Tokens without white space and comments.
    pub tokens: usize,
    /// Functions and methods, those in functions too. Lambdas are part of the function around.
    pub functions: usize,
    /// McCabe's cyclomatic complexity, averaged over the functions; of a source without functions, its own.
    pub mccabe_mean: f64,
    /// The same of the whole source: 1, its decisions outside functions and those of its functions and methods.
    pub mccabe: usize,
    /// SonarSource's cognitive complexity of the whole source.
    pub cognitive: usize,
    /// The same of the worst function.
    pub cognitive_max: usize,
    /// How deep control flow nests in the worst function, or outside of functions.
    pub nesting_max: usize,
    /// The lines of the longest function, from its name to its end.
    pub function_lines_max: usize,
    /// The share of functions and classes with a docstring; 1 where there is nothing to document.
    pub documented: f64,
    /// The share of lines of [`DUPLICATE_CHARS_MIN`] characters or more that repeat an earlier one.
    pub duplicated: f64,
    /// Halstead's measures of the whole source.
    pub halstead: Halstead,
    /// The maintainability index, in [0, 100]: see [`maintainability_index`].
    pub maintainability: f64,
    /// The share of statements that a run executed, if one was measured ([`Quality::with_coverage`]).
    pub covered: Option<f64>,
    /// Whether the code was parsed. If not, nothing is known of functions, nesting and documentation.
    pub parsed: bool,
    /// Each function, in the order of the text.
    pub per_function: Vec<FunctionQuality>,
    /// [`Quality::weighed`] by the weights of [`QualityWeights::default`], in [0, 1].
    pub score: f64,
}

/// What was counted in a function. What is defined in it counts for its lines and its cognitive complexity, not for the others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FunctionQuality {
    /// Its name, after those of the classes and functions that it is in: `Class.method`.
    pub name: String,
    /// The line of its name, counted from 1.
    pub line: usize,
    /// From there to its end.
    pub lines: usize,
    /// How many parameters it takes, `self` too.
    pub parameters: usize,
    /// McCabe's complexity: 1, and 1 for each decision.
    pub cyclomatic: usize,
    /// SonarSource's cognitive complexity.
    pub cognitive: usize,
    /// How deep control flow nests.
    pub nesting: usize,
    /// Whether it says what it does.
    pub documented: bool,
}

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

/// One can be put where the other is asked for.
impl<A: QualityAnalyzer + ?Sized> QualityAnalyzer for Box<A> {
    fn analyze(&self, source: &str) -> Quality {
        (**self).analyze(source)
    }
}

/// Judges Python by its syntax tree. Who validates the same source too parses it once, by [`PythonSource`](crate::PythonSource).
///
/// Cyclomatic complexity, Halstead's counts, lines and the maintainability index are those of `radon` 6 (PyPI), function by
/// function; cognitive complexity is that of SonarSource. What is counted stands at each field of [`Quality`] and in the guide below.
///
/// - Cyclomatic: 1 for each `if`, `elif`, conditional expression, `for`, `while`, `except`, `assert`, comprehension and `if` of one,
///   `case` but for one that takes everything, each `and` and `or`, and each `else` of a loop or a `try`.
/// - Cognitive: 1 for each `if`, conditional expression, loop, `except`, `match`, and 1 more for each level it is nested in; 1 for each
///   `elif`, `else`, run of the same logical operator, and function that calls itself.
/// - Halstead: operators are arithmetic, bitwise, comparing, logical and augmented ones; operands what they are applied to.
#[derive(Debug, Clone, Copy, Default)]
pub struct PythonQuality;

impl QualityAnalyzer for PythonQuality {
    fn analyze(&self, source: &str) -> Quality {
        python::quality(source)
    }
}

/// The best analyzer of this build for a language: of Python by its tree, of Rust too under the feature `rust`, of all others
/// by lines and tokens.
///
/// ```
/// use orchestrator_codegen::{Language, analyzer_of};
/// assert!(analyzer_of(Language::Python).analyze("x = 1\n").parsed);
/// assert!(!analyzer_of(Language::Sql).analyze("select 1;\n").parsed);
/// ```
pub fn analyzer_of(language: Language) -> Box<dyn QualityAnalyzer> {
    match language {
        Language::Python => Box::new(PythonQuality),
        #[cfg(feature = "rust")]
        Language::Rust => Box::new(RustQuality),
        _ => Box::new(LineQuality { language }),
    }
}

/// What a parser says of the structure of a source.
#[derive(Debug, Default)]
pub(crate) struct Structure {
    pub(crate) cyclomatic: usize,
    pub(crate) cognitive: usize,
    /// Functions and classes.
    pub(crate) definitions: usize,
    pub(crate) documented: usize,
    /// Of the code outside functions.
    pub(crate) nesting: usize,
    pub(crate) functions: Vec<FunctionQuality>,
}

/// What the maintainability index needs to know of the lines.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    pub(crate) logical_lines: usize,
    pub(crate) source_lines: usize,
    pub(crate) comments: usize,
    pub(crate) multiline_strings: usize,
}

/// The maintainability index, in [0, 100]; 100 for a source without operators or statements.
///
/// `100/171 · (171 − 5.2 ln V − 0.23 G − 16.2 ln L + 50 sin √(2.46 C))`: P. Oman and J. Hagemeister, "Metrics for assessing a
/// software system's maintainability" (1992), scaled as Visual Studio does, with the comments of SEI's form, as `radon` has it.
/// `volume` V is Halstead's, `cyclomatic` G McCabe's of the whole source, `logical_lines` L the statements,
/// `comments` the lines of comments and docstrings in percent of the lines with code, from which C is taken in radians.
///
/// ```
/// use orchestrator_codegen::maintainability_index;
/// assert_eq!(maintainability_index(0.0, 1, 0, 0.0), 100.0);
/// assert!(maintainability_index(1e4, 80, 400, 5.0) < maintainability_index(1e3, 10, 50, 5.0));
/// ```
pub fn maintainability_index(
    volume: f64,
    cyclomatic: usize,
    logical_lines: usize,
    comments: f64,
) -> f64 {
    if volume <= 0.0 || logical_lines == 0 {
        return 100.0;
    }
    let commented = (2.46 * comments.max(0.0).to_radians()).sqrt().sin();
    let index =
        171.0 - 5.2 * volume.ln() - 0.23 * cyclomatic as f64 - 16.2 * (logical_lines as f64).ln()
            + 50.0 * commented;
    (index * 100.0 / 171.0).clamp(0.0, 100.0)
}
