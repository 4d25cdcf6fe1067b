//! Tables that are made by a seed, and spoilt: the truth is known, and by how much it was spoilt is drawn anew for every table.

use orchestrator_ai::core::{FastStream, Seed};

/// A row of the truth: an id, two numbers, a category and a text.
pub(crate) type Row = [String; 5];

const NAMES: &str = "id,weight,income,kind,note";
const KINDS: [&str; 4] = ["red", "green", "blue", "violet"];
const WORDS: [&str; 8] =
    ["cafe", "river", "stone", "market", "garden", "tower", "bridge", "harbour"];

/// How often each trouble comes: nothing in one table out of three, else from 0.2 % to 30 %, each order of magnitude as likely.
fn rate(dice: &mut FastStream) -> f64 {
    if dice.chance(1.0 / 3.0) { 0.0 } else { 0.002 * 150_f64.powf(dice.unit()) }
}

/// A table, and what it was before it was spoilt.
pub(crate) struct Spoilt {
    truth: Vec<Row>,
    text: String,
}

impl Spoilt {
    pub(crate) fn new(seed: Seed) -> Spoilt {
        let mut dice = seed.fast_stream();
        let count = 150 + dice.below(251);
        let truth: Vec<Row> = (0..count).map(|id| row(id, &mut dice)).collect();
        let [nulls, outliers, duplicates, untidy, faults] = [(); 5].map(|()| rate(&mut dice));
        let mut text = NAMES.to_owned() + "\n";
        for row in &truth {
            let mut cells = row.clone();
            for number in [1, 2] {
                if dice.chance(outliers) {
                    // A slipped decimal point.
                    let value: f64 = cells[number].parse().expect("a number was written");
                    cells[number] = format!("{:.2}", value * 1_000.0);
                }
                if dice.chance(faults) {
                    cells[number] = "see note".to_owned();
                }
            }
            if dice.chance(untidy) {
                cells[4] = cells[4].replace(' ', "  ");
            }
            for cell in &mut cells[1..] {
                if dice.chance(nulls) {
                    cell.clear();
                }
            }
            text += &(cells.join(",") + "\n");
            if dice.chance(duplicates) {
                // Entered twice, by somebody who shouts.
                cells[3] = cells[3].to_uppercase();
                text += &(cells.join(",") + "\n");
            }
        }
        Spoilt { truth, text }
    }

    pub(crate) fn truth(&self) -> &[Row] {
        &self.truth
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

fn row(id: usize, dice: &mut FastStream) -> Row {
    let words: Vec<&str> = (0..3).map(|_| WORDS[dice.below(WORDS.len())]).collect();
    [
        id.to_string(),
        format!("{:.2}", 70.0 + 12.0 * dice.normal()),
        // Incomes have a long tail that is no mistake.
        format!("{:.2}", 1_000.0 * (0.6 * dice.normal()).exp()),
        KINDS[dice.below(KINDS.len()).min(dice.below(KINDS.len()))].to_owned(),
        format!("{} {id}", words.join(" ")),
    ]
}
