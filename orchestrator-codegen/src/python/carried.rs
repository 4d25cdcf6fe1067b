//! A literal of texts inside a source that was made here: what it adds to the counts is known without parsing it.
//!
//! A generator layer carries the tokens of the layers below it, most of its bytes. They are a dictionary of lists of lists of
//! texts in ASCII, a bracket or a text a line; so its validity is that of its texts' literals, and it has no operators,
//! statements or comments.

use std::collections::HashSet;
use std::sync::Arc;

use crate::quality::DUPLICATE_CHARS_MIN;

/// The lines of such a dictionary between its braces.
#[derive(Debug, Clone)]
pub(crate) struct Carried {
    counts: Arc<Counts>,
    after_line: usize,
}

#[derive(Debug)]
struct Counts {
    bytes: usize,
    lines: usize,
    tokens: usize,
    long: usize,
    /// Looked up only, so its order is nobody's.
    distinct: HashSet<Box<str>>,
}

impl Carried {
    /// Stands for the lines, so that what is around them parses and counts as with them.
    pub(crate) const STUB: &str = "    0: 0,\n";
    const STUB_TOKENS: usize = 4;
    const STUB_LINES: usize = 1;

    /// The lines of a literal, as [`Dialect`](crate::template) lays it out, without the braces; `None` where they are laid out
    /// otherwise.
    pub(crate) fn of(inner: &str) -> Option<Carried> {
        let mut counts =
            Counts { bytes: inner.len(), lines: 0, tokens: 0, long: 0, distinct: HashSet::new() };
        for line in inner.lines() {
            let line = line.trim();
            counts.lines += 1;
            counts.tokens += tokens(line)?;
            if line.len() >= DUPLICATE_CHARS_MIN {
                counts.long += 1;
                if !counts.distinct.contains(line) {
                    counts.distinct.insert(line.into());
                }
            }
        }
        let fits = inner.is_ascii() && inner.ends_with('\n') && counts.lines >= Self::STUB_LINES;
        fits.then(|| Carried { counts: Arc::new(counts), after_line: 0 })
    }

    /// The same after so many lines of a source.
    pub(crate) fn after(&self, line: usize) -> Carried {
        Carried { after_line: line, ..self.clone() }
    }

    /// So many lines of the source come before.
    pub(crate) fn after_line(&self) -> usize {
        self.after_line
    }

    /// The lines that it has more than the stub; none of them is blank or a comment.
    pub(crate) fn lines(&self) -> usize {
        self.counts.lines - Self::STUB_LINES
    }

    pub(crate) fn bytes(&self) -> usize {
        self.counts.bytes
    }

    /// The tokens that it has more than the stub.
    pub(crate) fn tokens(&self) -> usize {
        self.counts.tokens - Self::STUB_TOKENS
    }

    /// Lines of [`DUPLICATE_CHARS_MIN`] characters or more.
    pub(crate) fn long(&self) -> usize {
        self.counts.long
    }

    /// Those of them that repeat another one.
    pub(crate) fn repeated(&self) -> usize {
        self.counts.long - self.counts.distinct.len()
    }

    /// Whether a line is one of the long ones.
    pub(crate) fn has(&self, line: &str) -> bool {
        self.counts.distinct.contains(line)
    }
}

/// A bracket, a text, or a key before a list.
fn tokens(line: &str) -> Option<usize> {
    match line {
        "[" => return Some(1),
        "]," => return Some(2),
        _ => {}
    }
    let quote = *line.as_bytes().first().filter(|first| matches!(first, b'"' | b'\''))?;
    match line.rsplit_once(quote as char)?.1 {
        "," => Some(2),
        ": [" => Some(3),
        ": []," => Some(5),
        _ => None,
    }
}
