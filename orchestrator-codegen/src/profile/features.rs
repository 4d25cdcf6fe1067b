//! From counts to features.

use std::collections::{BTreeMap, BTreeSet};

use super::column::{ColumnType, Kinds};
use super::kind::{Kind, classify, number};
use super::table::Table;
use super::{ColumnProfile, Shares};
use crate::rules::{FENCE_RANGES, FENCE_VALUES_MIN, MISSING};

/// The features of a profile, each in [0, 1]. With `sat(x, h) = x / (x + h)`, which is one half at `x = h`:
///
/// | feature | formula |
/// |---|---|
/// | `nulls` | sat(share of missing cells, 0.05) |
/// | `duplicates` | sat(share of rows that equal an earlier one, case and blanks aside, 0.02); 0 where no column identifies the rows |
/// | `outliers` | sat(share of numbers beyond Tukey's outer fences, 0.01) |
/// | `faults` | sat(share of rows of a wrong width or with a value not of its column's type, 0.02) |
/// | `text` | sat(share of untidy texts, 0.02) |
/// | `size` | sat(rows × columns, 200 000) |
/// | `types` | entropy of the column types, over the logarithm of the six types there are |
/// | `complexity` | 1 − ∏ (1 − feature / 2) over the seven above: many small troubles add up, none alone is everything |
///
/// The halves are chosen so that a share which a person would act on stands clearly above one half, and one that he would
/// overlook near zero.
pub const FEATURES: [&str; 8] =
    ["complexity", "duplicates", "faults", "nulls", "outliers", "size", "text", "types"];

const NULLS_HALF: f64 = 0.05;
const DUPLICATES_HALF: f64 = 0.02;
const OUTLIERS_HALF: f64 = 0.01;
const FAULTS_HALF: f64 = 0.02;
const UNTIDY_HALF: f64 = 0.02;
const CELLS_HALF: f64 = 200_000.0;
/// Boolean, integer, float, date, datetime, text.
const TYPES: f64 = 6.0;

pub(super) fn features(
    columns: &[ColumnProfile],
    shares: &Shares,
    rows: usize,
) -> BTreeMap<String, f64> {
    let saturated = |value: f64, half: f64| value / (value + half);
    let mut features: BTreeMap<String, f64> = [
        ("duplicates", saturated(shares.duplicates, DUPLICATES_HALF)),
        ("faults", saturated(shares.faults, FAULTS_HALF)),
        ("nulls", saturated(shares.nulls, NULLS_HALF)),
        ("outliers", saturated(shares.outliers, OUTLIERS_HALF)),
        ("size", saturated((rows * columns.len()) as f64, CELLS_HALF)),
        ("text", saturated(shares.untidy, UNTIDY_HALF)),
        ("types", type_mix(columns)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let untroubled: f64 = features.values().map(|feature| 1.0 - 0.5 * feature).product();
    features.insert("complexity".into(), 1.0 - untroubled);
    features
}

fn type_mix(columns: &[ColumnProfile]) -> f64 {
    let mut counts: BTreeMap<ColumnType, f64> = BTreeMap::new();
    let typed = |column: &&ColumnProfile| column.column_type != ColumnType::Empty;
    for column in columns.iter().filter(typed) {
        *counts.entry(column.column_type).or_default() += 1.0;
    }
    let all: f64 = counts.values().sum();
    let terms = counts.values().map(|count| count / all * (all / count).ln());
    // Not `sum`: that of nothing is −0, and the script has 0.
    let entropy = terms.fold(0.0, |entropy, term| entropy + term);
    (entropy / TYPES.ln()).clamp(0.0, 1.0)
}

/// One look at every row, and one more at the well-formed ones once the types are known.
pub(super) fn measure(table: &Table) -> (Vec<ColumnProfile>, Shares) {
    let decimal_comma = table.decimal_comma();
    let mut kinds = vec![Kinds::default(); table.names.len()];
    let (mut misshapen, mut untidy, mut texts) = (table.broken, 0_usize, 0_usize);
    for row in &table.rows {
        let Some(cells) = table.cells(row) else {
            misshapen += usize::from(!Table::is_empty(row));
            continue;
        };
        for (kinds, cell) in kinds.iter_mut().zip(cells) {
            let kind = classify(cell, decimal_comma);
            kinds.add(kind);
            texts += usize::from(kind == Kind::Text);
            untidy += usize::from(kind == Kind::Text && is_untidy(cell));
        }
    }
    let types: Vec<ColumnType> = kinds.iter().map(Kinds::column_type).collect();
    let mut numbers = vec![Numbers::default(); types.len()];
    let mut identifiers = Identifiers::of(&types);
    let (mut seen, mut duplicates, mut bad) = (BTreeSet::new(), 0_usize, 0_usize);
    for row in &table.rows {
        let Some(cells) = table.cells(row) else {
            continue;
        };
        let mut fits = true;
        for (at, cell) in cells.iter().enumerate() {
            let accepted = kinds[at].accepts(types[at], classify(cell, decimal_comma));
            fits &= accepted;
            if accepted
                && matches!(types[at], ColumnType::Integer | ColumnType::Float)
                && let Some(value) = number(cell, decimal_comma)
            {
                numbers[at].add(value);
            }
        }
        bad += usize::from(!fits);
        if fits && !Table::is_empty(row) {
            let key = near_key(&cells);
            if seen.contains(&key) {
                duplicates += 1;
            } else {
                identifiers.add(&key);
                seen.insert(key);
            }
        }
    }
    if identifiers.values.is_empty() {
        duplicates = 0;
    }
    let (mut outliers, mut judged) = (0, 0);
    for (numbers, &column) in numbers.iter_mut().zip(&types) {
        if column == ColumnType::Float || !numbers.counts_rows() {
            judged += numbers.values.len();
            outliers += numbers.outliers();
        }
    }
    let cells: usize = kinds.iter().map(|kinds| kinds.values() + kinds.missing).sum();
    let missing: usize = kinds.iter().map(|kinds| kinds.missing).sum();
    let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
    let shares = Shares {
        nulls: share(missing, cells),
        duplicates: share(duplicates, table.rows_count()),
        outliers: share(outliers, judged),
        faults: share(misshapen + bad, table.rows_count()),
        untidy: share(untidy, texts),
    };
    let columns = table.names.iter().zip(&types).zip(&kinds);
    let absent = table.absent.iter().copied().map(Some).chain(std::iter::repeat(None));
    let columns = columns.zip(absent).map(|(((name, &column_type), kinds), absent)| {
        ColumnProfile { name: name.clone(), column_type, nulls: kinds.missing as u64, absent }
    });
    (columns.collect(), shares)
}

/// The columns that may identify the rows, with the values they had so far: never missing, and never in two rows that
/// differ. Floats and booleans measure things and identify none, nor does an only column.
struct Identifiers {
    values: BTreeMap<usize, BTreeSet<String>>,
}

impl Identifiers {
    fn of(types: &[ColumnType]) -> Identifiers {
        let none = [ColumnType::Float, ColumnType::Boolean, ColumnType::Empty];
        let may = |&(_, column): &(usize, &ColumnType)| types.len() > 1 && !none.contains(column);
        let values = types.iter().enumerate().filter(may).map(|(at, _)| (at, BTreeSet::new()));
        Identifiers { values: values.collect() }
    }

    /// Takes in a row that differs from all before.
    fn add(&mut self, key: &[String]) {
        self.values.retain(|&at, seen| !key[at].is_empty() && seen.insert(key[at].clone()));
    }
}

fn is_untidy(cell: &str) -> bool {
    let combining = |mark: char| ('\u{300}'..='\u{36f}').contains(&mark);
    cell.contains("  ") || cell.contains(['\n', '\r', '\t', '\u{a0}']) || cell.contains(combining)
}

/// What rows share that are equal but for case, blanks and the way a missing value is written.
fn near_key(cells: &[&str]) -> Vec<String> {
    let form = |cell: &&str| {
        if MISSING.contains(cell) {
            return String::new();
        }
        let words: Vec<&str> = cell.split_whitespace().collect();
        words.join(" ").to_lowercase()
    };
    cells.iter().map(form).collect()
}

#[derive(Clone)]
struct Numbers {
    values: Vec<f64>,
    rising: bool,
    falling: bool,
}

impl Default for Numbers {
    fn default() -> Self {
        Numbers { values: Vec::new(), rising: true, falling: true }
    }
}

impl Numbers {
    fn add(&mut self, value: f64) {
        if let Some(&last) = self.values.last() {
            self.rising &= value > last;
            self.falling &= value < last;
        }
        self.values.push(value);
    }

    fn counts_rows(&self) -> bool {
        self.values.len() > 2 && (self.rising || self.falling)
    }

    fn outliers(&mut self) -> usize {
        if self.values.len() < FENCE_VALUES_MIN {
            return 0;
        }
        self.values.sort_by(f64::total_cmp);
        let (low, high) = (self.quantile(0.25), self.quantile(0.75));
        let reach = FENCE_RANGES * (high - low);
        if !(reach > 0.0 && reach.is_finite()) {
            return 0;
        }
        let outside = |value: &&f64| **value < low - reach || **value > high + reach;
        self.values.iter().filter(outside).count()
    }

    fn quantile(&self, share: f64) -> f64 {
        let place = share * (self.values.len() - 1) as f64;
        let below = place as usize;
        let above = (below + 1).min(self.values.len() - 1);
        self.values[below] + (self.values[above] - self.values[below]) * (place - below as f64)
    }
}
