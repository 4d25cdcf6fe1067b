//! Quality of Rust, by `syn`.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;

use syn::visit::{self, Visit};

use crate::language::Language;
use crate::quality::{
    FunctionQuality, Halstead, LineQuality, Quality, QualityAnalyzer, Sizes, Structure, score,
};
use crate::validate::{RustValidator, Validator, on_a_deep_stack};

/// Judges Rust by its syntax tree; a source that does not parse, by [`LineQuality`].
///
/// McCabe: 1 for each `if`, loop, arm of a `match` but the last, `?`, `&&` and `||`; closures are part of the function around.
/// Cognitive: SonarSource's rules, as for Python; a labelled `break` or `continue` counts 1. Halstead: names and literals are operands, all other tokens
/// operators. Documented is what has a doc comment: functions, types, traits. What is inside of a macro call is tokens only.
///
/// ```
/// use orchestrator_codegen::{QualityAnalyzer, RustQuality};
/// let quality = RustQuality.analyze("/// The larger.\nfn max(a: u8, b: u8) -> u8 { if a > b { a } else { b } }\n");
/// let max = &quality.per_function[0];
/// assert_eq!((max.name.as_str(), max.cyclomatic, max.cognitive, max.documented), ("max", 2, 2, true));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct RustQuality;

impl QualityAnalyzer for RustQuality {
    fn analyze(&self, source: &str) -> Quality {
        let by_lines = || LineQuality { language: Language::Rust }.analyze(source);
        if !RustValidator.validate(source).is_empty() {
            return by_lines();
        }
        on_a_deep_stack(|| measure(source)).ok().flatten().unwrap_or_else(by_lines)
    }
}

fn measure(source: &str) -> Option<Quality> {
    let file = syn::parse_file(source).ok()?;
    let tokens: TokenStream = source.parse().ok()?;
    let mut walk = Walk::default();
    walk.visit_file(&file);
    let mut structure = walk.structure;
    structure.cyclomatic += 1;
    let counts = count(tokens);
    let comments = source.lines().filter(|line| line.trim_start().starts_with("//")).count();
    let written = source.lines().filter(|line| !line.trim().is_empty()).count();
    let sizes = Sizes {
        logical_lines: counts.statements.max(1),
        source_lines: written - comments,
        comments,
        multiline_strings: 0,
    };
    let lines = score::LineCounts::of(source, "//");
    Some(score::quality(lines, counts.tokens, structure, counts.halstead, sizes))
}

struct Counts {
    tokens: usize,
    /// Semicolons and bodies.
    statements: usize,
    halstead: Halstead,
}

fn count(tokens: TokenStream) -> Counts {
    let mut open = vec![tokens.into_iter()];
    let (mut operators, mut operands) = (BTreeSet::new(), BTreeSet::new());
    let (mut used, mut applied, mut statements) = (0, 0, 0);
    while let Some(rest) = open.last_mut() {
        let Some(token) = rest.next() else {
            open.pop();
            continue;
        };
        match token {
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                applied += 1;
                operands.insert(token.to_string());
            }
            TokenTree::Punct(mark) => {
                used += 1;
                statements += usize::from(mark.as_char() == ';');
                operators.insert(mark.as_char());
            }
            TokenTree::Group(group) => {
                used += 1;
                let mark = match group.delimiter() {
                    proc_macro2::Delimiter::Parenthesis => '(',
                    proc_macro2::Delimiter::Bracket => '[',
                    proc_macro2::Delimiter::Brace | proc_macro2::Delimiter::None => '{',
                };
                statements += usize::from(mark == '{');
                operators.insert(mark);
                open.push(group.stream().into_iter());
            }
        }
    }
    let halstead = Halstead::of(operators.len(), operands.len(), used, applied);
    Counts { tokens: used + applied, statements, halstead }
}

/// A function that is being read.
#[derive(Default)]
struct Open {
    name: String,
    cyclomatic: usize,
    cognitive: usize,
    level: usize,
    deepest: usize,
}

#[derive(Default)]
struct Walk {
    names: Vec<String>,
    open: Vec<Open>,
    structure: Structure,
}

impl Walk {
    fn define(&mut self, attributes: &[syn::Attribute]) -> bool {
        let documented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
        self.structure.definitions += 1;
        self.structure.documented += usize::from(documented);
        documented
    }

    fn function(
        &mut self,
        attributes: &[syn::Attribute],
        signature: &syn::Signature,
        body: &syn::Block,
    ) {
        let documented = self.define(attributes);
        let name = signature.ident.to_string();
        let line = signature.ident.span().start().line;
        let last_line = body.brace_token.span.close().end().line;
        self.names.push(name.clone());
        let full = self.names.join("::");
        let at = self.structure.functions.len();
        self.structure.functions.push(FunctionQuality::default());
        self.open.push(Open { name, cyclomatic: 1, ..Open::default() });
        visit::visit_block(self, body);
        let open = self.open.pop().expect("pushed above");
        self.names.pop();
        self.structure.cyclomatic += open.cyclomatic - 1;
        match self.open.last_mut() {
            Some(outer) => outer.cognitive += open.cognitive,
            None => self.structure.cognitive += open.cognitive,
        }
        self.structure.functions[at] = FunctionQuality {
            name: full,
            line,
            lines: last_line + 1 - line,
            parameters: signature.inputs.len(),
            cyclomatic: open.cyclomatic,
            cognitive: open.cognitive,
            nesting: open.deepest,
            documented,
        };
    }

    fn within(&mut self, name: String, look: impl FnOnce(&mut Self)) {
        self.names.push(name);
        look(self);
        self.names.pop();
    }

    /// Counts in the function around; constants are in none.
    fn count(&mut self, look: impl FnOnce(&mut Open)) {
        if let Some(open) = self.open.last_mut() {
            look(open);
        }
    }

    fn nested(&mut self, look: impl FnOnce(&mut Self)) {
        self.count(|open| {
            open.level += 1;
            open.deepest = open.deepest.max(open.level);
        });
        look(self);
        self.count(|open| open.level -= 1);
    }

    /// One path more, and effort by how deep it is.
    fn branch(&mut self, paths: usize) {
        self.count(|open| {
            open.cyclomatic += paths;
            open.cognitive += 1 + open.level;
        });
    }

    /// `if` without the effort of the word itself, which differs after `else`.
    fn visit_branches(&mut self, branches: &syn::ExprIf) {
        self.visit_expr(&branches.cond);
        self.nested(|walk| walk.visit_block(&branches.then_branch));
        let Some((_, otherwise)) = &branches.else_branch else { return };
        self.count(|open| open.cognitive += 1);
        match &**otherwise {
            syn::Expr::If(next) => {
                self.count(|open| open.cyclomatic += 1);
                self.visit_branches(next);
            }
            syn::Expr::Block(block) => self.nested(|walk| walk.visit_block(&block.block)),
            other => self.visit_expr(other),
        }
    }

    /// Logical operators in the order of the text; brackets begin anew.
    fn operators(&mut self, expr: &syn::Expr, before: &mut Option<bool>) {
        if let syn::Expr::Binary(binary) = expr
            && let Some(is_and) = logical(&binary.op)
        {
            self.operators(&binary.left, before);
            self.count(|open| {
                open.cyclomatic += 1;
                open.cognitive += usize::from(*before != Some(is_and));
            });
            *before = Some(is_and);
            self.operators(&binary.right, before);
        } else {
            self.visit_expr(expr);
        }
    }
}

fn logical(op: &syn::BinOp) -> Option<bool> {
    match op {
        syn::BinOp::And(_) => Some(true),
        syn::BinOp::Or(_) => Some(false),
        _ => None,
    }
}

impl<'a> Visit<'a> for Walk {
    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.attrs, &item.sig, body);
        }
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        let name = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|part| part.ident.to_string()),
            _ => None,
        };
        self.within(name.unwrap_or_else(|| "_".into()), |walk| visit::visit_item_impl(walk, item));
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        self.define(&item.attrs);
        self.within(item.ident.to_string(), |walk| visit::visit_item_trait(walk, item));
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        self.within(item.ident.to_string(), |walk| visit::visit_item_mod(walk, item));
    }

    fn visit_item_struct(&mut self, item: &'a syn::ItemStruct) {
        self.define(&item.attrs);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
        self.define(&item.attrs);
        visit::visit_item_enum(self, item);
    }

    fn visit_expr_if(&mut self, expr: &'a syn::ExprIf) {
        self.branch(1);
        self.visit_branches(expr);
    }

    fn visit_expr_while(&mut self, expr: &'a syn::ExprWhile) {
        self.branch(1);
        self.visit_expr(&expr.cond);
        self.nested(|walk| walk.visit_block(&expr.body));
    }

    fn visit_expr_for_loop(&mut self, expr: &'a syn::ExprForLoop) {
        self.branch(1);
        self.visit_expr(&expr.expr);
        self.nested(|walk| walk.visit_block(&expr.body));
    }

    fn visit_expr_loop(&mut self, expr: &'a syn::ExprLoop) {
        self.branch(1);
        self.nested(|walk| walk.visit_block(&expr.body));
    }

    fn visit_expr_match(&mut self, expr: &'a syn::ExprMatch) {
        self.branch(expr.arms.len().saturating_sub(1));
        self.visit_expr(&expr.expr);
        self.nested(|walk| expr.arms.iter().for_each(|arm| walk.visit_arm(arm)));
    }

    fn visit_expr_closure(&mut self, expr: &'a syn::ExprClosure) {
        self.nested(|walk| walk.visit_expr(&expr.body));
    }

    fn visit_expr_try(&mut self, expr: &'a syn::ExprTry) {
        self.count(|open| open.cyclomatic += 1);
        visit::visit_expr_try(self, expr);
    }

    fn visit_expr_binary(&mut self, expr: &'a syn::ExprBinary) {
        if let Some(is_and) = logical(&expr.op) {
            let mut before = None;
            self.operators(&expr.left, &mut before);
            self.count(|open| {
                open.cyclomatic += 1;
                open.cognitive += usize::from(before != Some(is_and));
            });
            before = Some(is_and);
            self.operators(&expr.right, &mut before);
        } else {
            visit::visit_expr_binary(self, expr);
        }
    }

    fn visit_expr_break(&mut self, expr: &'a syn::ExprBreak) {
        self.count(|open| open.cognitive += usize::from(expr.label.is_some()));
        visit::visit_expr_break(self, expr);
    }

    fn visit_expr_continue(&mut self, expr: &'a syn::ExprContinue) {
        self.count(|open| open.cognitive += usize::from(expr.label.is_some()));
    }

    fn visit_expr_call(&mut self, expr: &'a syn::ExprCall) {
        if let syn::Expr::Path(path) = &*expr.func
            && let Some(last) = path.path.segments.last()
        {
            let called = last.ident.to_string();
            // Once a function, however often it calls itself.
            self.count(|open| {
                if open.name == called {
                    open.cognitive += 1;
                    open.name.clear();
                }
            });
        }
        visit::visit_expr_call(self, expr);
    }
}
