//! Where the records of a file lie in its bytes, so that some of them can be taken and the rest left, and what is left is a file still.

use std::ops::Range;

use super::dialect::{Dialect, sniff_delimiter};
use super::json;
use super::records::{self, sample};
use super::{DataFormat, ProfileError};
use crate::rules::{BLANKS, SAMPLE_RECORDS, trim};

/// A file is what stands before its records (title and header, or the beginning of a document), records, and what closes a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Where the first record begins that holds data.
    pub(crate) start: usize,
    /// The records that hold data, without what separates them in a document; with the end of the line in other files.
    pub(crate) records: Vec<Range<usize>>,
    /// Where the last one ends.
    pub(crate) end: usize,
    /// What stands between two records, where they do not end their lines themselves.
    pub(crate) separator: &'static str,
}

impl Frame {
    /// The frame of a file's content; `file` is its name, which says the format.
    ///
    /// # Errors
    /// When the content cannot be read as far as its records.
    pub(crate) fn of(file: &str, bytes: &[u8]) -> Result<Frame, ProfileError> {
        let text = records::decode(file, bytes)?;
        // Byte order marks are no part of the text.
        let marks = bytes.len() - text.len();
        let mut frame = match json::format_of(file, text)? {
            DataFormat::Delimited => Frame::of_lines(text, sniff_delimiter(text)),
            DataFormat::JsonLines => Frame::of_json_lines(file, text)?,
            DataFormat::Json => Frame::of_document(file, text)?,
        };
        frame.start += marks;
        frame.end += marks;
        for record in &mut frame.records {
            *record = record.start + marks..record.end + marks;
        }
        Ok(frame)
    }

    fn of_lines(text: &str, delimiter: Option<char>) -> Frame {
        let dialect = Dialect::of(delimiter, &sample(text, delimiter));
        let mut records = match delimiter {
            Some(BLANKS) => spans(text, |_| false, false),
            Some(mark) => spans(text, |byte| char::from(byte) == mark, true),
            None => spans(text, |_| false, true),
        };
        let head = dialect.preamble + usize::from(dialect.header);
        records.drain(..head.min(records.len()));
        Frame::without(records, text, "")
    }

    fn of_json_lines(file: &str, text: &str) -> Result<Frame, ProfileError> {
        let found = json::read_lines(file, text)?;
        let mut records = spans(text, |_| false, false);
        let head = names(file, &found)?;
        records.drain(..head.min(records.len()));
        Ok(Frame::without(records, text, ""))
    }

    fn of_document(file: &str, text: &str) -> Result<Frame, ProfileError> {
        let found = json::read_document(file, text)?;
        let head = names(file, &found)?;
        let mut records = found.spans;
        records.drain(..head.min(records.len()));
        Ok(Frame::without(records, text, ",\n"))
    }

    fn without(records: Vec<Range<usize>>, text: &str, separator: &'static str) -> Frame {
        let start = records.first().map_or(text.len(), |record| record.start);
        let end = records.last().map_or(text.len(), |record| record.end);
        Frame { start, records, end, separator }
    }
}

/// How many of the records hold no data, where records are arrays: a title, and the names of the columns.
fn names(file: &str, found: &json::JsonRecords) -> Result<usize, ProfileError> {
    let sample = &found.values[..found.values.len().min(SAMPLE_RECORDS)];
    Ok(json::rows(file, sample)?.map_or(0, |rows| {
        let dialect = Dialect::of(None, &rows);
        dialect.preamble + usize::from(dialect.header)
    }))
}

/// The records of lines, with the ends of their lines; those without any text are left out. A line ends in LF, CRLF or CR, but,
/// where `quotes` matter, not in those that were opened where a field starts.
fn spans(text: &str, delimits: impl Fn(u8) -> bool, quotes: bool) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut records = Vec::new();
    let mut push = |span: Range<usize>| {
        if !trim(&text[span.clone()]).is_empty() {
            records.push(span);
        }
    };
    let (mut start, mut at, mut quoted) = (0, 0, false);
    let mut field_starts = quotes;
    while at < bytes.len() {
        let byte = bytes[at];
        let next = bytes.get(at + 1);
        at += 1;
        if quoted {
            match (byte, next) {
                (b'"', Some(b'"')) => at += 1,
                (b'"', _) => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' if field_starts => quoted = true,
            b'\r' if next == Some(&b'\n') => {}
            b'\n' | b'\r' => {
                push(start..at);
                start = at;
            }
            _ => {}
        }
        field_starts = quotes && (byte == b'\n' || byte == b'\r' || delimits(byte));
    }
    push(start..bytes.len());
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands before the records, each record, and what stands behind them.
    fn parts<'a>(file: &str, text: &'a str) -> (&'a str, Vec<&'a str>, &'a str) {
        let frame = Frame::of(file, text.as_bytes()).unwrap();
        let records = frame.records.iter().map(|record| &text[record.clone()]).collect();
        (&text[..frame.start], records, &text[frame.end..])
    }

    #[test]
    fn a_line_in_quotes_is_no_end() {
        let (head, records, tail) = parts("t.csv", "a,b\n1,\"x\ny\"\n\n2,z");
        assert_eq!((head, tail), ("a,b\n", ""));
        assert_eq!(records, ["1,\"x\ny\"\n", "2,z"]);
        let (_, records, _) = parts("t.csv", "a;b\r\"1\r2\";x\r3;y\r");
        assert_eq!(records, ["\"1\r2\";x\r", "3;y\r"]);
        // A quote after a mark that delimits nothing here is none.
        let (_, records, _) = parts("t.csv", "a;b\n1;x,\"\n2;y,\"\n");
        assert_eq!(records, ["1;x,\"\n", "2;y,\"\n"]);
        let (head, records, _) = parts("t.csv", "\u{feff}\"a\nb\",c\n1,2\n");
        assert_eq!((head, &records[..]), ("\u{feff}\"a\nb\",c\n", &["1,2\n"][..]));
        let (_, records, _) = parts("t.txt", "a b\n1 \"2\n3 4\n5 6\n7 8\n9 1\n");
        assert_eq!(records[0], "1 \"2\n", "where blanks delimit, a quote ends with its line");
    }

    #[test]
    fn a_title_and_names_stand_before_the_records() {
        let titled = "Sales of the year,,\n\ncity,n,v\nRome,1,2\nBonn,3,4\nKiel,3,4\n";
        let (head, records, _) = parts("t.csv", titled);
        assert_eq!(head, "Sales of the year,,\n\ncity,n,v\n");
        assert_eq!(records.len(), 3);
        let (head, records, _) = parts("t.csv", "1,2,x\n3,4,y\n5,6,z\n");
        assert_eq!((head, records.len()), ("", 3), "without a header all records hold data");
    }

    #[test]
    fn json_has_records_inside_and_lines() {
        let (head, records, tail) = parts("t.json", " [{\"a\": [1, 2]},\n {\"a\": null} , 5]\n");
        assert_eq!((head, tail), (" [", "]\n"));
        assert_eq!(records, ["{\"a\": [1, 2]}", "{\"a\": null}", "5"]);
        let member = "{\"total\": [7, 8], \"data\": [{\"a\": 1},\n{\"a\": 2}], \"next\": null}";
        let (head, records, tail) = parts("t.json", member);
        assert_eq!((head, tail), ("{\"total\": [7, 8], \"data\": [", "], \"next\": null}"));
        assert_eq!(records, ["{\"a\": 1}", "{\"a\": 2}"]);
        let (head, records, tail) = parts("t.json", "[[\"name\", \"n\"], [\"x\", 1], [\"y\", 2]]");
        assert_eq!((head, tail), ("[[\"name\", \"n\"], ", "]"));
        assert_eq!(records, ["[\"x\", 1]", "[\"y\", 2]"]);
        let (head, records, _) =
            parts("t.jsonl", "\u{feff}{\"a\": 1}\n\nno json\n{\"b\": \"\\n\"}");
        assert_eq!(head, "\u{feff}");
        assert_eq!(records, ["{\"a\": 1}\n", "no json\n", "{\"b\": \"\\n\"}"]);
        assert!(parts("t.json", "{\"a\": 1}").1.is_empty(), "one record is no table");
        assert!(Frame::of("t.json", b"[{\"a\": 1},").is_err());
    }
}
