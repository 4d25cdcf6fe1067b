//! Rust, by `syn`.

use proc_macro2::{LineColumn, TokenStream, TokenTree};

use crate::validate::{Diagnostic, Severity, Validator, in_order, is_too_long, on_a_deep_stack};

/// Deeper nesting and longer chains are refused: rustc itself stops at 128 nested brackets (its `recursion_limit`).
const DEPTH_MAX: usize = 1000;

/// Accepts what parses as a Rust file of edition 2024. Names, types and borrows are not looked at, nor what is inside of a macro's
/// brackets, but that they are closed. After an error it goes on with the next item, so that several are found; a bracket without its
/// other half is the one finding of its file.
///
/// ```
/// use orchestrator_codegen::{RustValidator, Validator};
/// assert!(RustValidator.validate("fn main() { println!(\"{}\", 1) }").is_empty());
/// let faults = RustValidator.validate("fn one() { let = 1; }\nfn two() {}\nfn three(,) {}\n");
/// assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [1, 3]);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct RustValidator;

impl Validator for RustValidator {
    fn validate(&self, source: &str) -> Vec<Diagnostic> {
        if let Some(fault) = is_too_long(source) {
            return vec![fault];
        }
        // A thread of its own: `syn` recurses, and proc-macro2 keeps every source it has read until its thread ends.
        on_a_deep_stack(|| look(source)).unwrap_or_else(|fault| vec![fault])
    }
}

fn look(source: &str) -> Vec<Diagnostic> {
    let text = program(source);
    let tokens: TokenStream = match text.parse() {
        Ok(tokens) => tokens,
        // The lexer says only that it failed, and where: at the bracket, quote or character that nothing follows from.
        Err(fault) => {
            let message = "a bracket or quote without its other half, or a character of no Rust";
            return vec![finding(fault.span().start(), message.to_owned())];
        }
    };
    if let Some(at) = too_deep(&tokens) {
        let message = format!("nested or chained more than {DEPTH_MAX} times: part the expression");
        return vec![finding(at, message)];
    }
    let Err(error) = syn::parse2::<syn::File>(tokens.clone()) else { return Vec::new() };
    let mut found: Vec<Diagnostic> =
        error.into_iter().map(|error| finding(error.span().start(), error.to_string())).collect();
    found.extend(in_other_items(tokens));
    in_order(found)
}

/// The source without what is no Rust: a byte order mark, and a line that names an interpreter. Lines stay where they are.
fn program(source: &str) -> String {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let is_attribute = |rest: &str| rest.trim_start().starts_with('[');
    match source.strip_prefix("#!") {
        Some(rest) if !is_attribute(rest) => format!("//{rest}"),
        _ => source.to_owned(),
    }
}

fn finding(at: LineColumn, message: String) -> Diagnostic {
    let (line, column) = (at.line.max(1), at.column + 1);
    Diagnostic { line, column, message, severity: Severity::Error }
}

/// The errors of the items, each parsed by itself: an item ends with `;`, or with braces that nothing but a new item follows.
fn in_other_items(tokens: TokenStream) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut item: Vec<TokenTree> = Vec::new();
    for token in tokens {
        let ends = match &token {
            TokenTree::Punct(mark) => mark.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == proc_macro2::Delimiter::Brace,
            TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        };
        item.push(token);
        if ends {
            let tokens: TokenStream = std::mem::take(&mut item).into_iter().collect();
            if let Err(error) = syn::parse2::<syn::File>(tokens) {
                // The end of the item is the end of the file only here.
                let errors = error.into_iter().filter(|error| error.span().start().line > 0);
                found.extend(
                    errors
                        .filter(|error| !error.to_string().starts_with("unexpected end of input"))
                        .map(|error| finding(error.span().start(), error.to_string())),
                );
            }
        }
    }
    found
}

/// Where the tree could become too deep for a recursive parser: brackets in brackets, and operators since the last `,`
/// or `;` of the brackets around. An upper bound, told without recursion.
fn too_deep(tokens: &TokenStream) -> Option<LineColumn> {
    let mut open = vec![(tokens.clone().into_iter(), 0_usize)];
    let mut sum = 0_usize;
    while let Some((rest, chain)) = open.last_mut() {
        let Some(token) = rest.next() else {
            sum -= *chain;
            open.pop();
            continue;
        };
        match &token {
            TokenTree::Punct(mark) if matches!(mark.as_char(), ',' | ';') => {
                sum -= *chain;
                *chain = 0;
            }
            TokenTree::Punct(_) => {
                *chain += 1;
                sum += 1;
            }
            TokenTree::Ident(word) => {
                let word = word.to_string();
                let nests = [
                    "else", "return", "break", "move", "async", "unsafe", "dyn", "mut", "if",
                    "match", "in",
                ];
                // An item begins: nothing before it goes on.
                if ["fn", "struct", "enum", "impl", "mod", "trait", "use", "let"].contains(&&*word)
                {
                    sum -= *chain;
                    *chain = 0;
                } else if nests.contains(&&*word) {
                    *chain += 1;
                    sum += 1;
                }
            }
            TokenTree::Literal(_) => {}
            TokenTree::Group(group) => {
                *chain += 1;
                sum += 1;
                open.push((group.stream().into_iter(), 0));
            }
        }
        if sum + open.len() > DEPTH_MAX {
            return Some(token.span().start());
        }
    }
    None
}
