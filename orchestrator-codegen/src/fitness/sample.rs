//! Parts of the user's data: rows to tune on, rows to decide by, and rows that are held out to judge by.

use orchestrator_core::Seed;
use serde::{Deserialize, Serialize};

use crate::profile::{Frame, ProfileError};

use super::measure::ScriptData;

/// How a table is parted in three: rows to tune on, rows to decide by whether what was tuned is better than the defaults, and rows to
/// judge by in the end. Delimited text, a JSON document and JSON lines are parted alike: each record is in one part at most, and all
/// parts keep the order of the file. What stands before the records (a title, comments, the names of the columns) and what is
/// around them in a document is in each part, so that it can be read as the file can.
///
/// Which records are taken is drawn from all of the file with equal chances, so that shares (of missing cells, of faulty rows) are
/// those of the file but for chance. What hangs together is torn: of two equal rows one may be held out, and shares of duplicates
/// are lower in a sample than in the file.
///
/// ```
/// use orchestrator_codegen::Sampling;
/// use orchestrator_core::Seed;
/// let csv = b"id,note\n1,\"two\nlines\"\n2,b\n3,c\n4,d\n5,e\n";
/// let parts = Sampling::default().split("t.csv", csv, Seed(7))?;
/// assert_eq!((parts.tuning_rows, parts.validation_rows, parts.held_out_rows), (1, 2, 2));
/// assert!(parts.tuning.bytes.starts_with(b"id,note\n"));
/// assert!(parts.held_out.bytes.starts_with(b"id,note\n"));
///
/// let json = br#"{"items": [{"a": 1}, {"a": 2}, {"a": 3}], "next": null}"#;
/// let parts = Sampling::default().split("t.json", json, Seed(7))?;
/// assert!(parts.tuning.bytes.ends_with(br#"}], "next": null}"#));
/// # Ok::<(), orchestrator_codegen::SamplingError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// The most records of each part; default 500. More are slower, and change little: a share is known to ±4 points then.
    pub rows_max: usize,
    /// The most bytes of each part; default 1 MiB. A part ends before the record that does not fit.
    pub bytes_max: usize,
    /// The share of the records that decide whether what was tuned stands, above 0 and below 1; default 0.3.
    pub validation_share: f64,
    /// The share of the records that are held out, above 0 and below 1; default 0.3. Both shares leave some to tune on.
    pub held_out_share: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling { rows_max: 500, bytes_max: 1 << 20, validation_share: 0.3, held_out_share: 0.3 }
    }
}

/// Why data cannot be parted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplingError {
    /// Each part needs a record beside the names of the columns.
    #[error(
        "three parts need a record of data each, and {name} has {records}; measure on more data"
    )]
    TooFew {
        /// The data.
        name: String,
        /// Its records, title and header not counted.
        records: usize,
    },
    /// Each part needs room.
    #[error(
        "the shares for validation ({validation}) and to hold out ({held_out}) must be above 0, and below 1 together"
    )]
    Shares {
        /// Of the validation.
        validation: f64,
        /// Of what is held out.
        held_out: f64,
    },
    /// The first records do not fit.
    #[error(
        "no record of {name} fits in {bytes_max} bytes beside what stands before it; raise bytes_max"
    )]
    TooLarge {
        /// The data.
        name: String,
        /// The bound.
        bytes_max: usize,
    },
    /// Mend the data as the reason says.
    #[error("{reason}")]
    Unreadable {
        /// What is wrong, with the name of the data and the line.
        reason: String,
    },
}

/// The three parts of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataParts {
    /// What is tuned on.
    pub tuning: ScriptData,
    /// Its records that hold data.
    pub tuning_rows: usize,
    /// What decides whether that stands.
    pub validation: ScriptData,
    /// Its records that hold data.
    pub validation_rows: usize,
    /// What is judged by.
    pub held_out: ScriptData,
    /// Its records that hold data.
    pub held_out_rows: usize,
}

impl Sampling {
    /// Parts a table. `name` is the name of the file, whose end tells its format as for a [`Profile`](crate::Profile).
    ///
    /// # Errors
    /// When there are too few records, they do not fit, or they cannot be read.
    pub fn split(&self, name: &str, bytes: &[u8], seed: Seed) -> Result<DataParts, SamplingError> {
        let (validation, held_out) = (self.validation_share, self.held_out_share);
        if !(validation > 0.0 && held_out > 0.0 && validation + held_out < 1.0) {
            return Err(SamplingError::Shares { validation, held_out });
        }
        let frame = match Frame::of(name, bytes) {
            Ok(frame) => frame,
            Err(ProfileError::Empty { .. }) => {
                return Err(SamplingError::TooFew { name: name.to_owned(), records: 0 });
            }
            Err(error) => return Err(SamplingError::Unreadable { reason: error.to_string() }),
        };
        let records = frame.records.len();
        if records < 3 {
            return Err(SamplingError::TooFew { name: name.to_owned(), records });
        }
        let mut order: Vec<usize> = (0..records).collect();
        seed.derive("sampling").fast_stream().shuffle(&mut order);
        let counted = |share: f64| (records as f64 * share).round() as usize;
        let held_out = counted(held_out).clamp(1, records - 2);
        let validation = counted(validation).clamp(1, records - held_out - 1);
        let (held_out, rest) = order.split_at(held_out);
        let (validation, tuning) = rest.split_at(validation);
        let part = |chosen: &[usize]| self.part(name, bytes, &frame, chosen);
        let (tuning, tuning_rows) = part(tuning)?;
        let (validation, validation_rows) = part(validation)?;
        let (held_out, held_out_rows) = part(held_out)?;
        Ok(DataParts { tuning, tuning_rows, validation, validation_rows, held_out, held_out_rows })
    }

    /// The file with the chosen records alone, and how many of them fit.
    fn part(
        &self,
        name: &str,
        bytes: &[u8],
        frame: &Frame,
        chosen: &[usize],
    ) -> Result<(ScriptData, usize), SamplingError> {
        let (head, tail) = (&bytes[..frame.start], &bytes[frame.end..]);
        let mut left = self.bytes_max.saturating_sub(head.len() + tail.len());
        let mut chosen = chosen[..chosen.len().min(self.rows_max)].to_vec();
        // A record of lines may lack the end of its line: one byte more.
        let between = frame.separator.len().max(1);
        let fits = chosen.iter().take_while(|&&at| {
            let length = frame.records[at].len();
            let fits = length <= left;
            left = left.saturating_sub(length + between);
            fits
        });
        let fitting = fits.count();
        chosen.truncate(fitting);
        chosen.sort_unstable();
        if chosen.is_empty() {
            let (name, bytes_max) = (name.to_owned(), self.bytes_max);
            return Err(SamplingError::TooLarge { name, bytes_max });
        }
        let mut part = head.to_vec();
        for (nth, at) in chosen.iter().enumerate() {
            if frame.separator.is_empty() {
                end_line(&mut part);
            } else if nth > 0 {
                part.extend_from_slice(frame.separator.as_bytes());
            }
            part.extend_from_slice(&bytes[frame.records[*at].clone()]);
        }
        part.extend_from_slice(tail);
        Ok((ScriptData { name: name.to_owned(), bytes: part }, chosen.len()))
    }
}

/// The last record of a file may lack the end of its line.
fn end_line(part: &mut Vec<u8>) {
    let marks = [0xef, 0xbb, 0xbf];
    if !part.is_empty() && !part.ends_with(b"\n") && !part.ends_with(b"\r") && *part != marks {
        part.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::profile::Profile;

    #[test]
    fn the_parts_share_the_header_only_and_keep_the_order() {
        let rows: String = (0..1000).map(|at| format!("{at:04}\n")).collect();
        let csv = format!("id\n{rows}");
        let sampling = Sampling { rows_max: 200, ..Sampling::default() };
        let parts = sampling.split("t.csv", csv.as_bytes(), Seed(3)).unwrap();
        let rows = (parts.tuning_rows, parts.validation_rows, parts.held_out_rows);
        assert_eq!(rows, (200, 200, 200));
        let ids = |data: &ScriptData| -> Vec<String> {
            let text = String::from_utf8(data.bytes.clone()).unwrap();
            text.lines().skip(1).map(str::to_owned).collect()
        };
        let all = [&parts.tuning, &parts.validation, &parts.held_out].map(ids);
        assert!(all.iter().all(|part| part.is_sorted()));
        assert_eq!(all.iter().flatten().collect::<BTreeSet<_>>().len(), 600);
        let first_half = all[0].iter().filter(|id| id.as_str() < "0500").count();
        assert!((65..135).contains(&first_half), "{first_half} of 200 are from the first half");
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
        for short in [&b""[..], b"a", b"a\n1\n", b"a\n1\n2\n"] {
            let error = Sampling::default().split("t.csv", short, Seed(1)).unwrap_err();
            assert!(matches!(error, SamplingError::TooFew { .. }), "{error}");
        }
        for share in [0.0, 1.0, 0.7, f64::NAN] {
            for sampling in [
                Sampling { held_out_share: share, ..Sampling::default() },
                Sampling { validation_share: share, ..Sampling::default() },
            ] {
                let error = sampling.split("t", csv, Seed(1)).unwrap_err();
                assert!(matches!(error, SamplingError::Shares { .. }), "{error}");
            }
        }
        let error = Sampling::default().split("t.json", b"[{\"a\": 1},\n5", Seed(1)).unwrap_err();
        assert!(error.to_string().starts_with("t.json, line 2: the JSON"), "{error}");
    }

    /// The rows of a part, by the reader that the profile has.
    fn profile(part: &ScriptData) -> Profile {
        Profile::of_bytes(&part.name, &part.bytes).unwrap()
    }

    #[test]
    fn every_part_is_read_as_the_file_is() {
        let row = |at: usize| format!("{at},\"x\ny {at}\",{at}.5");
        let rows = |from: usize| (from..40).map(row).collect::<Vec<_>>();
        let records = |from: usize| (from..40).map(|at| format!("{{\"id\": {at}, \"v\": [1, 2]}}"));
        let json = |separator: &str| records(0).collect::<Vec<_>>().join(separator);
        let arrays: Vec<String> = (0..40).map(|at| format!("[{at}, \"t{at}\"]")).collect();
        let files = [
            ("header.csv", format!("id,t,v\n{}", rows(0).join("\n"))),
            ("bare.csv", format!("{}\r\n", rows(0).join("\r\n"))),
            (
                "title.csv",
                format!("Sales of 2020,,\n# by a machine\n\nid,t,v\n{}\n", rows(0).join("\n")),
            ),
            ("array.json", format!("[\n{}\n]\n", json(",\n"))),
            ("marked.json", format!("\u{feff}[{}]", json(","))),
            ("member.json", format!("{{\"n\": 40, \"data\": [{}], \"next\": []}}", json(", "))),
            ("rows.json", format!("[[\"id\", \"t\"],{}]", arrays.join(","))),
            ("lines.jsonl", json("\n")),
            ("lines", format!("{}\r\n", json("\r\n"))),
            ("rows.ndjson", arrays.join("\n")),
        ];
        for (name, text) in files {
            let whole = Profile::of_bytes(name, text.as_bytes()).unwrap();
            assert_eq!(whole.rows, 40, "{name}");
            let parts = Sampling::default().split(name, text.as_bytes(), Seed(9)).unwrap();
            let mut rows = 0;
            for (part, counted) in [
                (&parts.tuning, parts.tuning_rows),
                (&parts.validation, parts.validation_rows),
                (&parts.held_out, parts.held_out_rows),
            ] {
                let part = profile(part);
                assert_eq!(part.rows, counted as u64, "{name}");
                assert_eq!((part.format, part.header), (whole.format, whole.header), "{name}");
                assert_eq!(
                    (&part.delimiter, &part.assumed),
                    (&whole.delimiter, &whole.assumed),
                    "{name}"
                );
                let columns = |profile: &Profile| -> Vec<_> {
                    let columns = profile.columns.iter();
                    columns.map(|column| (column.name.clone(), column.column_type)).collect()
                };
                assert_eq!(columns(&part), columns(&whole), "{name}");
                rows += counted;
            }
            assert_eq!(rows, 40, "{name}: each record is in one part");
        }
    }
}
