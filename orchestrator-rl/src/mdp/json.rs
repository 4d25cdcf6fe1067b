//! The table as JSON: a row for each transition, as Gymnasium's toy-text environments are commonly written out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::build::Faults;
use super::error::{MdpError, MdpFault};
use super::{Row, TableMdp};

/// The columns of a row, in the order in which they are written.
const COLUMNS: [&str; 6] = ["s", "a", "prob", "s_next", "reward", "terminated"];

/// What is read; further fields (a name, known values) are left alone.
#[derive(Deserialize)]
struct Form {
    n_states: usize,
    n_actions: usize,
    initial_state_distribution: BTreeMap<String, f64>,
    #[serde(default)]
    transition_columns: Option<Vec<String>>,
    transitions: Vec<Vec<Value>>,
}

impl TableMdp {
    /// Reads a table: `n_states`, `n_actions`, `initial_state_distribution` (`{"0": 1.0}`) and `transitions`, a row
    /// `[s, a, prob, s_next, reward, terminated]` for each thing that can happen, or in the order that `transition_columns` says. Other fields
    /// are left alone.
    ///
    /// # Errors
    /// When the text is no such JSON (with line and column), or the table is broken (with row, state and action; see [`TableMdp::new`]).
    pub fn from_json(text: &str) -> Result<TableMdp, MdpError> {
        let form: Form = serde_json::from_str(text)
            .map_err(|error| MdpError::Json { what: error.to_string() })?;
        let mut faults = Faults::default();
        let order = order(form.transition_columns, &mut faults);
        let mut initial = Vec::with_capacity(form.initial_state_distribution.len());
        for (state, &probability) in &form.initial_state_distribution {
            match state.parse() {
                Ok(id) => initial.push((id, probability)),
                Err(_) => faults.add(MdpFault::Initial {
                    state: state.clone(),
                    what: "it is no whole number from 0".to_owned(),
                }),
            }
        }
        let mut rows = Vec::with_capacity(form.transitions.len());
        for (at, cells) in form.transitions.iter().enumerate() {
            match read_row(cells, order) {
                Ok(row) => rows.push(row),
                Err(what) => faults.add(MdpFault::Row { row: at, what }),
            }
        }
        faults.check()?;
        TableMdp::new(form.n_states, form.n_actions, initial, rows)
    }

    /// The table in the form that [`TableMdp::from_json`] reads.
    pub fn to_json(&self) -> String {
        let initial: BTreeMap<String, f64> =
            self.initial().map(|(state, probability)| (state.to_string(), probability)).collect();
        let rows = self.rows().map(|row| {
            json!([row.state, row.action, row.probability, row.next, row.reward, row.terminal])
        });
        let form = json!({
            "n_states": self.states,
            "n_actions": self.actions,
            "initial_state_distribution": initial,
            "transition_columns": COLUMNS,
            "transitions": rows.collect::<Vec<Value>>(),
        });
        form.to_string()
    }
}

/// Where each of [`COLUMNS`] stands in a row.
fn order(columns: Option<Vec<String>>, faults: &mut Faults) -> [usize; 6] {
    let Some(found) = columns else {
        return [0, 1, 2, 3, 4, 5];
    };
    let place = |name: &str| found.iter().position(|column| column == name);
    let places = COLUMNS.map(place);
    if found.len() == COLUMNS.len() && places.iter().all(Option::is_some) {
        return places.map(|place| place.unwrap_or(0));
    }
    faults.add(MdpFault::Columns { found });
    [0, 1, 2, 3, 4, 5]
}

fn read_row(cells: &[Value], order: [usize; 6]) -> Result<Row, String> {
    if cells.len() != COLUMNS.len() {
        return Err(format!("it has {} cells, not {}", cells.len(), COLUMNS.len()));
    }
    let cell = |column: usize| &cells[order[column]];
    let wrong = |column: usize, wanted: &str| {
        format!("{} is {}, where {wanted} is wanted", COLUMNS[column], cell(column))
    };
    let whole = |column: usize| {
        let number = cell(column).as_u64().and_then(|number| usize::try_from(number).ok());
        number.ok_or_else(|| wrong(column, "a whole number from 0"))
    };
    let number = |column: usize| cell(column).as_f64().ok_or_else(|| wrong(column, "a number"));
    Ok(Row {
        state: whole(0)?,
        action: whole(1)?,
        probability: number(2)?,
        next: whole(3)?,
        reward: number(4)?,
        terminal: cell(5).as_bool().ok_or_else(|| wrong(5, "true or false"))?,
    })
}
