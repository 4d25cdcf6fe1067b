//! The parts that a layer carries of those that it writes: their tokens, as a literal of its language.
//!
//! The literal is a dictionary with an item for each layer, a list of its tokens. A token is a list of texts: its guards in one,
//! `+a,b` for one of these, `-a,b` for none of these, with a space between; then its lines. One that holds a constant has the
//! name of it, after `=`, among the guards.

use crate::template::literal::{Dialect, newline};
use crate::template::token::{Guard, ScriptToken};
use crate::text::lines_with_ends;

/// The parts of some layers, and where in the literal each layer is.
pub(crate) struct Parts {
    pub(crate) literal: String,
    /// Where the first item begins, and where each one ends.
    pub(crate) ends: Vec<usize>,
}

/// Writes parts, a layer at a time.
pub(crate) struct PartsWriter {
    dialect: Dialect,
    parts: Parts,
}

impl PartsWriter {
    pub(crate) fn new(dialect: Dialect) -> Result<PartsWriter, String> {
        if matches!(dialect, Dialect::Rust | Dialect::Shell | Dialect::Sql) {
            return Err("its language has no literal for parts".to_owned());
        }
        let parts = Parts { literal: String::from("{"), ends: Vec::new() };
        Ok(PartsWriter { dialect, parts })
    }

    /// Adds a layer, with the [literal of its tokens](tokens_literal).
    pub(crate) fn add(&mut self, layer: &str, tokens: &str) -> Result<(), String> {
        let Parts { literal, ends } = &mut self.parts;
        ends.push(literal.len() + 1);
        newline(literal, 4);
        self.dialect.write_text(literal, layer)?;
        literal.push_str(": ");
        literal.push_str(tokens);
        literal.push(',');
        Ok(())
    }

    pub(crate) fn finish(self) -> Parts {
        let Parts { mut literal, mut ends } = self.parts;
        if self.dialect == Dialect::Json {
            literal.pop();
        }
        ends.push(literal.len() + 1);
        newline(&mut literal, 0);
        literal.push('}');
        Parts { literal, ends }
    }
}

/// The tokens of a layer, as an item of parts.
pub(crate) fn tokens_literal(tokens: &[ScriptToken], dialect: Dialect) -> Result<String, String> {
    if tokens.is_empty() {
        return Ok("[]".to_owned());
    }
    let bytes: usize = tokens.iter().map(|token| token.text.len()).sum();
    // A line of forty characters has twelve blanks, quotes and a comma around it.
    let mut out = String::with_capacity(bytes + bytes / 2);
    out.push('[');
    for (at, token) in tokens.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        newline(&mut out, 8);
        out.push('[');
        newline(&mut out, 12);
        let constant = token.data.as_ref().map(|constant| format!("={}", constant.name));
        let conditions: Vec<String> = token.guards.iter().map(condition).chain(constant).collect();
        dialect.write_text(&mut out, &conditions.join(" "))?;
        for line in lines_with_ends(&token.text).filter(|_| token.data.is_none()) {
            out.push(',');
            newline(&mut out, 12);
            dialect.write_text(&mut out, line)?;
        }
        close(&mut out, dialect, 8);
    }
    close(&mut out, dialect, 4);
    Ok(out)
}

fn close(out: &mut String, dialect: Dialect, indent: usize) {
    if dialect != Dialect::Json {
        out.push(',');
    }
    newline(out, indent);
    out.push(']');
}

fn condition(guard: &Guard) -> String {
    format!("{}{}", if guard.kept { '+' } else { '-' }, guard.any_of.join(","))
}
