//! A definition as a Mermaid flowchart, for people.

use std::fmt::Write;

use super::step::Kind;
use super::{Fires, Join, Workflow};

/// The chart. Loop bodies are drawn as subgraphs.
pub(super) fn draw(workflow: &Workflow) -> String {
    let mut out = format!("flowchart TD\n  %% {}\n", workflow.name());
    steps(workflow, "", 1, &mut out);
    out
}

fn steps(workflow: &Workflow, prefix: &str, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    // Mermaid takes letters, digits and `_` for an id; the index keeps two names apart that differ in other characters only.
    let id = |at: usize| format!("{prefix}s{at}");
    for (at, def) in workflow.defs().iter().enumerate() {
        let join = match def.step.join {
            Join::All => String::new(),
            Join::Any => "<br/>any".to_owned(),
            Join::AtLeast(n) => format!("<br/>{n} of {}", def.incoming.len()),
        };
        let says = label(&def.step.description);
        let line = match (&def.step.kind, def.step.kind.body()) {
            (kind, Some(body)) => {
                let bound = match kind {
                    Kind::Loop { rounds_max, .. } => format!(" (at most {rounds_max} rounds)"),
                    _ => format!(" ({})", kind.word()),
                };
                let opened = writeln!(out, "{pad}subgraph {}[\"{}{bound}{join}\"]", id(at), def.id);
                steps(body, &format!("{}_", id(at)), depth + 1, out);
                opened.and_then(|()| writeln!(out, "{pad}end"))
            }
            (Kind::Task { role, .. }, None) => {
                let own = role.as_str() == def.id.as_str();
                let role = if own { String::new() } else { format!("<br/>{role}") };
                writeln!(out, "{pad}{}[\"{}{role}{says}{join}\"]", id(at), def.id)
            }
            (kind, None) => {
                writeln!(out, "{pad}{}[\"{}<br/>{}{says}{join}\"]", id(at), def.id, kind.word())
            }
        };
        line.expect("a String takes every write");
    }
    for (at, def) in workflow.defs().iter().enumerate() {
        for edge in &def.outgoing {
            let arrow = match edge.fires {
                Fires::Success => "-->",
                Fires::Failure => "-. on failure .->",
                Fires::Always => "-- always -->",
                Fires::Chosen => "-- chosen -->",
            };
            writeln!(out, "{pad}{} {arrow} {}", id(at), id(edge.step as usize))
                .expect("a String takes every write");
        }
    }
}

/// A description as a line of a label; nothing where there is none.
fn label(description: &str) -> String {
    let text: String = description
        .chars()
        .map(|c| match c {
            '"' => "#quot;".to_owned(),
            '<' => "&lt;".to_owned(),
            c if c.is_control() => " ".to_owned(),
            c => c.to_string(),
        })
        .collect();
    if text.is_empty() { text } else { format!("<br/><i>{text}</i>") }
}
