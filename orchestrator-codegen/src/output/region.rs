//! Protected regions: the parts of a generated file that belong to a person.
//!
//! Between a line `# protected: NAME` and a line `# end protected: NAME` (with the language's own comment mark) a template ships a
//! first text, and whatever a person makes of it stays when the file is generated anew.
//!
//! The lines that mark a region belong to the generator; so does everything outside. Regions do not nest, and a name
//! stands once in a file.

use std::collections::BTreeMap;

use crate::language::Language;
use crate::sha256;

const OPEN: &str = "protected:";
const CLOSE: &str = "end protected:";

/// A file cut at its regions.
#[derive(Debug, PartialEq)]
pub(crate) struct Regions<'a> {
    parts: Vec<Part<'a>>,
}

#[derive(Debug, PartialEq)]
enum Part<'a> {
    /// Of the generator: lines with their ends.
    Ours(&'a str),
    /// Of a person: the name, and the lines between the marks.
    Theirs(&'a str, &'a str),
}

/// A mark that does not belong where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct RegionError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl<'a> Regions<'a> {
    /// Cuts a text at its marks.
    ///
    /// # Errors
    /// When a region has no name or no end, stands in another, ends under another name, or has the name of an earlier one.
    pub(crate) fn of(text: &'a str, language: Language) -> Result<Regions<'a>, RegionError> {
        let mut parts = Vec::new();
        let Some(comment) = language.line_comment() else {
            return Ok(Regions { parts: vec![Part::Ours(text)] });
        };
        let fault = |line, problem: String| Err(RegionError { line, problem });
        // The region that is open, the line of its mark, and where its body begins.
        let mut open: Option<(&str, usize, usize)> = None;
        let (mut ours, mut at) = (0, 0);
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            let (from, to) = (at, at + line.len());
            at = to;
            match (mark(line, comment), open) {
                (None, _) => {}
                (Some(Mark::Open("")), _) => {
                    return fault(
                        number,
                        format!("a region needs a name: `{comment} {OPEN} NAME`"),
                    );
                }
                (Some(Mark::Open(name)), Some((outer, ..))) => {
                    let problem =
                        format!("region {name:?} begins inside {outer:?}; end that first");
                    return fault(number, problem);
                }
                (Some(Mark::Open(name)), None) => {
                    let taken = |part: &Part<'_>| matches!(part, Part::Theirs(n, _) if *n == name);
                    if parts.iter().any(taken) {
                        return fault(number, format!("region {name:?} stands twice; rename one"));
                    }
                    parts.push(Part::Ours(&text[ours..to]));
                    open = Some((name, number, to));
                }
                (Some(Mark::Close(name)), Some((opened, _, body))) if name == opened => {
                    parts.push(Part::Theirs(name, &text[body..from]));
                    (ours, open) = (from, None);
                }
                (Some(Mark::Close(name)), _) => {
                    return fault(number, format!("region {name:?} ends here, but is not open"));
                }
            }
        }
        if let Some((name, line, _)) = open {
            let problem = format!("region {name:?} has no end: `{comment} {CLOSE} {name}`");
            return fault(line, problem);
        }
        parts.push(Part::Ours(&text[ours..]));
        Ok(Regions { parts })
    }

    /// The bodies by name.
    pub(crate) fn bodies(&self) -> BTreeMap<&'a str, &'a str> {
        let theirs = self.parts.iter().filter_map(|part| match part {
            Part::Theirs(name, body) => Some((*name, *body)),
            Part::Ours(_) => None,
        });
        theirs.collect()
    }

    /// The digest of what belongs to the generator.
    pub(crate) fn digest(&self) -> String {
        let ours = self.parts.iter().filter_map(|part| match part {
            Part::Ours(text) => Some(*text),
            Part::Theirs(..) => None,
        });
        digest(&ours.collect::<String>())
    }

    /// The text with these bodies instead of its own, where there is one.
    pub(crate) fn with_bodies(&self, bodies: &BTreeMap<&str, &str>) -> String {
        let text = |part: &Part<'a>| {
            match part {
                Part::Ours(text) => *text,
                Part::Theirs(name, own) => bodies.get(name).map_or(*own, |body| *body),
            }
            .to_owned()
        };
        self.parts.iter().map(text).collect()
    }
}

/// The digest of a text, however its lines end: a checkout may have changed that.
pub(crate) fn digest(text: &str) -> String {
    sha256::hex(text.replace("\r\n", "\n").as_bytes())
}

enum Mark<'a> {
    Open(&'a str),
    Close(&'a str),
}

fn mark<'a>(line: &'a str, comment: &str) -> Option<Mark<'a>> {
    let said = line.trim().strip_prefix(comment)?.trim_start();
    if let Some(name) = said.strip_prefix(CLOSE) {
        return Some(Mark::Close(name.trim()));
    }
    said.strip_prefix(OPEN).map(|name| Mark::Open(name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\n# protected: one\nmine\n# end protected: one\nb\n";

    #[test]
    fn a_body_is_not_part_of_the_digest() {
        let text = Regions::of(TEXT, Language::Python).unwrap();
        assert_eq!(text.bodies(), BTreeMap::from([("one", "mine\n")]));
        let edited = TEXT.replace("mine", "quite\nanother").replace('\n', "\r\n");
        assert_eq!(Regions::of(&edited, Language::Python).unwrap().digest(), text.digest());
        let other = TEXT.replace('b', "c");
        assert_ne!(Regions::of(&other, Language::Python).unwrap().digest(), text.digest());
        assert_eq!(text.with_bodies(&BTreeMap::from([("one", "x\n")])), TEXT.replace("mine", "x"));
        assert_eq!(text.with_bodies(&BTreeMap::new()), TEXT);
    }

    #[test]
    fn a_mark_that_is_out_of_place_is_named() {
        let fault = |text: &str| Regions::of(text, Language::Rust).unwrap_err().to_string();
        assert_eq!(
            fault("// protected: a\n"),
            "line 1: region \"a\" has no end: `// end protected: a`"
        );
        assert!(fault("x\n// end protected: a\n").starts_with("line 2: region \"a\" ends here"));
        assert!(fault("// protected:\n").contains("needs a name"));
        assert!(fault("// protected: a\n// protected: b\n").contains("inside \"a\""));
        let once = "// protected: a\n// end protected: a\n";
        assert!(fault(&once.repeat(2)).starts_with("line 3: region \"a\" stands twice"));
        // Where there are no comments there are no regions.
        assert!(Regions::of("# protected: a", Language::Text).is_ok());
    }
}
