//! Python as ruff reads it, and the only door to it: ruff's crates change weekly, so none of their types leaves this room.
//!
//! A source is parsed once, as a [`PythonSource`]; its diagnostics, its tokens and its quality all come of that parse.
//! Nothing here runs code, and nothing reads a file.

mod complexity;
mod constant;
mod depth;
mod functions;
mod halstead;
mod lines;
mod names;
mod pieces;
mod scopes;
mod shallow;
mod tabs;

use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_python_ast::{ModModule, PythonVersion};
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_unchecked};
use ruff_text_size::Ranged;

pub(crate) use pieces::{Pieces, Section, SectionKind};

use crate::python::scopes::Scoped;
use crate::quality::score::{self, LineCounts};
use crate::quality::{Quality, Sizes};
use crate::validate::{Diagnostic, Severity, in_order, is_too_long};
use crate::validate::{Place, on_a_deep_stack};

/// The syntax that generated scripts may use: what Python 3.8 knows.
pub const PYTHON_MINOR: u8 = 8;

const OURS: PythonVersion = PythonVersion { major: 3, minor: PYTHON_MINOR };

const COMMENT: &str = "#";

/// More nested brackets are refused by CPython itself (`MAXLEVEL` of its tokenizer).
const BRACKETS_MAX: usize = 200;

/// Deeper indentation is refused by CPython itself (`MAXINDENT` of its tokenizer).
const INDENTS_MAX: usize = 100;

/// Longer chains (`1 + 1 + …`, `a.b.c…`, `not not …`) are refused, as CPython refuses them with a `RecursionError`.
const DEPTH_MAX: usize = 3000;

/// What is less deep is read on the stack of the caller.
const SHALLOW: usize = 120;

/// A Python source that was parsed once: for whoever wants its diagnostics and its quality, without paying twice.
///
/// ```
/// use orchestrator_codegen::PythonSource;
/// let source = PythonSource::parse("def double(x):\n    return 2 * x\n");
/// assert!(source.diagnostics().is_empty());
/// assert_eq!(source.quality().per_function[0].name, "double");
/// assert_eq!(source.tokens(), 10);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PythonSource {
    diagnostics: Vec<Diagnostic>,
    quality: Quality,
}

impl PythonSource {
    /// Parses a whole file, as [`PYTHON_MINOR`] reads it.
    pub fn parse(source: &str) -> PythonSource {
        let looked = look(source, OURS, Both);
        PythonSource { diagnostics: looked.0, quality: looked.1 }
    }

    /// What [`PythonValidator`](crate::PythonValidator) says of it.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// What [`PythonQuality`](crate::PythonQuality) says of it.
    pub fn quality(&self) -> &Quality {
        &self.quality
    }

    pub(crate) fn into_parts(self) -> (Vec<Diagnostic>, Quality) {
        (self.diagnostics, self.quality)
    }

    /// Its tokens, without white space and comments.
    pub fn tokens(&self) -> usize {
        self.quality.tokens
    }
}

/// What is asked of a source.
#[derive(Clone, Copy, PartialEq)]
enum Question {
    Diagnostics,
    Quality,
    Both,
}
use Question::Both;

/// All findings of a source, with syntax newer than Python 3.`minor` as a finding of this severity.
pub(crate) fn diagnostics(source: &str, minor: u8, newer: Severity) -> Vec<Diagnostic> {
    let mut found = look(source, PythonVersion { major: 3, minor }, Question::Diagnostics).0;
    for diagnostic in &mut found {
        if diagnostic.severity == Severity::Warning {
            diagnostic.severity = newer;
        }
    }
    found
}

/// The counts of a source and its score.
pub(crate) fn quality(source: &str) -> Quality {
    look(source, OURS, Question::Quality).1
}

fn look(source: &str, version: PythonVersion, asked: Question) -> (Vec<Diagnostic>, Quality) {
    let looked = in_bounds(source, || look_closer(source, version, asked));
    looked.unwrap_or_else(|fault| (vec![fault], Quality::default()))
}

/// Lets `look` parse in bounds: of size, of nesting, and on a stack that suffices for what is left.
fn in_bounds<T: Send>(source: &str, look: impl FnOnce() -> T + Send) -> Result<T, Diagnostic> {
    if let Some(fault) = is_too_long(source) {
        return Err(fault);
    }
    if shallow::bound(source).is_some() {
        return Ok(look());
    }
    let bound = depth::bound(source);
    if let Some(fault) = bound.fault(source) {
        return Err(fault);
    }
    if bound.depth <= SHALLOW && bound.closed { Ok(look()) } else { on_a_deep_stack(look) }
}

fn parse(source: &str, version: PythonVersion) -> Parsed<ModModule> {
    // A byte order mark is no part of the program, for CPython as for ruff.
    let options = ParseOptions::from(Mode::Module).with_target_version(version);
    let parsed = parse_unchecked(source, options).try_into_module();
    parsed.expect("the mode is that of a module")
}

fn look_closer(
    source: &str,
    version: PythonVersion,
    asked: Question,
) -> (Vec<Diagnostic>, Quality) {
    let parsed = parse(source, version);
    let found = match asked {
        Question::Quality => Vec::new(),
        Question::Diagnostics | Both => findings(source, &parsed, version, false).0,
    };
    let quality = match asked {
        Question::Diagnostics => Quality::default(),
        Question::Quality | Both => measure(source, &parsed),
    };
    (found, quality)
}

/// The findings, and what the scopes say if the source could be parsed. `future_annotations` says whether what comes before has them.
fn findings(
    source: &str,
    parsed: &Parsed<ModModule>,
    version: PythonVersion,
    future_annotations: bool,
) -> (Vec<Diagnostic>, Option<Scoped>) {
    let mut found: Vec<(usize, String, Severity)> = Vec::new();
    for fault in parsed.errors() {
        let at = fault.location.start().to_usize();
        found.push((at, fault.error.to_string(), Severity::Error));
    }
    if !parsed.errors().is_empty()
        && let Some((at, opener)) = never_closed(parsed.tokens())
    {
        let opener = &source[at..at + opener];
        found.push((at, format!("'{opener}' was never closed"), Severity::Error));
    }
    if let Some(at) = source.find('\0') {
        found.push((at, "a source cannot contain null bytes".into(), Severity::Error));
    }
    if let Some(at) = tabs::inconsistent(source, parsed.tokens()) {
        let message = "inconsistent use of tabs and spaces in indentation".to_owned();
        found.push((at, message, Severity::Error));
    }
    // What the scopes say of half a tree is noise.
    let scoped = parsed.errors().is_empty();
    let mut scoped = scoped.then(|| scopes::look(source, parsed, version, future_annotations));
    for (at, message) in scoped.iter_mut().flat_map(|scoped| scoped.errors.drain(..)) {
        found.push((at, message, Severity::Error));
    }
    for newer in parsed.unsupported_syntax_errors() {
        let at = newer.range().start().to_usize();
        found.push((at, newer.to_string(), Severity::Warning));
    }
    if found.is_empty() {
        return (Vec::new(), scoped);
    }
    let place = Place::of(source);
    let found = found.into_iter();
    let found = found.map(|(at, message, severity)| place.diagnostic(at, message, severity));
    (in_order(found.collect()), scoped)
}

/// The innermost bracket without its end, and its length. A closing one that fits none is passed over.
fn never_closed(tokens: &Tokens) -> Option<(usize, usize)> {
    let mut open: Vec<(TokenKind, usize)> = Vec::new();
    for token in tokens.iter() {
        let end = match token.kind() {
            TokenKind::Lpar => TokenKind::Rpar,
            TokenKind::Lsqb => TokenKind::Rsqb,
            TokenKind::Lbrace => TokenKind::Rbrace,
            kind => {
                if let Some(at) = open.iter().rposition(|(end, _)| *end == kind) {
                    open.truncate(at);
                }
                continue;
            }
        };
        open.push((end, token.start().to_usize()));
    }
    open.last().map(|(_, at)| (*at, 1))
}

/// Counts everything; of a source with errors, what the parser made of it.
fn measure(source: &str, parsed: &Parsed<ModModule>) -> Quality {
    let counted = lines::count(source, parsed.tokens());
    let functions = functions::measure(source, parsed.syntax());
    let halstead = halstead::of_module(parsed.syntax()).measures();
    let lines = LineCounts::of(source, COMMENT);
    score::quality(lines, counted.tokens, functions, halstead, counted.sizes())
}

impl lines::Lines {
    fn sizes(&self) -> Sizes {
        Sizes {
            logical_lines: self.logical,
            source_lines: self.source,
            comments: self.comments,
            multiline_strings: self.multiline_strings,
        }
    }
}
