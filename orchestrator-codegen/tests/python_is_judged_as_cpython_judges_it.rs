//! Files of the standard library are valid, and files that are broken at random are as valid as CPython's `compile()` finds them.

#[path = "support/python_tools.rs"]
mod python_tools;

use std::io::Write;
use std::process::{Command, Stdio};

use orchestrator_codegen::{Diagnostic, PythonRelease, PythonValidator, Severity, Validator};
use orchestrator_core::{FastStream, Seed};

/// Compiles every line of its input, a JSON string, and prints the line of the fault, or null.
const COMPILE: &str = r#"
import json, sys, warnings
warnings.simplefilter("ignore")
print(sys.version_info[1])
for line in sys.stdin:
    source = json.loads(line)
    try:
        compile(source, "source", "exec", dont_inherit=True)
        print("null")
    except SyntaxError as fault:
        print(json.dumps([fault.lineno or 1, fault.msg]))
    except (ValueError, RecursionError, MemoryError, OverflowError) as fault:
        print(json.dumps([1, repr(fault)]))
"#;

type Verdict = Option<(usize, String)>;

/// The minor version of CPython, and what it says of each source.
fn cpython(sources: &[String]) -> (u8, Vec<Verdict>) {
    let mut child = Command::new("python3")
        .args(["-I", "-c", COMPILE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("these tests need python3 in the PATH");
    let mut stdin = child.stdin.take().unwrap();
    let lines: Vec<String> = sources.iter().map(|s| serde_json::to_string(s).unwrap()).collect();
    let writer = std::thread::spawn(move || {
        for line in lines {
            writeln!(stdin, "{line}").unwrap();
        }
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let mut lines = output.lines();
    let minor = lines.next().unwrap().parse().unwrap();
    (minor, lines.map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn files(bytes_max: u64) -> Vec<String> {
    let files = python_tools::standard_library(200..bytes_max).into_iter();
    // As the interpreter reads it: with line feeds.
    files.map(|path| std::fs::read_to_string(path).unwrap().replace("\r\n", "\n")).collect()
}

/// What people and generators get wrong.
fn broken(source: &str, stream: &mut FastStream) -> String {
    let mut lines: Vec<String> = source.lines().map(str::to_owned).collect();
    let at = stream.below(lines.len());
    let other = stream.below(lines.len());
    let line = lines[at].clone();
    let chars: Vec<char> = line.chars().collect();
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    match stream.below(14) {
        // A character is lost, doubled or replaced.
        0..=3 if !chars.is_empty() => {
            let place = stream.below(chars.len());
            let marks: Vec<char> = "()[]{}:,.=+-*'\"\\ @#ax1".chars().collect();
            let mark = marks[stream.below(marks.len())];
            let mut chars = chars;
            match stream.below(3) {
                0 => drop(chars.remove(place)),
                1 => chars.insert(place, mark),
                _ => chars[place] = mark,
            }
            lines[at] = chars.into_iter().collect();
        }
        4 => drop(lines.remove(at)),
        5 => lines.insert(at, line),
        6 => lines.swap(at, other),
        // Indentation.
        7 => lines[at] = format!(" {line}"),
        8 => lines[at] = format!("    {line}"),
        9 => lines[at] = line.strip_prefix("    ").unwrap_or(&line).to_owned(),
        10 => lines[at] = line.strip_prefix(' ').unwrap_or(&line).to_owned(),
        11 => lines[at] = line.replacen("    ", "\t", 1),
        // A word at a place where it does not belong.
        _ => {
            let words = [
                "return 1",
                "yield 1",
                "await x",
                "break",
                "continue",
                "nonlocal x",
                "global x",
                "from os import *",
                "def f(a, a): pass",
                "f(x=1, x=2)",
                "x = [*y]",
                "*x = y",
                "from __future__ import annotations",
                "async with x: pass",
                "lambda: (yield)",
                "[(yield x) for x in y]",
                "x: int = 1",
                "del f()",
                "None = 1",
                "f() = 1",
                "try: pass",
                "class C: return 1",
                "print 1",
                "exec 'x'",
                "x = 08",
                "x = 'a",
                "`x`",
                "a <> b",
                "raise E, 1",
                "except: pass",
                "else: pass",
                "import a.b as",
                "with: pass",
            ];
            let word = words[stream.below(words.len())];
            lines.insert(at, format!("{indent}{word}"));
        }
    }
    lines.join("\n") + "\n"
}

fn first_error(found: &[Diagnostic]) -> Option<&Diagnostic> {
    found.iter().find(|found| found.severity == Severity::Error)
}

fn compare(files: &[String], count: usize, seed: u64) -> (f64, f64) {
    let mut stream = Seed(seed).derive("broken").fast_stream();
    let sources: Vec<String> =
        (0..count).map(|_| broken(&files[stream.below(files.len())], &mut stream)).collect();
    let (minor, theirs) = cpython(&sources);
    let validator = PythonRelease { minor };
    let (mut equal, mut faults, mut lines) = (0_usize, 0_usize, 0_usize);
    for (source, theirs) in sources.iter().zip(&theirs) {
        let found = validator.validate(source);
        let ours = first_error(&found);
        equal += usize::from(ours.is_some() == theirs.is_some());
        match (ours, theirs) {
            (Some(ours), Some((line, message))) => {
                faults += 1;
                // CPython stops at the first; any of ours may be it.
                let same = found.iter().any(|found| found.line == *line);
                lines += usize::from(same);
                if !same {
                    println!(
                        "line {line} {message:?} there, {} {:?} here",
                        ours.line, ours.message
                    );
                }
            }
            (None, None) => {}
            (ours, theirs) => {
                let line = ours.map_or_else(|| theirs.as_ref().unwrap().0, |ours| ours.line);
                let text = source.lines().nth(line - 1).unwrap_or("");
                println!(
                    "DIFFERS: {theirs:?} there, {:?} here: {text:?}",
                    ours.map(|o| &o.message)
                );
            }
        }
    }
    let (verdicts, places) = (equal as f64 / count as f64, lines as f64 / faults.max(1) as f64);
    println!(
        "seed {seed}, Python 3.{minor}: {equal} of {count} verdicts are equal, {:.2} %",
        100.0 * verdicts
    );
    println!(
        "of {faults} faults that both find, {lines} are on the same line, {:.2} %",
        100.0 * places
    );
    (verdicts, places)
}

#[test]
fn of_broken_files_of_the_standard_library() {
    let (verdicts, places) = compare(&files(6_000), 400, 1);
    assert!(verdicts >= 0.98, "{verdicts}");
    assert!(places >= 0.9, "{places}");
}

#[test]
#[ignore = "takes minutes; run by hand in release mode"]
fn of_ten_thousand_broken_files() {
    let files = files(60_000);
    for seed in 2..12 {
        let (verdicts, _) = compare(&files, 1000, seed);
        assert!(verdicts >= 0.98, "{verdicts}");
    }
}

#[test]
fn the_standard_library_is_valid() {
    let files = python_tools::standard_library(0..30_000);
    assert!(files.len() > 100, "only {}", files.len());
    for path in files {
        let source = std::fs::read_to_string(&path).unwrap();
        let found = PythonValidator.validate(&source);
        // lib2to3 keeps Python 2 beside it.
        assert_eq!(first_error(&found), None, "{}", path.display());
    }
}
