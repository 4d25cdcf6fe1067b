//! The rules that the profile and the generated script share, written down once.
//!
//! The profile reads the user's file in Rust, the generated script reads it in Python, and both must see the same table.
//! Every list and number that decides this stands here and is rendered into the script. The procedure, in words:
//!
//! - **Text.** UTF-8; byte order marks at the start are skipped; NUL bytes are refused. Lines end in LF, CRLF or CR.
//! - **Records.** As RFC 4180, leniently: quotes matter only at the start of a field, and what follows a closing quote is
//!   kept. A record of one unquoted field of blanks is a blank line, which is no row. A quote still open at the end of the
//!   file is an error, and so is a field of more than [`FIELD_CHARS_MAX`] characters.
//! - **Delimiter.** Each of [`DELIMITERS`] reads the first [`SAMPLE_RECORDS`] records. It must occur in the first one, and
//!   at least half the records must have the same width (nine tenths where it is mostly followed by a space; never where,
//!   in addition, the cells are phrases of two words or more). Its score is that share plus the share of typed cells; the
//!   best score wins, the earlier one of equals. None qualifies: the file has one column.
//! - **Header.** A cell of the first record that has the type of the column below (judged by the sample) says data, one
//!   that has not says names; data wins. Two or more years in even steps over columns that hold no years say names. Where
//!   all columns are text, the first record is data if one of its cells recurs below, two are equal, one is missing, or
//!   all are sentences. A file of one record has a header if all its cells are text and differ.
//! - **Columns.** As many as most rows have fields, else as the header has. A last column without a name and without any
//!   value is a delimiter at the end of each line. Empty fields beyond the last column are ignored.
//! - **Cells.** [`SPACE`] around a cell is ignored; [`MISSING`] are no values. Integers fit in 64 bits; leading zeros, or a
//!   plus before seven digits or more, make a code, and a column with a code is no number. Floats are finite (and none that is not zero rounds to it), with decimal
//!   commas too where `;` delimits. Booleans are true, false, yes and no in any case. Dates are Y-M-D, D.M.Y, and D/M/Y or
//!   M/D/Y when some date of the column reads only one way.
//! - **Types.** A column has the type that most of its values have, the narrowest of equals, if all values but one in
//!   [`TOLERANCE_SHARE`] (at least one, given [`VALUES_MIN`] values) have it; otherwise it is text.

use serde::Serialize;

/// Blanks: what is trimmed from a cell.
pub const SPACE: &[char] = &[' ', '\t', '\r', '\n', '\u{b}', '\u{c}', '\u{a0}'];

/// What stands for no value. Spelled out, because the other spellings are words: `Na` is sodium, `Nan` and `Null` are names.
pub const MISSING: &[&str] = &[
    "", "NA", "N/A", "n/a", "N.A.", "n.a.", "#N/A", "#NA", "<NA>", "NaN", "nan", "NAN", "-NaN",
    "-nan", "null", "NULL", "None", "none", "NONE", "-", "--", "?", ".",
];

/// The delimiters that are looked for, in order of preference.
pub const DELIMITERS: &[char] = &[',', ';', '\t', '|'];

/// Stands for "no delimiter": the ASCII unit separator, which no text holds.
pub(crate) const NO_DELIMITER: u8 = 0x1f;

/// Delimiter and header are judged by this many records: enough to see a pattern, few enough to take no time.
pub const SAMPLE_RECORDS: usize = 200;

/// One value in this many may be of another type than its column: 5%, what is commonly taken for noise.
pub const TOLERANCE_SHARE: usize = 20;

/// Columns of fewer values tolerate no other type: there one value in four is no noise.
pub const VALUES_MIN: usize = 5;

/// No field has more characters. A longer one is a fault, most likely a quote that was never closed.
pub const FIELD_CHARS_MAX: usize = 1 << 24;

/// What is longer is text: no date and no sensible number has as many characters.
pub const TYPED_CHARS_MAX: usize = 64;

/// Outliers lie more than this many interquartile ranges beyond the quartiles: the outer fences of Tukey, "Exploratory
/// Data Analysis", 1977.
pub const FENCE_RANGES: f64 = 3.0;

/// Quartiles of fewer values say little.
pub const FENCE_VALUES_MIN: usize = 8;

/// The cell without the blanks around it.
pub(crate) fn trim(cell: &str) -> &str {
    cell.trim_matches(SPACE)
}

/// All of it that templates know, as `rules`.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Values {
    missing: &'static [&'static str],
    delimiters: &'static [char],
    sample_records: usize,
    field_chars_max: usize,
    tolerance_share: usize,
    values_min: usize,
    typed_chars_max: usize,
    fence_ranges: f64,
    fence_values_min: usize,
}

pub(crate) fn values() -> Values {
    Values {
        missing: MISSING,
        delimiters: DELIMITERS,
        sample_records: SAMPLE_RECORDS,
        field_chars_max: FIELD_CHARS_MAX,
        tolerance_share: TOLERANCE_SHARE,
        values_min: VALUES_MIN,
        typed_chars_max: TYPED_CHARS_MAX,
        fence_ranges: FENCE_RANGES,
        fence_values_min: FENCE_VALUES_MIN,
    }
}
