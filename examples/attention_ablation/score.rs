//! How near a cleaned table is to the truth.

use std::collections::{BTreeMap, BTreeSet};

use crate::table::Row;

/// From 0 to 1: the mean over the rows of the truth, where a row that is missing counts 0 and one that is there too often counts as one more
/// row at 0. A row is worth the mean of its cells but the id: a text 1 if it is right, a number 1 less its distance from the truth in
/// standard deviations of its column, a gap 0.
pub(crate) fn fidelity(truth: &[Row], cleaned: &str) -> f64 {
    let deviation = [1, 2].map(|column| {
        let values: Vec<f64> = truth.iter().filter_map(|row| row[column].parse().ok()).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / values.len() as f64).sqrt()
    });
    let known: BTreeMap<&str, &Row> = truth.iter().map(|row| (row[0].as_str(), row)).collect();
    let (mut sum, mut seen, mut surplus) = (0.0, BTreeSet::new(), 0_usize);
    for line in cleaned.lines().skip(1) {
        // Nothing in these tables needs quotes.
        let cells: Vec<&str> = line.split(',').collect();
        match known.get(cells[0]) {
            Some(row) if cells.len() == row.len() && seen.insert(cells[0]) => {
                let worth =
                    (1..row.len()).map(|at| cell(&row[at], cells[at], deviation.get(at - 1)));
                sum += worth.sum::<f64>() / (row.len() - 1) as f64;
            }
            _ => surplus += 1,
        }
    }
    sum / (truth.len() + surplus) as f64
}

fn cell(truth: &str, found: &str, deviation: Option<&f64>) -> f64 {
    match deviation {
        None => f64::from(u8::from(truth == found)),
        Some(deviation) => match (truth.parse::<f64>(), found.parse::<f64>()) {
            (Ok(truth), Ok(found)) => (1.0 - (truth - found).abs() / deviation).max(0.0),
            _ => 0.0,
        },
    }
}
