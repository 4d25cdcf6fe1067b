//! A constant as it is written here: its counts without a parser.
//!
//! Generator layers carry a plan and the tokens of the layers below, most of their bytes. Those are assignments of dictionaries
//! and lists, each item on a line of its own. What is read here is a subset of Python so small that it is valid if it is read;
//! anything else is left to the parser.

use crate::python::halstead::{self, Count, Operand, UNARY_MINUS};
use crate::python::lines::Lines;
use crate::text::lines_with_ends;

/// Brackets deeper than this are left to the parser.
const DEPTH_MAX: usize = 32;

/// What a constant adds to the counts.
pub(super) struct Constant {
    pub(super) lines: Lines,
    pub(super) halstead: Count<'static>,
}

/// Reads `NAME = {` or `NAME = [`, lines with an item or a closing bracket each, and `}` or `]`.
pub(super) fn read(text: &str) -> Option<Constant> {
    let (first, rest) = text.split_once('\n')?;
    let mut reading = Reading::within(opening(first)?);
    reading.constant.lines.tokens = 3;
    reading.constant.lines.source = 1;
    reading.lines(rest)?;
    // The last colon of a logical line counts if something follows it, and a bracket does.
    reading.constant.lines.logical = 1 + usize::from(reading.colons);
    reading.open.is_empty().then_some(reading.constant)
}

/// What the line that opens a dictionary with items, and no other line, adds.
pub(super) fn read_opening(text: &str) -> Option<Constant> {
    let bracket = opening(text.strip_suffix('\n')?)?;
    let lines = Lines { tokens: 3, source: 1, logical: 2, ..Lines::default() };
    let halstead = Count::default();
    (bracket == Bracket::Dictionary).then_some(Constant { lines, halstead })
}

/// Reads items of a dictionary, with their keys.
pub(super) fn read_items(text: &str) -> Option<Constant> {
    let mut reading = Reading::within(Bracket::Dictionary);
    reading.lines(text)?;
    (reading.open == [Bracket::Dictionary]).then_some(reading.constant)
}

/// The line that closes a dictionary.
pub(super) fn read_closing(text: &str) -> Option<Constant> {
    let lines = Lines { tokens: 1, source: 1, ..Lines::default() };
    (text == "}\n").then_some(Constant { lines, halstead: Count::default() })
}

fn opening(line: &str) -> Option<Bracket> {
    let (name, open) = line.split_once(" = ")?;
    // No keyword is of capitals.
    let capital = |mark: u8| matches!(mark, b'A'..=b'Z' | b'_');
    let named = name.bytes().all(|mark| capital(mark) || mark.is_ascii_digit());
    of_bracket(open).filter(|_| named && name.bytes().next().is_some_and(capital))
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Bracket {
    List,
    Dictionary,
}

fn of_bracket(text: &str) -> Option<Bracket> {
    match text {
        "[" => Some(Bracket::List),
        "{" => Some(Bracket::Dictionary),
        _ => None,
    }
}

struct Reading {
    open: Vec<Bracket>,
    colons: bool,
    constant: Constant,
}

impl Reading {
    fn within(bracket: Bracket) -> Reading {
        let constant = Constant { lines: Lines::default(), halstead: Count::default() };
        Reading { open: vec![bracket], colons: false, constant }
    }

    fn lines(&mut self, text: &str) -> Option<()> {
        for line in lines_with_ends(text) {
            self.constant.lines.source += 1;
            self.line(line.strip_suffix('\n')?.trim_start_matches(' '))?;
        }
        (!text.is_empty()).then_some(())
    }

    fn line(&mut self, line: &str) -> Option<()> {
        // None, if the outermost bracket was closed before.
        let inner = *self.open.last()?;
        let tokens = &mut self.constant.lines.tokens;
        let closing = match inner {
            Bracket::List => line.strip_prefix(']'),
            Bracket::Dictionary => line.strip_prefix('}'),
        };
        if let Some(after) = closing {
            self.open.pop();
            *tokens += 1 + after.len();
            return (after == if self.open.is_empty() { "" } else { "," }).then_some(());
        }
        let item = match inner {
            Bracket::List => line,
            Bracket::Dictionary => {
                *tokens += 2;
                self.colons = true;
                text(line)?.strip_prefix(": ")?
            }
        };
        if let Some(bracket) = of_bracket(item) {
            *tokens += 1;
            self.open.push(bracket);
            return (self.open.len() <= DEPTH_MAX).then_some(());
        }
        self.constant.lines.tokens += match item {
            "{}," | "[]," => 3,
            "True," | "False," | "None," => 2,
            _ if item.starts_with(['"', '\'']) => (text(item)? == ",").then_some(2)?,
            _ => self.number(item.strip_suffix(',')?)? + 1,
        };
        Some(())
    }

    /// Digits, with a point or an exponent, as Rust writes them; a sign is an operator.
    fn number(&mut self, written: &str) -> Option<usize> {
        let digits = written.strip_prefix('-').unwrap_or(written);
        let whole =
            digits.len() - digits.trim_start_matches(|mark: char| mark.is_ascii_digit()).len();
        let operand = match digits.parse::<u64>() {
            // Python has no other zero that begins a whole number.
            Ok(number) if whole == digits.len() && (whole == 1 || !digits.starts_with('0')) => {
                Operand::Integer(number)
            }
            _ if whole == 0 || digits.bytes().all(|mark| mark.is_ascii_digit()) => return None,
            _ => halstead::of_float(digits.parse().ok()?),
        };
        // What else Rust reads as a number begins with a letter, a sign or a point.
        if digits.len() == written.len() {
            return Some(1);
        }
        let count = &mut self.constant.halstead;
        count.operators += 1;
        count.operands += 1;
        count.distinct_operators.insert(UNARY_MINUS);
        count.distinct(&operand);
        Some(2)
    }
}

/// What follows a text literal of printable ASCII characters.
fn text(line: &str) -> Option<&str> {
    let bytes = line.as_bytes();
    let quote = *bytes.first().filter(|mark| matches!(mark, b'"' | b'\''))?;
    let mut at = 1;
    loop {
        match *bytes.get(at)? {
            b'\\' => {
                let digits = match *bytes.get(at + 1)? {
                    b'\\' | b'\'' | b'"' | b'n' | b'r' | b't' => 0,
                    b'x' => 2,
                    b'u' => 4,
                    b'U' => 8,
                    _ => return None,
                };
                let digits = bytes.get(at + 2..at + 2 + digits)?;
                let beyond = digits.len() == 8
                    && !(digits.starts_with(b"000") || digits.starts_with(b"0010"));
                if beyond || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                at += 2 + digits.len();
            }
            // Three quotes would begin another kind of text, and two texts without a comma are one.
            mark if mark == quote => {
                return (bytes.get(at + 1) != Some(&quote)).then(|| &line[at + 1..]);
            }
            b' '..=b'~' => at += 1,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::{OURS, lines, parse};
    use std::collections::BTreeSet;

    #[track_caller]
    fn check(text: &str) {
        let parsed = parse(text, OURS);
        assert!(parsed.errors().is_empty(), "{text}");
        let lines = lines::count(text, parsed.tokens());
        let count = halstead::of_module(parsed.syntax());
        let constant = read(text).unwrap_or_else(|| panic!("{text} is left to the parser"));
        let counts = |lines: Lines| format!("{lines:?}");
        assert_eq!(counts(constant.lines), counts(lines), "{text}");
        assert_eq!(constant.halstead.measures(), count.measures(), "{text}");
        let operands = |count: &Count<'_>| -> BTreeSet<Vec<u8>> {
            count.distinct_operands.texts().map(<[u8]>::to_vec).collect()
        };
        assert_eq!(operands(&constant.halstead), operands(&count), "{text}");
    }

    #[test]
    fn constants_count_as_for_the_parser() {
        check(
            "A = {\n    \"a\": 1,\n    'b\"': [\n        -0.25,\n        -2.0,\n        -2,\n    ],\n}\n",
        );
        check(
            "A_1 = [\n    {},\n    [],\n    True,\n    None,\n    \"\",\n    1e-07,\n    -1e+20,\n    0,\n]\n",
        );
        check(
            "A = {\n    \"\\x00\\n\\\\\": \"\\u00e9\\U0010ffff'\",\n    \"k\": {\n        \"n\": False,\n    },\n}\n",
        );
        check("A = [\n    [\n        \"\",\n    ],\n]\n");
    }

    #[test]
    fn what_is_laid_out_otherwise_is_left_to_the_parser() {
        for text in [
            "",
            "A = 1\n",
            "a = [\n]\n",
            "A = [\n    1\n]\n",
            "A = [\n    1,\n}\n",
            "A = [\n    1,\n",
            "A = [\n    1,\n]\nx",
            "A = [\n]\n]\n",
            "A = [\n    \"a\": 1,\n]\n",
            "A = {\n    1,\n}\n",
            "A = [\n    x,\n]\n",
            "A = [\n    01,\n]\n",
            "A = [\n    inf,\n]\n",
            "A = [\n    -inf,\n]\n",
            "A = [\n    --1,\n]\n",
            "A = [\n    +1,\n]\n",
            "A = [\n    1.5.5,\n]\n",
            "A = [\n    99999999999999999999,\n]\n",
            "A = [\n    \"\"\"a\",\n]\n",
            "A = [\n    \"\"\"\"\"\",\n]\n",
            "A = [\n    \"\\q\",\n]\n",
            "A = [\n    \"\\x0\",\n]\n",
            "A = [\n    \"\\U00110000\",\n]\n",
            "A = [\n    \"é\",\n]\n",
            "A = [\n    \"a\",  # why\n]\n",
            "A = [\n    \"a\n]\n",
            "A = [\n\n    1,\n]\n",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
