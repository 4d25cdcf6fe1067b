//! A figure beside what it is held against.

use serde_json::{Value, json};

/// When a figure is good enough.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// This, to so much.
    Within(f64, f64),
}

/// A line of the table. The reference is the optimum or the published figure; the goal is what was promised.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured, and in what unit.
    pub what: String,
    /// Ours.
    pub ours: f64,
    /// What it stands beside.
    pub reference: f64,
    /// What it is held against.
    pub goal: Goal,
}

impl Row {
    /// Whether the goal is met.
    pub fn met(&self) -> bool {
        match self.goal {
            Goal::AtLeast(goal) => self.ours >= goal,
            Goal::AtMost(goal) => self.ours <= goal,
            Goal::Within(goal, slack) => (self.ours - goal).abs() <= slack,
        }
    }

    fn goal_text(&self, places: Option<usize>) -> String {
        let figure = |value: f64| match places {
            Some(places) => format!("{value:.places$}"),
            None => value.to_string(),
        };
        match self.goal {
            Goal::AtLeast(goal) => format!("≥ {}", figure(goal)),
            Goal::AtMost(goal) => format!("≤ {}", figure(goal)),
            Goal::Within(goal, slack) => format!("{goal} ± {slack}"),
        }
    }
}

/// Prints what was promised to ten places, and what it is held against as it was published.
pub fn print_table(rows: &[Row]) {
    print_with(rows, None);
}

/// Prints everything to so many places.
pub fn print_rounded(rows: &[Row], places: usize) {
    print_with(rows, Some(places));
}

fn print_with(rows: &[Row], places: Option<usize>) {
    println!("| what | ours | reference | ratio | goal | met |");
    println!("|---|---:|---:|---:|---:|---|");
    for row in rows {
        let Row { what, ours, reference, .. } = row;
        let reference_text = match places {
            Some(places) => format!("{reference:.places$}"),
            None => reference.to_string(),
        };
        println!(
            "| {what} | {ours:.*} | {reference_text} | {:.*} | {} | {} |",
            places.unwrap_or(10),
            places.map_or(4, |_| 3),
            ours / reference,
            row.goal_text(places),
            if row.met() { "yes" } else { "NO" }
        );
    }
}

/// Prints the rows for machines.
pub fn print_json(rows: &[Row]) {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "what": row.what,
                "ours": row.ours,
                "reference": row.reference,
                "ratio": row.ours / row.reference,
                "goal": row.goal_text(None),
                "met": row.met(),
            })
        })
        .collect();
    println!("{:#}", json!({ "rows": rows }));
}
