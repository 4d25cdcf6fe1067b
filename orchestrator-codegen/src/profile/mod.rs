//! What is known of the user's file before a script is written for it: its dialect, its columns, and features in [0, 1].
//!
//! The features are what the weights of θ multiply; see [`FEATURES`] for the formula of each one. Nothing here is
//! random, and the same bytes always have the same profile. The file is held in memory while it is read.
//!
//! ```
//! use orchestrator_codegen::{ColumnType, Profile};
//! let profile = Profile::of_bytes("people.csv", b"name;height\nAda;1,65\nBob;\n")?;
//! assert_eq!(profile.delimiter, ";");
//! assert!(profile.header);
//! assert_eq!(profile.columns[1].column_type, ColumnType::Float);
//! assert_eq!(profile.rows, 2);
//! assert!(profile.features["nulls"] > 0.5, "one cell in four is missing");
//! # Ok::<(), orchestrator_codegen::ProfileError>(())
//! ```

mod column;
mod dialect;
mod features;
mod frame;
mod json;
mod kind;
mod records;
mod table;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use column::ColumnType;
pub use features::FEATURES;
pub(crate) use frame::Frame;

use crate::rules::{FIELD_CHARS_MAX, JSON_COLUMNS_MAX, JSON_NESTING_MAX};
use table::Table;

/// Why a file has no profile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Check the path.
    #[error("{file}: there is no such file; check the path")]
    Missing {
        /// The path as given.
        file: String,
    },
    /// Name a file.
    #[error("{file}: this is a directory; name a data file")]
    Directory {
        /// The path as given.
        file: String,
    },
    /// Save the data to a file: the script reads it more than once.
    #[error(
        "{file}: this is a pipe or a device, which can be read only once; save the data to a file"
    )]
    NoFile {
        /// The path as given.
        file: String,
    },
    /// The operating system refuses; `source` says why.
    #[error("{file}: the file cannot be read ({source}); check its permissions")]
    Unreadable {
        /// The path as given.
        file: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Give a file with at least one row.
    #[error("{file}, line 1: the file is empty; give a file with at least one row")]
    Empty {
        /// The file.
        file: String,
    },
    /// Save the file as UTF-8.
    #[error("{file}, line 1: the text is UTF-16; save the file as UTF-8")]
    Utf16 {
        /// The file.
        file: String,
    },
    /// Save the file as UTF-8.
    #[error("{file}, line {line}: the byte 0x{byte:02X} is not UTF-8 text; save the file as UTF-8")]
    NotText {
        /// The file.
        file: String,
        /// The line of the first such byte, counted from 1.
        line: u64,
        /// The byte.
        byte: u8,
    },
    /// Close the quote that swallowed the rest of the file, if there is one.
    #[error(
        "{file}, line {line}: a field is longer than {FIELD_CHARS_MAX} characters; is a quote left open here?"
    )]
    LongField {
        /// The file.
        file: String,
        /// The line where its record begins, counted from 1.
        line: u64,
    },
    /// Mend the JSON, or cut the record out.
    #[error("{file}, line {line}: the JSON that begins here is damaged; mend it or cut it out")]
    DamagedJson {
        /// The file.
        file: String,
        /// The line where the damaged value begins, counted from 1.
        line: u64,
    },
    /// Make the records flatter.
    #[error(
        "{file}, line {line}: the JSON is nested more than {JSON_NESTING_MAX} levels deep; make it flatter"
    )]
    DeepJson {
        /// The file.
        file: String,
        /// The line where the value begins, counted from 1.
        line: u64,
    },
    /// Save the records of one member alone; the generated script takes its name.
    #[error(
        "{file}, line 1: more than one member holds records ({members}); name one by --records"
    )]
    ManyMembers {
        /// The file.
        file: String,
        /// The names of the members.
        members: String,
    },
    /// Make the names that are data values.
    #[error(
        "{file}, line {line}: the records have more than {JSON_COLUMNS_MAX} different names; make the names that are data values"
    )]
    JsonColumns {
        /// The file.
        file: String,
        /// The line of the record that has one too many, counted from 1.
        line: u64,
    },
    /// Shorten the value.
    #[error("{file}, line {line}: a value is longer than {FIELD_CHARS_MAX} characters; shorten it")]
    LongValue {
        /// The file.
        file: String,
        /// The line where its record begins, counted from 1.
        line: u64,
    },
    /// Close the quote, or remove it.
    #[error("{file}, line {line}: a quote is opened and never closed; close it or remove it")]
    OpenQuote {
        /// The file.
        file: String,
        /// The line where the quote opens, counted from 1.
        line: u64,
    },
}

/// How a file holds its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataFormat {
    /// Cells between delimiters, a record a line: CSV and its kin.
    #[default]
    Delimited,
    /// One JSON document: an array of records, or an object that holds one.
    Json,
    /// A JSON value a line.
    JsonLines,
}

/// What is known of a file of data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The name of the file, without its folders: the same data has the same profile wherever it lies.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// How it holds its records.
    #[serde(default)]
    pub format: DataFormat,
    /// Data rows: without the header and without blank lines.
    pub rows: u64,
    /// Lines of nothing but blanks.
    pub blank_lines: u64,
    /// The delimiter, a blank for runs of blanks; empty for JSON and for a file of one column.
    pub delimiter: String,
    /// Whether the columns have names of their own.
    pub header: bool,
    /// What was taken for granted in reading the file, in sentences for people.
    #[serde(default)]
    pub assumed: Vec<String>,
    /// The columns, in order.
    pub columns: Vec<ColumnProfile>,
    /// Shares in [0, 1] as they were counted.
    pub shares: Shares,
    /// The features of [`FEATURES`], each in [0, 1].
    pub features: BTreeMap<String, f64>,
}

/// What is known of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Its name, unique in the file.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// How many cells of well-formed rows are missing.
    pub nulls: u64,
    /// How many JSON records have no such member at all; they count among the nulls. `None` for other files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<u64>,
}

/// Shares that the features are made of, each in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Shares {
    /// Missing cells among the cells of well-formed rows.
    pub nulls: f64,
    /// Rows that equal an earlier one, case and blanks aside, where a column identifies the rows; else none.
    pub duplicates: f64,
    /// Numbers beyond Tukey's outer fences, among the numbers of columns that do not merely count the rows.
    pub outliers: f64,
    /// Rows of a wrong width, or with a value that is not of its column's type.
    pub faults: f64,
    /// Texts with doubled blanks, line breaks or combining characters, among texts.
    pub untidy: f64,
}

impl Profile {
    /// The profile of a file on disk.
    ///
    /// # Errors
    /// When there is no such file, it cannot be read, it is empty, is not UTF-8, ends inside quotes, or has a field of more than
    /// [`FIELD_CHARS_MAX`](crate::rules::FIELD_CHARS_MAX) characters.
    pub fn of_path(path: impl AsRef<Path>) -> Result<Profile, ProfileError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        if path.is_dir() {
            return Err(ProfileError::Directory { file });
        }
        if path.exists() && !path.is_file() {
            return Err(ProfileError::NoFile { file });
        }
        let bytes = std::fs::read(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ProfileError::Missing { file: file.clone() },
            _ => ProfileError::Unreadable { file: file.clone(), source },
        })?;
        let mut profile = Profile::of_bytes(&file, &bytes)?;
        if let Some(name) = path.file_name() {
            profile.file = name.to_string_lossy().into_owned();
        }
        Ok(profile)
    }

    /// The profile of a file's content; `file` is what errors call it.
    ///
    /// # Errors
    /// When it is empty, is not UTF-8, ends inside quotes, is damaged JSON or nested too deeply, or has a field of more than
    /// [`FIELD_CHARS_MAX`](crate::rules::FIELD_CHARS_MAX) characters.
    pub fn of_bytes(file: &str, bytes: &[u8]) -> Result<Profile, ProfileError> {
        let table = Table::read(file, records::decode(file, bytes)?)?;
        let (columns, shares) = features::measure(&table);
        Ok(Profile {
            file: file.to_owned(),
            bytes: bytes.len() as u64,
            format: table.format,
            rows: table.rows_count() as u64,
            blank_lines: table.blank_lines as u64,
            delimiter: table.delimiter.map_or(String::new(), String::from),
            header: table.header,
            features: features::features(&columns, &shares, table.rows_count()),
            assumed: table.assumed,
            columns,
            shares,
        })
    }

    /// How complex the file is, in [0, 1]: the feature of that name.
    pub fn complexity(&self) -> f64 {
        self.features.get("complexity").copied().unwrap_or(0.0)
    }
}
