//! Parts of the user's data: a sample to tune on, and rows that are held out to judge by.

use orchestrator_core::Seed;
use serde::{Deserialize, Serialize};

use crate::rules::DELIMITERS;

use super::measure::ScriptData;

/// How a table is parted. The first record, which mostly holds the names, is in both parts; each other record is in one of them at
/// most; both keep the order of the file.
///
/// Which records are taken is drawn from all of the file with equal chances, so that shares (of missing cells, of faulty rows) are
/// those of the file but for chance. What hangs together is torn: of two equal rows one may be held out, and shares of duplicates
/// are lower in a sample than in the file.
///
/// ```
/// use orchestrator_codegen::Sampling;
/// use orchestrator_core::Seed;
/// let csv = b"id,note\n1,\"two\nlines\"\n2,b\n3,c\n4,d\n";
/// let parts = Sampling::default().split("t.csv", csv, Seed(7))?;
/// assert_eq!((parts.tuning_rows, parts.held_out_rows), (2, 2));
/// assert!(parts.tuning.bytes.starts_with(b"id,note\n"));
/// assert!(parts.held_out.bytes.starts_with(b"id,note\n"));
/// # Ok::<(), orchestrator_codegen::SamplingError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// The most records of each part; default 500. More are slower, and change little: a share is known to ±4 points then.
    pub rows_max: usize,
    /// The most bytes of each part; default 1 MiB. A part ends before the record that does not fit.
    pub bytes_max: usize,
    /// The share of the records that are held out, above 0 and below 1; default one half.
    pub held_out_share: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling { rows_max: 500, bytes_max: 1 << 20, held_out_share: 0.5 }
    }
}

/// Why data cannot be parted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplingError {
    /// Both parts need a record beside the first.
    #[error("{name} has {records} records, and two parts need three; measure on more data")]
    TooFew {
        /// The data.
        name: String,
        /// Its records.
        records: usize,
    },
    /// Both parts need room.
    #[error("the held-out share is {0}, and must be above 0 and below 1")]
    Share(f64),
    /// The first records do not fit.
    #[error("no record of {name} fits in {bytes_max} bytes beside the first; raise bytes_max")]
    TooLarge {
        /// The data.
        name: String,
        /// The bound.
        bytes_max: usize,
    },
}

/// The two parts of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataParts {
    /// What is tuned on.
    pub tuning: ScriptData,
    /// Its records, the first of the file not counted.
    pub tuning_rows: usize,
    /// What is judged by.
    pub held_out: ScriptData,
    /// Its records, the first of the file not counted.
    pub held_out_rows: usize,
}

impl Sampling {
    /// Parts a text table. `name` is the name of the file.
    ///
    /// # Errors
    /// When there are too few records, or they do not fit.
    pub fn split(&self, name: &str, bytes: &[u8], seed: Seed) -> Result<DataParts, SamplingError> {
        if !(self.held_out_share > 0.0 && self.held_out_share < 1.0) {
            return Err(SamplingError::Share(self.held_out_share));
        }
        let records = records(bytes);
        let [first, rest @ ..] = &records[..] else {
            return Err(SamplingError::TooFew { name: name.to_owned(), records: 0 });
        };
        if rest.len() < 2 {
            let records = records.len();
            return Err(SamplingError::TooFew { name: name.to_owned(), records });
        }
        let mut order: Vec<usize> = (0..rest.len()).collect();
        seed.derive("sampling").fast_stream().shuffle(&mut order);
        let held_out = (rest.len() as f64 * self.held_out_share).round() as usize;
        let (held_out, tuning) = order.split_at(held_out.clamp(1, rest.len() - 1));
        let part = |chosen: &[usize]| {
            let mut chosen = chosen[..chosen.len().min(self.rows_max)].to_vec();
            let mut left = self.bytes_max.saturating_sub(first.len());
            let fits = chosen.iter().take_while(|&&at| {
                let fits = rest[at].len() <= left;
                left = left.saturating_sub(rest[at].len() + 1);
                fits
            });
            let fitting = fits.count();
            chosen.truncate(fitting);
            chosen.sort_unstable();
            let mut part = first.to_vec();
            for at in &chosen {
                end_line(&mut part);
                part.extend_from_slice(rest[*at]);
            }
            if chosen.is_empty() {
                let (name, bytes_max) = (name.to_owned(), self.bytes_max);
                return Err(SamplingError::TooLarge { name, bytes_max });
            }
            Ok((ScriptData { name: name.to_owned(), bytes: part }, chosen.len()))
        };
        let (tuning, tuning_rows) = part(tuning)?;
        let (held_out, held_out_rows) = part(held_out)?;
        Ok(DataParts { tuning, tuning_rows, held_out, held_out_rows })
    }
}

/// The last record of a file may lack the end of its line.
fn end_line(part: &mut Vec<u8>) {
    if !part.ends_with(b"\n") && !part.ends_with(b"\r") {
        part.push(b'\n');
    }
}

/// The records with the ends of their lines; those without any text are left out. A line ends in LF, CRLF or CR, but not in quotes
/// that were opened where a field starts, under any delimiter that the rules know.
fn records(bytes: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    let (mut start, mut at, mut quoted) = (0, 0, false);
    let mut field_starts = true;
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
                push(&mut records, &bytes[start..at]);
                start = at;
            }
            _ => {}
        }
        let marks = [0xef, 0xbb, 0xbf];
        field_starts = byte == b'\n'
            || byte == b'\r'
            || DELIMITERS.contains(&char::from(byte))
            || (start == 0 && at <= marks.len() && marks.contains(&byte));
    }
    push(&mut records, &bytes[start..]);
    records
}

fn push<'a>(records: &mut Vec<&'a [u8]>, record: &'a [u8]) {
    if !record.trim_ascii().is_empty() {
        records.push(record);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn texts(bytes: &str) -> Vec<&str> {
        records(bytes.as_bytes()).into_iter().map(|r| std::str::from_utf8(r).unwrap()).collect()
    }

    #[test]
    fn a_line_in_quotes_is_no_end() {
        assert_eq!(texts("a,b\n1,\"x\ny\"\n\n2,z"), ["a,b\n", "1,\"x\ny\"\n", "2,z"]);
        assert_eq!(
            texts("a\r\n\"\"\"\r\n\"\r\nb\"c\r\nd"),
            ["a\r\n", "\"\"\"\r\n\"\r\n", "b\"c\r\n", "d"]
        );
        assert_eq!(texts("a;b\r\"1\r2\";x\r"), ["a;b\r", "\"1\r2\";x\r"]);
        assert_eq!(texts("\u{feff}\"a\nb\",c\n1,2\n"), ["\u{feff}\"a\nb\",c\n", "1,2\n"]);
        assert!(texts(" \n\r\n").is_empty());
    }

    #[test]
    fn the_parts_share_the_first_record_only_and_keep_the_order() {
        let rows: String = (0..1000).map(|at| format!("{at:04}\n")).collect();
        let csv = format!("id\n{rows}");
        let sampling = Sampling { rows_max: 300, ..Sampling::default() };
        let parts = sampling.split("t.csv", csv.as_bytes(), Seed(3)).unwrap();
        assert_eq!((parts.tuning_rows, parts.held_out_rows), (300, 300));
        let ids = |data: &ScriptData| -> Vec<String> {
            let text = String::from_utf8(data.bytes.clone()).unwrap();
            text.lines().skip(1).map(str::to_owned).collect()
        };
        let (tuning, held_out) = (ids(&parts.tuning), ids(&parts.held_out));
        assert!(tuning.is_sorted() && held_out.is_sorted());
        let all: BTreeSet<&String> = tuning.iter().chain(&held_out).collect();
        assert_eq!(all.len(), 600);
        let first_half = tuning.iter().filter(|id| id.as_str() < "0500").count();
        assert!((110..190).contains(&first_half), "{first_half} of 300 are from the first half");
        assert_eq!(sampling.split("t.csv", csv.as_bytes(), Seed(3)).unwrap(), parts);
        assert_ne!(sampling.split("t.csv", csv.as_bytes(), Seed(4)).unwrap(), parts);
    }

    #[test]
    fn parts_are_bounded_and_what_cannot_be_parted_is_told() {
        let csv = b"id\n1111111111\n2222222222\n3333333333\n4444444444\n";
        let small = Sampling { bytes_max: 20, ..Sampling::default() };
        let parts = small.split("t.csv", csv, Seed(1)).unwrap();
        assert!(parts.tuning.bytes.len() <= 20 && parts.tuning_rows == 1);
        let tiny = Sampling { bytes_max: 5, ..Sampling::default() };
        assert!(matches!(tiny.split("t.csv", csv, Seed(1)), Err(SamplingError::TooLarge { .. })));
        for short in [&b""[..], b"a", b"a\n1\n"] {
            let error = Sampling::default().split("t.csv", short, Seed(1)).unwrap_err();
            assert!(matches!(error, SamplingError::TooFew { .. }), "{error}");
        }
        for share in [0.0, 1.0, f64::NAN] {
            let sampling = Sampling { held_out_share: share, ..Sampling::default() };
            assert!(matches!(sampling.split("t", csv, Seed(1)), Err(SamplingError::Share(_))));
        }
    }
}
