//! From counts to a score.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::quality::{
    DUPLICATE_CHARS_MIN, Halstead, Quality, Sizes, Structure, maintainability_index,
};
use crate::text;

/// Up to this mean, functions are simple: half of McCabe's limit of 10.
const MCCABE_GOOD: f64 = 5.0;
/// The limit of SonarSource's rule for a function.
const COGNITIVE_GOOD: f64 = 15.0;
/// The limit of what Visual Studio shows in green.
const MAINTAINABILITY_GOOD: f64 = 20.0;
const NESTING_GOOD: f64 = 4.0;
/// A screen.
const FUNCTION_LINES_GOOD: f64 = 60.0;

/// How much each part counts for the score. Each part is in [0, 1]; the score is their mean by these weights, over the parts
/// that are known. Weights are not negative; only their ratio matters.
///
/// ```
/// use orchestrator_codegen::{PythonQuality, QualityAnalyzer, QualityWeights};
/// let undocumented = PythonQuality.analyze("def f(x):\n    return x\n");
/// let indifferent = QualityWeights { documentation: 0.0, ..QualityWeights::default() };
/// assert!(undocumented.score < 1.0);
/// assert_eq!(undocumented.weighed(&indifferent), 1.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QualityWeights {
    /// 1 up to a mean McCabe complexity of 5, then 5 / mean.
    pub complexity: f64,
    /// 1 up to a cognitive complexity of 15 of the worst function, then 15 / it.
    pub cognitive: f64,
    /// 1 from a maintainability index of 20, below it index / 20.
    pub maintainability: f64,
    /// 1 up to 4 levels of the worst function, then 4 / levels.
    pub nesting: f64,
    /// 1 up to 60 lines of the longest function, then 60 / lines.
    pub length: f64,
    /// [`Quality::documented`].
    pub documentation: f64,
    /// 1 − [`Quality::duplicated`].
    pub duplication: f64,
    /// [`Quality::covered`], where a run was measured.
    pub coverage: f64,
}

impl Default for QualityWeights {
    /// What a reader pays for comes first: complexity and documentation. Coverage counts as much, where it is known.
    fn default() -> Self {
        QualityWeights {
            complexity: 0.2,
            cognitive: 0.2,
            maintainability: 0.1,
            nesting: 0.1,
            length: 0.1,
            documentation: 0.2,
            duplication: 0.1,
            coverage: 0.2,
        }
    }
}

impl Quality {
    /// The score by other weights, in [0, 1]; 0 where no part that is known has a weight.
    pub fn weighed(&self, weights: &QualityWeights) -> f64 {
        let capped = |good: f64, counted: f64| good / counted.max(good);
        let structure = |part: f64| self.parsed.then_some(part);
        let parts = [
            (weights.complexity, structure(capped(MCCABE_GOOD, self.mccabe_mean))),
            (weights.cognitive, structure(capped(COGNITIVE_GOOD, self.cognitive_max as f64))),
            (weights.maintainability, Some((self.maintainability / MAINTAINABILITY_GOOD).min(1.0))),
            (weights.nesting, structure(capped(NESTING_GOOD, self.nesting_max as f64))),
            (
                weights.length,
                structure(capped(FUNCTION_LINES_GOOD, self.function_lines_max as f64)),
            ),
            (weights.documentation, structure(self.documented)),
            (weights.duplication, Some(1.0 - self.duplicated)),
            (weights.coverage, self.covered),
        ];
        let known = parts.iter().filter_map(|(weight, part)| part.map(|part| (weight, part)));
        let (sum, total) = known
            .fold((0.0, 0.0), |(sum, total), (weight, part)| (sum + weight * part, total + weight));
        // The sum of many thirds is a bit more or less than their share of the total.
        if total > 0.0 { (sum / total).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The same with the coverage of a run, and the score that follows.
    #[must_use]
    pub fn with_coverage(self, covered: f64) -> Quality {
        let mut covered = Quality { covered: Some(covered.clamp(0.0, 1.0)), ..self };
        covered.score = covered.weighed(&QualityWeights::default());
        covered
    }
}

/// Puts together what was counted in a source that was parsed.
pub(crate) fn quality(
    lines: LineCounts,
    tokens: usize,
    structure: Structure,
    halstead: Halstead,
    sizes: Sizes,
) -> Quality {
    let functions = structure.functions.len();
    let mccabe_mean = match functions {
        0 => structure.cyclomatic as f64,
        _ => {
            let sum: usize = structure.functions.iter().map(|function| function.cyclomatic).sum();
            sum as f64 / functions as f64
        }
    };
    let most = |count: fn(&crate::quality::FunctionQuality) -> usize| {
        structure.functions.iter().map(count).max().unwrap_or(0)
    };
    let mut quality = Quality {
        tokens,
        functions,
        mccabe_mean,
        mccabe: structure.cyclomatic,
        cognitive: structure.cognitive,
        cognitive_max: match functions {
            0 => structure.cognitive,
            _ => most(|function| function.cognitive),
        },
        nesting_max: structure.nesting.max(most(|function| function.nesting)),
        function_lines_max: most(|function| function.lines),
        documented: match structure.definitions {
            0 => 1.0,
            definitions => structure.documented as f64 / definitions as f64,
        },
        parsed: true,
        per_function: structure.functions,
        ..by_lines(lines, halstead, structure.cyclomatic, sizes)
    };
    quality.score = quality.weighed(&QualityWeights::default());
    quality
}

/// The lines of a source by what is on them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LineCounts {
    pub(crate) lines: usize,
    /// Neither blank nor a comment.
    pub(crate) code: usize,
    /// Those of [`DUPLICATE_CHARS_MIN`] characters or more.
    pub(crate) long: usize,
    /// Those of them that repeat another one.
    pub(crate) repeated: usize,
}

impl LineCounts {
    pub(crate) fn of(source: &str, comment: &str) -> LineCounts {
        // Looked up only, so its order is nobody's.
        let mut seen = HashSet::new();
        let mut counts = LineCounts::by(source, comment, |line| {
            seen.insert(line);
        });
        counts.repeated = counts.long - seen.len();
        counts
    }

    /// Hands out the long lines, without the blanks around them, and leaves it to `long` to find out which ones repeat.
    pub(crate) fn by<'a>(
        source: &'a str,
        comment: &str,
        mut long: impl FnMut(&'a str),
    ) -> LineCounts {
        let mut counts = LineCounts::default();
        for line in text::lines(source) {
            counts.lines += 1;
            let line = text::trim(line);
            if line.is_empty() || (!comment.is_empty() && line.starts_with(comment)) {
                continue;
            }
            counts.code += 1;
            if line.len() >= DUPLICATE_CHARS_MIN {
                counts.long += 1;
                long(line);
            }
        }
        counts
    }
}

/// What lines and tokens say, without a score.
pub(crate) fn by_lines(
    counts: LineCounts,
    halstead: Halstead,
    cyclomatic: usize,
    sizes: Sizes,
) -> Quality {
    let commented = match sizes.source_lines {
        0 => 0.0,
        lines => (sizes.comments + sizes.multiline_strings) as f64 / lines as f64 * 100.0,
    };
    Quality {
        lines: counts.lines,
        code_lines: counts.code,
        duplicated: counts.repeated as f64 / counts.long.max(1) as f64,
        halstead,
        maintainability: maintainability_index(
            halstead.volume,
            cyclomatic,
            sizes.logical_lines,
            commented,
        ),
        ..Quality::default()
    }
}
