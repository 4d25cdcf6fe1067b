//! Reads JSON as the generated script does: a document, or a value a line; numbers as they are written.
//!
//! Not by serde_json, because no number may lose digits, every record must know its line, and both languages must refuse the
//! same texts: like Python's `json`, this takes NaN and Infinity, and the last of equal names.

use std::collections::BTreeMap;
use std::ops::Range;

use super::DataFormat;
use super::ProfileError;
use super::records::{line_ends, lines};
use crate::rules::{
    DELIMITED_SUFFIXES, FIELD_CHARS_MAX, JSON_COLUMNS_MAX, JSON_LINES_SUFFIXES, JSON_NESTING_MAX,
    JSON_SUFFIXES,
};

/// A value; the members of an object in the order in which their names first occur.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// The records of a JSON file.
#[derive(Debug, Default)]
pub(super) struct JsonRecords {
    /// With the lines they start on.
    pub(super) values: Vec<(u64, Json)>,
    pub(super) blank_lines: usize,
    /// Lines that hold no JSON.
    pub(super) broken: usize,
    pub(super) assumed: Vec<String>,
    /// Where the elements of a document lie in its text; none where the whole document is one record.
    pub(super) spans: Vec<Range<usize>>,
}

/// Whether the file holds delimited text, one JSON document, or a JSON value a line; by its name, else its start.
pub(super) fn format_of(file: &str, text: &str) -> Result<DataFormat, ProfileError> {
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
pub(super) fn read_lines(file: &str, text: &str) -> Result<JsonRecords, ProfileError> {
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
pub(super) fn read_document(file: &str, text: &str) -> Result<JsonRecords, ProfileError> {
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

/// A table of the records: where its columns are, and its rows.
pub(super) struct Flat {
    pub(super) paths: Vec<Vec<String>>,
    /// How many records lack each column.
    pub(super) absent: Vec<u64>,
    pub(super) rows: Vec<Vec<String>>,
}

/// The records as rows of one width. The names of nested objects lead to the columns.
pub(super) fn flatten(file: &str, values: &[(u64, Json)]) -> Result<Flat, ProfileError> {
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
pub(super) fn rows(
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

fn write(value: &Json, text: &mut String) {
    match value {
        Json::Null => text.push_str("null"),
        Json::Bool(true) => text.push_str("true"),
        Json::Bool(false) => text.push_str("false"),
        Json::Number(number) => text.push_str(number),
        Json::Text(string) => write_string(string, text),
        Json::Array(parts) => {
            text.push('[');
            for (at, part) in parts.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                write(part, text);
            }
            text.push(']');
        }
        Json::Object(members) => {
            text.push('{');
            for (at, (name, part)) in members.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                write_string(name, text);
                text.push(':');
                write(part, text);
            }
            text.push('}');
        }
    }
}

fn write_string(string: &str, text: &mut String) {
    text.push_str(&serde_json::Value::from(string).to_string());
}

enum Fault {
    Damaged,
    Deep,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn mark(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.mark(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// The value that begins here, inside of `depth` others.
    fn value(&mut self, depth: usize) -> Result<Json, Fault> {
        for (word, value) in
            [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))]
        {
            if self.take(word) {
                return Ok(value);
            }
        }
        for word in ["NaN", "Infinity", "-Infinity"] {
            if self.take(word) {
                return Ok(Json::Number(word.to_owned()));
            }
        }
        match self.mark() {
            Some(b'"') => Ok(Json::Text(self.string()?)),
            Some(b'[') => self.array(depth + 1),
            Some(b'{') => self.object(depth + 1),
            _ => self.number(),
        }
    }

    /// Steps to the first part of an array or object; `None` if it has none.
    fn enter(&mut self, close: u8, depth: usize) -> Result<Option<()>, Fault> {
        self.at += 1;
        self.blanks();
        if self.mark() == Some(close) {
            self.at += 1;
            return Ok(None);
        }
        if depth > JSON_NESTING_MAX { Err(Fault::Deep) } else { Ok(Some(())) }
    }

    /// Steps over a comma; false at the end.
    fn more(&mut self, close: u8) -> Result<bool, Fault> {
        self.blanks();
        let mark = self.mark();
        self.at += 1;
        match mark {
            Some(b',') => {
                self.blanks();
                Ok(true)
            }
            Some(mark) if mark == close => Ok(false),
            _ => Err(Fault::Damaged),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, Fault> {
        let mut parts = Vec::new();
        if self.enter(b']', depth)?.is_some() {
            loop {
                parts.push(self.value(depth)?);
                if !self.more(b']')? {
                    break;
                }
            }
        }
        Ok(Json::Array(parts))
    }

    fn object(&mut self, depth: usize) -> Result<Json, Fault> {
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        if self.enter(b'}', depth)?.is_some() {
            loop {
                if self.mark() != Some(b'"') {
                    return Err(Fault::Damaged);
                }
                let name = self.string()?;
                self.blanks();
                if !self.take(":") {
                    return Err(Fault::Damaged);
                }
                self.blanks();
                let value = self.value(depth)?;
                match places.get(&name) {
                    Some(&at) => members[at].1 = value,
                    None => {
                        places.insert(name.clone(), members.len());
                        members.push((name, value));
                    }
                }
                if !self.more(b'}')? {
                    break;
                }
            }
        }
        Ok(Json::Object(members))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.mark().is_some_and(|mark| mark.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    /// A number; what follows it and does not belong to it is left.
    fn number(&mut self) -> Result<Json, Fault> {
        let start = self.at;
        let _sign = self.take("-");
        if !self.take("0") && self.digits() == 0 {
            return Err(Fault::Damaged);
        }
        let whole = self.at;
        if !(self.take(".") && self.digits() > 0) {
            self.at = whole;
        }
        let mantissa = self.at;
        let exponent = self.take("e") || self.take("E");
        let _sign = exponent && (self.take("+") || self.take("-"));
        if !(exponent && self.digits() > 0) {
            self.at = mantissa;
        }
        Ok(Json::Number(self.text[start..self.at].to_owned()))
    }

    fn string(&mut self) -> Result<String, Fault> {
        let mut string = String::new();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let length = rest.find(|mark| mark == '"' || mark == '\\' || mark < ' ');
            let length = length.ok_or(Fault::Damaged)?;
            string.push_str(&rest[..length]);
            self.at += length + 1;
            match rest.as_bytes()[length] {
                b'"' => return Ok(string),
                b'\\' => string.push(self.escape()?),
                _ => return Err(Fault::Damaged),
            }
        }
    }

    /// What follows a backslash. Half of a surrogate pair is no character.
    fn escape(&mut self) -> Result<char, Fault> {
        let mark = self.mark().ok_or(Fault::Damaged)?;
        self.at += 1;
        Ok(match mark {
            b'"' | b'\\' | b'/' => char::from(mark),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hexadecimal()?;
                let behind = self.at;
                if (0xd800..0xdc00).contains(&high) && self.take("\\u") {
                    match self.hexadecimal() {
                        Ok(low) if (0xdc00..0xe000).contains(&low) => {
                            let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                        }
                        _ => self.at = behind,
                    }
                }
                char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(Fault::Damaged),
        })
    }

    fn hexadecimal(&mut self) -> Result<u32, Fault> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(Fault::Damaged)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Fault::Damaged);
        }
        let code = u32::from_str_radix(&self.text[self.at..self.at + 4], 16);
        self.at += 4;
        code.map_err(|_| Fault::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
