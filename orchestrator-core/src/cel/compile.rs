//! An expression made ready: parsed, its names checked, and bounded.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use cel::parser::Parser;
use cel::{Env, ExecutionError, Value};

use super::work::{LIST, Meter, WORK, WORK_MAX};
use super::{EXPRESSION_BYTES_MAX, value};
use crate::closure::ClosureError;
use crate::context::Context;
use crate::payload::Payload;

/// How deep the tree of an expression may be: evaluation recurses into it, and takes up to 60 KiB of stack a level in a build without
/// optimisation. A thread has 2 MiB unless somebody says otherwise.
const DEPTH_MAX: usize = 24;

/// How deep brackets and `? :` may be nested: the parser takes 190 KiB of stack a level in a build without optimisation.
const NESTING_MAX: usize = 8;

/// How many operators there may be in a row or anywhere: each can be a level of the tree, which the parser makes before it can be looked at.
const OPERATORS_MAX: usize = 512;

/// What may be called, besides the operators. All of it is pure, and takes time in proportion to what it works on.
const FUNCTIONS: [&str; 9] =
    ["size", "contains", "startsWith", "endsWith", "string", "int", "uint", "double", "bool"];

/// What costs nothing in proportion to its operands, and what is true of what it gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// Looks at a few bytes, and gives a bool or a number.
    Small,
    /// Gives one of its operands, or a part of one.
    Choice,
    /// Looks at the whole of its operands, and gives a bool.
    Comparison,
    /// Copies its operands.
    Add,
}

fn operator(name: &str) -> Option<Operator> {
    match name {
        operators::LOGICAL_AND
        | operators::LOGICAL_OR
        | operators::LOGICAL_NOT
        | operators::NOT_STRICTLY_FALSE
        | operators::NEGATE
        | operators::SUBSTRACT
        | operators::MULTIPLY
        | operators::DIVIDE
        | operators::MODULO => Some(Operator::Small),
        operators::CONDITIONAL | operators::INDEX => Some(Operator::Choice),
        operators::EQUALS
        | operators::NOT_EQUALS
        | operators::GREATER_EQUALS
        | operators::LESS_EQUALS
        | operators::GREATER
        | operators::LESS
        | operators::IN => Some(Operator::Comparison),
        operators::ADD => Some(Operator::Add),
        _ => None,
    }
}

/// An expression with what came of compiling it.
pub(super) struct Program {
    expression: String,
    compiled: Result<Compiled, String>,
}

struct Compiled {
    expr: IdedExpr,
    /// The steps whose outputs it names; `None` if it goes through all of them.
    steps: Option<BTreeSet<String>>,
}

impl Program {
    pub(super) fn compile(expression: String, variables: &[&str]) -> Program {
        let compiled = compile(&expression, variables);
        Program { expression, compiled }
    }

    pub(super) fn expression(&self) -> &str {
        &self.expression
    }

    pub(super) fn fault(&self) -> Option<&str> {
        self.compiled.as_ref().err().map(String::as_str)
    }

    /// What the expression gives of these variables.
    pub(super) fn evaluate(
        &self,
        input: Option<&Payload>,
        context: &Context,
    ) -> Result<Value, ClosureError> {
        let compiled = self.compiled.as_ref().map_err(|fault| ClosureError::new(fault.as_str()))?;
        let mut scope = cel::Context::with_env(Arc::clone(environment()));
        let meter = Meter::default();
        meter.install(&mut scope);
        scope.add_variable_as_val("goal", value::of_text(context.goal()));
        scope.add_variable_as_val("outputs", outputs(compiled, context)?);
        scope.add_variable_as_val("round", round(context)?);
        scope.add_variable_as_val("item", item(context)?);
        if let Some(input) = input {
            scope.add_variable_as_val("input", value::of_payload(input)?);
        }
        let made = scope.resolve(&compiled.expr);
        if meter.is_exhausted() {
            let reason =
                format!("it takes more than {WORK_MAX} units of work; look at less of the data");
            return Err(ClosureError::new(reason));
        }
        made.map_err(|error| ClosureError::new(explain(&error)))
    }
}

/// The standard library of CEL, made once.
fn environment() -> &'static Arc<Env> {
    static ENVIRONMENT: OnceLock<Arc<Env>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| Arc::new(Env::stdlib()))
}

fn outputs(compiled: &Compiled, context: &Context) -> Result<value::Boxed, ClosureError> {
    let steps = match &compiled.steps {
        Some(named) => named.iter().cloned().collect(),
        None => context.visible(),
    };
    let mut outputs = Vec::new();
    for step in steps {
        if let Some(output) = context.payload(&step) {
            outputs.push((step, value::of_payload(&output)?));
        }
    }
    Ok(value::of_entries(outputs))
}

fn round(context: &Context) -> Result<value::Boxed, ClosureError> {
    let Ok(round) = context.round() else { return Ok(value::null()) };
    let index = value::of_payload(&Payload::of(&round.index)?)?;
    let carried = value::of_payload(&round.carried)?;
    Ok(value::of_entries([("index".to_owned(), index), ("carried".to_owned(), carried)]))
}

fn item(context: &Context) -> Result<value::Boxed, ClosureError> {
    let Ok(item) = context.item() else { return Ok(value::null()) };
    let index = value::of_payload(&Payload::of(&item.index)?)?;
    let element = value::of_payload(&item.value)?;
    Ok(value::of_entries([("index".to_owned(), index), ("value".to_owned(), element)]))
}

/// An error in words that are the same whenever it happens: a map in it would be written in any order.
fn explain(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is nothing called {key:?}"),
        ExecutionError::NoSuchOverload(overload) => overload.to_string(),
        ExecutionError::UndeclaredReference(name) => format!("unknown name `{name}`"),
        ExecutionError::UnexpectedType { got, want } => {
            format!("there is a {got} where a {want} is needed")
        }
        ExecutionError::InvalidArgumentCount { expected, actual } => {
            format!("a function takes {expected} arguments, and got {actual}")
        }
        ExecutionError::FunctionError { function, message } => format!("`{function}`: {message}"),
        ExecutionError::ValuesNotComparable(left, right) => {
            format!("a {} and a {} cannot be compared", left.type_of(), right.type_of())
        }
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            let (left, right) = (left.type_of(), right.type_of());
            format!("`{operator}` does not take a {left} and a {right}")
        }
        ExecutionError::UnsupportedIndex(index, of) => {
            format!("a {} has no element by a {}", of.type_of(), index.type_of())
        }
        ExecutionError::IndexOutOfBounds(_) => "an index is beyond the end of its list".to_owned(),
        ExecutionError::UnsupportedKeyType(key) => format!("a {} is no key", key.type_of()),
        ExecutionError::DuplicateKey(_) => "a map has the same key twice".to_owned(),
        ExecutionError::Overflow(operator, ..) => format!("`{operator}` overflows"),
        ExecutionError::DivisionByZero(_) => "a division by zero".to_owned(),
        ExecutionError::RemainderByZero(_) => "a remainder by zero".to_owned(),
        _ => "it cannot be evaluated".to_owned(),
    }
}

fn compile(expression: &str, variables: &[&str]) -> Result<Compiled, String> {
    if expression.len() > EXPRESSION_BYTES_MAX {
        let bytes = expression.len();
        return Err(format!("it has {bytes} bytes, and may have {EXPRESSION_BYTES_MAX}"));
    }
    shallow(expression)?;
    // The parser is generated code that was not made for hostile input; the host must not end with it.
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        let parser = Parser::new().max_recursion_depth(2 * NESTING_MAX as u16);
        parser.parse_with_source_info(expression)
    }));
    let (mut expr, places) = match parsed {
        Ok(Ok(parsed)) => parsed,
        Ok(Err(errors)) => {
            let said = errors.errors.iter().map(|error| {
                let (line, column) = error.pos;
                format!("{line}:{column}: {}", error.msg.trim())
            });
            return Err(said.collect::<Vec<_>>().join("; "));
        }
        Err(_) => return Err("the parser cannot take it".to_owned()),
    };
    let mut walk = Walk {
        places: &places,
        scope: variables.iter().map(|name| (*name).to_owned()).collect(),
        variables,
        steps: Some(BTreeSet::new()),
    };
    walk.expr(&mut expr, 0)?;
    wrap(WORK, &mut expr);
    Ok(Compiled { expr, steps: walk.steps })
}

/// Refuses what would send the parser into deep recursion, before it is asked.
fn shallow(expression: &str) -> Result<(), String> {
    // For every bracket that is open, and the whole: how many `?` its present part has.
    let mut open = vec![0_usize];
    let mut operators = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for c in expression.chars() {
        let last = open.len() - 1;
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(end), c) if c == end => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '(' | '[' | '{') => open.push(0),
            (None, ')' | ']' | '}') if last > 0 => open.truncate(last),
            (None, ',') => open[last] = 0,
            (None, '?') => open[last] += 1,
            (None, '+' | '-' | '*' | '/' | '%' | '!' | '.' | '<' | '>' | '=' | '&' | '|') => {
                operators += 1;
            }
            (None, _) => {}
        }
        if open.len() - 1 + open.iter().sum::<usize>() > NESTING_MAX {
            return Err(format!("it nests brackets and `?` more than {NESTING_MAX} deep"));
        }
    }
    if operators > OPERATORS_MAX {
        return Err(format!("it has {operators} operators, and may have {OPERATORS_MAX}"));
    }
    Ok(())
}

/// Walks an expression once: checks what it names, and puts the measuring calls in.
struct Walk<'a> {
    places: &'a SourceInfo,
    /// Every name that stands for something here, innermost last.
    scope: Vec<String>,
    variables: &'a [&'a str],
    steps: Option<BTreeSet<String>>,
}

impl Walk<'_> {
    fn expr(&mut self, node: &mut IdedExpr, depth: usize) -> Result<(), String> {
        let id = node.id;
        if depth > DEPTH_MAX {
            return Err(self.at(id, &format!("it is nested more than {DEPTH_MAX} deep")));
        }
        let deeper = depth + 1;
        match &mut node.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => {
                if !self.scope.contains(name) {
                    let known = self.variables.join(", ");
                    return Err(self.at(id, &format!("unknown name `{name}`; there are: {known}")));
                }
                if self.is_outputs(name) {
                    self.steps = None;
                }
                Ok(())
            }
            Expr::Select(select) => {
                if self.names_step(&select.operand, &select.field) {
                    return Ok(());
                }
                self.expr(&mut select.operand, deeper)
            }
            Expr::Call(call) => self.call(id, call, deeper),
            Expr::List(list) => {
                for element in &mut list.elements {
                    self.expr(element, deeper)?;
                    wrap(WORK, element);
                }
                Ok(())
            }
            Expr::Map(map) => {
                for entry in &mut map.entries {
                    let EntryExpr::MapEntry(entry) = &mut entry.expr else {
                        return Err(self.at(id, "a map has keys and values"));
                    };
                    self.expr(&mut entry.key, deeper)?;
                    self.expr(&mut entry.value, deeper)?;
                    wrap(WORK, &mut entry.key);
                    wrap(WORK, &mut entry.value);
                }
                Ok(())
            }
            Expr::Comprehension(over) => {
                if over.iter_var2.is_some() {
                    return Err(self.at(id, "a macro takes one variable"));
                }
                self.expr(&mut over.iter_range, deeper)?;
                wrap(LIST, &mut over.iter_range);
                self.expr(&mut over.accu_init, deeper)?;
                let outside = self.scope.len();
                self.scope.push(over.accu_var.clone());
                self.expr(&mut over.result, deeper)?;
                self.scope.push(over.iter_var.clone());
                self.expr(&mut over.loop_cond, deeper)?;
                self.expr(&mut over.loop_step, deeper)?;
                self.scope.truncate(outside);
                Ok(())
            }
            Expr::Struct(_) => Err(self.at(id, "there are no types to make; write a map")),
            Expr::Unspecified => Err(self.at(id, "there is nothing")),
        }
    }

    fn call(&mut self, id: u64, call: &mut CallExpr, depth: usize) -> Result<(), String> {
        let name = call.func_name.as_str();
        let operator = operator(name);
        if operator.is_none() && !FUNCTIONS.contains(&name) {
            let known = FUNCTIONS.join(", ");
            return Err(self.at(id, &format!("unknown function `{name}`; there are: {known}")));
        }
        if name == operators::INDEX
            && let [of, index] = call.args.as_slice()
            && let Expr::Literal(LiteralValue::String(field)) = &index.expr
            && self.names_step(of, field.inner())
        {
            return Ok(());
        }
        // What the macros make of `map` and `filter`: the interpreter knows it by its shape, and appends in place.
        let accumulates = matches!(
            call.args.first().map(|first| &first.expr),
            Some(Expr::Ident(name)) if name.starts_with('@')
        );
        for part in call.target.as_deref_mut().into_iter().chain(&mut call.args) {
            self.expr(part, depth)?;
            let measured = match operator {
                Some(Operator::Small | Operator::Choice) => false,
                Some(Operator::Comparison | Operator::Add) | None => !accumulates,
            };
            if measured && !is_paid_for(&part.expr, operator) {
                wrap(WORK, part);
            }
        }
        Ok(())
    }

    /// Whether this is one of the outputs, called by its name; if so it is noted.
    fn names_step(&mut self, of: &IdedExpr, field: &str) -> bool {
        let outputs = matches!(&of.expr, Expr::Ident(name) if self.is_outputs(name));
        if let (true, Some(steps)) = (outputs, &mut self.steps) {
            steps.insert(field.to_owned());
        }
        outputs
    }

    /// Whether a name means the outputs here, and no variable of a macro.
    fn is_outputs(&self, name: &str) -> bool {
        name == "outputs" && !self.scope[self.variables.len()..].iter().any(|own| own == name)
    }

    fn at(&self, id: u64, what: &str) -> String {
        let Some((start, _)) = self.places.offset_for(id) else { return what.to_owned() };
        let before = self.places.source.chars().take(start as usize);
        let (line, column) = before.fold((1, 1), |(line, column), c| match c {
            '\n' => (line + 1, 1),
            _ => (line, column + 1),
        });
        format!("{line}:{column}: {what}")
    }
}

/// Whether an operand need not be measured: it is small, or a sum inside a sum, whose parts are measured.
fn is_paid_for(operand: &Expr, within: Option<Operator>) -> bool {
    let Expr::Call(call) = operand else { return false };
    match operator(&call.func_name) {
        Some(Operator::Small | Operator::Comparison) => true,
        Some(Operator::Add) => within == Some(Operator::Add),
        Some(Operator::Choice) | None => false,
    }
}

/// Puts a call around an expression, unless that is a literal.
fn wrap(function: &str, node: &mut IdedExpr) {
    if matches!(node.expr, Expr::Literal(_)) && function == WORK {
        return;
    }
    let inner = std::mem::take(node);
    let id = inner.id;
    let func_name = function.to_owned();
    *node =
        IdedExpr { id, expr: Expr::Call(CallExpr { func_name, target: None, args: vec![inner] }) };
}
