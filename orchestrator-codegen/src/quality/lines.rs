//! Quality of what nobody parses here.

use std::collections::BTreeSet;

use crate::language::Language;
use crate::quality::score::{LineCounts, by_lines};
use crate::quality::{Halstead, Quality, QualityAnalyzer, QualityWeights, Sizes};
use crate::validate::SOURCE_BYTES_MAX;

/// Judges by lines and tokens alone: words and numbers are operands, every other character is an operator. There are no
/// functions in the result, [`Quality::parsed`] is false, and the score is made of maintainability and duplication only. A source that is too long to be
/// validated is not looked at.
///
/// ```
/// use orchestrator_codegen::{Language, LineQuality, QualityAnalyzer};
/// let once = LineQuality { language: Language::Sql }.analyze("insert into people values (1);\n");
/// let twice = LineQuality { language: Language::Sql }.analyze(&"insert into people values (1);\n".repeat(2));
/// assert_eq!((once.duplicated, twice.duplicated), (0.0, 0.5));
/// assert!(!once.parsed && twice.score < once.score);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineQuality {
    /// By which comments are known.
    pub language: Language,
}

impl QualityAnalyzer for LineQuality {
    fn analyze(&self, source: &str) -> Quality {
        if source.len() > SOURCE_BYTES_MAX {
            return Quality::default();
        }
        let comment = self.language.line_comment().unwrap_or("");
        let is_comment = |line: &str| !comment.is_empty() && line.starts_with(comment);
        let lines = source.lines().map(str::trim).filter(|line| !line.is_empty());
        let (comments, code): (Vec<&str>, Vec<&str>) = lines.partition(|line| is_comment(line));
        let (mut operators, mut operands) = (BTreeSet::new(), BTreeSet::new());
        let (mut operators_used, mut operands_used) = (0, 0);
        for line in &code {
            for token in tokens(line) {
                if token.starts_with(is_word) {
                    operands_used += 1;
                    operands.insert(token);
                } else {
                    operators_used += 1;
                    operators.insert(token);
                }
            }
        }
        let halstead = Halstead::of(operators.len(), operands.len(), operators_used, operands_used);
        let sizes = Sizes {
            logical_lines: code.len(),
            source_lines: code.len(),
            comments: comments.len(),
            multiline_strings: 0,
        };
        let mut quality = by_lines(LineCounts::of(source, comment), halstead, 1, sizes);
        quality.tokens = operators_used + operands_used;
        quality.score = quality.weighed(&QualityWeights::default());
        quality
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Words, and single characters that are neither of a word nor white space.
fn tokens(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let end = match is_word(first) {
            true => rest.find(|character| !is_word(character)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}
