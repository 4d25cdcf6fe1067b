//! Records as rows: of a table with a column for each name, or of arrays as they are.

use std::collections::BTreeMap;

use super::value::{Json, write};
use crate::profile::ProfileError;
use crate::rules::{FIELD_CHARS_MAX, JSON_COLUMNS_MAX};

/// A table of the records: where its columns are, and its rows.
pub(crate) struct Flat {
    pub(crate) paths: Vec<Vec<String>>,
    /// How many records lack each column.
    pub(crate) absent: Vec<u64>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// The records as rows of one width. The names of nested objects lead to the columns.
pub(crate) fn flatten(file: &str, values: &[(u64, Json)]) -> Result<Flat, ProfileError> {
    let mut at: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut paths: Vec<Vec<String>> = Vec::new();
    let mut present: Vec<u64> = Vec::new();
    let mut sparse = Vec::new();
    for (line, value) in values {
        let mut row = BTreeMap::new();
        let mut leaves = Vec::new();
        collect(value, &mut Vec::new(), &mut leaves);
        for (path, part) in leaves {
            let next = paths.len();
            let column = *at.entry(path.clone()).or_insert(next);
            if column == next {
                if next == JSON_COLUMNS_MAX {
                    return Err(ProfileError::JsonColumns { file: file.into(), line: *line });
                }
                paths.push(path);
                present.push(0);
            }
            if row.insert(column, cell_of(part)).is_none() {
                present[column] += 1;
            }
        }
        check_lengths(file, *line, row.values())?;
        sparse.push(row);
    }
    let widen = |mut row: BTreeMap<usize, String>| -> Vec<String> {
        (0..paths.len()).map(|column| row.remove(&column).unwrap_or_default()).collect()
    };
    let rows = sparse.into_iter().map(widen).collect();
    let all = values.len() as u64;
    Ok(Flat { absent: present.iter().map(|count| all - count).collect(), rows, paths })
}

/// The records as rows, where all of them are arrays.
pub(crate) fn rows(
    file: &str,
    values: &[(u64, Json)],
) -> Result<Option<Vec<Vec<String>>>, ProfileError> {
    let mut rows = Vec::new();
    for (line, value) in values {
        let Json::Array(parts) = value else {
            return Ok(None);
        };
        let row: Vec<String> = parts.iter().map(cell_of).collect();
        rows.push((*line, if row.is_empty() { vec![String::new()] } else { row }));
    }
    for (line, row) in &rows {
        check_lengths(file, *line, row.iter())?;
    }
    Ok(Some(rows.into_iter().map(|(_, row)| row).collect()))
}

fn check_lengths<'a>(
    file: &str,
    line: u64,
    mut cells: impl Iterator<Item = &'a String>,
) -> Result<(), ProfileError> {
    let long =
        |cell: &String| cell.len() > FIELD_CHARS_MAX && cell.chars().count() > FIELD_CHARS_MAX;
    if cells.any(long) {
        return Err(ProfileError::LongValue { file: file.into(), line });
    }
    Ok(())
}

/// The parts of a record with the names that lead to them; one that is no object is called value.
fn collect<'a>(value: &'a Json, path: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, &'a Json)>) {
    match value {
        Json::Object(members) if path.is_empty() || !members.is_empty() => {
            for (name, part) in members {
                path.push(name.clone());
                collect(part, path, leaves);
                path.pop();
            }
        }
        _ if path.is_empty() => leaves.push((vec!["value".to_owned()], value)),
        _ => leaves.push((path.clone(), value)),
    }
}

/// A value as a cell: texts and numbers as they are, null as nothing, arrays as JSON.
fn cell_of(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::Text(text) => text.clone(),
        other => {
            let mut text = String::new();
            write(other, &mut text);
            text
        }
    }
}
