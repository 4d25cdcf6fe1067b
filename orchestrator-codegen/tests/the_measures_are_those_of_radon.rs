//! The counts of Python are those of `radon` (PyPI), function by function, on files of the standard library.

#[path = "support/python_tools.rs"]
mod python_tools;

use std::collections::BTreeMap;

use orchestrator_codegen::{PythonQuality, Quality, QualityAnalyzer};
use serde::Deserialize;

/// As many files, spread over the standard library.
const FILES: usize = 100;

/// Prints a line of JSON for each file.
const RADON: &str = r#"
import ast, json, sys
from multiprocessing import Pool
from radon.metrics import h_visit_ast, mi_visit
from radon.raw import analyze
from radon.visitors import ComplexityVisitor
from cognitive_complexity.api import get_cognitive_complexity
import complexipy

def look(path):
    with open(path, encoding="utf-8", newline="") as file:
        source = file.read()
    tree = ast.parse(source)
    functions = []
    elsewhere = {}
    for function in complexipy.code_complexity(source).functions:
        elsewhere[function.line_start] = function.complexity
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            visitor = ComplexityVisitor()
            visitor.visit(node)
            # Where the definitions of cognitive complexity part: else of a loop or try, several logical operators, recursion,
            # functions in functions, lambdas, match, comprehensions, conditional expressions.
            inner = list(ast.walk(node))
            plain = not any(
                isinstance(part, (ast.For, ast.AsyncFor, ast.While, ast.Try)) and part.orelse
                or isinstance(part, (ast.BoolOp,)) and any(isinstance(deep, ast.BoolOp) for deep in ast.walk(part) if deep is not part)
                or isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and part is not node
                or isinstance(part, (ast.Lambda, ast.Match, ast.comprehension, ast.IfExp, ast.AsyncFor))
                or isinstance(part, ast.Call) and getattr(part.func, "id", getattr(part.func, "attr", None)) == node.name
                for part in inner)
            # And cognitive_complexity takes an else with an if in it for an elif, and does not count the else after one.
            chain = any(isinstance(part, ast.If) and len(part.orelse) == 1 and isinstance(part.orelse[0], ast.If) for part in inner)
            functions.append([node.name, node.lineno, visitor.functions[0].complexity,
                get_cognitive_complexity(node), elsewhere.get(node.lineno, elsewhere.get(min([node.lineno] + [d.lineno for d in node.decorator_list]))), plain, plain and not chain])
    halstead = h_visit_ast(tree).total
    raw = analyze(source)
    return json.dumps({"path": path, "functions": functions,
        "halstead": [halstead.h1, halstead.h2, halstead.N1, halstead.N2],
        "effort": halstead.effort, "index": mi_visit(source, True),
        "total": ComplexityVisitor.from_ast(tree).total_complexity,
        "raw": [raw.lloc, raw.sloc, raw.comments, raw.multi]})

if __name__ == "__main__":
    with Pool() as pool:
        for line in pool.imap(look, sys.argv[1:]):
            print(line)
"#;

/// Name, line, cyclomatic, cognitive by two packages, and whether its definition is the same in complexipy, and in both.
type Function = (String, usize, usize, usize, Option<usize>, bool, bool);

#[derive(Deserialize)]
struct Theirs {
    path: String,
    functions: Vec<Function>,
    halstead: [usize; 4],
    effort: f64,
    index: f64,
    total: usize,
}

/// How many were equal, of how many.
#[derive(Default)]
struct Rate(usize, usize);

impl Rate {
    fn count(&mut self, equal: bool) {
        self.0 += usize::from(equal);
        self.1 += 1;
    }

    fn share(&self) -> f64 {
        self.0 as f64 / self.1.max(1) as f64
    }

    fn say(&self, what: &str) {
        println!("{what}: {} of {} equal, {:.2} %", self.0, self.1, 100.0 * self.share());
    }
}

fn halstead(quality: &Quality) -> [usize; 4] {
    let counts = quality.halstead;
    [counts.distinct_operators, counts.distinct_operands, counts.operators, counts.operands]
}

fn compare(files: Vec<String>) {
    let packages = ["radon==6.0.1", "cognitive_complexity==1.3.0", "complexipy==8.3.0"];
    let Some(python) = python_tools::python_with("measures", &packages) else { return };
    let arguments: Vec<&str> = files.iter().map(String::as_str).collect();
    let answers = python_tools::ask(&python, RADON, &arguments);
    let (mut cyclomatic, mut total, mut counts, mut index) =
        (Rate::default(), Rate::default(), Rate::default(), Rate::default());
    let (mut one, mut other) = (Rate::default(), Rate::default());
    let (mut plain_one, mut plain_other) = (Rate::default(), Rate::default());
    for line in answers.lines() {
        let theirs: Theirs = serde_json::from_str(line).unwrap();
        let source = std::fs::read_to_string(&theirs.path).unwrap();
        let ours = PythonQuality.analyze(&source);
        assert_eq!(ours.functions, theirs.functions.len(), "functions of {}", theirs.path);
        let by_line: BTreeMap<(usize, &str), _> = ours
            .per_function
            .iter()
            .map(|function| ((function.line, function.name.rsplit('.').next().unwrap()), function))
            .collect();
        for (name, line, complexity, cognitive, elsewhere, plain, no_chain) in &theirs.functions {
            let place = format!("{}:{line} {name}", theirs.path);
            let function =
                by_line.get(&(*line, name.as_str())).unwrap_or_else(|| panic!("{place}"));
            cyclomatic.count(function.cyclomatic == *complexity);
            if function.cyclomatic != *complexity {
                println!("{place}: {} here, {complexity} there", function.cyclomatic);
            }
            let (ours, equal) = (function.cognitive, function.cognitive == *cognitive);
            one.count(equal);
            if *no_chain {
                plain_one.count(equal);
                if !equal {
                    println!("{place}: {ours} here, {cognitive} in cognitive_complexity");
                }
            }
            let Some(elsewhere) = elsewhere else { continue };
            other.count(ours == *elsewhere);
            if *plain {
                plain_other.count(ours == *elsewhere);
                if ours != *elsewhere {
                    println!("{place}: {ours} here, {elsewhere} in complexipy");
                }
            }
        }
        total.count(ours.mccabe == theirs.total);
        counts.count(
            halstead(&ours) == theirs.halstead
                && (ours.halstead.effort - theirs.effort).abs() <= 1e-9 * theirs.effort,
        );
        if halstead(&ours) != theirs.halstead {
            println!("{}: {:?} here, {:?} there", theirs.path, halstead(&ours), theirs.halstead);
        }
        index.count((ours.maintainability - theirs.index).abs() < 1e-9);
        if (ours.maintainability - theirs.index).abs() >= 1e-9 {
            println!(
                "{}: {} here, {} there {line}",
                theirs.path, ours.maintainability, theirs.index
            );
        }
    }
    cyclomatic.say("cyclomatic complexity of functions");
    total.say("cyclomatic complexity of files");
    counts.say("Halstead's counts of files");
    index.say("maintainability index of files");
    one.say("cognitive complexity of functions, cognitive_complexity");
    other.say("cognitive complexity of functions, complexipy");
    plain_one.say("cognitive complexity where the definitions agree, cognitive_complexity");
    plain_other.say("cognitive complexity where the definitions agree, complexipy");
    assert_eq!(index.1, files.len());
    assert!(cyclomatic.1 >= 10 * files.len(), "too few functions to tell");
    for (what, rate) in [
        ("cyclomatic", cyclomatic),
        ("total", total),
        ("Halstead", counts),
        ("index", index),
        ("cognitive, one", plain_one),
        ("cognitive, other", plain_other),
    ] {
        assert!(rate.share() >= 0.99, "{what}: only {} of {} are equal", rate.0, rate.1);
    }
}

fn files(bytes: std::ops::Range<u64>) -> Vec<String> {
    let files = python_tools::standard_library(bytes).into_iter();
    files.map(|path| path.to_str().unwrap().to_owned()).collect()
}

#[test]
fn of_a_hundred_files_of_the_standard_library() {
    let files = files(2_000..40_000);
    let step = (files.len() / FILES).max(1);
    compare(files.into_iter().step_by(step).take(FILES).collect());
}

#[test]
#[ignore = "takes minutes; run by hand after a change of the counts"]
fn of_the_whole_standard_library() {
    compare(files(0..u64::MAX));
}
