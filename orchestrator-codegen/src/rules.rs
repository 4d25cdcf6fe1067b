//! The rules that the profile and the generated script share, written down once.
//!
//! The profile reads the user's file in Rust, the generated script reads it in Python, and both must see the same table.
//! Every list and number that decides this stands here and is rendered into the script. The procedure, in words:
//!
//! - **Text.** UTF-8; byte order marks at the start are skipped; NUL bytes are refused. Lines end in LF, CRLF or CR.
//! - **Records.** As RFC 4180, leniently: quotes matter only at the start of a field, and what follows a closing quote is
//!   kept. A record of one unquoted field of blanks is a blank line, which is no row. A quote still open at the end of the
//!   file is an error, and so is a field of more than [`FIELD_CHARS_MAX`] characters.
//! - **Format.** By the end of the file's name ([`JSON_SUFFIXES`], [`JSON_LINES_SUFFIXES`], [`DELIMITED_SUFFIXES`]); for
//!   other names a `{` or `[` at the start means JSON. A JSON file is a value a line where the first line is one by itself and
//!   is not the only one.
//! - **JSON.** Records are the elements of the array, of the one member of the object that is an array of objects (the others
//!   are left out, which is reported; more than one such member is an error that names them), or the object itself. Nested
//!   objects become columns `outer.inner` at any depth up to [`JSON_NESTING_MAX`]; other arrays are kept as JSON text; an element
//!   that is no object has the one column `value`; where all elements are arrays, they are rows as in a delimited file. Null and
//!   a missing member are both missing values, counted apart (`absent`). Numbers are taken as they are written, and cells are
//!   typed like those of a delimited file, strings among them: people write numbers and dates as strings. Of equal names the
//!   last wins. A line of JSON lines that cannot be read is quarantined; a document that cannot be read is an error.
//! - **Delimiter.** Each of [`DELIMITERS`] reads the first [`SAMPLE_RECORDS`] records. It must occur in the first one, and
//!   at least half the records must have the same width (nine tenths where it is mostly followed by a space; never where,
//!   in addition, the cells are phrases of two words or more). Its score is that share plus the share of typed cells; the
//!   best score wins, the earlier one of equals. Where none qualifies, runs of blanks delimit if nine tenths of the records
//!   agree on a width and most cells are numbers, but the lines as a whole are not typed; else the file has one column.
//! - **Title.** The first records are no part of the table, at most [`PREAMBLE_MAX`] of them, as long as each has one filled cell at
//!   most (and that text), less than half the usual width, or starts with `#` and has another width than the usual one.
//!   Believed only if the rest agrees on a width (three quarters; nine tenths of two columns), and not of a sentence's commas.
//!   They are reported, as is everything that is assumed.
//! - **Header.** A cell of the first record that has the type of the column below (judged by the sample) says data, one
//!   that has not says names; data wins. Two or more years in even steps over columns that hold no years say names. Where
//!   all columns are text, the first record is data if one of its cells recurs below, two are equal, one is missing, or
//!   all are sentences. A file of one record has a header if all its cells are text and differ. A header of one name less
//!   than most rows have cells leaves the first column without a name if its cells tell the rows apart, as R writes tables.
//!   Names that are all in single quotes lose them, and the first one a `#`.
//! - **Columns.** As many as most rows have fields, else as the header has. A last column without a name and without any
//!   value is a delimiter at the end of each line. Empty fields beyond the last column are ignored. Where most rows are
//!   shorter than the header and some are as long, the short ones lack their last cells; else a short row is a fault.
//! - **Cells.** [`SPACE`] around a cell is ignored; [`MISSING`] are no values. Integers fit in 64 bits; leading zeros, or a
//!   plus before seven digits or more, make a code, and a column with a code is no number. Floats are finite (and none that is not zero rounds to it) or `inf` and
//!   `infinity` in any case, with decimal commas where `;` delimits. Elsewhere commas may group thousands: `1,234` alone is text,
//!   since it may be a decimal comma; it is a number where another cell has two groups, a point behind its groups, or is a float. Booleans are true, false, yes and no in any case. Dates are Y-M-D, D.M.Y, D/M/Y or
//!   M/D/Y when some date of the column reads only one way, and those with an English month: Jun 12 1998, 12-Jun-1998.
//! - **Types.** A column has the type that most of its values have, the narrowest of equals, if all values but one in
//!   [`TOLERANCE_SHARE`] (at least one, given [`VALUES_MIN`] values) have it; otherwise it is text.
//! - **Duplicates.** Equal rows are dropped only where a column identifies the rows: it has no missing value, and no two rows that
//!   differ share one; not a float, not a boolean, not the only column. Elsewhere equal rows may well be two things, two throws of
//!   a die, and no reader drops them.

use serde::Serialize;

/// Blanks: what is trimmed from a cell.
pub const SPACE: &[char] = &[' ', '\t', '\r', '\n', '\u{b}', '\u{c}', '\u{a0}'];

/// What stands for no value. Spelled out, because the other spellings are words: `Na` is sodium, `Nan` and `Null` are names.
pub const MISSING: &[&str] = &[
    "", "NA", "N/A", "n/a", "N.A.", "n.a.", "#N/A", "#NA", "<NA>", "NaN", "nan", "NAN", "-NaN",
    "-nan", "null", "NULL", "None", "none", "NONE", "-", "--", "?", ".", "#N/A N/A", "1.#IND",
    "-1.#IND", "1.#QNAN", "-1.#QNAN",
];

/// The delimiters that are looked for, in order of preference.
pub const DELIMITERS: &[char] = &[',', ';', '\t', '|'];

/// Runs of blanks: a delimiter only where none of [`DELIMITERS`] will do.
pub const BLANKS: char = ' ';

/// More records before the header are no title: the greatest in the data files of common packages is 40 lines.
pub const PREAMBLE_MAX: usize = 100;

/// More different names in JSON are keys that are data.
pub const JSON_COLUMNS_MAX: usize = 10_000;

/// Deeper nesting is none that a person wrote, and would only exhaust the stack.
pub const JSON_NESTING_MAX: usize = 64;

/// Files of these names hold JSON.
pub const JSON_SUFFIXES: &[&str] = &[".json", ".geojson"];

/// Files of these names hold a JSON value a line.
pub const JSON_LINES_SUFFIXES: &[&str] = &[".jsonl", ".ndjson"];

/// Files of these names hold delimited text, whatever they start with. For other names the start decides.
pub const DELIMITED_SUFFIXES: &[&str] = &[".csv", ".tsv", ".tab", ".txt", ".dat"];

/// The months as English dates name them, in full or by their first three letters; "Sept", too.
pub const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

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
    preamble_max: usize,
    json_columns_max: usize,
    json_nesting_max: usize,
    json_suffixes: &'static [&'static str],
    json_lines_suffixes: &'static [&'static str],
    delimited_suffixes: &'static [&'static str],
    months: [&'static str; 12],
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
        preamble_max: PREAMBLE_MAX,
        json_columns_max: JSON_COLUMNS_MAX,
        json_nesting_max: JSON_NESTING_MAX,
        json_suffixes: JSON_SUFFIXES,
        json_lines_suffixes: JSON_LINES_SUFFIXES,
        delimited_suffixes: DELIMITED_SUFFIXES,
        months: MONTHS,
        tolerance_share: TOLERANCE_SHARE,
        values_min: VALUES_MIN,
        typed_chars_max: TYPED_CHARS_MAX,
        fence_ranges: FENCE_RANGES,
        fence_values_min: FENCE_VALUES_MIN,
    }
}
