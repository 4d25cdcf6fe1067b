//! Halstead's measures, of four counts.

use serde::{Deserialize, Serialize};

/// M. Halstead, "Elements of Software Science", 1977, with the letters of the book.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Halstead {
    /// η1, how many operators there are.
    pub distinct_operators: usize,
    /// η2, how many operands there are.
    pub distinct_operands: usize,
    /// N1, how often an operator is used.
    pub operators: usize,
    /// N2, how often an operand is used.
    pub operands: usize,
    /// V = (N1 + N2) log2(η1 + η2), in bits.
    pub volume: f64,
    /// D = η1/2 · N2/η2.
    pub difficulty: f64,
    /// E = D V.
    pub effort: f64,
}

impl Halstead {
    /// The measures that follow from the counts, in the order of the fields; 0 where nothing was counted.
    pub fn of(
        distinct_operators: usize,
        distinct_operands: usize,
        operators: usize,
        operands: usize,
    ) -> Halstead {
        let vocabulary = distinct_operators + distinct_operands;
        let volume = match vocabulary {
            0 => 0.0,
            _ => (operators + operands) as f64 * (vocabulary as f64).log2(),
        };
        let difficulty = match distinct_operands {
            0 => 0.0,
            _ => (distinct_operators * operands) as f64 / (2 * distinct_operands) as f64,
        };
        Halstead {
            distinct_operators,
            distinct_operands,
            operators,
            operands,
            volume,
            difficulty,
            effort: difficulty * volume,
        }
    }
}
