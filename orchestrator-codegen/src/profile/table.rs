//! Reads a file as the generated script does: text, format, delimiter, header, columns, rows.

use std::collections::{BTreeMap, BTreeSet};

use super::dialect::{Dialect, sniff_delimiter};
use super::json::{self, JsonRecords};
use super::records::records;
use super::{DataFormat, ProfileError};
use crate::rules::{MISSING, SAMPLE_RECORDS, trim};

/// A file that has been read: its dialect, and its rows as they are.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) format: DataFormat,
    pub(super) delimiter: Option<char>,
    pub(super) header: bool,
    pub(super) assumed: Vec<String>,
    pub(super) names: Vec<String>,
    /// How many JSON records lack each column; none where the records are no objects.
    pub(super) absent: Vec<u64>,
    pub(super) rows: Vec<Vec<String>>,
    /// Shorter rows are bad; those between this and the number of columns lack their last cells.
    width_min: usize,
    /// Lines that hold no JSON: rows that cannot be read.
    pub(super) broken: usize,
    pub(super) blank_lines: usize,
}

impl Table {
    pub(super) fn read(file: &str, text: &str) -> Result<Table, ProfileError> {
        let format = json::format_of(file, text)?;
        let found = match format {
            DataFormat::Delimited => return Table::read_delimited(file, text),
            DataFormat::Json => json::read_document(file, text)?,
            DataFormat::JsonLines => json::read_lines(file, text)?,
        };
        if found.values.is_empty() {
            return Err(ProfileError::Empty { file: file.into() });
        }
        let JsonRecords { values, blank_lines, broken, assumed, .. } = found;
        let table = Table { format, blank_lines, broken, assumed, ..Table::default() };
        if let Some(rows) = json::rows(file, &values)? {
            let sample = &rows[..rows.len().min(SAMPLE_RECORDS)];
            return table.settle(file, Dialect::of(None, sample), rows);
        }
        let flat = json::flatten(file, &values)?;
        if flat.paths.is_empty() {
            return Err(ProfileError::Empty { file: file.into() });
        }
        let header: Vec<String> = flat.paths.iter().map(|path| path.join(".")).collect();
        Ok(Table {
            header: true,
            names: unique_names(&header, header.len()),
            width_min: header.len(),
            absent: flat.absent,
            rows: flat.rows,
            ..table
        })
    }

    fn read_delimited(file: &str, text: &str) -> Result<Table, ProfileError> {
        let delimiter = sniff_delimiter(text);
        let sample = records(text, delimiter, SAMPLE_RECORDS).records;
        let all = records(text, delimiter, usize::MAX).whole(file)?;
        let table = Table { blank_lines: all.blank_lines, ..Table::default() };
        table.settle(file, Dialect::of(delimiter, &sample), all.records)
    }

    /// The table of these records: the columns as many as most rows have, else as the header has.
    fn settle(
        self,
        file: &str,
        dialect: Dialect,
        mut rows: Vec<Vec<String>>,
    ) -> Result<Table, ProfileError> {
        let first = dialect.preamble + usize::from(dialect.header);
        let header = match rows.get(dialect.preamble) {
            Some(record) if dialect.header => dialect.names_of(record),
            _ => Vec::new(),
        };
        rows.drain(..first.min(rows.len()));
        let mut assumed = [self.assumed.clone(), dialect.assumed].concat();
        let mut widths = BTreeMap::new();
        for row in &rows {
            *widths.entry(row.len()).or_insert(0) += 1;
        }
        let usual = widths.iter().max_by_key(|&(width, count)| (count, width));
        let mut width = match usual {
            Some((&usual, &agreeing)) if header.is_empty() || 2 * agreeing > rows.len() => usual,
            _ => header.len(),
        };
        let usual = width;
        if width < header.len() && widths.contains_key(&header.len()) {
            width = header.len();
            assumed.push("most rows leave out their last cells: these are missing".to_owned());
        }
        let named = header.get(width.wrapping_sub(1)).is_some_and(|name| !name.is_empty());
        let filled = rows.iter().any(|row| row.len() == width && !trim(&row[width - 1]).is_empty());
        if width > 1 && !named && !filled {
            width -= 1;
        }
        if width == 0 {
            return Err(ProfileError::Empty { file: file.into() });
        }
        Ok(Table {
            delimiter: dialect.delimiter,
            header: dialect.header,
            assumed,
            names: unique_names(&header, width),
            rows,
            width_min: usual.min(width),
            ..self
        })
    }

    pub(super) fn decimal_comma(&self) -> bool {
        self.delimiter == Some(';')
    }

    /// Rows, those that cannot be read among them.
    pub(super) fn rows_count(&self) -> usize {
        self.rows.len() + self.broken
    }

    /// The trimmed cells of a row; `None` if their number is wrong.
    pub(super) fn cells<'a>(&self, row: &'a [String]) -> Option<Vec<&'a str>> {
        let width = self.names.len();
        let surplus_empty = row.iter().skip(width).all(|cell| trim(cell).is_empty());
        if row.len() < self.width_min || !surplus_empty {
            return None;
        }
        let mut cells: Vec<&str> = row.iter().take(width).map(|cell| trim(cell)).collect();
        cells.resize(width, "");
        Some(cells)
    }

    /// Whether no cell of the row, however many there are, holds a value.
    pub(super) fn is_empty(row: &[String]) -> bool {
        row.iter().all(|cell| MISSING.contains(&trim(cell)))
    }
}

/// The names of so many columns, each one used once.
fn unique_names(header: &[String], width: usize) -> Vec<String> {
    let wanted: Vec<String> = (0..width)
        .map(|at| header.get(at).map_or("", String::as_str))
        .map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let taken: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    let mut used = BTreeSet::new();
    let mut names = Vec::new();
    for (at, name) in wanted.iter().enumerate() {
        let stem = if name.is_empty() { format!("column_{}", at + 1) } else { name.clone() };
        let (mut free, mut number) = (stem.clone(), 2);
        while used.contains(&free) || (free != *name && taken.contains(free.as_str())) {
            free = format!("{stem}_{number}");
            number += 1;
        }
        used.insert(free.clone());
        names.push(free);
    }
    names
}
