//! A source piece by piece: what was found in a piece is remembered, since most of a script is the same from script to script.
//!
//! A piece is some lines that are a program by themselves: if each is one, without any finding, then so is the whole, its
//! statements are those of the pieces, and its counts are sums, or sizes of unions. Wherever that is in doubt — a piece with a finding,
//! with a line that goes on in the next one, with a declaration that reaches beyond it — there is no answer here, and the
//! whole is parsed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use memchr::memmem;

use crate::python::constant::{self, Constant};
use crate::python::lines::{self, Lines};
use crate::python::names::{Met, Names};
use crate::python::{COMMENT, OURS, findings, functions, halstead, in_bounds, parse};
use crate::quality::score::{self, LineCounts};
use crate::quality::{Halstead, Quality, Structure};
use crate::validate::SOURCE_BYTES_MAX;

/// When the pieces take more, all are forgotten. Those of a built-in template, of every choice of blocks, take a megabyte.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Where a source can be cut: formatters leave two blank lines between definitions.
const GAP: &str = "\n\n\n";

/// Some lines of a source, up to a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) end: usize,
    pub(crate) kind: SectionKind,
}

/// What is known of a section before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SectionKind {
    /// Code, which may be cut further.
    Code,
    /// A constant that will hardly come again.
    Passing,
    /// The line that opens a dictionary; items follow, and the line that closes it.
    Opening,
    /// Items of such a dictionary, of which this number is enough to know them.
    Items(u64),
    /// The line that closes it.
    Closing,
}

/// What is remembered of pieces. What it answers depends on the question alone.
#[derive(Default)]
pub(crate) struct Pieces(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Of texts where annotations are evaluated, and where they are not.
    texts: [Names; 2],
    pieces: [Vec<Piece>; 2],
    items: BTreeMap<u64, Piece>,
    operators: Names,
    operands: Names,
    lines: Names,
}

/// What a piece adds.
struct Piece {
    found: Found,
    /// Its lines, but for those of them that repeat.
    line_counts: LineCounts,
    operators: Vec<usize>,
    operands: Vec<usize>,
    long_lines: Vec<usize>,
}

/// What is found in a piece by itself.
#[derive(Default)]
struct Found {
    lines: Lines,
    structure: Structure,
    operators: usize,
    operands: usize,
    unlike: usize,
    distinct_operators: BTreeSet<&'static str>,
    distinct_operands: Names,
    /// Whether annotations are not evaluated after it.
    future_annotations: bool,
    /// Whether it is fit for a beginning only.
    first_only: bool,
}

impl Pieces {
    /// The quality of a source in which nothing is to be found; `None` where only the whole source can tell.
    pub(crate) fn quality(&self, source: &str, sections: &[Section]) -> Option<Quality> {
        if source.len() > SOURCE_BYTES_MAX {
            return None;
        }
        let cuts = cut(source, sections)?;
        let (first, others) = cuts.split_first()?;
        let annotations = self.learn(std::slice::from_ref(first), false)?;
        self.learn(others, annotations)?;
        let known = self.open();
        let mut sum = Sum::new(&known);
        for (at, cut) in cuts.iter().enumerate() {
            match &cut.kind {
                CutKind::Constant(constant) => sum.add_constant(constant, cut.text),
                CutKind::Code | CutKind::Items(_) => {
                    // Where it is not known any more, somebody else had everything forgotten.
                    let piece = known.piece(cut, at > 0 && annotations)?;
                    if at > 0 && piece.found.first_only {
                        return None;
                    }
                    sum.add(piece);
                }
            }
        }
        Some(sum.quality())
    }

    /// Sees to it that all pieces are known, but for passing ones; says whether annotations are not evaluated after the last one.
    fn learn(&self, cuts: &[Cut<'_>], annotations: bool) -> Option<bool> {
        let mut after = annotations;
        let mut unknown = Vec::new();
        {
            let known = self.open();
            for cut in cuts {
                match known.piece(cut, annotations) {
                    Some(piece) => after |= piece.found.future_annotations,
                    None if matches!(cut.kind, CutKind::Constant(_)) => {}
                    None => unknown.push(cut),
                }
            }
        }
        if unknown.is_empty() {
            return Some(after);
        }
        // Not under the lock: parsing takes its time.
        let found: Vec<Found> =
            unknown.iter().map(|cut| cut.found(annotations)).collect::<Option<_>>()?;
        let mut known = self.open();
        if known.bytes() > BYTES_MAX {
            *known = Known::default();
        }
        for (cut, found) in unknown.into_iter().zip(found) {
            after |= found.future_annotations;
            known.remember(cut, annotations, found);
        }
        Some(after)
    }

    /// What a panic elsewhere left behind is whole: a piece is put in last.
    fn open(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A piece of a source.
struct Cut<'a> {
    text: &'a str,
    kind: CutKind,
}

enum CutKind {
    /// Parsed, and remembered by its text.
    Code,
    /// Read, and remembered by its number.
    Items(u64),
    /// Read, and not remembered.
    Constant(Constant),
}

/// Cuts sections of code before each line that follows two blank ones and begins without blanks. `None` where a constant is not what
/// it is said to be, or where a line of one piece goes on in the next one.
fn cut<'a>(source: &'a str, sections: &[Section]) -> Option<Vec<Cut<'a>>> {
    let rest = Section { end: source.len(), kind: SectionKind::Code };
    let mut cuts: Vec<Cut<'a>> = Vec::new();
    let (mut begin, mut before) = (0, SectionKind::Code);
    for section in sections.iter().chain([&rest]) {
        let text = source.get(begin..section.end)?;
        begin = section.end;
        if text.is_empty() {
            continue;
        }
        let inside = matches!(before, SectionKind::Opening | SectionKind::Items(_));
        let fits = match section.kind {
            SectionKind::Items(_) => inside,
            SectionKind::Closing => matches!(before, SectionKind::Items(_)),
            SectionKind::Code | SectionKind::Passing | SectionKind::Opening => !inside,
        };
        if !fits {
            return None;
        }
        before = section.kind;
        let kind = match section.kind {
            SectionKind::Code => None,
            SectionKind::Passing => constant::read(text).map(CutKind::Constant),
            SectionKind::Opening => Some(CutKind::Constant(constant::read_opening(text)?)),
            SectionKind::Items(number) => Some(CutKind::Items(number)),
            SectionKind::Closing => Some(CutKind::Constant(constant::read_closing(text)?)),
        };
        match kind {
            Some(kind) => cuts.push(Cut { text, kind }),
            None => cut_code(text, &mut cuts),
        }
    }
    let (_, followed) = cuts.split_last()?;
    let ends = |cut: &Cut<'_>| cut.text.ends_with('\n') && !cut.text.ends_with("\\\n");
    (followed.iter().all(ends)
        && matches!(before, SectionKind::Code | SectionKind::Passing | SectionKind::Closing))
    .then_some(cuts)
}

fn cut_code<'a>(text: &'a str, cuts: &mut Vec<Cut<'a>>) {
    let mut begin = 0;
    for gap in memmem::find_iter(text.as_bytes(), GAP) {
        let at = gap + GAP.len();
        if text.as_bytes().get(at).is_some_and(|next| !next.is_ascii_whitespace()) {
            cuts.push(Cut { text: &text[begin..at], kind: CutKind::Code });
            begin = at;
        }
    }
    cuts.push(Cut { text: &text[begin..], kind: CutKind::Code });
}

impl Cut<'_> {
    /// What is in the piece; `None` where that is more than statements without a finding.
    fn found(&self, annotations: bool) -> Option<Found> {
        if let CutKind::Items(_) = self.kind {
            let items = constant::read_items(self.text)?;
            let mut found = Found { lines: items.lines, ..Found::default() };
            found.count(items.halstead);
            return Some(found);
        }
        // Lines are counted as `str::lines` counts them; and a byte order mark is fit for a beginning only, as a mark, not as text.
        if self.text.contains('\r') || self.text.starts_with('\u{feff}') {
            return None;
        }
        in_bounds(self.text, || self.parsed(annotations)).ok().flatten()
    }

    fn parsed(&self, annotations: bool) -> Option<Found> {
        let parsed = parse(self.text, OURS);
        let (findings, scoped) = findings(self.text, &parsed, OURS, annotations);
        let scoped = scoped.filter(|scoped| findings.is_empty() && !scoped.declares)?;
        let mut found = Found {
            lines: lines::count(self.text, parsed.tokens()),
            structure: functions::measure(self.text, parsed.syntax()),
            future_annotations: scoped.future_annotations,
            first_only: self.text.contains("__future__"),
            ..Found::default()
        };
        // What a module has without any statement.
        found.structure.cyclomatic -= 1;
        found.count(halstead::of_module(parsed.syntax()));
        Some(found)
    }
}

impl Found {
    fn count(&mut self, count: halstead::Count<'_>) {
        self.operators = count.operators;
        self.operands = count.operands;
        self.unlike = count.unlike;
        self.distinct_operators = count.distinct_operators;
        self.distinct_operands = count.distinct_operands;
    }
}

impl Known {
    fn piece(&self, cut: &Cut<'_>, annotations: bool) -> Option<&Piece> {
        match cut.kind {
            CutKind::Constant(_) => None,
            CutKind::Items(number) => self.items.get(&number),
            CutKind::Code => {
                let shelf = usize::from(annotations);
                let number = self.texts[shelf].number(cut.text.as_bytes())?;
                self.pieces[shelf].get(number)
            }
        }
    }

    fn remember(&mut self, cut: &Cut<'_>, annotations: bool, mut found: Found) {
        let mut long_lines = Vec::new();
        let line_counts = LineCounts::by(cut.text, COMMENT, |line| {
            long_lines.push(self.lines.named(line.as_bytes()));
        });
        let operators = std::mem::take(&mut found.distinct_operators);
        let operands = std::mem::take(&mut found.distinct_operands);
        let piece = Piece {
            found,
            line_counts,
            operators: operators.iter().map(|name| self.operators.named(name.as_bytes())).collect(),
            operands: operands.texts().map(|key| self.operands.named(key)).collect(),
            long_lines,
        };
        match cut.kind {
            CutKind::Constant(_) => {}
            CutKind::Items(number) => drop(self.items.insert(number, piece)),
            CutKind::Code => {
                let shelf = usize::from(annotations);
                // One that stands twice, or that somebody else brought meanwhile, has its place.
                if self.texts[shelf].named(cut.text.as_bytes()) == self.pieces[shelf].len() {
                    self.pieces[shelf].push(piece);
                }
            }
        }
    }

    fn bytes(&self) -> usize {
        let names = [&self.texts[0], &self.texts[1], &self.operands, &self.lines];
        let pieces = self.pieces.iter().flatten().chain(self.items.values());
        names.iter().map(|names| names.bytes()).sum::<usize>()
            + pieces.map(Piece::bytes).sum::<usize>()
    }
}

impl Piece {
    fn bytes(&self) -> usize {
        let numbers = self.operators.len() + self.operands.len() + self.long_lines.len();
        size_of::<Piece>()
            + numbers * size_of::<usize>()
            + 128 * self.found.structure.functions.len()
    }
}

/// The pieces so far, together.
struct Sum<'a> {
    known: &'a Known,
    lines: Lines,
    line_counts: LineCounts,
    structure: Structure,
    operators: usize,
    operands: usize,
    unlike: usize,
    distinct: [Met; 3],
    /// Of passing pieces, what has no number. Looked up only, so its order is nobody's.
    unnumbered: [HashSet<Vec<u8>>; 3],
}

const OPERATORS: usize = 0;
const OPERANDS: usize = 1;
const LONG_LINES: usize = 2;

impl<'a> Sum<'a> {
    fn new(known: &'a Known) -> Sum<'a> {
        let names = [&known.operators, &known.operands, &known.lines];
        Sum {
            known,
            lines: Lines::default(),
            line_counts: LineCounts::default(),
            structure: Structure { cyclomatic: 1, ..Structure::default() },
            operators: 0,
            operands: 0,
            unlike: 0,
            distinct: names.map(|names| Met::below(names.len())),
            unnumbered: Default::default(),
        }
    }

    fn add(&mut self, piece: &Piece) {
        let found = &piece.found;
        self.add_counts(&found.lines, piece.line_counts);
        self.operators += found.operators;
        self.operands += found.operands;
        self.unlike += found.unlike;
        let numbers = [&piece.operators, &piece.operands, &piece.long_lines];
        for (met, numbers) in self.distinct.iter_mut().zip(numbers) {
            numbers.iter().for_each(|number| met.meet(*number));
        }
        let (sum, structure) = (&mut self.structure, &found.structure);
        sum.cyclomatic += structure.cyclomatic;
        sum.cognitive += structure.cognitive;
        sum.definitions += structure.definitions;
        sum.documented += structure.documented;
        sum.nesting = sum.nesting.max(structure.nesting);
        let before = self.line_counts.lines - piece.line_counts.lines;
        sum.functions.extend(structure.functions.iter().cloned().map(|mut function| {
            function.line += before;
            function
        }));
    }

    fn add_constant(&mut self, constant: &Constant, text: &'a str) {
        let count = &constant.halstead;
        self.operators += count.operators;
        self.operands += count.operands;
        self.unlike += count.unlike;
        for operator in &count.distinct_operators {
            self.meet(OPERATORS, &self.known.operators, operator.as_bytes());
        }
        for operand in count.distinct_operands.texts() {
            self.meet(OPERANDS, &self.known.operands, operand);
        }
        let names = &self.known.lines;
        let counts =
            LineCounts::by(text, COMMENT, |line| self.meet(LONG_LINES, names, line.as_bytes()));
        self.add_counts(&constant.lines, counts);
    }

    fn meet(&mut self, which: usize, names: &Names, text: &[u8]) {
        match names.number(text) {
            Some(number) => self.distinct[which].meet(number),
            None if self.unnumbered[which].contains(text) => {}
            None => drop(self.unnumbered[which].insert(text.to_vec())),
        }
    }

    fn add_counts(&mut self, lines: &Lines, counts: LineCounts) {
        self.lines.tokens += lines.tokens;
        self.lines.logical += lines.logical;
        self.lines.source += lines.source;
        self.lines.comments += lines.comments;
        self.lines.multiline_strings += lines.multiline_strings;
        self.line_counts.lines += counts.lines;
        self.line_counts.code += counts.code;
        self.line_counts.long += counts.long;
    }

    fn quality(self) -> Quality {
        let distinct = |which: usize| self.distinct[which].count() + self.unnumbered[which].len();
        let halstead = Halstead::of(
            distinct(OPERATORS),
            distinct(OPERANDS) + self.unlike,
            self.operators,
            self.operands,
        );
        let repeated = self.line_counts.long - distinct(LONG_LINES);
        let counts = LineCounts { repeated, ..self.line_counts };
        score::quality(counts, self.lines.tokens, self.structure, halstead, self.lines.sizes())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use orchestrator_core::Seed;

    use super::*;
    use crate::python::PythonSource;

    const CODE: &str = "import os\n\nA = 1\n\n\ndef f(x):\n    \"\"\"What it is.\"\"\"\n    # why\n    return x + A if x else -1.5\n\n\n\
        class C:\n    def f(self, name):\n        return [name + 1 for one in name if one and name]\n";
    const OTHER: &str = "\n\n# A comment.\ndef f(x):\n    return x + A if x else -1.5\n";

    /// Asks twice, so that the second time all is known, between other sources.
    #[track_caller]
    fn check(pieces: &Pieces, source: &str, sections: &[Section]) {
        let whole = PythonSource::parse(source);
        assert_eq!(whole.diagnostics(), [], "{source}");
        for _ in 0..2 {
            let found = pieces.quality(source, sections);
            let found = found.unwrap_or_else(|| panic!("only the whole can tell: {source}"));
            assert_eq!(found, *whole.quality(), "{source}");
        }
    }

    #[test]
    fn the_pieces_of_a_source_say_what_the_whole_says() {
        let pieces = Pieces::default();
        let all = CODE.to_owned() + OTHER;
        let text = "x = \"\"\"a\n\n\n    b\"\"\"\n";
        let repeated = CODE.replace("A = 1", "A = 2") + "\n\n" + CODE;
        let future = format!("\"\"\"It.\"\"\"\nfrom __future__ import annotations\n\n\n{CODE}");
        let long = format!("if A:\n    {}\n\n\n{CODE}", "a + ".repeat(200) + "a");
        for source in
            ["x", "\n\n\n\n", "x = 1\n\n\n# end", CODE, &all, text, &repeated, &future, &long, CODE]
        {
            check(&pieces, source, &[]);
        }
    }

    #[test]
    fn what_reaches_beyond_a_piece_is_left_to_the_whole() {
        let pieces = Pieces::default();
        for source in [
            "",
            "x = \"\"\"a\n\n\nb\"\"\"\n",
            "x = [\n\n\n1]\n",
            "if x:\n    y\n\n\nelse:\n    z\n",
            "@f\n\n\ndef f(): pass\n",
            "x = 1\n\n\nglobal x\n",
            "x = 1\n\n\nfrom __future__ import annotations\n",
            "x = 1\r\n\n\ny = 1\n",
            "x = 1\n\n\n\u{feff}y = 1\n",
            "return\n",
            "match x:\n    case 1:\n        pass\n",
        ] {
            assert_eq!(pieces.quality(source, &[]), None, "{source}");
        }
        // What was a beginning is none after something else.
        let future = "from __future__ import annotations\n";
        check(&pieces, future, &[]);
        let later = "x = 1\n\n\n".to_owned() + future;
        assert_eq!(pieces.quality(&later, &[]), None);
        // Where annotations are evaluated is part of what is known of a piece.
        let annotated = "def f():\n    x: (yield) = 1\n";
        let before = future.to_owned() + "\n\n" + annotated;
        assert_eq!(
            pieces.quality(&before, &[]).is_some(),
            PythonSource::parse(&before).diagnostics().is_empty()
        );
        assert_eq!(
            pieces.quality(annotated, &[]).is_some(),
            PythonSource::parse(annotated).diagnostics().is_empty()
        );
        let continued = "x = 1 + \\\n2\n";
        let section = Section { end: 10, kind: SectionKind::Code };
        assert_eq!(pieces.quality(continued, &[section]), None);
        // A section that does not end at the end of a line.
        let section = Section { end: 3, kind: SectionKind::Code };
        assert_eq!(pieces.quality("x = 1\n", &[section]), None);
    }

    #[test]
    fn constants_are_known_by_their_numbers_or_not_at_all() {
        let pieces = Pieces::default();
        let plan = |weight: f64| {
            format!(
                "PLAN = {{\n    \"the weight of a feature\": {weight:?},\n    \"the weight of another\": {weight:?},\n}}\n"
            )
        };
        let item = |name: &str| {
            let line = "        \"a = b + c  # of no use\\n\",\n";
            format!("    \"{name}\": [\n{line}{line}    ],\n")
        };
        let begin = "from __future__ import annotations\n\n";
        for (weight, layers) in [(-0.5, &["a", "b"][..]), (2.0, &["b"]), (-0.5, &["b", "a"])] {
            let mut source = String::new();
            let mut sections = Vec::new();
            let mut put = |text: &str, kind: SectionKind| {
                source.push_str(text);
                sections.push(Section { end: source.len(), kind });
            };
            put(begin, SectionKind::Code);
            put(&plan(weight), SectionKind::Passing);
            put("\n", SectionKind::Code);
            put("PARTS_OF_ALL_LAYERS_BELOW = {\n", SectionKind::Opening);
            for name in layers {
                put(&item(name), SectionKind::Items(u64::from(name.as_bytes()[0])));
            }
            put("}\n", SectionKind::Closing);
            put("\n\n", SectionKind::Code);
            put(CODE, SectionKind::Code);
            check(&pieces, &source, &sections);
            assert_eq!(pieces.open().texts[1].number(plan(weight).as_bytes()), None);
            // Without what opens, what closes, and what is between; a number stands for its text, so these are others.
            for left_out in [3..4, 4 + layers.len()..5 + layers.len(), 4..4 + layers.len()] {
                let mut sections = sections.clone();
                for section in &mut sections {
                    if let SectionKind::Items(number) = &mut section.kind {
                        *number += 1000;
                    }
                }
                sections.drain(left_out);
                assert_eq!(pieces.quality(&source, &sections), None);
            }
        }
        assert_eq!(pieces.open().items.len(), 2);
    }

    /// Some files of the standard library, and what is left of them after cuts, gaps and bits of Python anywhere.
    #[test]
    fn no_answer_differs_from_that_of_the_whole() {
        let program = "import os; print(os.path.dirname(os.__file__))";
        let python = Command::new("python3").args(["-I", "-c", program]).output();
        let python = python.expect("these tests need python3 in the PATH");
        let folder = PathBuf::from(String::from_utf8(python.stdout).unwrap().trim());
        let bits = [
            "\n\n\n",
            "\"\"\"",
            "\\\n",
            "(",
            "]",
            "global f\n",
            "\n\n\nelse:\n",
            "\n\n\nyield\n",
            "\r",
            "\t",
            "#",
            "'",
            "from __future__ import annotations\n",
            "\n\n\n@f",
            "\n\n\nx: (y := 1)\n",
        ];
        let pieces = Pieces::default();
        let (mut answers, mut refusals) = (0, 0);
        for name in ["ast", "bdb", "cmd", "enum", "glob", "heapq", "shlex", "string", "typing"] {
            let text = std::fs::read_to_string(folder.join(format!("{name}.py")));
            // Some are folders in some releases.
            let Ok(text) = text else { continue };
            for at in 0..16 {
                let mut stream = Seed(at).derive(name).fast_stream();
                let mut source = text.clone();
                if at > 0 {
                    let mut place = || source.floor_char_boundary(stream.below(source.len()));
                    let (one, other) = (place(), place());
                    let bit = bits[stream.below(bits.len())];
                    match stream.below(3) {
                        0 => source.insert_str(one, bit),
                        1 => source.replace_range(one..source.floor_char_boundary(one + 40), bit),
                        _ => source.replace_range(one.min(other)..one.max(other), "\n\n\n"),
                    }
                }
                let whole = PythonSource::parse(&source);
                match pieces.quality(&source, &[]) {
                    Some(found) => {
                        answers += 1;
                        assert_eq!(whole.diagnostics(), [], "{name}, mutation {at}");
                        assert_eq!(found, *whole.quality(), "{name}, mutation {at}");
                    }
                    None => refusals += 1,
                }
            }
        }
        assert!(answers > 20 && refusals > 20, "{answers} answers, {refusals} refusals");
    }
}
