//! Operators and operands, counted as `radon` counts them.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, Expr, ModModule, Number, Stmt};

use crate::python::names::Names;
use crate::quality::Halstead;

/// M. Halstead, "Elements of Software Science", 1977. Operators are the arithmetic, bitwise, comparing and logical ones, and the
/// augmented assignments; operands are what they are applied to. Two operands are the same if they are the same name,
/// attribute or constant (as Python compares them: `1`, `1.0` and `True` are one) in functions of the same name; any other expression
/// differs from all others. What stands in a decorator or a default of a function is not counted.
#[derive(Default)]
pub(super) struct Count<'a> {
    pub(super) operators: usize,
    pub(super) operands: usize,
    pub(super) distinct_operators: BTreeSet<&'static str>,
    /// With the function around; see [`Count::distinct`].
    pub(super) distinct_operands: Names,
    /// Operands that are like no other.
    pub(super) unlike: usize,
    context: Option<&'a str>,
    key: Vec<u8>,
}

impl Count<'_> {
    /// Takes note of an operand: by bytes that are the same for the same operand of the same function, and for no others.
    pub(super) fn distinct(&mut self, operand: &Operand<'_>) {
        self.key.clear();
        if let Some(function) = self.context {
            self.key.push(b'f');
            self.key.extend_from_slice(function.as_bytes());
        }
        // No name has such a character.
        self.key.push(0);
        let mut value = |kind: u8, bytes: &[u8]| {
            self.key.push(kind);
            self.key.extend_from_slice(bytes);
        };
        match operand {
            Operand::Text(text) => value(b't', text.as_bytes()),
            Operand::Bytes(bytes) => value(b'b', bytes),
            Operand::None => value(b'n', &[]),
            Operand::Ellipsis => value(b'.', &[]),
            Operand::Integer(number) => value(b'i', &number.to_le_bytes()),
            Operand::Big(digits) => value(b'g', digits.as_bytes()),
            Operand::Real(bits) => value(b'r', &bits.to_le_bytes()),
            Operand::Imaginary(bits) => value(b'j', &bits.to_le_bytes()),
        }
        self.distinct_operands.named(&self.key);
    }

    pub(super) fn measures(&self) -> Halstead {
        Halstead::of(
            self.distinct_operators.len(),
            self.distinct_operands.len() + self.unlike,
            self.operators,
            self.operands,
        )
    }
}

/// Counts in a module.
pub(super) fn of_module(module: &ModModule) -> Count<'_> {
    let mut count = Count::default();
    count.visit_body(&module.body);
    count
}

pub(super) const UNARY_MINUS: &str = "unary -";

pub(super) enum Operand<'a> {
    /// A name, an attribute or the value of a string.
    Text(&'a str),
    Bytes(Vec<u8>),
    None,
    Ellipsis,
    Integer(u64),
    Big(String),
    /// The bits of a number with a fraction.
    Real(u64),
    /// The bits of the imaginary part.
    Imaginary(u64),
}

impl<'a> Count<'a> {
    fn operator(&mut self, name: &'static str) {
        self.operators += 1;
        self.distinct_operators.insert(name);
    }

    fn operand(&mut self, expr: &'a Expr) {
        self.operands += 1;
        let operand = match expr {
            Expr::Name(name) => Operand::Text(name.id.as_str()),
            Expr::Attribute(attribute) => Operand::Text(attribute.attr.as_str()),
            Expr::StringLiteral(string) => Operand::Text(string.value.to_str()),
            Expr::BytesLiteral(bytes) => Operand::Bytes(bytes.value.bytes().collect()),
            Expr::BooleanLiteral(boolean) => Operand::Integer(u64::from(boolean.value)),
            Expr::NoneLiteral(_) => Operand::None,
            Expr::EllipsisLiteral(_) => Operand::Ellipsis,
            Expr::NumberLiteral(number) => of_number(&number.value),
            _ => {
                self.unlike += 1;
                return;
            }
        };
        self.distinct(&operand);
    }
}

fn of_number<'a>(number: &Number) -> Operand<'a> {
    match number {
        Number::Int(int) => match int.as_u64() {
            Some(small) => Operand::Integer(small),
            None => Operand::Big(int.to_string()),
        },
        Number::Float(float) => of_float(*float),
        Number::Complex { imag: 0.0, .. } => Operand::Integer(0),
        Number::Complex { imag, .. } => Operand::Imaginary(imag.to_bits()),
    }
}

pub(super) fn of_float<'a>(float: f64) -> Operand<'a> {
    // 2^64: every smaller whole number is one of u64, exactly.
    if float.fract() == 0.0 && float < 18_446_744_073_709_551_616.0 {
        Operand::Integer(float as u64)
    } else {
        Operand::Real(float.to_bits())
    }
}

impl<'a> Visitor<'a> for Count<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => {
                let outer = self.context.replace(function.name.as_str());
                self.visit_body(&function.body);
                self.context = outer;
            }
            Stmt::AugAssign(assign) => {
                self.operator(assign.op.as_str());
                self.operand(&assign.target);
                self.operand(&assign.value);
                visitor::walk_stmt(self, stmt);
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::BinOp(operation) => {
                self.operator(operation.op.as_str());
                self.operand(&operation.left);
                self.operand(&operation.right);
            }
            Expr::UnaryOp(operation) => {
                // `-x` and `x - y` are two operators, though they are one character.
                self.operator(match operation.op {
                    ast::UnaryOp::Invert => "unary ~",
                    ast::UnaryOp::Not => "unary not",
                    ast::UnaryOp::UAdd => "unary +",
                    ast::UnaryOp::USub => UNARY_MINUS,
                });
                self.operand(&operation.operand);
            }
            Expr::BoolOp(operation) => {
                self.operator(operation.op.as_str());
                operation.values.iter().for_each(|value| self.operand(value));
            }
            Expr::Compare(compare) => {
                compare.ops.iter().for_each(|op| self.operator(op.as_str()));
                self.operand(&compare.left);
                compare.comparators.iter().for_each(|value| self.operand(value));
            }
            _ => {}
        }
        visitor::walk_expr(self, expr);
    }
}
