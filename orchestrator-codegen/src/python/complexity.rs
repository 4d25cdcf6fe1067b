//! Two complexities of a piece of Python: McCabe's, which counts paths, and the cognitive one, which counts effort.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{
    self as ast, Comprehension, ElifElseClause, ExceptHandler, Expr, Pattern, Stmt,
};
use ruff_text_size::Ranged;

/// The decisions of these statements, without those of functions and classes that are defined among them. McCabe's
/// complexity of a function is one more.
///
/// Counted as `radon` counts (T. McCabe, "A Complexity Measure", 1976): 1 for each `if`, `elif`, conditional expression, `for`,
/// `while`, `except`, `assert`, comprehension and `if` of one, `case` but for one that takes everything, each `and` or `or`,
/// and each `else` of a loop or a `try`. Not counted: what stands in an `assert`, handlers of `except*`.
pub(super) fn decisions(body: &[Stmt]) -> usize {
    let mut decisions = Decisions(0);
    decisions.visit_body(body);
    decisions.0
}

struct Decisions(usize);

impl<'a> Visitor<'a> for Decisions {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        self.0 += match stmt {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
            Stmt::Assert(_) => {
                self.0 += 1;
                return;
            }
            Stmt::If(_) => 1,
            Stmt::For(ast::StmtFor { orelse, .. }) | Stmt::While(ast::StmtWhile { orelse, .. }) => {
                1 + usize::from(!orelse.is_empty())
            }
            Stmt::Try(try_) if !try_.is_star => {
                try_.handlers.len() + usize::from(!try_.orelse.is_empty())
            }
            Stmt::Match(match_) => {
                let all = match_.cases.iter().any(|case| takes_everything(&case.pattern));
                match_.cases.len() - usize::from(all)
            }
            _ => 0,
        };
        visitor::walk_stmt(self, stmt);
    }

    fn visit_elif_else_clause(&mut self, clause: &'a ElifElseClause) {
        self.0 += usize::from(clause.test.is_some());
        visitor::walk_elif_else_clause(self, clause);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.0 += match expr {
            Expr::If(_) => 1,
            Expr::BoolOp(operation) => operation.values.len() - 1,
            _ => 0,
        };
        visitor::walk_expr(self, expr);
    }

    fn visit_comprehension(&mut self, comprehension: &'a Comprehension) {
        self.0 += 1 + comprehension.ifs.len();
        visitor::walk_comprehension(self, comprehension);
    }
}

/// `_`, or a name alone.
fn takes_everything(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::MatchAs(ast::PatternMatchAs { pattern: None, .. }))
}

/// The cognitive complexity of a function, of what is defined in it too.
///
/// G. A. Campbell, "Cognitive Complexity", SonarSource, version 1.7 of 2023, with `else` and wrapping functions as
/// SonarSource's analyzer of Python has them. 1 for each `if`, conditional expression, loop, `except` and `match`, and 1 more for
/// each level that it is nested in; 1 for each `elif`, each `else` (of a loop or a `try` too), each run of the same logical
/// operator, and each function that calls itself. Bodies of these, lambdas and functions in functions nest, unless the outer
/// function does nothing but return names. A class begins at level 0. A cycle of several functions is not looked for.
pub(super) fn cognitive_of(source: &str, function: &ast::StmtFunctionDef) -> usize {
    let mut effort = Effort { source, level: 0, sum: 0, inside: Vec::new(), outermost: Vec::new() };
    effort.visit_function(function);
    effort.sum
}

/// The same of a whole module, and of those of its functions and methods that are the same there as by themselves, by the
/// bytes at which they begin, in order.
pub(super) fn cognitive_of_module(source: &str, body: &[Stmt]) -> (usize, Vec<(usize, usize)>) {
    let mut effort = Effort { source, level: 0, sum: 0, inside: Vec::new(), outermost: Vec::new() };
    effort.visit_body(body);
    (effort.sum, effort.outermost)
}

struct Effort<'a> {
    source: &'a str,
    level: usize,
    sum: usize,
    /// The definitions around; `None` for a class.
    inside: Vec<Option<&'a ast::StmtFunctionDef>>,
    /// Where functions begin that are in no function and no control flow, and what each adds.
    outermost: Vec<(usize, usize)>,
}

impl<'a> Effort<'a> {
    fn nested(&mut self, look: impl FnOnce(&mut Self)) {
        self.level += 1;
        look(self);
        self.level -= 1;
    }

    fn nested_body(&mut self, body: &'a [Stmt]) {
        self.nested(|effort| effort.visit_body(body));
    }

    /// An `else` of anything but an `if`.
    fn visit_else(&mut self, orelse: &'a [Stmt]) {
        if !orelse.is_empty() {
            self.sum += 1;
            self.nested_body(orelse);
        }
    }

    fn visit_function(&mut self, function: &'a ast::StmtFunctionDef) {
        let outermost = self.level == 0 && self.inside.iter().all(Option::is_none);
        let sum = self.sum;
        for decorator in &function.decorator_list {
            self.visit_decorator(decorator);
        }
        self.visit_parameters(&function.parameters);
        let before = self.level;
        self.level = match self.inside.last() {
            None | Some(None) => 0,
            Some(Some(outer)) => before + usize::from(!is_wrapper(outer, function)),
        };
        self.inside.push(Some(function));
        self.sum += usize::from(calls_itself(function));
        self.visit_body(&function.body);
        self.inside.pop();
        self.level = before;
        if outermost {
            self.outermost.push((function.range.start().to_usize(), self.sum - sum));
        }
    }

    /// Adds the logical operators of an expression in the order of the text; one in brackets is a sequence of its own.
    fn operators(&mut self, operation: &'a ast::ExprBoolOp, before: &mut Option<ast::BoolOp>) {
        for (at, value) in operation.values.iter().enumerate() {
            let next = operation.values.get(at + 1);
            if let Expr::BoolOp(inner) = value {
                let end = next.map_or(operation.range.end(), Ranged::start);
                let after = &self.source[inner.range.end().to_usize()..end.to_usize()];
                if after.contains(')') {
                    self.operators(inner, &mut None);
                } else {
                    self.operators(inner, before);
                }
            } else {
                self.visit_expr(value);
            }
            if next.is_some() && *before != Some(operation.op) {
                self.sum += 1;
                *before = Some(operation.op);
            }
        }
    }
}

impl<'a> Visitor<'a> for Effort<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => self.visit_function(function),
            Stmt::ClassDef(class) => {
                let before = std::mem::take(&mut self.level);
                self.inside.push(None);
                self.visit_body(&class.body);
                self.inside.pop();
                self.level = before;
            }
            Stmt::If(if_) => {
                self.sum += 1 + self.level;
                self.visit_expr(&if_.test);
                self.nested_body(&if_.body);
                for clause in &if_.elif_else_clauses {
                    self.sum += 1;
                    if let Some(test) = &clause.test {
                        self.visit_expr(test);
                    }
                    self.nested_body(&clause.body);
                }
            }
            Stmt::For(for_) => {
                self.sum += 1 + self.level;
                self.visit_expr(&for_.iter);
                self.nested_body(&for_.body);
                self.visit_else(&for_.orelse);
            }
            Stmt::While(while_) => {
                self.sum += 1 + self.level;
                self.visit_expr(&while_.test);
                self.nested_body(&while_.body);
                self.visit_else(&while_.orelse);
            }
            Stmt::Try(try_) => {
                self.visit_body(&try_.body);
                for ExceptHandler::ExceptHandler(handler) in &try_.handlers {
                    self.sum += 1 + self.level;
                    self.nested_body(&handler.body);
                }
                self.visit_else(&try_.orelse);
                self.visit_body(&try_.finalbody);
            }
            Stmt::Match(match_) => {
                self.sum += 1 + self.level;
                self.visit_expr(&match_.subject);
                for case in &match_.cases {
                    if let Some(guard) = &case.guard {
                        self.visit_expr(guard);
                    }
                    self.nested_body(&case.body);
                }
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::If(_) => {
                self.sum += 1 + self.level;
                self.nested(|effort| visitor::walk_expr(effort, expr));
            }
            Expr::Lambda(_) => self.nested(|effort| visitor::walk_expr(effort, expr)),
            Expr::BoolOp(operation) => self.operators(operation, &mut None),
            _ => visitor::walk_expr(self, expr),
        }
    }
}

/// Whether `outer` does nothing but define `inner` and return names: a decorator does.
fn is_wrapper(outer: &ast::StmtFunctionDef, inner: &ast::StmtFunctionDef) -> bool {
    outer.body.iter().all(|stmt| match stmt {
        Stmt::FunctionDef(function) => function.range == inner.range,
        Stmt::Return(ast::StmtReturn { value: Some(value), .. }) => value.is_name_expr(),
        _ => false,
    })
}

/// Whether a function calls its own name, bare or on `self` or `cls`.
fn calls_itself(function: &ast::StmtFunctionDef) -> bool {
    let mut calls = Calls { name: function.name.as_str(), found: false };
    calls.visit_body(&function.body);
    calls.found
}

struct Calls<'a> {
    name: &'a str,
    found: bool,
}

impl<'a> Visitor<'a> for Calls<'_> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr {
            self.found |= match &*call.func {
                Expr::Name(name) => name.id.as_str() == self.name,
                Expr::Attribute(attribute) => {
                    attribute.attr.as_str() == self.name
                        && matches!(&*attribute.value, Expr::Name(of) if matches!(of.id.as_str(), "self" | "cls"))
                }
                _ => false,
            };
        }
        if !self.found {
            visitor::walk_expr(self, expr);
        }
    }
}
