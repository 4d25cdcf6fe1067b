//! From bytes to text, and from delimited text to records.

use std::io::Read;

use super::ProfileError;
use crate::rules::{BLANKS, FIELD_CHARS_MAX, NO_DELIMITER, SAMPLE_RECORDS, trim};

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
pub(super) fn line_ends(bytes: &[u8], next: Option<&u8>) -> u64 {
    let mut count = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let after = bytes.get(at + 1).or(next);
        count += u64::from(byte == b'\n' || (byte == b'\r' && after != Some(&b'\n')));
    }
    count
}

/// The lines of a text, without their ends.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(length);
        let end = if tail.starts_with("\r\n") { 2 } else { tail.len().min(1) };
        rest = &tail[end..];
        Some(line)
    })
}

/// What was read, and why no more of it was.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) records: Vec<Vec<String>>,
    pub(super) blank_lines: usize,
    open_quote: Option<u64>,
    long_field: Option<u64>,
}

impl Records {
    /// The same, unless the reading ended before the text did.
    pub(super) fn whole(self, file: &str) -> Result<Records, ProfileError> {
        if let Some(line) = self.long_field {
            return Err(ProfileError::LongField { file: file.into(), line });
        }
        if let Some(line) = self.open_quote {
            return Err(ProfileError::OpenQuote { file: file.into(), line });
        }
        Ok(self)
    }
}

/// The first records that are no blank lines; fewer where the reading fails.
pub(super) fn sample(text: &str, delimiter: Option<char>) -> Vec<Vec<String>> {
    records(text, delimiter, SAMPLE_RECORDS).records
}

/// Reads up to `count` records. A record after the end of the text shows whether a quote is still open there.
pub(super) fn records(text: &str, delimiter: Option<char>, count: usize) -> Records {
    const END: &str = "\u{1}";
    if delimiter == Some(BLANKS) {
        return blank_delimited(text, count);
    }
    // A delimiter that is found out is ASCII.
    let delimiter = delimiter.map_or(NO_DELIMITER, |mark| mark as u8);
    let tail = format!("\n{END}");
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes().chain(tail.as_bytes()));
    let mut found = Records::default();
    let mut last = csv::StringRecord::new();
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
        found.records.push(record.iter().map(str::to_owned).collect());
        if found.records.len() == count {
            return found;
        }
        last = record;
    }
    found.records.pop();
    if last.len() != 1 || &last[0] != END {
        found.open_quote = Some(line_of(text, &last, last.len() - 1));
    }
    found.blank_lines = unquoted_blank + empty_lines(text, delimiter);
    found
}

fn is_too_long(cell: &str) -> bool {
    cell.len() > FIELD_CHARS_MAX && cell.chars().count() > FIELD_CHARS_MAX
}

/// Records whose cells runs of blanks delimit: here a quoted field ends on its line.
fn blank_delimited(text: &str, count: usize) -> Records {
    let mut found = Records::default();
    for (line, text) in (1..).zip(lines(text)) {
        let record = blank_delimited_line(text);
        if record.iter().any(|cell| is_too_long(cell)) {
            found.long_field = Some(line);
            return found;
        }
        if record.iter().all(|cell| trim(cell).is_empty()) {
            found.blank_lines += 1;
            continue;
        }
        found.records.push(record);
        if found.records.len() == count {
            return found;
        }
    }
    found
}

fn blank_delimited_line(text: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t']);
    while !rest.is_empty() {
        let (cell, length) = quoted(rest).unwrap_or_else(|| {
            let length = rest.find([' ', '\t']).unwrap_or(rest.len());
            (rest[..length].to_owned(), length)
        });
        cells.push(cell);
        rest = rest[length..].trim_start_matches([' ', '\t']);
    }
    cells
}

/// The quoted field that the text starts with, and its length; `None` if no blank follows it.
fn quoted(text: &str) -> Option<(String, usize)> {
    let bytes = text.as_bytes();
    let mut at = 1;
    if bytes[0] != b'"' {
        return None;
    }
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'"', Some(b'"')) => at += 2,
            (b'"', None | Some(b' ' | b'\t')) => {
                return Some((text[1..at].replace("\"\"", "\""), at + 1));
            }
            (b'"', _) => return None,
            _ => at += 1,
        }
    }
}

/// The line on which this field of a record begins.
fn line_of(text: &str, record: &csv::StringRecord, field: usize) -> u64 {
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
