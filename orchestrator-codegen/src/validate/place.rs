//! From offsets to lines and columns, and the bounds that every validator keeps.

use std::iter;

use memchr::memchr2_iter;

use crate::validate::{DIAGNOSTICS_MAX, Diagnostic, SOURCE_BYTES_MAX, Severity};

/// Enough for the deepest source that a parser is given, in a debug build. Reserved, not used: memory is taken as the stack grows.
const DEEP_STACK_BYTES: usize = 256 * 1024 * 1024;

/// The beginnings of the lines of a source.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    source: &'a str,
    lines: Vec<usize>,
}

impl<'a> Place<'a> {
    /// Reads the source once.
    pub(crate) fn of(source: &'a str) -> Place<'a> {
        let bytes = source.as_bytes();
        let ends = memchr2_iter(b'\n', b'\r', bytes);
        let ends = ends.filter(|at| bytes[*at] == b'\n' || bytes.get(at + 1) != Some(&b'\n'));
        let lines = iter::once(0).chain(ends.map(|at| at + 1)).collect();
        Place { source, lines }
    }

    /// The line of a byte, counted from 1; of one that is beyond the end, the last one.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|begin| *begin <= at)
    }

    /// A finding at a byte.
    pub(crate) fn diagnostic(&self, at: usize, message: String, severity: Severity) -> Diagnostic {
        let at = self.source.floor_char_boundary(at.min(self.source.len()));
        let line = self.line(at);
        let column = 1 + self.source[self.lines[line - 1]..at].chars().count();
        Diagnostic { line, column, message, severity }
    }

    /// A finding on a line, counted from 1.
    pub(crate) fn on_line(&self, line: usize, message: String, severity: Severity) -> Diagnostic {
        Diagnostic { line: line.clamp(1, self.lines.len()), column: 1, message, severity }
    }
}

/// Sorted by place, each once, and as many as are reported.
pub(crate) fn in_order(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort_by(|one, other| {
        let key =
            |found: &Diagnostic| (found.line, found.column, found.severity == Severity::Warning);
        key(one).cmp(&key(other)).then_with(|| one.message.cmp(&other.message))
    });
    found.dedup();
    found.truncate(DIAGNOSTICS_MAX);
    found
}

/// The refusal of a source that is longer than [`SOURCE_BYTES_MAX`].
pub(crate) fn is_too_long(source: &str) -> Option<Diagnostic> {
    (source.len() > SOURCE_BYTES_MAX).then(|| Diagnostic {
        line: 1,
        column: 1,
        message: format!(
            "the source has {} bytes, more than the {SOURCE_BYTES_MAX} that are validated: part the file",
            source.len()
        ),
        severity: Severity::Error,
    })
}

/// Calls `look` in a thread with a large stack, and gives back its answer; a finding if there is no such thread to be had, or
/// the parser breaks.
pub(crate) fn on_a_deep_stack<T: Send>(look: impl FnOnce() -> T + Send) -> Result<T, Diagnostic> {
    let refused = |message: &str| Diagnostic {
        line: 1,
        column: 1,
        message: message.to_owned(),
        severity: Severity::Error,
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(DEEP_STACK_BYTES);
        match thread.spawn_scoped(scope, look) {
            Ok(thread) => thread.join().map_err(|_| refused("the parser gave up on this source")),
            Err(_) => Err(refused("nested too deeply for this machine: no thread to read it in")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, at: usize, line: usize, column: usize) {
        let found = Place::of(source).diagnostic(at, String::new(), Severity::Error);
        assert_eq!((found.line, found.column), (line, column), "{source:?} at {at}");
    }

    #[test]
    fn places_are_counted_in_characters_from_one() {
        check("", 0, 1, 1);
        check("", 7, 1, 1);
        check("ab\ncd", 0, 1, 1);
        check("ab\ncd", 2, 1, 3);
        check("ab\ncd", 3, 2, 1);
        check("ab\r\ncd", 4, 2, 1);
        check("ab\rcd", 3, 2, 1);
        check("é😀x", 6, 1, 3);
        // Inside of a character.
        check("é😀x", 4, 1, 2);
        check("a\n", 2, 2, 1);
    }
}
