//! The records of a JSON file, and whether a file is one.

use std::collections::BTreeMap;
use std::ops::Range;

use super::value::{Fault, Json, Parser};
use crate::profile::records::{line_ends, lines};
use crate::profile::{DataFormat, ProfileError};
use crate::rules::{DELIMITED_SUFFIXES, JSON_LINES_SUFFIXES, JSON_SUFFIXES};

/// The records of a JSON file.
#[derive(Debug, Default)]
pub(crate) struct JsonRecords {
    /// With the lines they start on.
    pub(crate) values: Vec<(u64, Json)>,
    pub(crate) blank_lines: usize,
    /// Lines that hold no JSON.
    pub(crate) broken: usize,
    pub(crate) assumed: Vec<String>,
    /// Where the elements of a document lie in its text; none where the whole document is one record.
    pub(crate) spans: Vec<Range<usize>>,
}

/// Whether the file holds delimited text, one JSON document, or a JSON value a line; by its name, else its start.
pub(crate) fn format_of(file: &str, text: &str) -> Result<DataFormat, ProfileError> {
    let name = file.to_lowercase();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    if ends(JSON_LINES_SUFFIXES) {
        return Ok(DataFormat::JsonLines);
    }
    let mut filled = lines(text).map(bare).filter(|line| !line.is_empty());
    let first = filled.next().unwrap_or_default();
    if ends(DELIMITED_SUFFIXES) || !(ends(JSON_SUFFIXES) || first.starts_with(['[', '{'])) {
        return Ok(DataFormat::Delimited);
    }
    let alone = line_value(file, 1, first)?.is_some();
    Ok(if alone && filled.next().is_some() { DataFormat::JsonLines } else { DataFormat::Json })
}

fn bare(line: &str) -> &str {
    line.trim_matches([' ', '\t', '\r', '\n', '\u{feff}'])
}

/// The records of a file with a value a line.
pub(crate) fn read_lines(file: &str, text: &str) -> Result<JsonRecords, ProfileError> {
    let mut found = JsonRecords::default();
    let mut damage = None;
    for (line, text) in (1..).zip(lines(text)) {
        let text = bare(text);
        if text.is_empty() {
            found.blank_lines += 1;
        } else if let Some(value) = line_value(file, line, text)? {
            found.values.push((line, value));
        } else {
            damage = damage.or(Some(line));
            found.broken += 1;
        }
    }
    match damage {
        Some(line) if found.values.is_empty() => {
            Err(ProfileError::DamagedJson { file: file.into(), line })
        }
        _ => Ok(found),
    }
}

/// The value of a line; `None` where it holds none.
fn line_value(file: &str, line: u64, text: &str) -> Result<Option<Json>, ProfileError> {
    let mut parser = Parser { text, at: 0 };
    match parser.value(0) {
        Ok(value) => Ok((parser.at == text.len()).then_some(value)),
        Err(Fault::Damaged) => Ok(None),
        Err(Fault::Deep) => Err(ProfileError::DeepJson { file: file.into(), line }),
    }
}

/// The records of a document.
pub(crate) fn read_document(file: &str, text: &str) -> Result<JsonRecords, ProfileError> {
    let parser = Parser { text, at: 0 };
    let mut document = Document { file, parser, counted: (0, 1), end: 0, spans: Vec::new() };
    document.parser.blanks();
    let start = document.parser.at;
    let mut found = JsonRecords::default();
    match document.parser.mark() {
        Some(b'[') => found.values = document.elements()?,
        Some(b'{') => {
            let members = document.members()?;
            document.ends()?;
            found.assumed.push(document.choose(start, &members, &mut found.values)?);
            found.spans = document.spans;
            return Ok(found);
        }
        _ => {
            let line = document.line();
            found.values = vec![(line, document.value()?)];
        }
    }
    document.ends()?;
    found.spans = document.spans;
    Ok(found)
}

struct Document<'a> {
    file: &'a str,
    parser: Parser<'a>,
    /// A place, and its line.
    counted: (usize, u64),
    /// Where the last value ended.
    end: usize,
    /// Of the elements that were read.
    spans: Vec<Range<usize>>,
}

impl Document<'_> {
    fn line(&mut self) -> u64 {
        let at = self.parser.at;
        let (start, line) = if self.counted.0 <= at { self.counted } else { (0, 1) };
        let bytes = self.parser.text.as_bytes();
        self.counted = (at, line + line_ends(&bytes[start..at], bytes.get(at)));
        self.counted.1
    }

    fn damaged<T>(&mut self) -> Result<T, ProfileError> {
        Err(ProfileError::DamagedJson { file: self.file.into(), line: self.line() })
    }

    /// The value that begins here, and the blanks behind it.
    fn value(&mut self) -> Result<Json, ProfileError> {
        let line = self.line();
        let value = self.parser.value(0).map_err(|fault| match fault {
            Fault::Damaged => ProfileError::DamagedJson { file: self.file.into(), line },
            Fault::Deep => ProfileError::DeepJson { file: self.file.into(), line },
        })?;
        self.end = self.parser.at;
        self.parser.blanks();
        Ok(value)
    }

    /// The mark that stands here, if it is one of these.
    fn expect(&mut self, marks: &[u8]) -> Result<u8, ProfileError> {
        match self.parser.mark() {
            Some(mark) if marks.contains(&mark) => Ok(mark),
            _ => self.damaged(),
        }
    }

    fn step(&mut self) {
        self.parser.at += 1;
        self.parser.blanks();
    }

    /// The elements of the array that begins here, with their lines.
    fn elements(&mut self) -> Result<Vec<(u64, Json)>, ProfileError> {
        let mut elements = Vec::new();
        self.step();
        if self.parser.mark() == Some(b']') {
            self.step();
            return Ok(elements);
        }
        loop {
            let (line, start) = (self.line(), self.parser.at);
            elements.push((line, self.value()?));
            self.spans.push(start..self.end);
            let mark = self.expect(b",]")?;
            self.step();
            if mark == b']' {
                return Ok(elements);
            }
        }
    }

    /// The members of the object that begins here: key, place and value.
    fn members(&mut self) -> Result<Vec<(String, usize, Json)>, ProfileError> {
        let mut members = Vec::new();
        self.step();
        while self.parser.mark() != Some(b'}') {
            self.expect(b"\"")?;
            let Json::Text(key) = self.value()? else {
                return self.damaged();
            };
            self.expect(b":")?;
            self.step();
            let place = self.parser.at;
            members.push((key, place, self.value()?));
            if self.expect(b",}")? == b'}' {
                break;
            }
            self.step();
            self.expect(b"\"")?;
        }
        self.step();
        Ok(members)
    }

    fn ends(&mut self) -> Result<(), ProfileError> {
        if self.parser.at < self.parser.text.len() { self.damaged() } else { Ok(()) }
    }

    /// Takes the records from the member that holds them, or the whole object for one; says what it took.
    fn choose(
        &mut self,
        start: usize,
        members: &[(String, usize, Json)],
        values: &mut Vec<(u64, Json)>,
    ) -> Result<String, ProfileError> {
        let mut keys: Vec<&str> = Vec::new();
        let mut last = BTreeMap::new();
        for (key, place, value) in members {
            if last.insert(key.as_str(), (*place, value)).is_none() {
                keys.push(key);
            }
        }
        let tables: Vec<&str> = keys.iter().copied().filter(|key| is_table(last[key].1)).collect();
        if tables.len() > 1 {
            let members = tables.join(", ");
            return Err(ProfileError::ManyMembers { file: self.file.into(), members });
        }
        let Some(&table) = tables.first() else {
            self.parser.at = start;
            let line = self.line();
            values.push((line, self.value()?));
            return Ok("the whole document is one record".to_owned());
        };
        self.parser.at = last[table].0;
        *values = self.elements()?;
        let rest: Vec<&str> = keys.into_iter().filter(|&key| key != table).collect();
        let left = if rest.is_empty() {
            String::new()
        } else {
            format!("; left out: {}", rest.join(", "))
        };
        Ok(format!("the records are in the member {table}{left}"))
    }
}

/// Whether this is an array of objects.
fn is_table(value: &Json) -> bool {
    let object = |part: &Json| matches!(part, Json::Object(_));
    matches!(value, Json::Array(parts) if !parts.is_empty() && parts.iter().all(object))
}

#[cfg(test)]
mod tests {
    use super::super::value::write;
    use super::*;
    use crate::rules::JSON_NESTING_MAX;

    fn written(text: &str) -> Option<String> {
        let value = line_value("t", 1, text).ok()??;
        let mut found = String::new();
        write(&value, &mut found);
        Some(found)
    }

    #[test]
    fn values_are_read_as_python_reads_them() {
        for (text, wanted) in [
            (
                "[1, -0, 1.50, 1E400, 123456789012345678901]",
                "[1,-0,1.50,1E400,123456789012345678901]",
            ),
            ("{\"a\": 1, \"b\": {}, \"a\": [NaN, -Infinity]}", "{\"a\":[NaN,-Infinity],\"b\":{}}"),
            (r#""\u00e9\ud83d\ude00\ud83d\n\/\\""#, "\"é😀\u{fffd}\\n/\\\\\""),
            ("[ ]", "[]"),
        ] {
            assert_eq!(written(text).as_deref(), Some(wanted), "{text}");
        }
        for text in [
            "01",
            "1.",
            "-",
            "[1,]",
            "{1:2}",
            "\"a\tb\"",
            "\"\\x\"",
            "\"\\ud8\"",
            "nul",
            "'a'",
            "[1 2]",
            "\"",
            "",
        ] {
            assert_eq!(written(text), None, "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + "1" + &"]".repeat(depth);
        assert!(written(&nested(JSON_NESTING_MAX)).is_some());
        let error = line_value("t", 7, &nested(JSON_NESTING_MAX + 1)).unwrap_err();
        assert!(
            error.to_string().contains("t, line 7: the JSON is nested more than 64 levels"),
            "{error}"
        );
    }
}
