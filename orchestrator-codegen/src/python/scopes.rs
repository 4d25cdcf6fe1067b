//! What parses and is no program all the same: `return` outside a function, a parameter twice, `nonlocal` at module level.
//! CPython finds these when it compiles; ruff has the rules, and asks for the scope in which a statement stands.

use std::cell::RefCell;
use std::collections::BTreeSet;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{
    self as ast, Comprehension, ExceptHandler, Expr, ExprContext, ModModule, Parameters, Pattern,
    PythonVersion, Stmt,
};
use ruff_python_parser::Parsed;
use ruff_python_parser::semantic_errors::{
    LazyImportContext, SemanticSyntaxChecker, SemanticSyntaxContext, SemanticSyntaxError,
    SemanticSyntaxErrorKind,
};
use ruff_text_size::{Ranged, TextRange};

/// What the scopes of a module say.
pub(super) struct Scoped {
    /// Byte offsets and messages, in no order.
    pub(super) errors: Vec<(usize, String)>,
    /// Whether annotations are not evaluated from here on.
    pub(super) future_annotations: bool,
    /// Whether the module itself declares names to be global, or nonlocal.
    pub(super) declares: bool,
}

/// Looks at a module; `future_annotations` says whether what comes before it has them.
pub(super) fn look(
    source: &str,
    parsed: &Parsed<ModModule>,
    version: PythonVersion,
    future_annotations: bool,
) -> Scoped {
    let module = parsed.syntax();
    let scope = Scope::of_body(ScopeKind::Module, &module.body);
    let declares = !scope.globals.is_empty() || !scope.nonlocals.is_empty();
    let context = Context {
        source,
        version,
        scopes: vec![scope],
        future_annotations,
        in_try: false,
        found: RefCell::default(),
    };
    let mut walk = Walk { checker: SemanticSyntaxChecker::new(), context };
    walk.visit_body(&module.body);
    let future_annotations = walk.context.future_annotations;
    Scoped { errors: walk.context.found.into_inner(), future_annotations, declares }
}

#[derive(Clone, Copy)]
enum ScopeKind<'a> {
    Module,
    Class,
    Function(&'a ast::StmtFunctionDef),
    Lambda(Option<&'a Parameters>),
    /// A list, set or dict comprehension.
    Comprehension {
        is_async: bool,
    },
    Generator,
}

struct Scope<'a> {
    kind: ScopeKind<'a>,
    /// How many loops of this scope the statement is in.
    loops: usize,
    /// Where names are declared, the last declaration of each.
    globals: Vec<(&'a str, TextRange)>,
    nonlocals: Vec<(&'a str, TextRange)>,
}

impl<'a> Scope<'a> {
    fn new(kind: ScopeKind<'a>) -> Scope<'a> {
        Scope { kind, loops: 0, globals: Vec::new(), nonlocals: Vec::new() }
    }

    fn of_body(kind: ScopeKind<'a>, body: &'a [Stmt]) -> Scope<'a> {
        let mut declared = Declared::default();
        declared.visit_body(body);
        Scope { globals: declared.globals, nonlocals: declared.nonlocals, ..Scope::new(kind) }
    }
}

struct Context<'a> {
    source: &'a str,
    version: PythonVersion,
    scopes: Vec<Scope<'a>>,
    future_annotations: bool,
    in_try: bool,
    found: RefCell<Vec<(usize, String)>>,
}

impl<'a> Context<'a> {
    fn current(&self) -> &Scope<'a> {
        self.scopes.last().expect("the module is never left")
    }

    fn report(&self, range: TextRange, message: String) {
        self.found.borrow_mut().push((range.start().to_usize(), message));
    }
}

impl SemanticSyntaxContext for Context<'_> {
    fn future_annotations_or_stub(&self) -> bool {
        self.future_annotations
    }

    fn lazy_import_context(&self) -> Option<LazyImportContext> {
        match self.current().kind {
            ScopeKind::Function(_) | ScopeKind::Lambda(_) => Some(LazyImportContext::Function),
            ScopeKind::Class => Some(LazyImportContext::Class),
            _ => self.in_try.then_some(LazyImportContext::TryExceptBlocks),
        }
    }

    fn python_version(&self) -> PythonVersion {
        self.version
    }

    fn source(&self) -> &str {
        self.source
    }

    fn global(&self, name: &str) -> Option<TextRange> {
        let globals = self.current().globals.iter().rev();
        globals.into_iter().find(|(declared, _)| *declared == name).map(|(_, range)| *range)
    }

    fn has_nonlocal_binding(&self, name: &str) -> bool {
        let outer = &self.scopes[..self.scopes.len() - 1];
        outer.iter().rev().any(|scope| match scope.kind {
            ScopeKind::Function(function) => {
                !scope.globals.iter().any(|(declared, _)| *declared == name)
                    && (has_parameter(&function.parameters, name)
                        || bindings(&function.body).contains(name))
            }
            ScopeKind::Lambda(Some(parameters)) => has_parameter(parameters, name),
            _ => false,
        })
    }

    fn in_async_context(&self) -> bool {
        for scope in self.scopes.iter().rev() {
            match scope.kind {
                ScopeKind::Class | ScopeKind::Lambda(_) | ScopeKind::Module => return false,
                ScopeKind::Function(function) => return function.is_async,
                ScopeKind::Comprehension { .. } | ScopeKind::Generator => {}
            }
        }
        false
    }

    fn in_await_allowed_context(&self) -> bool {
        for scope in self.scopes.iter().rev() {
            match scope.kind {
                ScopeKind::Class | ScopeKind::Module => return false,
                ScopeKind::Function(_) | ScopeKind::Lambda(_) | ScopeKind::Generator => {
                    return true;
                }
                ScopeKind::Comprehension { .. } => {}
            }
        }
        false
    }

    fn in_yield_allowed_context(&self) -> bool {
        matches!(self.current().kind, ScopeKind::Function(_) | ScopeKind::Lambda(_))
    }

    fn in_sync_comprehension(&self) -> bool {
        let mut scopes = self.scopes.iter();
        scopes.any(|scope| matches!(scope.kind, ScopeKind::Comprehension { is_async: false }))
    }

    fn in_class_body_comprehension(&self) -> bool {
        for scope in self.scopes.iter().rev() {
            match scope.kind {
                ScopeKind::Comprehension { .. } | ScopeKind::Generator => {}
                ScopeKind::Class => return true,
                ScopeKind::Module | ScopeKind::Function(_) | ScopeKind::Lambda(_) => return false,
            }
        }
        false
    }

    fn in_module_scope(&self) -> bool {
        matches!(self.current().kind, ScopeKind::Module)
    }

    fn in_function_scope(&self) -> bool {
        matches!(self.current().kind, ScopeKind::Function(_) | ScopeKind::Lambda(_))
    }

    fn in_generator_context(&self) -> bool {
        self.scopes.iter().any(|scope| matches!(scope.kind, ScopeKind::Generator))
    }

    fn in_notebook(&self) -> bool {
        false
    }

    fn report_semantic_error(&self, error: SemanticSyntaxError) {
        let message = error.to_string();
        match error.kind {
            // CPython points at the declaration, which is what has to move.
            SemanticSyntaxErrorKind::LoadBeforeGlobalDeclaration { start, .. } => {
                self.found.borrow_mut().push((start.to_usize(), message));
            }
            _ => self.report(error.range, message),
        }
    }

    fn in_loop_context(&self) -> bool {
        self.current().loops > 0
    }

    fn is_bound_parameter(&self, name: &str) -> bool {
        match self.current().kind {
            ScopeKind::Function(function) => has_parameter(&function.parameters, name),
            ScopeKind::Lambda(Some(parameters)) => has_parameter(parameters, name),
            _ => false,
        }
    }
}

struct Walk<'a> {
    checker: SemanticSyntaxChecker,
    context: Context<'a>,
}

impl<'a> Walk<'a> {
    fn within(&mut self, scope: Scope<'a>, look: impl FnOnce(&mut Self)) {
        self.context.scopes.push(scope);
        look(self);
        self.context.scopes.pop();
    }

    /// The body belongs to the loop, its `else` does not.
    fn visit_loop(&mut self, body: &'a [Stmt], orelse: &'a [Stmt]) {
        self.count_loops(1);
        self.visit_body(body);
        self.count_loops(-1);
        self.visit_body(orelse);
    }

    fn count_loops(&mut self, more: isize) {
        let scope = self.context.scopes.last_mut().expect("the module is never left");
        scope.loops = scope.loops.saturating_add_signed(more);
    }

    /// The first iterable is evaluated outside.
    fn visit_comprehensions(
        &mut self,
        kind: ScopeKind<'a>,
        generators: &'a [Comprehension],
        elements: [Option<&'a Expr>; 2],
    ) {
        if let Some(first) = generators.first() {
            self.visit_expr(&first.iter);
        }
        self.within(Scope::new(kind), |walk| {
            for (at, generator) in generators.iter().enumerate() {
                walk.visit_expr(&generator.target);
                if at > 0 {
                    walk.visit_expr(&generator.iter);
                }
                for test in &generator.ifs {
                    walk.visit_expr(test);
                }
            }
            for element in elements.into_iter().flatten() {
                walk.visit_expr(element);
            }
        });
    }

    /// Rules that ruff has elsewhere: what a name declared `nonlocal` must not be.
    fn check_nonlocals(&self, statement: &ast::StmtNonlocal) {
        let scope = self.context.current();
        for name in &statement.names {
            if scope.globals.iter().any(|(declared, _)| *declared == name.as_str()) {
                let message = format!("name `{name}` is nonlocal and global");
                self.context.report(name.range, message);
            }
        }
    }

    fn check_use_before_nonlocal(&self, name: &ast::ExprName) {
        let mut nonlocals = self.context.current().nonlocals.iter().rev();
        let declared = nonlocals.find(|(declared, _)| *declared == name.id.as_str());
        if let Some((_, range)) = declared
            && name.range.start() < range.start()
        {
            let message = format!("name `{}` is used prior to nonlocal declaration", name.id);
            self.context.report(*range, message);
        }
    }
}

impl<'a> Visitor<'a> for Walk<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        self.checker.visit_stmt(stmt, &self.context);
        match stmt {
            Stmt::FunctionDef(function) => {
                for decorator in &function.decorator_list {
                    self.visit_decorator(decorator);
                }
                if let Some(types) = &function.type_params {
                    self.visit_type_params(types);
                }
                self.visit_parameters(&function.parameters);
                if let Some(returns) = &function.returns {
                    self.visit_annotation(returns);
                }
                let scope = Scope::of_body(ScopeKind::Function(function), &function.body);
                self.within(scope, |walk| walk.visit_body(&function.body));
            }
            Stmt::ClassDef(class) => {
                for decorator in &class.decorator_list {
                    self.visit_decorator(decorator);
                }
                if let Some(types) = &class.type_params {
                    self.visit_type_params(types);
                }
                if let Some(arguments) = &class.arguments {
                    self.visit_arguments(arguments);
                }
                let scope = Scope::of_body(ScopeKind::Class, &class.body);
                self.within(scope, |walk| walk.visit_body(&class.body));
            }
            Stmt::For(each) => {
                self.visit_expr(&each.iter);
                self.visit_expr(&each.target);
                self.visit_loop(&each.body, &each.orelse);
            }
            Stmt::While(while_) => {
                self.visit_expr(&while_.test);
                self.visit_loop(&while_.body, &while_.orelse);
            }
            Stmt::Try(_) => {
                let before = std::mem::replace(&mut self.context.in_try, true);
                visitor::walk_stmt(self, stmt);
                self.context.in_try = before;
            }
            Stmt::Nonlocal(nonlocal) => self.check_nonlocals(nonlocal),
            Stmt::Expr(alone) => {
                if alone.value.is_starred_expr() {
                    let message = "a starred expression cannot stand alone".to_owned();
                    self.context.report(alone.range, message);
                }
                visitor::walk_stmt(self, stmt);
            }
            Stmt::AnnAssign(assign) => {
                if let Expr::Name(name) = &*assign.target
                    && let scope = self.context.current()
                    && scope.nonlocals.iter().any(|(declared, _)| *declared == name.id.as_str())
                {
                    let message = format!("annotated name `{}` can't be nonlocal", name.id);
                    self.context.report(name.range, message);
                }
                visitor::walk_stmt(self, stmt);
            }
            Stmt::ImportFrom(import) => {
                self.context.future_annotations |= import.module.as_deref() == Some("__future__")
                    && import.names.iter().any(|alias| alias.name.as_str() == "annotations");
                visitor::walk_stmt(self, stmt);
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.checker.visit_expr(expr, &self.context);
        match expr {
            Expr::Name(name) => self.check_use_before_nonlocal(name),
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_parameters(parameters);
                }
                let scope = Scope::new(ScopeKind::Lambda(lambda.parameters.as_deref()));
                self.within(scope, |walk| walk.visit_expr(&lambda.body));
            }
            Expr::ListComp(ast::ExprListComp { elt, generators, .. })
            | Expr::SetComp(ast::ExprSetComp { elt, generators, .. }) => {
                let kind = ScopeKind::Comprehension { is_async: any_async(generators) };
                self.visit_comprehensions(kind, generators, [Some(elt), None]);
            }
            Expr::DictComp(ast::ExprDictComp { key, value, generators, .. }) => {
                let kind = ScopeKind::Comprehension { is_async: any_async(generators) };
                self.visit_comprehensions(kind, generators, [key.as_deref(), Some(value)]);
            }
            Expr::Generator(ast::ExprGenerator { elt, generators, .. }) => {
                self.visit_comprehensions(ScopeKind::Generator, generators, [Some(elt), None]);
            }
            _ => visitor::walk_expr(self, expr),
        }
    }
}

fn any_async(generators: &[Comprehension]) -> bool {
    generators.iter().any(|generator| generator.is_async)
}

fn has_parameter(parameters: &Parameters, name: &str) -> bool {
    parameters.iter().any(|parameter| parameter.name().as_str() == name)
}

/// What a body declares global and nonlocal, not looking into what is defined in it.
#[derive(Default)]
struct Declared<'a> {
    globals: Vec<(&'a str, TextRange)>,
    nonlocals: Vec<(&'a str, TextRange)>,
}

impl<'a> Visitor<'a> for Declared<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Global(global) => {
                self.globals.extend(global.names.iter().map(|name| (name.as_str(), global.range)));
            }
            Stmt::Nonlocal(nonlocal) => {
                let names = nonlocal.names.iter();
                self.nonlocals.extend(names.map(|name| (name.as_str(), nonlocal.range)));
            }
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, _: &'a Expr) {}

    fn visit_pattern(&mut self, _: &'a Pattern) {}
}

/// The names that a body binds.
fn bindings(body: &[Stmt]) -> BTreeSet<&str> {
    let mut bound = Bindings::default();
    bound.visit_body(body);
    bound.0
}

#[derive(Default)]
struct Bindings<'a>(BTreeSet<&'a str>);

impl<'a> Visitor<'a> for Bindings<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => {
                self.0.insert(function.name.as_str());
            }
            Stmt::ClassDef(class) => {
                self.0.insert(class.name.as_str());
            }
            // A module `a.b` is bound as `a`.
            Stmt::Import(ast::StmtImport { names, .. })
            | Stmt::ImportFrom(ast::StmtImportFrom { names, .. }) => {
                for alias in names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    self.0.insert(name.split('.').next().unwrap_or(name));
                }
            }
            Stmt::Nonlocal(nonlocal) => self.0.extend(nonlocal.names.iter().map(|n| n.as_str())),
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) if matches!(name.ctx, ExprContext::Store | ExprContext::Del) => {
                self.0.insert(name.id.as_str());
            }
            Expr::Lambda(_) => {}
            _ => visitor::walk_expr(self, expr),
        }
    }

    // Its targets are its own; a walrus in it binds outside.
    fn visit_comprehension(&mut self, comprehension: &'a Comprehension) {
        self.visit_expr(&comprehension.iter);
        for test in &comprehension.ifs {
            self.visit_expr(test);
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(caught) = handler;
        self.0.extend(caught.name.as_ref().map(|name| name.as_str()));
        visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        match pattern {
            Pattern::MatchAs(ast::PatternMatchAs { name, .. })
            | Pattern::MatchStar(ast::PatternMatchStar { name, .. })
            | Pattern::MatchMapping(ast::PatternMatchMapping { rest: name, .. }) => {
                self.0.extend(name.as_ref().map(|name| name.as_str()));
            }
            _ => {}
        }
        visitor::walk_pattern(self, pattern);
    }
}
