//! Writes a picture as a Mermaid flowchart.

use std::fmt::{self, Write};

use super::picture::{Arrow, Node, Picture, Shape};
use super::{STATUSES, look};
use crate::workflow::Fires;

pub(super) fn write(picture: &Picture) -> String {
    let mut out = String::new();
    let written = chart(picture, &mut out);
    written.expect("a String takes every write");
    out
}

fn chart(picture: &Picture, out: &mut String) -> fmt::Result {
    writeln!(out, "flowchart TD\n  %% {}", picture.name)?;
    inside(picture, 1, out)?;
    let mut marked = Vec::new();
    collect(picture, &mut marked);
    for status in STATUSES {
        let (word, fill) = look(status);
        let keys: Vec<&str> =
            marked.iter().filter(|(_, its)| *its == status).map(|(key, _)| *key).collect();
        if !keys.is_empty() {
            writeln!(out, "  classDef {word} fill:{fill},stroke:#616161,color:#212121")?;
            writeln!(out, "  class {} {word}", keys.join(","))?;
        }
    }
    Ok(())
}

fn collect<'a>(picture: &'a Picture, marked: &mut Vec<(&'a str, crate::run::StepStatus)>) {
    for node in &picture.nodes {
        marked.extend(node.status.map(|status| (node.key.as_str(), status)));
        node.inside.iter().for_each(|inside| collect(inside, marked));
    }
}

fn inside(picture: &Picture, depth: usize, out: &mut String) -> fmt::Result {
    let pad = "  ".repeat(depth);
    for node in &picture.nodes {
        let Node { key, .. } = node;
        let label = label(node);
        let (open, close) = match node.shape {
            Shape::Task => ("[", "]"),
            Shape::Branch => ("{", "}"),
            Shape::Decision => ("[/", "/]"),
            Shape::Wait => ("([", "])"),
            Shape::Frame => {
                writeln!(out, "{pad}subgraph {key}[\"{label}\"]")?;
                node.inside.iter().try_for_each(|picture| inside(picture, depth + 1, out))?;
                writeln!(out, "{pad}end")?;
                continue;
            }
        };
        writeln!(out, "{pad}{key}{open}\"{label}\"{close}")?;
    }
    for Arrow { from, to, fires, label } in &picture.arrows {
        let arrow = match fires {
            Fires::Failure => "-.->",
            Fires::Success | Fires::Always | Fires::Chosen => "-->",
        };
        let label = if label.is_empty() { String::new() } else { format!("|\"{}\"|", text(label)) };
        writeln!(out, "{pad}{from} {arrow}{label} {to}")?;
    }
    Ok(())
}

fn label(node: &Node) -> String {
    let lines = node.lines.iter().map(|line| text(line));
    let says =
        (!node.description.is_empty()).then(|| format!("<i>{}</i>", text(&node.description)));
    lines.chain(says).collect::<Vec<_>>().join("<br/>")
}

/// A text inside the quotes of a label. Mermaid reads HTML in it, Markdown between backticks, and its own entities between `#` and `;`.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '#' => out.push_str("#35;"),
            '`' => out.push_str("#96;"),
            '\\' => out.push_str("#92;"),
            '\n' => out.push_str("<br/>"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
