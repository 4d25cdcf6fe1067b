//! How deep the tree of a source is at most, told from its bytes: most code is so shallow that this will do, in half the time that its
//! tokens take. What bytes cannot tell is left to them (`depth.rs`).

use memchr::{memchr, memchr2, memchr3};

use crate::python::{INDENTS_MAX, SHALLOW};

/// A bound of what [`super::depth::bound`] finds, where that is shallow and all brackets are closed; `None` where it is not, or where
/// that takes a closer look.
pub(super) fn bound(source: &str) -> Option<usize> {
    // A carriage return ends lines and comments, and a NUL is the end of the source to some.
    if memchr2(b'\r', b'\0', source.as_bytes()).is_some() {
        return None;
    }
    let bytes = source.as_bytes();
    let (outer, indents) = (Vec::new(), Vec::new());
    let mut scan =
        Scan { bytes, at: 0, chain: Chain::default(), outer, indents, base: 1, deepest: 1 };
    while scan.at < bytes.len() {
        scan.line()?;
    }
    scan.reach(0)?;
    scan.outer.is_empty().then_some(scan.deepest)
}

/// One open bracket, or the logical line itself, and what of it may nest.
#[derive(Default)]
struct Chain {
    closer: u8,
    /// Operators and words since the last comma.
    operators: usize,
    /// What no comma ends.
    lasting: usize,
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The innermost one.
    chain: Chain,
    outer: Vec<Chain>,
    /// The columns of the levels of indentation.
    indents: Vec<usize>,
    /// Levels of indentation, chains, and what of the outer ones may nest.
    base: usize,
    deepest: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Blank,
    Word,
    Operator,
    Comma,
    Open,
    Close,
    Quote,
    Comment,
    Newline,
    Semicolon,
    /// What has no business in shallow code, outside of texts and comments.
    Other,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            b' ' => Class::Blank,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => Class::Word,
            b'(' | b'[' | b'{' => Class::Open,
            b')' | b']' | b'}' => Class::Close,
            b'"' | b'\'' => Class::Quote,
            b',' => Class::Comma,
            b';' => Class::Semicolon,
            b'#' => Class::Comment,
            b'\n' => Class::Newline,
            b'!' | b'%' | b'&' | b'*' | b'+' | b'-' | b'.' | b'/' | b':' | b'<' | b'=' | b'>'
            | b'@' | b'^' | b'|' | b'~' => Class::Operator,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

/// Where the parser gives up an open bracket: keywords that no expression can hold.
const STATEMENTS: [&[u8]; 15] = [
    b"def",
    b"class",
    b"return",
    b"import",
    b"raise",
    b"while",
    b"with",
    b"try",
    b"pass",
    b"break",
    b"continue",
    b"assert",
    b"global",
    b"nonlocal",
    b"del",
];

impl Chain {
    fn levels(&self) -> usize {
        self.operators + self.lasting
    }
}

impl<'a> Scan<'a> {
    /// Reads a line, up to the next one.
    fn line(&mut self) -> Option<()> {
        let begin = self.at;
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
        let nested = !self.outer.is_empty();
        let blank = matches!(self.peek(), None | Some(b'\n' | b'#'));
        if !nested && !blank {
            self.indent(self.at - begin)?;
        }
        let first = self.at;
        while let Some(byte) = self.peek() {
            match CLASSES[usize::from(byte)] {
                Class::Blank => self.at += 1,
                Class::Word => {
                    let word = self.word();
                    let fresh = nested && self.at - word.len() == first;
                    if fresh && STATEMENTS.contains(&word) {
                        return None;
                    }
                    match self.peek() {
                        Some(quote @ (b'"' | b'\'')) => self.prefixed(word, quote)?,
                        // Parameters have commas of their own, and after digits any word may begin.
                        _ if word == b"lambda" || word[0].is_ascii_digit() => {
                            self.chain.lasting += word.len();
                        }
                        _ => self.chain.operators += 1,
                    }
                }
                Class::Operator => {
                    self.at += 1;
                    self.chain.operators += 1;
                }
                Class::Comma => {
                    self.at += 1;
                    self.reach(0)?;
                    self.chain.operators = 0;
                }
                Class::Open => {
                    self.at += 1;
                    let closer = if byte == b'(' { b')' } else { byte + 2 };
                    self.base += self.chain.levels() + 1;
                    let inner = Chain { closer, ..Chain::default() };
                    self.outer.push(std::mem::replace(&mut self.chain, inner));
                    self.reach(0)?;
                }
                Class::Close => {
                    self.at += 1;
                    self.reach(0)?;
                    let outer = self.outer.pop().filter(|_| self.chain.closer == byte)?;
                    self.base -= outer.levels() + 1;
                    self.chain = Chain { operators: outer.operators + 1, ..outer };
                }
                Class::Quote => self.text(byte)?,
                Class::Comment => {
                    let end = memchr(b'\n', &self.bytes[self.at..]);
                    self.at = end.map_or(self.bytes.len(), |end| self.at + end);
                }
                Class::Newline => {
                    self.at += 1;
                    return if self.outer.is_empty() { self.end() } else { Some(()) };
                }
                Class::Semicolon if self.outer.is_empty() => {
                    self.at += 1;
                    self.end()?;
                }
                Class::Semicolon | Class::Other => return None,
            }
        }
        Some(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn indent(&mut self, column: usize) -> Option<()> {
        let outer = self.indents.iter().take_while(|outer| **outer <= column).count();
        let dedented = outer < self.indents.len();
        self.indents.truncate(outer);
        if self.indents.last().copied().unwrap_or(0) < column {
            // Between two levels: an error, after which anything may follow.
            if dedented {
                return None;
            }
            self.indents.push(column);
        }
        self.base = 1 + self.indents.len();
        self.reach(0).filter(|()| self.indents.len() <= INDENTS_MAX)
    }

    fn word(&mut self) -> &'a [u8] {
        let (bytes, begin) = (self.bytes, self.at);
        while self.peek().is_some_and(|byte| CLASSES[usize::from(byte)] == Class::Word) {
            self.at += 1;
        }
        &bytes[begin..self.at]
    }

    /// Ends a logical line.
    fn end(&mut self) -> Option<()> {
        self.reach(0)?;
        self.chain = Chain::default();
        Some(())
    }

    /// So many levels more than what is open. To be asked before something ends.
    fn reach(&mut self, more: usize) -> Option<()> {
        let depth = self.base + self.chain.levels() + more;
        self.deepest = self.deepest.max(depth);
        (depth <= SHALLOW).then_some(())
    }

    fn prefixed(&mut self, prefix: &[u8], quote: u8) -> Option<()> {
        let mut letters = [0; 2];
        let known = letters.get_mut(..prefix.len())?;
        known.copy_from_slice(prefix);
        known.make_ascii_lowercase();
        match &*known {
            b"r" | b"b" | b"u" | b"br" | b"rb" => self.text(quote),
            b"f" | b"t" | b"fr" | b"rf" | b"tr" | b"rt" => self.formatted(quote),
            // A number or a name beside a text: an error.
            _ => None,
        }
    }

    /// Moves behind the quotes that begin a text; whether they are three.
    fn quotes(&mut self, quote: u8) -> bool {
        let triple = self.bytes[self.at..].starts_with(&[quote; 3]);
        self.at += if triple { 3 } else { 1 };
        triple
    }

    /// Whether the quote before is the last one of a text; moves behind the other two of three.
    fn ends(&mut self, quote: u8, triple: bool) -> bool {
        let ends = !triple || self.bytes[self.at..].starts_with(&[quote; 2]);
        self.at += if ends && triple { 2 } else { 0 };
        ends
    }

    /// Moves behind a text.
    fn text(&mut self, quote: u8) -> Option<()> {
        let triple = self.quotes(quote);
        loop {
            // Within three quotes a line break is as any other byte.
            let third = if triple { quote } else { b'\n' };
            let mark = self.at + memchr3(quote, b'\\', third, self.bytes.get(self.at..)?)?;
            let byte = self.bytes[mark];
            self.at = mark + 1;
            match byte {
                b'\\' => self.at += 1,
                _ if byte == quote && self.ends(quote, triple) => return Some(()),
                _ if byte != quote => return None,
                _ => {}
            }
        }
    }

    /// Moves behind a text with fields, each of which is taken to nest as often as it has bytes.
    fn formatted(&mut self, quote: u8) -> Option<()> {
        let triple = self.quotes(quote);
        let mut fields = 0;
        self.reach(1)?;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'\\' if matches!(self.peek()?, b'{' | b'}' | b'N') => return None,
                b'\\' => self.at += 1,
                b'\n' if !triple => return None,
                b'{' | b'}' if self.peek()? == byte => self.at += 1,
                b'}' => return None,
                b'{' => {
                    let bytes = self.field(quote)?;
                    fields += 1;
                    self.reach(2 + fields + bytes)?;
                }
                _ if byte == quote && self.ends(quote, triple) => {
                    self.chain.operators += 1;
                    return Some(());
                }
                _ => {}
            }
        }
    }

    /// Moves behind the field of a text, and tells its length.
    fn field(&mut self, outer: u8) -> Option<usize> {
        let begin = self.at;
        let mut closers: Vec<u8> = Vec::new();
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'}' => return closers.is_empty().then_some(self.at - begin),
                b'(' => closers.push(b')'),
                b'[' => closers.push(b']'),
                b')' | b']' => drop(closers.pop().filter(|closer| *closer == byte)?),
                b'"' | b'\'' if byte != outer => {
                    let rest = &self.bytes[self.at..];
                    let text = &rest[..memchr(byte, rest)?];
                    let plain =
                        |byte: &u8| !matches!(byte, b'\\' | b'\n' | b'{' | b'}' | b'"' | b'\'');
                    if !text.iter().all(plain) {
                        return None;
                    }
                    self.at += text.len() + 1;
                    // Three quotes would begin another kind of text.
                    if text.is_empty() && self.peek() == Some(byte) {
                        return None;
                    }
                }
                b' '..=b'~' if !matches!(byte, b'{' | b'"' | b'\'' | b'\\' | b'#') => {}
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::depth;
    use orchestrator_core::Seed;

    const CASES: u64 = 20_000;

    #[track_caller]
    fn check(source: &str) -> Option<usize> {
        let told = bound(source);
        if let Some(told) = told {
            let exact = depth::bound(source);
            assert!(exact.closed, "{source:?}");
            assert!(exact.depth <= told, "{} levels, not {told}: {source:?}", exact.depth);
            assert!(exact.fault(source).is_none(), "{source:?}");
        }
        told
    }

    #[test]
    fn code_as_it_is_written_is_told_from_its_bytes() {
        for source in [
            "",
            "def f(a, b=1):\n    \"\"\"It's\n\n    {fine\n    \"\"\"\n    return [a, *b]  # (not closed\n",
            "x = f'{a[\"b\"]:>10} {{}} {c(d)!r}' + rb'\\'' + \"\\\n\"\n",
            "if x:\n    if y:\n        z\n# out\nelse:\n    w = lambda x, y: x {\n  'a': (1.5e-3, ),\n}; v\n",
        ] {
            assert!(check(source).is_some(), "{source:?}");
        }
        assert_eq!(check("f(g(h))\n"), Some(6));
    }

    #[test]
    fn what_bytes_do_not_tell_is_left_to_the_tokens() {
        let deep = "(".repeat(200) + &")".repeat(200);
        let chained = "x".to_owned() + &" + x".repeat(200);
        let indented: String = (0..150).map(|at| " ".repeat(at) + "if x:\n").collect();
        for source in [
            deep.as_str(),
            &chained,
            &indented,
            "(",
            ")",
            "(]",
            "[a)",
            "'",
            "'''x''",
            "'a\n'",
            "f'{a'",
            "f'{a[}'",
            "f'}'",
            "f'{a:{b}}'",
            "f'{a['b']}'",
            "f'\\N{DASH}'",
            "f'{\"\"\"a\"\"\"}'",
            "0f'{a}'",
            "(\ndef f\n)",
            "a \\\n",
            "é = 1",
            "\tx",
            "x\r",
            "if x:\n    y\n  z\n",
            "(;)",
            "?",
        ] {
            assert_eq!(check(source), None, "{source:?}");
        }
    }

    #[test]
    fn a_bracket_is_given_up_at_the_same_keywords() {
        let keywords = "False None True and as assert async await break class continue def del elif else except finally for from \
                        global if import in is lambda nonlocal not or pass raise return try while with yield";
        for keyword in keywords.split(' ') {
            let source = format!("f(\n{keyword}\n)\n");
            let given_up = !depth::bound(&source).closed;
            assert_eq!(check(&source).is_none(), given_up, "{keyword}");
        }
    }

    #[test]
    fn no_bound_is_too_low() {
        let bits = [
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "{{",
            "}}",
            "\"",
            "'",
            "\"\"\"",
            "'''",
            "f'",
            "f\"",
            "rf'",
            "Rb\"",
            "f\"\"\"",
            "t'",
            "\\",
            "\\\n",
            "\n",
            "\n    ",
            "\n        ",
            "\n  ",
            "#",
            "# (",
            "x",
            "0",
            "1.5",
            ".",
            ",",
            ":",
            ";",
            " ",
            "=",
            "+",
            " not ",
            " lambda x: ",
            " if ",
            "else",
            "return ",
            "def f",
            "async ",
            "await ",
            "in ",
            "!r",
            ":>10",
            "N",
            "é",
            "\t",
            "\r",
            "\u{c}",
            "\0",
            "@",
            "**",
            "->",
            ":=",
            "$",
            "?",
            "!",
            "`",
            "yield",
            "print",
            "\u{2028}",
        ];
        let mut told = 0;
        for case in 0..CASES {
            let mut stream = Seed(case).fast_stream();
            let mut source = String::new();
            for _ in 0..stream.below(16) {
                source.push_str(bits[stream.below(bits.len())]);
            }
            told += usize::from(check(&source).is_some());
        }
        assert!(told as u64 > CASES / 8, "{told} of {CASES}");
    }
}
