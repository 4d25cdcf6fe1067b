//! What a cell looks like by itself. The script's `classify` is the same function in Python; `tests/` compares them.

use crate::rules::{MISSING, MONTHS, TYPED_CHARS_MAX};

/// Which of day and month comes first, as far as one cell tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Sure,
    DayFirst,
    MonthFirst,
    Either,
}

/// How sure it is that the commas in a number group its thousands, and what number it is then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grouping {
    /// More than one group.
    Integer,
    /// A point follows.
    Float,
    /// One group alone, whose comma may as well be a decimal one.
    Either,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Missing,
    Boolean,
    Integer,
    Float,
    Code,
    /// A number whose thousands are grouped.
    Grouped(Grouping),
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
    if is_infinite(text) {
        return Kind::Float;
    }
    if !decimal_comma && let Some(grouping) = grouping(text) {
        return Kind::Grouped(grouping);
    }
    if is_named_date(text) {
        return Kind::Date(Order::Sure);
    }
    classify_date(text).unwrap_or(Kind::Text)
}

/// The cell as a number, if it is one.
pub(super) fn number(text: &str, decimal_comma: bool) -> Option<f64> {
    match classify(text, decimal_comma) {
        Kind::Integer | Kind::Float => point_decimal(text, decimal_comma).parse().ok(),
        Kind::Grouped(_) => text.replace(',', "").parse().ok(),
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

fn is_infinite(text: &str) -> bool {
    let word = unsigned(text);
    word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity")
}

/// One to three digits, then up to five groups of three, then perhaps decimals.
fn grouping(text: &str) -> Option<Grouping> {
    let (whole, part) = match unsigned(text).split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (unsigned(text), None),
    };
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let fits = is_digits(first, 1) && first.len() <= 3 && !first.starts_with('0');
    let count = groups.clone().count();
    let grouped =
        (1..=5).contains(&count) && groups.all(|group| group.len() == 3 && is_digits(group, 3));
    match part {
        _ if !fits || !grouped => None,
        Some(part) => is_digits(part, 1).then_some(Grouping::Float),
        None if count > 1 => Some(Grouping::Integer),
        None => Some(Grouping::Either),
    }
}

/// Jun 12 1998, June 12, 1998, 12 Jun 1998 or 12-Jun-1998.
fn is_named_date(text: &str) -> bool {
    month_first(text).or_else(|| day_first(text)).is_some_and(|(year, month, day)| {
        let lower = month.to_ascii_lowercase();
        let named = |full: &&str| lower == **full || lower == full[..3];
        let at = MONTHS.iter().position(named).or((lower == "sept").then_some(8));
        at.is_some_and(|at| is_date(year, &(at + 1).to_string(), day))
    })
}

/// Year, month and day of "Jun. 12, 1998".
fn month_first(text: &str) -> Option<(&str, &str, &str)> {
    let mut rest = text;
    let month = letters(&mut rest)?;
    let _point = take(&mut rest, &['.']);
    take(&mut rest, &[' '])?;
    let day = digits(&mut rest, 1, 2)?;
    let _comma = take(&mut rest, &[',']);
    take(&mut rest, &[' '])?;
    let year = digits(&mut rest, 4, 4)?;
    rest.is_empty().then_some((year, month, day))
}

/// Year, month and day of "12-Jun-1998" or "12 Jun. 1998".
fn day_first(text: &str) -> Option<(&str, &str, &str)> {
    let mut rest = text;
    let day = digits(&mut rest, 1, 2)?;
    let mark = take(&mut rest, &['-', ' '])?;
    let month = letters(&mut rest)?;
    if mark == ' ' {
        let _point = take(&mut rest, &['.']);
    }
    take(&mut rest, &[mark])?;
    let year = digits(&mut rest, 4, 4)?;
    rest.is_empty().then_some((year, month, day))
}

/// Takes three to nine letters from the front.
fn letters<'a>(text: &mut &'a str) -> Option<&'a str> {
    let length = text.bytes().take(9).take_while(u8::is_ascii_alphabetic).count();
    let (taken, rest) = text.split_at(length);
    *text = rest;
    (length >= 3).then_some(taken)
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
            ("-Inf", Kind::Float),
            ("infinite", Kind::Text),
            ("1,234", Kind::Grouped(Grouping::Either)),
            ("-1,234,567", Kind::Grouped(Grouping::Integer)),
            ("1,234.5", Kind::Grouped(Grouping::Float)),
            ("0,234", Kind::Text),
            ("1,23", Kind::Text),
            ("Jun 12 1998", Kind::Date(Order::Sure)),
            ("Sept. 1, 2001", Kind::Date(Order::Sure)),
            ("1 march 2001", Kind::Date(Order::Sure)),
            ("1-Mar-2001", Kind::Date(Order::Sure)),
            ("Feb 30 1998", Kind::Text),
            ("Jux 12 1998", Kind::Text),
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
}
