//! Writes a picture in DOT, the language of Graphviz.

use std::fmt::{self, Write};

use super::look;
use super::picture::{Arrow, Node, Picture, Shape};
use crate::workflow::Fires;

pub(super) fn write(picture: &Picture) -> String {
    let mut out = String::new();
    let written = graph(picture, &mut out);
    written.expect("a String takes every write");
    out
}

fn graph(picture: &Picture, out: &mut String) -> fmt::Result {
    writeln!(out, "digraph \"{}\" {{", text(&picture.name))?;
    writeln!(out, "  node [style=filled, fillcolor=\"#ffffff\"];")?;
    inside(picture, 1, out)?;
    writeln!(out, "}}")
}

fn inside(picture: &Picture, depth: usize, out: &mut String) -> fmt::Result {
    let pad = "  ".repeat(depth);
    for node in &picture.nodes {
        let Some(within) = &node.inside else {
            own(node, &pad, out)?;
            continue;
        };
        // An edge cannot end at a cluster, so the step itself stands in it, before what is inside.
        writeln!(out, "{pad}subgraph cluster_{} {{", node.key)?;
        writeln!(out, "{pad}  label=\"{}\";", text(&within.name))?;
        own(node, &format!("{pad}  "), out)?;
        inside(within, depth + 1, out)?;
        let begun = |key: &str| within.arrows.iter().any(|arrow| arrow.to == key);
        for first in within.nodes.iter().filter(|first| !begun(&first.key)) {
            writeln!(out, "{pad}  {} -> {} [style=dotted, arrowhead=none];", node.key, first.key)?;
        }
        writeln!(out, "{pad}}}")?;
    }
    for Arrow { from, to, fires, label } in &picture.arrows {
        let mut settings = Vec::new();
        if !label.is_empty() {
            settings.push(format!("label=\"{}\"", text(label)));
        }
        match fires {
            Fires::Failure => settings.push("style=dashed".to_owned()),
            Fires::Success | Fires::Always | Fires::Chosen => {}
        }
        let settings =
            if settings.is_empty() { String::new() } else { format!(" [{}]", settings.join(", ")) };
        writeln!(out, "{pad}{from} -> {to}{settings};")?;
    }
    Ok(())
}

/// The node of a step.
fn own(node: &Node, pad: &str, out: &mut String) -> fmt::Result {
    let shape = match node.shape {
        Shape::Task => "box",
        Shape::Branch => "diamond",
        Shape::Decision => "invhouse",
        Shape::Wait => "ellipse",
        Shape::Frame => "folder",
    };
    let lines = node.lines.iter().map(String::as_str);
    let says = (!node.description.is_empty()).then_some(node.description.as_str());
    let label: Vec<String> = lines.chain(says).map(text).collect();
    write!(out, "{pad}{} [shape={shape}, label=\"{}\"", node.key, label.join("\\n"))?;
    if let Some(status) = node.status {
        write!(out, ", fillcolor=\"{}\"", look(status).1)?;
    }
    writeln!(out, "];")
}

/// A text inside the quotes of a label. Graphviz reads escapes after `\` in it, and entities after `&`.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '&' => out.push_str("&amp;"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
