//! What a cell looks like by itself, and what type a column of such cells has. The script's `classify` and `column_type`
//! are the same functions in Python; `tests/` compares them.

use serde::{Deserialize, Serialize};

use crate::rules::{MISSING, TOLERANCE_SHARE, TYPED_CHARS_MAX, VALUES_MIN};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// No value at all.
    Empty,
    /// true, false, yes, no.
    Boolean,
    /// Whole numbers of 64 bits.
    Integer,
    /// Finite numbers.
    Float,
    /// Days.
    Date,
    /// Days with a time.
    Datetime,
    /// Everything else.
    Text,
}

impl ColumnType {
    /// Its name in reports and scripts.
    pub fn name(self) -> &'static str {
        match self {
            ColumnType::Empty => "empty",
            ColumnType::Boolean => "boolean",
            ColumnType::Integer => "integer",
            ColumnType::Float => "float",
            ColumnType::Date => "date",
            ColumnType::Datetime => "datetime",
            ColumnType::Text => "text",
        }
    }
}

/// Which of day and month comes first, as far as one cell tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Sure,
    DayFirst,
    MonthFirst,
    Either,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Missing,
    Boolean,
    Integer,
    Float,
    Code,
    Date(Order),
    Datetime(Order),
    Text,
}

pub(super) fn classify(text: &str, decimal_comma: bool) -> Kind {
    if MISSING.contains(&text) {
        return Kind::Missing;
    }
    if text.len() > TYPED_CHARS_MAX && text.chars().count() > TYPED_CHARS_MAX {
        return Kind::Text;
    }
    if ["true", "false", "yes", "no"].contains(&text.to_ascii_lowercase().as_str()) {
        return Kind::Boolean;
    }
    if is_code(text) {
        return Kind::Code;
    }
    if is_integer(text) {
        return match text.parse::<i64>() {
            Ok(_) => Kind::Integer,
            Err(_) => Kind::Code,
        };
    }
    let number = point_decimal(text, decimal_comma);
    if is_code(&number) {
        return Kind::Code;
    }
    if is_float(&number) {
        return match number.parse::<f64>() {
            Ok(value) if value.is_finite() && !vanishes(&number, value) => Kind::Float,
            _ => Kind::Text,
        };
    }
    classify_date(text).unwrap_or(Kind::Text)
}

/// The cell as a number, if it is one.
pub(super) fn number(text: &str, decimal_comma: bool) -> Option<f64> {
    match classify(text, decimal_comma) {
        Kind::Integer | Kind::Float => point_decimal(text, decimal_comma).parse().ok(),
        _ => None,
    }
}

/// Whether a float would make zero of a number that is none.
fn vanishes(text: &str, value: f64) -> bool {
    let digits = text.split(['e', 'E']).next().unwrap_or(text);
    value == 0.0 && digits.contains(|digit: char| digit.is_ascii_digit() && digit != '0')
}

fn point_decimal(text: &str, decimal_comma: bool) -> std::borrow::Cow<'_, str> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let has_comma = unsigned
        .split_once(',')
        .is_some_and(|(whole, part)| is_digits(whole, 0) && is_digits(part, 1));
    if decimal_comma && has_comma { text.replace(',', ".").into() } else { text.into() }
}

fn is_digits(text: &str, length_min: usize) -> bool {
    text.len() >= length_min && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn is_code(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix('+')
        && is_digits(digits, 7)
    {
        return true;
    }
    let (whole, part) = match unsigned(text).split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (unsigned(text), None),
    };
    whole.starts_with('0') && is_digits(whole, 2) && part.is_none_or(|part| is_digits(part, 1))
}

fn is_integer(text: &str) -> bool {
    let digits = unsigned(text);
    is_digits(digits, 1) && (digits == "0" || !digits.starts_with('0'))
}

fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match unsigned(text).split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned(text), None),
    };
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, part)) => {
            is_digits(whole, 0) && is_digits(part, 0) && whole.len() + part.len() > 0
        }
        None => exponent.is_some() && is_digits(mantissa, 1),
    };
    mantissa_fits && exponent.is_none_or(|exponent| is_digits(unsigned(exponent), 1))
}

/// Takes between `min` and `max` digits from the front.
fn digits<'a>(text: &mut &'a str, min: usize, max: usize) -> Option<&'a str> {
    let length = text.bytes().take(max).take_while(u8::is_ascii_digit).count();
    let (taken, rest) = text.split_at(length);
    *text = rest;
    (length >= min).then_some(taken)
}

fn take(text: &mut &str, marks: &[char]) -> Option<char> {
    let mark = text.chars().next().filter(|mark| marks.contains(mark))?;
    *text = &text[mark.len_utf8()..];
    Some(mark)
}

fn value(digits: &str) -> u32 {
    digits.parse().expect("one to four digits")
}

fn classify_date(text: &str) -> Option<Kind> {
    let mut rest = text;
    let first = digits(&mut rest, 1, 4)?;
    let mark = take(&mut rest, &['-', '/', '.'])?;
    let middle = digits(&mut rest, 1, 2)?;
    take(&mut rest, &[mark])?;
    let last = digits(&mut rest, 1, 4)?;
    let timed = !rest.is_empty();
    if timed && !is_time(rest)? {
        return None;
    }
    let kind = if timed { Kind::Datetime } else { Kind::Date };
    if first.len() == 4 && last.len() <= 2 {
        return is_date(first, middle, last).then_some(kind(Order::Sure));
    }
    if first.len() > 2 || last.len() != 4 {
        return None;
    }
    let (day_first, month_first) = (is_date(last, middle, first), is_date(last, first, middle));
    match (day_first, month_first) {
        (true, _) if mark == '.' => Some(kind(Order::Sure)),
        _ if mark == '.' => None,
        (true, true) if value(first) == value(middle) => Some(kind(Order::Sure)),
        (true, true) => Some(kind(Order::Either)),
        (true, false) => Some(kind(Order::DayFirst)),
        (false, true) => Some(kind(Order::MonthFirst)),
        (false, false) => None,
    }
}

/// `None` if this is no time at all, false if no clock shows it.
fn is_time(mut rest: &str) -> Option<bool> {
    take(&mut rest, &['T', ' '])?;
    let hour = digits(&mut rest, 1, 2)?;
    take(&mut rest, &[':'])?;
    let minute = digits(&mut rest, 2, 2)?;
    let mut second = "0";
    if take(&mut rest, &[':']).is_some() {
        second = digits(&mut rest, 2, 2)?;
        if take(&mut rest, &['.']).is_some() {
            digits(&mut rest, 1, 9)?;
        }
    }
    let mut offset = ("0", "0");
    if !rest.is_empty() {
        let _space = take(&mut rest, &[' ']);
        if take(&mut rest, &['Z', '+', '-'])? != 'Z' {
            let hours = digits(&mut rest, 2, 2)?;
            let _colon = take(&mut rest, &[':']);
            offset = (hours, digits(&mut rest, 2, 2)?);
        }
    }
    let clock = value(hour) < 24 && value(minute) < 60 && value(second) < 60;
    rest.is_empty().then_some(clock && value(offset.0) < 24 && value(offset.1) < 60)
}

fn is_date(year: &str, month: &str, day: &str) -> bool {
    let (year, month, day) = (value(year), value(month), value(day));
    let days = match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    };
    year >= 1 && (1..=days).contains(&day)
}

/// How many cells of a column are of which kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Kinds {
    pub(super) missing: usize,
    pub(super) boolean: usize,
    pub(super) integer: usize,
    pub(super) float: usize,
    pub(super) code: usize,
    pub(super) text: usize,
    date: [usize; 4],
    datetime: [usize; 4],
}

impl Kinds {
    pub(super) fn add(&mut self, kind: Kind) {
        let count = match kind {
            Kind::Missing => &mut self.missing,
            Kind::Boolean => &mut self.boolean,
            Kind::Integer => &mut self.integer,
            Kind::Float => &mut self.float,
            Kind::Code => &mut self.code,
            Kind::Text => &mut self.text,
            Kind::Date(order) => &mut self.date[order as usize],
            Kind::Datetime(order) => &mut self.datetime[order as usize],
        };
        *count += 1;
    }

    pub(super) fn of<'a>(cells: impl IntoIterator<Item = &'a str>, decimal_comma: bool) -> Kinds {
        let mut kinds = Kinds::default();
        for cell in cells {
            kinds.add(classify(cell, decimal_comma));
        }
        kinds
    }

    pub(super) fn values(&self) -> usize {
        let dates = self.date.iter().chain(&self.datetime).sum::<usize>();
        self.boolean + self.integer + self.float + self.code + self.text + dates
    }

    fn order(&self) -> Option<Order> {
        let at = |order: Order| self.date[order as usize] + self.datetime[order as usize];
        match at(Order::DayFirst).cmp(&at(Order::MonthFirst)) {
            std::cmp::Ordering::Greater => Some(Order::DayFirst),
            std::cmp::Ordering::Less => Some(Order::MonthFirst),
            std::cmp::Ordering::Equal => None,
        }
    }

    pub(super) fn column_type(&self) -> ColumnType {
        let values = self.values();
        if values == 0 {
            return ColumnType::Empty;
        }
        let order = self.order();
        let dated = |counts: &[usize; 4]| {
            let ordered =
                order.map_or(0, |order| counts[Order::Either as usize] + counts[order as usize]);
            counts[Order::Sure as usize] + ordered
        };
        let numbers = |count: usize| if self.code > 0 { 0 } else { count };
        let fits = [
            (ColumnType::Boolean, self.boolean),
            (ColumnType::Integer, numbers(self.integer)),
            (ColumnType::Float, numbers(self.integer + self.float)),
            (ColumnType::Date, dated(&self.date)),
            (ColumnType::Datetime, dated(&self.date) + dated(&self.datetime)),
        ];
        let (mut best, mut most) = fits[0];
        for (candidate, count) in fits {
            if count > most {
                (best, most) = (candidate, count);
            }
        }
        let tolerated = if values >= VALUES_MIN { (values / TOLERANCE_SHARE).max(1) } else { 0 };
        if values - most <= tolerated { best } else { ColumnType::Text }
    }

    /// Whether a column of this type takes a cell of this kind.
    pub(super) fn accepts(&self, column: ColumnType, kind: Kind) -> bool {
        let dated = |order: Order| match self.order() {
            _ if order == Order::Sure => true,
            Some(known) => order == Order::Either || order == known,
            None => false,
        };
        match (column, kind) {
            (_, Kind::Missing) | (ColumnType::Text | ColumnType::Empty, _) => true,
            (ColumnType::Boolean, Kind::Boolean)
            | (ColumnType::Integer, Kind::Integer)
            | (ColumnType::Float, Kind::Integer | Kind::Float) => true,
            (ColumnType::Date | ColumnType::Datetime, Kind::Date(order))
            | (ColumnType::Datetime, Kind::Datetime(order)) => dated(order),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_what_they_look_like() {
        for (text, kind) in [
            ("", Kind::Missing),
            ("NA", Kind::Missing),
            ("Na", Kind::Text),
            ("+5", Kind::Integer),
            ("-0", Kind::Integer),
            ("007", Kind::Code),
            ("+491701234567", Kind::Code),
            ("9223372036854775807", Kind::Integer),
            ("9223372036854775808", Kind::Code),
            ("1e5", Kind::Float),
            ("1e999", Kind::Text),
            ("1e-999", Kind::Text),
            ("0e-999", Kind::Float),
            ("inf", Kind::Text),
            (".5", Kind::Float),
            ("1.", Kind::Float),
            ("1,5", Kind::Text),
            ("Yes", Kind::Boolean),
            ("2020-02-29", Kind::Date(Order::Sure)),
            ("2021-02-29", Kind::Text),
            ("1/2/2020", Kind::Date(Order::Either)),
            ("13/2/2020", Kind::Date(Order::DayFirst)),
            ("2/13/2020", Kind::Date(Order::MonthFirst)),
            ("1.2.2020", Kind::Date(Order::Sure)),
            ("2020-01-02T03:04:05.678+01:00", Kind::Datetime(Order::Sure)),
            ("2020-01-02 25:00", Kind::Text),
        ] {
            assert_eq!(classify(text, false), kind, "{text:?}");
        }
        assert_eq!(classify("1,5", true), Kind::Float);
        assert_eq!(number("-1,5", true), Some(-1.5));
    }

    #[test]
    fn a_column_tolerates_one_stranger_in_five_values_and_none_in_four() {
        let of = |cells: &[&str]| Kinds::of(cells.iter().copied(), false).column_type();
        assert_eq!(of(&["1", "2", "3", "4", "x"]), ColumnType::Integer);
        assert_eq!(of(&["1", "2", "3", "x"]), ColumnType::Text);
        assert_eq!(of(&["1", "2", "3", "4", "5", "6.5"]), ColumnType::Float);
        assert_eq!(of(&["1", "2", "3", "4", "05"]), ColumnType::Text);
        assert_eq!(of(&["1/2/2020", "3/4/2020"]), ColumnType::Text);
        assert_eq!(of(&["1/2/2020", "31/4/2020", "31/5/2020"]), ColumnType::Text);
        assert_eq!(of(&["1/2/2020", "31/5/2020"]), ColumnType::Date);
        assert_eq!(of(&["NA", ""]), ColumnType::Empty);
    }
}
