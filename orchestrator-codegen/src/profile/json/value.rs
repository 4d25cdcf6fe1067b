//! A JSON value: read with its numbers as they are written, and written on one line.

use std::collections::BTreeMap;

use crate::rules::JSON_NESTING_MAX;

/// A value; the members of an object in the order in which their names first occur.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Appends the value, without blanks.
pub(super) fn write(value: &Json, text: &mut String) {
    match value {
        Json::Null => text.push_str("null"),
        Json::Bool(true) => text.push_str("true"),
        Json::Bool(false) => text.push_str("false"),
        Json::Number(number) => text.push_str(number),
        Json::Text(string) => write_string(string, text),
        Json::Array(parts) => {
            text.push('[');
            for (at, part) in parts.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                write(part, text);
            }
            text.push(']');
        }
        Json::Object(members) => {
            text.push('{');
            for (at, (name, part)) in members.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                write_string(name, text);
                text.push(':');
                write(part, text);
            }
            text.push('}');
        }
    }
}

fn write_string(string: &str, text: &mut String) {
    text.push_str(&serde_json::Value::from(string).to_string());
}

/// Why there is no value.
pub(super) enum Fault {
    Damaged,
    /// Values are nested too deep.
    Deep,
}

/// Reads values, from a place on.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl Parser<'_> {
    pub(super) fn mark(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn blanks(&mut self) {
        while matches!(self.mark(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// The value that begins here, inside of `depth` others.
    pub(super) fn value(&mut self, depth: usize) -> Result<Json, Fault> {
        for (word, value) in
            [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))]
        {
            if self.take(word) {
                return Ok(value);
            }
        }
        for word in ["NaN", "Infinity", "-Infinity"] {
            if self.take(word) {
                return Ok(Json::Number(word.to_owned()));
            }
        }
        match self.mark() {
            Some(b'"') => Ok(Json::Text(self.string()?)),
            Some(b'[') => self.array(depth + 1),
            Some(b'{') => self.object(depth + 1),
            _ => self.number(),
        }
    }

    /// Steps to the first part of an array or object; `None` if it has none.
    fn enter(&mut self, close: u8, depth: usize) -> Result<Option<()>, Fault> {
        self.at += 1;
        self.blanks();
        if self.mark() == Some(close) {
            self.at += 1;
            return Ok(None);
        }
        if depth > JSON_NESTING_MAX { Err(Fault::Deep) } else { Ok(Some(())) }
    }

    /// Steps over a comma; false at the end.
    fn more(&mut self, close: u8) -> Result<bool, Fault> {
        self.blanks();
        let mark = self.mark();
        self.at += 1;
        match mark {
            Some(b',') => {
                self.blanks();
                Ok(true)
            }
            Some(mark) if mark == close => Ok(false),
            _ => Err(Fault::Damaged),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, Fault> {
        let mut parts = Vec::new();
        if self.enter(b']', depth)?.is_some() {
            loop {
                parts.push(self.value(depth)?);
                if !self.more(b']')? {
                    break;
                }
            }
        }
        Ok(Json::Array(parts))
    }

    fn object(&mut self, depth: usize) -> Result<Json, Fault> {
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        if self.enter(b'}', depth)?.is_some() {
            loop {
                if self.mark() != Some(b'"') {
                    return Err(Fault::Damaged);
                }
                let name = self.string()?;
                self.blanks();
                if !self.take(":") {
                    return Err(Fault::Damaged);
                }
                self.blanks();
                let value = self.value(depth)?;
                match places.get(&name) {
                    Some(&at) => members[at].1 = value,
                    None => {
                        places.insert(name.clone(), members.len());
                        members.push((name, value));
                    }
                }
                if !self.more(b'}')? {
                    break;
                }
            }
        }
        Ok(Json::Object(members))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.mark().is_some_and(|mark| mark.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    /// A number; what follows it and does not belong to it is left.
    fn number(&mut self) -> Result<Json, Fault> {
        let start = self.at;
        let _sign = self.take("-");
        if !self.take("0") && self.digits() == 0 {
            return Err(Fault::Damaged);
        }
        let whole = self.at;
        if !(self.take(".") && self.digits() > 0) {
            self.at = whole;
        }
        let mantissa = self.at;
        let exponent = self.take("e") || self.take("E");
        let _sign = exponent && (self.take("+") || self.take("-"));
        if !(exponent && self.digits() > 0) {
            self.at = mantissa;
        }
        Ok(Json::Number(self.text[start..self.at].to_owned()))
    }

    fn string(&mut self) -> Result<String, Fault> {
        let mut string = String::new();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let length = rest.find(|mark| mark == '"' || mark == '\\' || mark < ' ');
            let length = length.ok_or(Fault::Damaged)?;
            string.push_str(&rest[..length]);
            self.at += length + 1;
            match rest.as_bytes()[length] {
                b'"' => return Ok(string),
                b'\\' => string.push(self.escape()?),
                _ => return Err(Fault::Damaged),
            }
        }
    }

    /// What follows a backslash. Half of a surrogate pair is no character.
    fn escape(&mut self) -> Result<char, Fault> {
        let mark = self.mark().ok_or(Fault::Damaged)?;
        self.at += 1;
        Ok(match mark {
            b'"' | b'\\' | b'/' => char::from(mark),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hexadecimal()?;
                let behind = self.at;
                if (0xd800..0xdc00).contains(&high) && self.take("\\u") {
                    match self.hexadecimal() {
                        Ok(low) if (0xdc00..0xe000).contains(&low) => {
                            let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                        }
                        _ => self.at = behind,
                    }
                }
                char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(Fault::Damaged),
        })
    }

    fn hexadecimal(&mut self) -> Result<u32, Fault> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(Fault::Damaged)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Fault::Damaged);
        }
        let code = u32::from_str_radix(&self.text[self.at..self.at + 4], 16);
        self.at += 4;
        code.map_err(|_| Fault::Damaged)
    }
}
