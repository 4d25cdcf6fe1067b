//! Values as each language writes them, such that no text can end a string, a line or a file.
//!
//! Control characters, among them the ones that frame markers, never stand in a literal as they are, and neither does a line
//! break: what is rendered can be cut into lines and tokens whatever a user wrote.
//!
//! | language | text | lists | records | refused |
//! |---|---|---|---|---|
//! | Python | `"…"`, ASCII | `[…]` | `{…}` | |
//! | Rust | `"…"`, ASCII | `[…]` | | records |
//! | shell | `'…'`, `$'…'` with control characters (Bash) | words | | NUL, records, lists of lists |
//! | SQL | `'…'`, a cast of hexadecimals with control characters | `(…)` | | records, lists of lists |
//! | JavaScript | `"…"`, ASCII, `</` split | `[…]` | `{…}` | integers beyond 2^53 |
//! | JSON | `"…"`, ASCII | `[…]` | `{…}` | |
//! | TOML | `"…"`, ASCII | `[…]` | `{…}`, on one line | null, integers beyond 64 bits |

use std::fmt::Write;

use memchr::{memchr_iter, memchr3};
use minijinja::value::{Value, ValueKind};

use crate::language::Language;
use crate::text::is_typed;

/// Lists in lists deeper than this are a mistake.
const DEPTH_MAX: usize = 32;

/// What a filter writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Python,
    Rust,
    Shell,
    Sql,
    JavaScript,
    Json,
    Toml,
}

/// How a list or a record is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// On one line.
    Line,
    /// Each item on a line of its own, with a comma after the last one where the language has that; the closing bracket is
    /// indented by so many columns.
    Exploded { indent: usize },
}

impl Dialect {
    pub(crate) const ALL: [(&'static str, Dialect); 7] = [
        ("python", Dialect::Python),
        ("rust", Dialect::Rust),
        ("shell", Dialect::Shell),
        ("sql", Dialect::Sql),
        ("javascript", Dialect::JavaScript),
        ("json", Dialect::Json),
        ("toml", Dialect::Toml),
    ];

    pub(crate) fn of(language: Language) -> Option<Dialect> {
        match language {
            Language::Python => Some(Dialect::Python),
            Language::Rust => Some(Dialect::Rust),
            Language::Shell => Some(Dialect::Shell),
            Language::Sql => Some(Dialect::Sql),
            Language::JavaScript => Some(Dialect::JavaScript),
            Language::Text => None,
        }
    }

    /// The value as a literal, or why there is none.
    pub(crate) fn literal(self, value: &Value, layout: Layout) -> Result<String, String> {
        let mut out = String::new();
        self.write(&mut out, value, layout, 0)?;
        Ok(out)
    }

    /// Appends a text literal.
    pub(crate) fn write_text(self, out: &mut String, text: &str) -> Result<(), String> {
        match self {
            Dialect::Python => python_text(out, text),
            Dialect::Rust => rust_text(out, text),
            Dialect::Shell => return shell_text(out, text),
            Dialect::Sql => sql_text(out, text),
            Dialect::JavaScript => json_text(out, text, true),
            Dialect::Json => json_text(out, text, false),
            Dialect::Toml => toml_text(out, text),
        }
        Ok(())
    }

    fn write(
        self,
        out: &mut String,
        value: &Value,
        layout: Layout,
        depth: usize,
    ) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err(format!("a value is nested deeper than {DEPTH_MAX} levels"));
        }
        match value.kind() {
            ValueKind::Bool => out.push_str(self.boolean(value.is_true())),
            ValueKind::None if self == Dialect::Toml => {
                return Err("TOML has no null; leave the key out".to_owned());
            }
            ValueKind::None => out.push_str(self.nothing()),
            ValueKind::Number => self.write_number(out, value)?,
            ValueKind::String => self.write_text(out, value.as_str().unwrap_or_default())?,
            ValueKind::Seq => {
                let items = value.try_iter().map_err(|error| error.to_string())?;
                let items: Vec<Value> = items.collect();
                self.write_list(out, &items, layout, depth)?;
            }
            ValueKind::Map => self.write_record(out, value, layout, depth)?,
            ValueKind::Undefined => return Err("the value is undefined".to_owned()),
            other => return Err(format!("a value of kind {other} has no literal")),
        }
        Ok(())
    }

    fn boolean(self, value: bool) -> &'static str {
        match (self, value) {
            (Dialect::Python, true) => "True",
            (Dialect::Python, false) => "False",
            (Dialect::Sql, true) => "1",
            (Dialect::Sql, false) => "0",
            (_, true) => "true",
            (_, false) => "false",
        }
    }

    fn nothing(self) -> &'static str {
        match self {
            Dialect::Python | Dialect::Rust => "None",
            Dialect::Shell => "''",
            Dialect::Sql => "NULL",
            Dialect::JavaScript | Dialect::Json | Dialect::Toml => "null",
        }
    }

    fn write_number(self, out: &mut String, value: &Value) -> Result<(), String> {
        if value.is_integer() {
            let number: i128 =
                i128::try_from(value.clone()).map_err(|_| format!("{value} is too great"))?;
            let fits = match self {
                Dialect::Python | Dialect::Json => true,
                Dialect::JavaScript => number.unsigned_abs() <= 1 << 53,
                Dialect::Rust | Dialect::Shell | Dialect::Sql | Dialect::Toml => {
                    i64::try_from(number).is_ok()
                }
            };
            if !fits {
                return Err(format!(
                    "{number} does not fit into an integer of the language; pass it as text"
                ));
            }
            let _ = write!(out, "{number}");
            return Ok(());
        }
        let number = f64::try_from(value.clone()).map_err(|error| error.to_string())?;
        if !number.is_finite() {
            return Err(format!("{number} has no literal"));
        }
        out.push_str(&float(number));
        Ok(())
    }

    fn write_list(
        self,
        out: &mut String,
        items: &[Value],
        layout: Layout,
        depth: usize,
    ) -> Result<(), String> {
        let (open, close, between) = match self {
            Dialect::Shell => ("", "", " "),
            Dialect::Sql => ("(", ")", ", "),
            _ => ("[", "]", ", "),
        };
        if depth > 0 && matches!(self, Dialect::Shell | Dialect::Sql) {
            return Err("the language has no list of lists".to_owned());
        }
        out.push_str(open);
        for (at, item) in items.iter().enumerate() {
            let inner = self.item(out, at, layout, between);
            self.write(out, item, inner, depth + 1)?;
        }
        self.close(out, items.len(), layout, close);
        Ok(())
    }

    fn write_record(
        self,
        out: &mut String,
        value: &Value,
        layout: Layout,
        depth: usize,
    ) -> Result<(), String> {
        if matches!(self, Dialect::Rust | Dialect::Shell | Dialect::Sql) {
            return Err("the language has no literal for a record".to_owned());
        }
        let (layout, between) = match self {
            // Only since version 1.1 may an inline table go over lines.
            Dialect::Toml => (Layout::Line, " = "),
            _ => (layout, ": "),
        };
        let keys: Vec<Value> = value.try_iter().map_err(|error| error.to_string())?.collect();
        out.push('{');
        for (at, key) in keys.iter().enumerate() {
            let inner = self.item(out, at, layout, ", ");
            match key.as_str() {
                // As a plain key it would set the prototype.
                Some("__proto__") if self == Dialect::JavaScript => out.push_str("[\"__proto__\"]"),
                Some(text) => self.write_text(out, text)?,
                None => return Err("a key is no text".to_owned()),
            }
            out.push_str(between);
            let field = value.get_item(key).map_err(|error| error.to_string())?;
            self.write(out, &field, inner, depth + 1)?;
        }
        self.close(out, keys.len(), layout, "}");
        Ok(())
    }

    /// What stands before an item; gives the layout of the item.
    fn item(self, out: &mut String, at: usize, layout: Layout, between: &str) -> Layout {
        match layout {
            Layout::Line => {
                out.push_str(if at == 0 { "" } else { between });
                Layout::Line
            }
            Layout::Exploded { indent } => {
                let indent = indent + self.step();
                out.push_str(if at == 0 { "" } else { between.trim_end() });
                newline(out, indent);
                Layout::Exploded { indent }
            }
        }
    }

    fn close(self, out: &mut String, items: usize, layout: Layout, close: &str) {
        if let (Layout::Exploded { indent }, 1..) = (layout, items) {
            if !matches!(self, Dialect::Shell | Dialect::Sql | Dialect::Json) {
                out.push(',');
            }
            newline(out, indent);
        }
        out.push_str(close);
    }

    fn step(self) -> usize {
        match self {
            Dialect::Python | Dialect::Rust | Dialect::Sql | Dialect::Toml => 4,
            Dialect::Shell | Dialect::JavaScript | Dialect::Json => 2,
        }
    }
}

pub(crate) fn newline(out: &mut String, indent: usize) {
    const BLANKS: &str = "                                ";
    out.push('\n');
    match BLANKS.get(..indent) {
        Some(blanks) => out.push_str(blanks),
        None => out.extend(std::iter::repeat_n(' ', indent)),
    }
}

/// A float as Python's `repr` has it: the fewest digits that read back as the same number. All the languages read it.
pub(crate) fn float(number: f64) -> String {
    let text = format!("{number:?}");
    match text.split_once('e') {
        None => text,
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
    }
}

/// In the quotes that need fewer escapes, as formatters have it.
fn python_text(out: &mut String, text: &str) {
    out.reserve(text.len() + 4);
    let count = |quote: u8| memchr_iter(quote, text.as_bytes()).count();
    let quote = match count(b'"') {
        0 => '"',
        double if double > count(b'\'') => '\'',
        _ => '"',
    };
    out.push(quote);
    let typed = is_typed(text);
    let end_of_plain = |rest: &str| match typed {
        true => memchr3(quote as u8, b'\\', b'\n', rest.as_bytes()),
        false => rest.find(|mark| !matches!(mark, ' '..='~') || mark == quote || mark == '\\'),
    };
    let mut rest = text;
    // What stands as it is, in one go, and what follows it.
    while !rest.is_empty() {
        let end = end_of_plain(rest).unwrap_or(rest.len());
        out.push_str(&rest[..end]);
        let mut marks = rest[end..].chars();
        match marks.next() {
            None => {}
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(mark) if mark == quote => out.extend(['\\', mark]),
            Some(mark @ '\0'..='\u{ff}') => drop(write!(out, "\\x{:02x}", u32::from(mark))),
            Some(mark @ '\0'..='\u{ffff}') => drop(write!(out, "\\u{:04x}", u32::from(mark))),
            Some(mark) => drop(write!(out, "\\U{:08x}", u32::from(mark))),
        }
        rest = marks.as_str();
    }
    out.push(quote);
}

fn rust_text(out: &mut String, text: &str) {
    in_quotes(out, text, |mark| format!("\\u{{{:x}}}", u32::from(mark)));
}

/// Between double quotes, with backslashes before what has a letter of its own; `rare` names what is not ASCII, or not seen.
fn in_quotes(out: &mut String, text: &str, rare: impl Fn(char) -> String) {
    out.push('"');
    for mark in text.chars() {
        match mark {
            '"' | '\\' => out.extend(['\\', mark]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(mark),
            _ => out.push_str(&rare(mark)),
        }
    }
    out.push('"');
}

fn shell_text(out: &mut String, text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err("a text of the shell cannot hold a NUL character; take it out".to_owned());
    }
    if !text.chars().any(char::is_control) {
        out.push('\'');
        out.push_str(&text.replace('\'', r"'\''"));
        out.push('\'');
        return Ok(());
    }
    out.push_str("$'");
    for mark in text.chars() {
        match mark {
            '\'' | '\\' => out.extend(['\\', mark]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Octal, of exactly three digits: hexadecimals would swallow digits that follow.
            _ if mark.is_control() => {
                let mut bytes = [0; 4];
                for byte in mark.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(out, "\\{byte:03o}");
                }
            }
            _ => out.push(mark),
        }
    }
    out.push('\'');
    Ok(())
}

fn sql_text(out: &mut String, text: &str) {
    if !text.chars().any(char::is_control) {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
        return;
    }
    out.push_str("CAST(X'");
    for byte in text.bytes() {
        let _ = write!(out, "{byte:02x}");
    }
    out.push_str("' AS TEXT)");
}

fn json_text(out: &mut String, text: &str, script: bool) {
    out.push('"');
    let mut last = ' ';
    for mark in text.chars() {
        match mark {
            '"' | '\\' => out.extend(['\\', mark]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // `</script>` would end a script inside a page.
            '/' if script && last == '<' => out.push_str("\\/"),
            ' '..='~' => out.push(mark),
            _ => {
                for unit in mark.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
        last = mark;
    }
    out.push('"');
}

/// Unlike JSON it knows no surrogates.
fn toml_text(out: &mut String, text: &str) {
    in_quotes(out, text, |mark| match mark {
        '\0'..='\u{ffff}' => format!("\\u{:04x}", u32::from(mark)),
        _ => format!("\\U{:08x}", u32::from(mark)),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(dialect: Dialect, value: impl Into<Value>, wanted: &str) {
        assert_eq!(dialect.literal(&value.into(), Layout::Line).as_deref(), Ok(wanted));
    }

    #[test]
    fn each_language_has_its_own_literals() {
        let text = "a'\"\\\n\u{1}é😀</b>";
        check(Dialect::Python, text, r#""a'\"\\\n\x01\xe9\U0001f600</b>""#);
        check(Dialect::Rust, text, r#""a'\"\\\n\u{1}\u{e9}\u{1f600}</b>""#);
        check(Dialect::Shell, text, r#"$'a\'"\\\n\001é😀</b>'"#);
        check(Dialect::Shell, "it's", r"'it'\''s'");
        check(Dialect::Sql, "it's", "'it''s'");
        check(Dialect::Sql, "a\nb", "CAST(X'610a62' AS TEXT)");
        check(Dialect::JavaScript, text, r#""a'\"\\\n\u0001\u00e9\ud83d\ude00<\/b>""#);
        check(Dialect::Json, text, r#""a'\"\\\n\u0001\u00e9\ud83d\ude00</b>""#);
        check(Dialect::Toml, text, r#""a'\"\\\n\u0001\u00e9\U0001f600</b>""#);
        check(
            Dialect::Toml,
            Value::from(std::collections::BTreeMap::from([("a b", "c")])),
            r#"{"a b" = "c"}"#,
        );
        assert!(Dialect::Toml.literal(&Value::from(()), Layout::Line).is_err());
        check(
            Dialect::Python,
            vec![Value::from(1.0), Value::from(1e-7), Value::from(true)],
            "[1.0, 1e-07, True]",
        );
        check(Dialect::Shell, vec!["a b", "c"], "'a b' 'c'");
        check(Dialect::Sql, vec!["a", "b"], "('a', 'b')");
        assert!(Dialect::Shell.literal(&Value::from("\0"), Layout::Line).is_err());
        assert!(Dialect::JavaScript.literal(&Value::from(1_i64 << 60), Layout::Line).is_err());
    }

    #[test]
    fn exploded_lists_have_a_comma_after_the_last_item() {
        let value = Value::from(vec![Value::from(vec![1, 2]), Value::from(Vec::<Value>::new())]);
        let literal = Dialect::Python.literal(&value, Layout::Exploded { indent: 0 }).unwrap();
        assert_eq!(literal, "[\n    [\n        1,\n        2,\n    ],\n    [],\n]");
    }
}
