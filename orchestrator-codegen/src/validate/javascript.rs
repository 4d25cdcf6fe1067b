//! JavaScript, by tree-sitter.

use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, Parser};

use crate::validate::{
    DIAGNOSTICS_MAX, Diagnostic, Place, Severity, Validator, in_order, is_too_long,
};

/// The parser reports its progress every few hundred steps; a source that is mostly errors would take it minutes. Counted, not timed, so that the
/// answer is the same on every machine.
const REPORTS_MAX: usize = 200_000;

/// Accepts what tree-sitter's grammar takes for a script or module. A grammar made for editors lets some errors pass: a name declared twice, `return` outside a
/// function, a bad regular expression; functions and classes without names, `try` alone and `const` without a value are looked for here. All errors are found, by recovery; where several readings are near, the place may be a line off.
///
/// ```
/// use orchestrator_codegen::{JavaScriptValidator, Validator};
/// assert!(JavaScriptValidator.validate("const rows = data.map((row) => row.id ?? 0);\n").is_empty());
/// assert_eq!(JavaScriptValidator.validate("let a = 1;\nlet b = (1;\n")[0].line, 2);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct JavaScriptValidator;

impl Validator for JavaScriptValidator {
    fn validate(&self, source: &str) -> Vec<Diagnostic> {
        if let Some(fault) = is_too_long(source) {
            return vec![fault];
        }
        let place = Place::of(source);
        let refused = |message: &str| vec![place.diagnostic(0, message.into(), Severity::Error)];
        let mut parser = Parser::new();
        if parser.set_language(&tree_sitter_javascript::LANGUAGE.into()).is_err() {
            return refused("the grammar of JavaScript is of another version than the parser");
        }
        let mut reports = 0;
        let mut progress = |_: &tree_sitter::ParseState| {
            reports += 1;
            if reports > REPORTS_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = ParseOptions::new().progress_callback(&mut progress);
        let bytes = source.as_bytes();
        let mut read = |at: usize, _| bytes.get(at..).unwrap_or_default();
        let Some(tree) = parser.parse_with_options(&mut read, None, Some(options)) else {
            return refused("too many errors to be read");
        };
        faults(source, &place, tree.root_node())
    }
}

/// All errors of a tree, without recursion: it may be as deep as the source is long.
fn faults(source: &str, place: &Place<'_>, root: Node<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut cursor = root.walk();
    'nodes: loop {
        let node = cursor.node();
        let at = node.start_byte();
        if node.is_missing() {
            // It is missing behind what stands before, not before what follows.
            let at = source[..at].trim_end().len();
            let message = format!("{:?} is missing", node.kind());
            found.push(place.diagnostic(at, message, Severity::Error));
        } else if node.is_error() {
            let text = source.get(node.byte_range()).unwrap_or("").trim();
            let shown: String = text.chars().take_while(|c| *c != '\n').take(40).collect();
            found.push(place.diagnostic(at, format!("unexpected {shown:?}"), Severity::Error));
        } else if let Some(message) = taken_for_granted(node) {
            found.push(place.diagnostic(at, message.to_owned(), Severity::Error));
        }
        let within = !node.is_error();
        if found.len() >= DIAGNOSTICS_MAX {
            break;
        }
        if within && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                break 'nodes;
            }
        }
    }
    in_order(found)
}

/// What the grammar lets pass, and no engine does.
fn taken_for_granted(node: Node<'_>) -> Option<&'static str> {
    let has = |field: &str| node.child_by_field_name(field).is_some();
    match node.kind() {
        "expression_statement" => match node.child(0)?.kind() {
            "function_expression" | "generator_function" => Some("a function needs a name"),
            "class" => Some("a class needs a name"),
            _ => None,
        },
        "try_statement" if !has("handler") && !has("finalizer") => {
            Some("a try needs a catch or a finally")
        }
        "variable_declarator" if !has("value") => {
            let declaration = node.parent()?;
            let is_const = declaration.child(0)?.kind() == "const";
            is_const.then_some("a const needs a value")
        }
        _ => None,
    }
}
