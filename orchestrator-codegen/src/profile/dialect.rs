//! How a file of cells is to be read: its delimiter, what stands before the table, and whether there is a header. The script's
//! functions of the same names are the same in Python; `tests/` compares them.

use std::collections::{BTreeMap, BTreeSet};

use super::column::{ColumnType, Kinds};
use super::kind::{Kind, classify};
use super::records::sample;
use crate::rules::{BLANKS, DELIMITERS, MISSING, PREAMBLE_MAX, trim};

/// What the first records tell.
#[derive(Debug, Default)]
pub(super) struct Dialect {
    pub(super) delimiter: Option<char>,
    /// Records before the header.
    pub(super) preamble: usize,
    pub(super) header: bool,
    /// The header has no name for the first column.
    pub(super) row_names: bool,
    /// What was taken for granted.
    pub(super) assumed: Vec<String>,
}

impl Dialect {
    pub(super) fn of(delimiter: Option<char>, sample: &[Vec<String>]) -> Dialect {
        let preamble = preamble_of(sample);
        let mut assumed = Vec::new();
        if preamble > 0 {
            assumed.push(format!("{preamble} records before the table are a title or comments"));
        }
        if delimiter == Some(BLANKS) {
            assumed.push("runs of blanks delimit the cells".to_owned());
        }
        let sample = &sample[preamble..];
        let header = !sample.is_empty() && has_header(sample, delimiter);
        if !sample.is_empty() && !header {
            let numbered = "the first record holds values, and the columns are numbered";
            assumed.push(format!("there is no header: {numbered}"));
        }
        let row_names = header && has_row_names(sample);
        if row_names {
            let first = "the first column has none";
            assumed.push(format!("the header has one name less than there are columns: {first}"));
        }
        Dialect { delimiter, preamble, header, row_names, assumed }
    }

    /// The names in the header; "" for a column that has none.
    pub(super) fn names_of(&self, record: &[String]) -> Vec<String> {
        let mut names: Vec<&str> = trimmed(record);
        if names.iter().all(|name| name.chars().count() > 2 && is_single_quoted(name)) {
            names = names.iter().map(|name| &name[1..name.len() - 1]).collect();
        }
        if names[0].starts_with('#') && self.preamble + names.len() > 1 {
            names[0] = names[0].trim_start_matches(['#', ' ']);
        }
        let first = self.row_names.then_some("");
        first.into_iter().chain(names).map(str::to_owned).collect()
    }
}

fn is_single_quoted(name: &str) -> bool {
    name.starts_with('\'') && name.ends_with('\'')
}

fn trimmed(record: &[String]) -> Vec<&str> {
    record.iter().map(|cell| trim(cell)).collect()
}

/// The delimiter under which the records agree best on their number of cells.
pub(super) fn sniff_delimiter(text: &str) -> Option<char> {
    let mut best = (0.0, None);
    for &candidate in DELIMITERS {
        let score = delimiter_score(&sample(text, Some(candidate)), candidate);
        if score > best.0 {
            best = (score, Some(candidate));
        }
    }
    if best.1.is_none() && blanks_delimit(&sample(text, Some(BLANKS))) {
        return Some(BLANKS);
    }
    best.1
}

/// The most frequent width, the greater of equals, and how many records have it.
pub(super) fn usual_width(records: &[Vec<String>]) -> (usize, usize) {
    let mut widths = BTreeMap::new();
    for record in records {
        *widths.entry(record.len()).or_insert(0) += 1;
    }
    widths.into_iter().max_by_key(|&(width, count)| (count, width)).unwrap_or_default()
}

/// The share of records of the usual width plus the share of cells that are typed; 0 if this is no delimiter.
fn delimiter_score(sample: &[Vec<String>], delimiter: char) -> f64 {
    let start = preamble_of(sample);
    let sample = &sample[start..];
    if sample.first().is_none_or(|record| record.len() < 2) {
        return 0.0;
    }
    let (width, agreeing) = usual_width(sample);
    let share = agreeing as f64 / sample.len() as f64;
    let punctuation = is_punctuation(sample);
    let phrases = punctuation && has_phrases(sample);
    if width < 2 || share < 0.5 || (share < 0.9 && punctuation) || phrases {
        return 0.0;
    }
    if start > 0 && (punctuation || share < if width == 2 { 0.9 } else { 0.75 }) {
        return 0.0;
    }
    let kinds = Kinds::of(sample.iter().flatten().map(|cell| trim(cell)), delimiter == ';');
    let values = kinds.values();
    if values == 0 {
        return share;
    }
    share + (values - kinds.text) as f64 / values as f64
}

/// Whether blanks stand between cells and not between words: rows of one width, of which most cells are numbers.
fn blanks_delimit(sample: &[Vec<String>]) -> bool {
    let sample = &sample[preamble_of(sample)..];
    let (width, agreeing) = usual_width(sample);
    if sample.len() < 2
        || width < 2
        || (agreeing as f64) < 0.9 * sample.len() as f64
        || !(width - 1..=width).contains(&sample[0].len())
    {
        return false;
    }
    let body = &sample[1..];
    let wholes: Vec<String> = body.iter().map(|record| trimmed(record).join(" ")).collect();
    let whole = Kinds::of(wholes.iter().map(String::as_str), false);
    let kinds = Kinds::of(body.iter().flatten().map(|cell| trim(cell)), false);
    let numbers = kinds.integer + kinds.float + kinds.missing;
    2 * whole.text > body.len() && 2 * numbers > kinds.values() + kinds.missing
}

/// How many records stand before the header or the first row: a title, comments. They are narrower than the table.
///
/// Narrow is a record of which one cell at most is filled, and that with text; one of less than half the usual width;
/// and a comment, after #, of another width than the usual one.
fn preamble_of(sample: &[Vec<String>]) -> usize {
    let (width, _) = usual_width(sample);
    for (at, record) in sample.iter().take(PREAMBLE_MAX + 1).enumerate() {
        let filled: Vec<&str> =
            trimmed(record).into_iter().filter(|cell| !cell.is_empty()).collect();
        let comment = trim(&record[0]).starts_with('#') && record.len() != width;
        let texts = || filled.len() == 1 && classify(filled[0], false) == Kind::Text;
        let title = filled.len() <= 1 && (record.len() < width || texts());
        if width < 2 || !(comment || title || 2 * record.len() < width) {
            return if at <= PREAMBLE_MAX { at } else { 0 };
        }
    }
    0
}

fn is_punctuation(sample: &[Vec<String>]) -> bool {
    let after = || sample.iter().flat_map(|record| record.iter().skip(1));
    2 * after().filter(|cell| cell.starts_with(' ')).count() > after().count()
}

fn has_phrases(sample: &[Vec<String>]) -> bool {
    let cells = || sample.iter().flatten().map(|cell| trim(cell));
    cells().map(|cell| cell.matches(' ').count()).sum::<usize>() >= cells().count()
}

fn has_header(sample: &[Vec<String>], delimiter: Option<char>) -> bool {
    let mut first = trimmed(&sample[0]);
    if has_row_names(sample) {
        first.insert(0, "");
    }
    while first.last().is_some_and(|cell| cell.is_empty()) {
        first.pop();
    }
    let body = &sample[1..];
    let decimal_comma = delimiter == Some(';');
    let own: Vec<Kind> = first.iter().map(|cell| classify(cell, decimal_comma)).collect();
    let distinct: BTreeSet<&str> = first.iter().copied().collect();
    if body.is_empty() {
        let names = own.iter().all(|&kind| kind == Kind::Text);
        return !first.is_empty() && names && distinct.len() == first.len();
    }
    let columns: Vec<Vec<&str>> = (0..first.len())
        .map(|at| body.iter().filter_map(|record| record.get(at)).map(|cell| trim(cell)).collect())
        .collect();
    let years = year_names(&first, &columns);
    let (mut data, mut named) = (false, false);
    for (at, column) in columns.iter().enumerate() {
        let kinds = Kinds::of(column.iter().copied(), decimal_comma);
        match header_vote(own[at], &kinds) {
            _ if years.contains(&at) => named = true,
            Some(Vote::Data) => data = true,
            Some(Vote::Name) => named = true,
            None => {}
        }
    }
    if data || named {
        return !data;
    }
    let filled: Vec<&str> = first.iter().copied().filter(|cell| !cell.is_empty()).collect();
    let unique = filled.iter().collect::<BTreeSet<_>>().len() == filled.len();
    let recurs =
        first.iter().zip(&columns).any(|(cell, column)| !cell.is_empty() && column.contains(cell));
    let gaps = filled.iter().any(|cell| MISSING.contains(cell));
    let prose = filled.iter().all(|cell| is_sentence(cell));
    !filled.is_empty() && unique && !recurs && !gaps && !prose
}

/// Whether the header, if there is one, has a name for every column but the first, which tells the rows apart.
fn has_row_names(sample: &[Vec<String>]) -> bool {
    let width = sample[0].len() + 1;
    let body: Vec<&Vec<String>> =
        sample[1..].iter().filter(|record| record.len() == width).collect();
    let names: BTreeSet<&str> = body.iter().map(|record| trim(&record[0])).collect();
    let ends = body.iter().any(|record| !trim(&record[width - 1]).is_empty());
    let most = 2 * body.len() > sample.len() - 1;
    most && ends && names.len() == body.len() && !names.iter().any(|name| MISSING.contains(name))
}

enum Vote {
    Data,
    Name,
}

fn header_vote(own: Kind, kinds: &Kinds) -> Option<Vote> {
    let column = kinds.column_type();
    if own == Kind::Code && kinds.code > 0 {
        return Some(Vote::Data);
    }
    if own == Kind::Missing || matches!(column, ColumnType::Text | ColumnType::Empty) {
        return None;
    }
    Some(if kinds.accepts(column, own) { Vote::Data } else { Vote::Name })
}

fn year(cell: &str) -> Option<u32> {
    let digits = cell.len() == 4 && cell.bytes().all(|byte| byte.is_ascii_digit());
    let year = digits.then(|| cell.parse().expect("four digits"))?;
    (1800..=2100).contains(&year).then_some(year)
}

fn year_names(first: &[&str], columns: &[Vec<&str>]) -> BTreeSet<usize> {
    let years: Vec<(usize, i64)> = first
        .iter()
        .enumerate()
        .filter_map(|(at, cell)| Some((at, i64::from(year(cell)?))))
        .collect();
    let steps: BTreeSet<i64> = years.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    if steps.len() != 1 || steps.contains(&0) {
        return BTreeSet::new();
    }
    let below = || {
        let cells = years.iter().flat_map(|&(at, _)| &columns[at]);
        cells.filter(|cell| !MISSING.contains(cell))
    };
    if 2 * below().filter(|cell| year(cell).is_some()).count() >= below().count() {
        return BTreeSet::new();
    }
    years.into_iter().map(|(at, _)| at).collect()
}

fn is_sentence(cell: &str) -> bool {
    let length = cell.chars().count();
    length > 100 || (length >= 20 && cell.contains(' ') && cell.ends_with(['.', '!']))
}
