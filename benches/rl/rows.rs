//! A figure beside what it is held against.

use serde_json::{Value, json};

/// When a figure is good enough.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// At least this.
    AtLeast(f64),
    /// This, to so much.
    Within(f64, f64),
}

/// A line of the table. The reference is the optimum or the published figure; the goal is what was promised.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) ours: f64,
    pub(crate) reference: f64,
    pub(crate) goal: Goal,
}

impl Row {
    pub(crate) fn met(&self) -> bool {
        match self.goal {
            Goal::AtLeast(goal) => self.ours >= goal,
            Goal::Within(goal, slack) => (self.ours - goal).abs() <= slack,
        }
    }

    fn goal_text(&self) -> String {
        match self.goal {
            Goal::AtLeast(goal) => format!("≥ {goal}"),
            Goal::Within(goal, slack) => format!("{goal} ± {slack}"),
        }
    }
}

pub(crate) fn print_table(rows: &[Row]) {
    println!("| what | ours | reference | ratio | goal | met |");
    println!("|---|---:|---:|---:|---:|---|");
    for row in rows {
        println!(
            "| {} | {:.10} | {} | {:.4} | {} | {} |",
            row.what,
            row.ours,
            row.reference,
            row.ours / row.reference,
            row.goal_text(),
            if row.met() { "yes" } else { "NO" }
        );
    }
}

pub(crate) fn print_json(rows: &[Row]) {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "what": row.what,
                "ours": row.ours,
                "reference": row.reference,
                "ratio": row.ours / row.reference,
                "goal": row.goal_text(),
                "met": row.met(),
            })
        })
        .collect();
    println!("{:#}", json!({ "rows": rows }));
}
