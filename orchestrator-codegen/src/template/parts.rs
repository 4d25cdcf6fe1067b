//! The parts that a layer carries of those that it writes: their tokens, as a literal of its language.
//!
//! The literal is a dictionary with an item for each layer, a list of its tokens. A token is a list of texts: its guards in one,
//! `+a,b` for one of these, `-a,b` for none of these, with a space between; then its lines. One that holds a constant has the
//! name of it, after `=`, among the guards.

use std::borrow::Cow;

use crate::template::literal::{Dialect, newline};
use crate::template::token::{Guard, ScriptToken};
use crate::text::lines_with_ends;

/// The parts of some layers, and where in the literal each layer is.
pub(crate) struct Parts {
    pub(crate) literal: String,
    /// Where the first item begins, and where each one ends.
    pub(crate) ends: Vec<usize>,
}

impl Parts {
    /// The parts of layers, each with its name and the [literal of its tokens](tokens_literal).
    pub(crate) fn new(dialect: Dialect, layers: &[(&str, Cow<'_, str>)]) -> Result<Parts, String> {
        if matches!(dialect, Dialect::Rust | Dialect::Shell | Dialect::Sql) {
            return Err("its language has no literal for parts".to_owned());
        }
        // With its name, brackets and blanks.
        let bytes: usize =
            layers.iter().map(|(name, tokens)| 2 * name.len() + tokens.len() + 16).sum();
        let mut literal = String::with_capacity(bytes + 4);
        literal.push('{');
        let mut ends = Vec::new();
        for (name, tokens) in layers {
            ends.push(literal.len() + 1);
            newline(&mut literal, 4);
            dialect.write_text(&mut literal, name)?;
            literal.push_str(": ");
            literal.push_str(tokens);
            literal.push(',');
        }
        if dialect == Dialect::Json {
            literal.pop();
        }
        ends.push(literal.len() + 1);
        newline(&mut literal, 0);
        literal.push('}');
        Ok(Parts { literal, ends })
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
