//! A line of the table: a figure of ours beside what it is held against.

use serde::Serialize;

/// A figure of ours beside its reference. In every row but a speed, less is better unless the note says otherwise.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// What belongs together: the heading of a part of the table.
    pub(crate) group: String,
    /// What was measured.
    pub(crate) name: String,
    /// Ours, in the unit of the reference.
    pub(crate) ours: f64,
    /// What it is held against.
    pub(crate) reference: f64,
    /// `ours / reference`.
    pub(crate) ratio: f64,
    /// Whether the goal is met; a row without a goal holds.
    pub(crate) holds: bool,
    /// The goal, and how it was tested.
    pub(crate) note: String,
}

impl Row {
    /// A row without a goal of its own, for the reader.
    pub(crate) fn shown(group: &str, name: &str, ours: f64, reference: f64) -> Row {
        Row {
            group: group.to_owned(),
            name: name.to_owned(),
            ours,
            reference,
            ratio: ours / reference,
            holds: true,
            note: String::new(),
        }
    }

    /// The same with a goal, and whether it is met.
    pub(crate) fn held(self, holds: bool, note: impl Into<String>) -> Row {
        Row { holds, note: note.into(), ..self }
    }

    /// The same with the goal that the ratio is at most this.
    pub(crate) fn at_most(self, ratio_max: f64) -> Row {
        let holds = self.ratio <= ratio_max;
        self.held(holds, format!("ratio <= {ratio_max}"))
    }
}
