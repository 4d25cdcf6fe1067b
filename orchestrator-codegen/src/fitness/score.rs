//! What was measured of a script, and the score that follows by weights that the user sets.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What running a script on a part of the data showed. The counts of the data are zero where it failed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Measurement {
    /// Whether it ended with exit code 0 within its limits and left a report in which no row is lost.
    pub succeeded: bool,
    /// Why not; empty otherwise. At most one line.
    pub fault: String,
    /// Rows that it was given.
    pub rows_in: u64,
    /// Rows that it kept.
    pub rows_out: u64,
    /// Rows that it put aside as faulty.
    pub rows_quarantined: u64,
    /// Cells of the rows that it kept.
    pub cells: u64,
    /// Those without a value.
    pub nulls_left: u64,
    /// Columns that hold values.
    pub columns: u64,
    /// Those whose type is another one than text.
    pub typed_columns: u64,
    /// Length of the script in bytes.
    pub size_bytes: u64,
    /// McCabe's complexity of the whole script, [`Quality::mccabe`](crate::Quality::mccabe).
    pub complexity: u64,
    /// The share of its statements that the run executed, in [0, 1], where that was measured ([`Measurer::tracing`](super::Measurer::tracing)). It has no weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered: Option<f64>,
    /// From start to end. It differs from run to run, so that it is not part of what is written.
    #[serde(skip)]
    pub run_time: Duration,
}

/// How much each term counts for the score, as shares of their sum: any number from 0 on, without a unit. Each term is in [0, 1], and 1 is
/// best.
///
/// | term | formula | default weight |
/// |---|---|---|
/// | `rows_kept` | rows out / rows in; 1 if there are none | 4 |
/// | `nulls` | 1 − cells without a value / cells | 2 |
/// | `types` | columns of another type than text / columns with values; 1 if there are none | 2 |
/// | `errors` | 1 − quarantined rows / rows in | 2 |
/// | `run_time` | 1 / (1 + run time / 1 s), the run time rounded up to a power of two of milliseconds | 0 |
/// | `size` | 1 / (1 + bytes / 50 000) | 0.05 |
/// | `complexity` | 1 / (1 + complexity / 200) | 0.05 |
///
/// What the data become counts a hundred times what the script is: size and complexity decide between scripts that do the same to the
/// data, and a block is worth its lines where it mends one cell in about two thousand. The time of a run differs from run to run, and
/// with it the script that is found: same seed, same bytes holds as long as its weight is 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FitnessWeights {
    /// Of the rows kept; default 4.
    pub rows_kept: f64,
    /// Of the cells that hold a value; default 2.
    pub nulls: f64,
    /// Of the types recovered; default 2.
    pub types: f64,
    /// Of the rows that were not put aside; default 2.
    pub errors: f64,
    /// Of the run time; default 0.
    pub run_time: f64,
    /// Of the length of the script; default 0.05.
    pub size: f64,
    /// Of its complexity; default 0.05.
    pub complexity: f64,
}

impl Default for FitnessWeights {
    fn default() -> Self {
        FitnessWeights {
            rows_kept: 4.0,
            nulls: 2.0,
            types: 2.0,
            errors: 2.0,
            run_time: 0.0,
            size: 0.05,
            complexity: 0.05,
        }
    }
}

/// Weights that make no score.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitnessWeightsError {
    /// A weight is a number from 0 on.
    #[error("the weight of {term} is {value}, and must be finite and not negative")]
    Outside {
        /// The term.
        term: &'static str,
        /// Its weight.
        value: f64,
    },
    /// Name one of the terms.
    #[error("there is no term {term:?}; there are {}", FitnessWeights::TERMS.join(", "))]
    NoTerm {
        /// What was named.
        term: String,
    },
    /// Give one term a weight above 0.
    #[error("no term has a weight above 0")]
    Nothing,
}

/// Scripts of this length get half of the size term, and so on: the built-in layer 2 with and without all of its blocks is around it.
const SIZE_HALF: f64 = 50_000.0;
const COMPLEXITY_HALF: f64 = 200.0;
const RUN_TIME_HALF: f64 = 1.0;

impl FitnessWeights {
    /// The names of the terms, in the order of the table.
    pub const TERMS: [&'static str; 7] =
        ["rows_kept", "nulls", "types", "errors", "run_time", "size", "complexity"];

    /// The same with another weight of the term of this name, one of [`FitnessWeights::TERMS`].
    ///
    /// ```
    /// use orchestrator_codegen::FitnessWeights;
    /// let weights = FitnessWeights::default().with("nulls", 5.0)?;
    /// assert_eq!(weights.nulls, 5.0);
    /// assert!(weights.with("speed", 1.0).is_err() && weights.with("size", -1.0).is_err());
    /// # Ok::<(), orchestrator_codegen::FitnessWeightsError>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such term, or the weights make no score.
    pub fn with(mut self, term: &str, weight: f64) -> Result<Self, FitnessWeightsError> {
        let place = match term {
            "rows_kept" => &mut self.rows_kept,
            "nulls" => &mut self.nulls,
            "types" => &mut self.types,
            "errors" => &mut self.errors,
            "run_time" => &mut self.run_time,
            "size" => &mut self.size,
            "complexity" => &mut self.complexity,
            _ => return Err(FitnessWeightsError::NoTerm { term: term.to_owned() }),
        };
        *place = weight;
        self.check()?;
        Ok(self)
    }

    /// The weighted mean of the terms: 0 for a script that failed, else in [0, 1].
    ///
    /// # Errors
    /// When a weight is negative or not finite, or all are 0.
    pub fn score(&self, measurement: &Measurement) -> Result<f64, FitnessWeightsError> {
        self.check()?;
        if !measurement.succeeded {
            return Ok(0.0);
        }
        Ok(self.parts(measurement).iter().sum())
    }

    /// What each term adds to the score of a script that succeeded; the weights have been checked.
    pub(super) fn parts(&self, measurement: &Measurement) -> [f64; 7] {
        let weights = self.by_term().map(|(_, weight)| weight);
        let sum: f64 = weights.iter().sum();
        let terms = measurement.terms().map(|(_, term)| term);
        std::array::from_fn(|at| weights[at] / sum * terms[at])
    }

    /// Whether the weights make a score.
    ///
    /// # Errors
    /// The first weight that is negative or not finite, or that all are 0.
    pub fn check(&self) -> Result<(), FitnessWeightsError> {
        let weights = self.by_term();
        if let Some((term, value)) =
            weights.into_iter().find(|(_, weight)| !(weight.is_finite() && *weight >= 0.0))
        {
            return Err(FitnessWeightsError::Outside { term, value });
        }
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        if sum > 0.0 && sum.is_finite() { Ok(()) } else { Err(FitnessWeightsError::Nothing) }
    }

    fn by_term(&self) -> [(&'static str, f64); 7] {
        let [rows_kept, nulls, types, errors, run_time, size, complexity] = Self::TERMS;
        [
            (rows_kept, self.rows_kept),
            (nulls, self.nulls),
            (types, self.types),
            (errors, self.errors),
            (run_time, self.run_time),
            (size, self.size),
            (complexity, self.complexity),
        ]
    }
}

impl Measurement {
    /// The terms of the score, in the order of the table at [`FitnessWeights`]; each in [0, 1].
    pub fn terms(&self) -> [(&'static str, f64); 7] {
        let share = |part: u64, whole: u64| match whole {
            0 => 0.0,
            whole => (part as f64 / whole as f64).min(1.0),
        };
        let lost = share(self.rows_in.saturating_sub(self.rows_out), self.rows_in);
        let untyped = share(self.columns.saturating_sub(self.typed_columns), self.columns);
        let milliseconds = (self.run_time.as_millis().max(1) as u64).next_power_of_two();
        let half = |value: f64, half: f64| half / (half + value);
        [
            ("rows_kept", 1.0 - lost),
            ("nulls", 1.0 - share(self.nulls_left, self.cells)),
            ("types", 1.0 - untyped),
            ("errors", 1.0 - share(self.rows_quarantined, self.rows_in)),
            ("run_time", half(milliseconds as f64 / 1e3, RUN_TIME_HALF)),
            ("size", half(self.size_bytes as f64, SIZE_HALF)),
            ("complexity", half(self.complexity as f64, COMPLEXITY_HALF)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn perfect() -> Measurement {
        Measurement {
            succeeded: true,
            rows_in: 100,
            rows_out: 100,
            cells: 400,
            columns: 4,
            typed_columns: 4,
            ..Measurement::default()
        }
    }

    const NONE: FitnessWeights = FitnessWeights {
        rows_kept: 0.0,
        nulls: 0.0,
        types: 0.0,
        errors: 0.0,
        run_time: 0.0,
        size: 0.0,
        complexity: 0.0,
    };

    #[test]
    fn each_term_alone_is_its_formula() {
        let measured = Measurement {
            rows_out: 80,
            rows_quarantined: 10,
            nulls_left: 40,
            typed_columns: 1,
            size_bytes: 150_000,
            complexity: 200,
            run_time: Duration::from_millis(600),
            ..perfect()
        };
        let alone = [
            (FitnessWeights { rows_kept: 3.0, ..NONE }, 0.8),
            (FitnessWeights { nulls: 3.0, ..NONE }, 0.9),
            (FitnessWeights { types: 3.0, ..NONE }, 0.25),
            (FitnessWeights { errors: 3.0, ..NONE }, 0.9),
            (FitnessWeights { size: 3.0, ..NONE }, 0.25),
            (FitnessWeights { complexity: 3.0, ..NONE }, 0.5),
            (FitnessWeights { run_time: 3.0, ..NONE }, 1.0 / 2.024),
            (FitnessWeights { rows_kept: 1.0, types: 1.0, ..NONE }, (0.8 + 0.25) / 2.0),
        ];
        for (weights, wanted) in alone {
            let score = weights.score(&measured).unwrap();
            assert!((score - wanted).abs() < 1e-12, "{weights:?}: {score}");
        }
    }

    #[test]
    fn the_run_time_moves_no_score_by_default() {
        let slow = Measurement { run_time: Duration::from_secs(9), ..perfect() };
        let weights = FitnessWeights::default();
        assert_eq!(weights.score(&slow), weights.score(&perfect()));
        let weights = FitnessWeights { run_time: 1.0, ..weights };
        assert!(weights.score(&slow).unwrap() < weights.score(&perfect()).unwrap());
    }

    #[test]
    fn weights_that_make_no_score_are_refused() {
        assert_eq!(NONE.score(&perfect()), Err(FitnessWeightsError::Nothing));
        for value in [-1.0, f64::NAN, f64::INFINITY] {
            let weights = FitnessWeights { nulls: value, ..FitnessWeights::default() };
            let said = weights.check().unwrap_err().to_string();
            assert!(said.starts_with("the weight of nulls is"), "{said}");
        }
        assert_eq!(FitnessWeights::default().score(&Measurement::default()), Ok(0.0));
        let said = FitnessWeights::default().with("speed", 1.0).unwrap_err().to_string();
        assert!(said.contains("no term \"speed\"") && said.contains("run_time"), "{said}");
        for (term, value) in perfect().terms() {
            assert!(FitnessWeights::TERMS.contains(&term) && (0.0..=1.0).contains(&value));
            assert_eq!(NONE.with(term, 2.0).unwrap().score(&perfect()), Ok(value));
        }
    }
}
