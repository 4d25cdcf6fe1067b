//! What is counted of each function, and of a module by its functions.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, ExceptHandler, Expr, ModModule, Stmt};

use crate::python::complexity::{cognitive_of, cognitive_of_module, decisions};
use crate::quality::{FunctionQuality, Structure};
use crate::validate::Place;

/// Looks at every function, those in functions and classes too.
pub(super) fn measure(source: &str, module: &ModModule) -> Structure {
    let (cognitive, outermost) = cognitive_of_module(source, &module.body);
    let mut walk = Walk {
        source,
        outermost,
        place: Place::of(source),
        inside: Vec::new(),
        structure: Structure {
            cyclomatic: 1 + decisions(&module.body),
            cognitive,
            definitions: 0,
            documented: 0,
            nesting: nesting(&module.body),
            functions: Vec::new(),
        },
    };
    walk.visit_body(&module.body);
    walk.structure
}

enum Inside<'a> {
    Function(&'a str),
    Class(&'a str),
}

struct Walk<'a> {
    source: &'a str,
    /// Cognitive complexities that are known, by the bytes at which their functions begin.
    outermost: Vec<(usize, usize)>,
    place: Place<'a>,
    inside: Vec<Inside<'a>>,
    structure: Structure,
}

impl<'a> Walk<'a> {
    fn full_name(&self, name: &str) -> String {
        let mut full = String::new();
        for Inside::Function(outer) | Inside::Class(outer) in &self.inside {
            full.push_str(outer);
            full.push('.');
        }
        full + name
    }

    fn count_definition(&mut self, body: &[Stmt]) -> bool {
        let documented =
            matches!(body.first(), Some(Stmt::Expr(first)) if first.value.is_string_literal_expr());
        self.structure.definitions += 1;
        self.structure.documented += usize::from(documented);
        documented
    }

    fn cognitive(&self, function: &ast::StmtFunctionDef) -> usize {
        let begin = function.range.start().to_usize();
        let known = self.outermost.binary_search_by_key(&begin, |(begin, _)| *begin);
        known.map_or_else(|_| cognitive_of(self.source, function), |at| self.outermost[at].1)
    }

    fn function(&mut self, function: &'a ast::StmtFunctionDef) {
        let cyclomatic = 1 + decisions(&function.body);
        // As `radon` adds up a module: its own decisions, those of its functions, and its classes with their methods; what is
        // defined in a function, and classes in classes, are left out.
        self.structure.cyclomatic += match &self.inside[..] {
            [] => cyclomatic - 1,
            [Inside::Class(_)] => cyclomatic,
            _ => 0,
        };
        let documented = self.count_definition(&function.body);
        let line = self.place.line(function.name.range.start().to_usize());
        let last_line = self.place.line(function.range.end().to_usize());
        self.structure.functions.push(FunctionQuality {
            name: self.full_name(function.name.as_str()),
            line,
            lines: last_line + 1 - line,
            parameters: function.parameters.len(),
            cyclomatic,
            cognitive: self.cognitive(function),
            nesting: nesting(&function.body),
            documented,
        });
    }
}

impl<'a> Visitor<'a> for Walk<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => {
                self.function(function);
                self.inside.push(Inside::Function(function.name.as_str()));
                self.visit_body(&function.body);
                self.inside.pop();
            }
            Stmt::ClassDef(class) => {
                self.count_definition(&class.body);
                if self.inside.is_empty() {
                    self.structure.cyclomatic += decisions(&class.body);
                }
                self.inside.push(Inside::Class(class.name.as_str()));
                self.visit_body(&class.body);
                self.inside.pop();
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    // No expression defines what is counted here.
    fn visit_expr(&mut self, _: &'a Expr) {}
}

/// How deep control flow nests: a statement in an `if` in a `for` is at 2. Functions and classes begin anew.
fn nesting(body: &[Stmt]) -> usize {
    body.iter().map(nesting_of).max().unwrap_or(0)
}

fn nesting_of(stmt: &Stmt) -> usize {
    let mut deepest = 0;
    let mut look = |body: &[Stmt]| deepest = deepest.max(1 + nesting(body));
    match stmt {
        Stmt::If(if_) => {
            look(&if_.body);
            if_.elif_else_clauses.iter().for_each(|clause| look(&clause.body));
        }
        Stmt::For(ast::StmtFor { body, orelse, .. })
        | Stmt::While(ast::StmtWhile { body, orelse, .. }) => {
            look(body);
            look(orelse);
        }
        Stmt::With(with) => look(&with.body),
        Stmt::Try(try_) => {
            look(&try_.body);
            for ExceptHandler::ExceptHandler(handler) in &try_.handlers {
                look(&handler.body);
            }
            look(&try_.orelse);
            look(&try_.finalbody);
        }
        Stmt::Match(match_) => match_.cases.iter().for_each(|case| look(&case.body)),
        _ => {}
    }
    deepest
}
