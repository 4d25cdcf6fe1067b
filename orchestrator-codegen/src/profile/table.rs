//! Reads a file as the generated script does: text, delimiter, header, columns.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use csv::StringRecord;

use super::ProfileError;
use super::kind::{ColumnType, Kind, Kinds, classify};
use crate::rules::{DELIMITERS, FIELD_CHARS_MAX, MISSING, NO_DELIMITER, SAMPLE_RECORDS, trim};

/// A file that has been read: its dialect, and its rows as they are.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) delimiter: Option<char>,
    pub(super) header: bool,
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<StringRecord>,
    pub(super) blank_lines: usize,
}

/// The text of the bytes, or the line that is none.
pub(super) fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, ProfileError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(ProfileError::Utf16 { file: file.into() });
    }
    let zero = bytes.iter().position(|&byte| byte == 0);
    let (text, fault) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, zero),
        Err(error) => {
            ("", Some(zero.map_or(error.valid_up_to(), |zero| zero.min(error.valid_up_to()))))
        }
    };
    if let Some(at) = fault {
        return Err(ProfileError::NotText {
            file: file.into(),
            line: 1 + line_ends(&bytes[..at], bytes.get(at)),
            byte: bytes[at],
        });
    }
    let text = text.trim_start_matches('\u{feff}');
    if trim(text).is_empty() {
        return Err(ProfileError::Empty { file: file.into() });
    }
    Ok(text)
}

/// How many lines end in these bytes; `next` is the byte after them.
fn line_ends(bytes: &[u8], next: Option<&u8>) -> u64 {
    let mut count = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let after = bytes.get(at + 1).or(next);
        count += u64::from(byte == b'\n' || (byte == b'\r' && after != Some(&b'\n')));
    }
    count
}

impl Table {
    pub(super) fn read(file: &str, text: &str) -> Result<Table, ProfileError> {
        let delimiter = sniff_delimiter(text);
        let sample = records(text, delimiter, SAMPLE_RECORDS).records;
        let all = records(text, delimiter, usize::MAX);
        if let Some(line) = all.long_field {
            return Err(ProfileError::LongField { file: file.into(), line });
        }
        if let Some(line) = all.open_quote {
            return Err(ProfileError::OpenQuote { file: file.into(), line });
        }
        if sample.is_empty() {
            return Err(ProfileError::Empty { file: file.into() });
        }
        let header = has_header(&sample, delimiter);
        let mut rows = all.records;
        let first = if header {
            rows.remove(0).iter().map(|cell| trim(cell).to_owned()).collect()
        } else {
            Vec::new()
        };
        Ok(Table {
            delimiter,
            header,
            names: names(&first, &rows),
            rows,
            blank_lines: all.blank_lines,
        })
    }

    pub(super) fn decimal_comma(&self) -> bool {
        self.delimiter == Some(';')
    }

    /// The trimmed cells of a row; `None` if their number is wrong.
    pub(super) fn cells<'a>(&self, row: &'a StringRecord) -> Option<Vec<&'a str>> {
        let width = self.names.len();
        let surplus_empty = row.iter().skip(width).all(|cell| trim(cell).is_empty());
        (row.len() >= width && surplus_empty).then(|| row.iter().take(width).map(trim).collect())
    }

    /// Whether no cell of the row, however many there are, holds a value.
    pub(super) fn is_empty(row: &StringRecord) -> bool {
        row.iter().all(|cell| MISSING.contains(&trim(cell)))
    }
}

struct Records {
    records: Vec<StringRecord>,
    blank_lines: usize,
    open_quote: Option<u64>,
    long_field: Option<u64>,
}

/// Reads up to `count` records. A record after the end of the text shows whether a quote is still open there.
fn records(text: &str, delimiter: Option<char>, count: usize) -> Records {
    const END: &str = "\u{1}";
    let delimiter = delimiter.map_or(NO_DELIMITER, |mark| mark as u8);
    let tail = format!("\n{END}");
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes().chain(tail.as_bytes()));
    let mut found =
        Records { records: Vec::new(), blank_lines: 0, open_quote: None, long_field: None };
    let mut unquoted_blank = 0;
    for record in reader.records() {
        let record = record.expect("text in memory, of any widths, is readable");
        if record.iter().any(is_too_long) {
            found.long_field = Some(line_of(text, &record, 0));
            return found;
        }
        let alone = record.len() == 1;
        if alone && !record[0].is_empty() && trim(&record[0]).is_empty() {
            unquoted_blank += 1;
            continue;
        }
        found.records.push(record);
        if found.records.len() == count {
            return found;
        }
    }
    let last = found.records.pop().expect("the end itself is a record");
    if last.len() != 1 || &last[0] != END {
        found.open_quote = Some(line_of(text, &last, last.len() - 1));
    }
    found.blank_lines = unquoted_blank + empty_lines(text, delimiter);
    found
}

fn is_too_long(cell: &str) -> bool {
    cell.len() > FIELD_CHARS_MAX && cell.chars().count() > FIELD_CHARS_MAX
}

/// The line on which this field of a record begins.
fn line_of(text: &str, record: &StringRecord, field: usize) -> u64 {
    let position = record.position().expect("a record that was read has a place");
    let start = usize::try_from(position.byte()).expect("it lies in memory");
    let skipped = text[start..].len() - text[start..].trim_start_matches(['\r', '\n']).len();
    let before = &text.as_bytes()[..start + skipped];
    let inside: u64 = record.iter().take(field).map(|cell| line_ends(cell.as_bytes(), None)).sum();
    1 + line_ends(before, text.as_bytes().get(start + skipped)) + inside
}

/// Lines without a single character outside quotes, which the reader passes over in silence.
fn empty_lines(text: &str, delimiter: u8) -> usize {
    let (mut count, mut quoted, mut field_start, mut line_start) = (0, false, true, true);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if quoted {
            if byte == b'"' {
                if bytes.get(at + 1) == Some(&b'"') {
                    at += 1;
                } else {
                    quoted = false;
                }
            }
        } else if byte == b'\n' || byte == b'\r' {
            if byte == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
                at += 1;
            }
            count += usize::from(line_start);
            (field_start, line_start) = (true, true);
            at += 1;
            continue;
        } else if byte == b'"' && field_start {
            quoted = true;
        }
        field_start = !quoted && byte == delimiter;
        line_start = false;
        at += 1;
    }
    count
}

fn sniff_delimiter(text: &str) -> Option<char> {
    let mut best = (0.0, None);
    for &candidate in DELIMITERS {
        let sample = records(text, Some(candidate), SAMPLE_RECORDS).records;
        let score = delimiter_score(&sample, candidate);
        if score > best.0 {
            best = (score, Some(candidate));
        }
    }
    best.1
}

/// The most frequent width, the greater of equals, and how many records have it.
fn usual_width(widths: &BTreeMap<usize, usize>) -> Option<(usize, usize)> {
    widths
        .iter()
        .map(|(&width, &count)| (width, count))
        .max_by_key(|&(width, count)| (count, width))
}

fn widths_of(records: &[StringRecord]) -> BTreeMap<usize, usize> {
    let mut widths = BTreeMap::new();
    for record in records {
        *widths.entry(record.len()).or_insert(0) += 1;
    }
    widths
}

fn delimiter_score(sample: &[StringRecord], delimiter: char) -> f64 {
    let Some((width, agreeing)) = usual_width(&widths_of(sample)) else {
        return 0.0;
    };
    let share = agreeing as f64 / sample.len() as f64;
    let punctuation = is_punctuation(sample);
    let phrases = punctuation && has_phrases(sample);
    if sample[0].len() < 2 || width < 2 || share < 0.5 || (share < 0.9 && punctuation) || phrases {
        return 0.0;
    }
    let kinds = Kinds::of(sample.iter().flatten().map(trim), delimiter == ';');
    let values = kinds.values();
    if values == 0 {
        return share;
    }
    share + (values - kinds.text) as f64 / values as f64
}

fn is_punctuation(sample: &[StringRecord]) -> bool {
    let after = || sample.iter().flat_map(|record| record.iter().skip(1));
    2 * after().filter(|cell| cell.starts_with(' ')).count() > after().count()
}

fn has_phrases(sample: &[StringRecord]) -> bool {
    let cells = || sample.iter().flatten().map(trim);
    cells().map(|cell| cell.matches(' ').count()).sum::<usize>() >= cells().count()
}

fn has_header(sample: &[StringRecord], delimiter: Option<char>) -> bool {
    let mut first: Vec<&str> = sample[0].iter().map(trim).collect();
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
        .map(|at| body.iter().filter_map(|record| record.get(at)).map(trim).collect())
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

/// The names of the columns; their number is the width that most rows have, else that of the header.
fn names(header: &[String], rows: &[StringRecord]) -> Vec<String> {
    let mut width = header.len();
    if let Some((usual, agreeing)) = usual_width(&widths_of(rows))
        && (header.is_empty() || 2 * agreeing > rows.len())
    {
        width = usual;
    }
    let named = header.get(width.wrapping_sub(1)).is_some_and(|name| !name.is_empty());
    let filled = rows.iter().any(|row| row.len() == width && !trim(&row[width - 1]).is_empty());
    if width > 1 && !named && !filled {
        width -= 1;
    }
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
