//! Where generated scripts are run.

mod interpreter;

pub use interpreter::{
    Interpreter, InterpreterError, PYTHON, QualityReport, ReportedColumn, TIME_LIMIT,
};
