//! Mutated manifests, template files and inputs: no panic, no half-written file, and every error names its place.
//!
//! The debug build tries a share of them; all 10,000 are tried by
//! `MUTATIONS=10000 cargo test --release -p orchestrator-codegen --test mutations_break_nothing`.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use orchestrator_codegen::{
    Completeness, Fault, GenerateError, GenerateRequest, Generator, InputValue, Inputs, Template,
    Templates,
};
use orchestrator_core::{Seed, Stream};

const MUTATIONS: usize = 400;

const PIECES: &[&str] = &[
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "{~",
    "~}",
    "{^",
    "^}",
    "{;",
    ";}",
    "\n",
    "\n\n",
    "=",
    ",",
    "#",
    "\\",
    "\u{0}",
    "\u{2}",
    "\u{3}",
    "😀",
    "é",
    "name",
    "layers",
    "blocks",
    "version = 2",
    "fallback = \"t\"",
    "extends = \"etl-python\"",
    "extends = \"t\"",
    "true",
    "false",
    "-1",
    "1e400",
    "nan",
    "99999999999999999999",
    "..",
    "/",
    "[[layers]]",
    "[[inputs]]",
    "begin(\"a\")",
    "{~ begin(\"a\") ~}\n",
    "{~ end() ~}\n",
    "{^ for x in range(99999999) ^}",
    "{^ endfor ^}",
    "{^ if who ^}",
    "{^ endif ^}",
    "{^ include \"main.py.j2\" ^}",
    "{^ macro m() ^}{~ m() ~}{^ endmacro ^}{~ m() ~}",
    "{~ who ~}",
    "{~ who | python ~}",
    "{~ (((((((((((((((( ~}",
    "{~ 1 / 0 ~}",
    "{~ who[99999] ~}",
    "{~ \"x\" * 999999999 ~}",
    "{~ -9223372036854775808 ~}",
    "{~ 2 ** 99 ~}",
    "| python(indent=99)",
    "data(\"X\", \"who\")",
    "{~ data(\"P\", \"parts\") ~}\n",
    "| comment",
    "self",
    "super()",
    "\u{feff}",
];

const MANIFEST: &str = r#"version = 1
name = "t"
description = "what is mutated"
language = "python"
complexity = [0.1, 0.9]
line_length = 88

[[inputs]]
name = "who"
type = "text"
default = "you"
max = 40

[[inputs]]
name = "count"
type = "integer"
default = 3
min = 0
max = 9

[[inputs]]
name = "columns"
type = "records"
default = [{ name = "a", type = "text" }]

[[layers]]
name = "outer"
file = "outer.py"
template = "outer.py.j2"
writes = "main"

[[layers]]
name = "main"
file = "main.py"
template = "main.py.j2"

[[blocks]]
name = "a"
layers = ["outer", "main"]
feature = "size"
purpose = "the first"

[[blocks]]
name = "b"
layers = ["main"]
feature = "outer.a"
complexity_above = 0.2
purpose = "the second"
"#;

const OUTER: &str = r#"{; what writes main ;}
{~ data("PLAN", "plan") ~}
{~ data("PARTS", "parts") ~}
{~ begin("a") ~}
print({~ target.file | python ~})
{~ end() ~}
"#;

const MAIN: &str = r#"{~ data("WHO", "who") ~}
COLUMNS = {~ columns | python(indent=0) ~}
{^ for at in range(count) ^}
x_{~ at ~} = {~ layer.name | python ~}
{^ endfor ^}
{~ begin("a") ~}
if x_0:
    pass
{~ begin("b") ~}
    y = 2
{~ end() ~}
{~ end() ~}
{~ unless("a") ~}
z = {~ features.size ~}
{~ end() ~}
"#;

/// Cuts, doubles, moves, or puts in.
fn mutate(text: &str, stream: &mut Stream) -> String {
    let mut marks: Vec<char> = text.chars().collect();
    for _ in 0..1 + stream.below(2) {
        let at = stream.below(marks.len() + 1);
        let end = (at + stream.below(30)).min(marks.len());
        match stream.below(5) {
            0 => drop(marks.drain(at..end)),
            1 => {
                let copy: Vec<char> = marks[at..end].to_vec();
                let to = stream.below(marks.len() + 1);
                marks.splice(to..to, copy);
            }
            2 => marks.truncate(end.max(1)),
            _ => {
                let piece = PIECES[stream.below(PIECES.len())];
                marks.splice(at..at, piece.chars());
            }
        }
    }
    marks.into_iter().collect()
}

fn input(stream: &mut Stream) -> InputValue {
    match stream.below(7) {
        0 => InputValue::Boolean(stream.chance(0.5)),
        1 => InputValue::Integer(stream.word() as i64),
        2 => InputValue::Number([f64::NAN, f64::INFINITY, -0.0, 1e308, 1e-320][stream.below(5)]),
        3 => InputValue::List(vec![input_leaf(stream), input_leaf(stream)]),
        4 => InputValue::Record(BTreeMap::from([(
            PIECES[stream.below(PIECES.len())].to_owned(),
            input_leaf(stream),
        )])),
        5 => InputValue::List(vec![InputValue::Record(BTreeMap::from([(
            "a".to_owned(),
            input_leaf(stream),
        )]))]),
        _ => input_leaf(stream),
    }
}

fn input_leaf(stream: &mut Stream) -> InputValue {
    let length = stream.below(4);
    InputValue::Text((0..length).map(|_| PIECES[stream.below(PIECES.len())]).collect())
}

#[derive(Debug, Default)]
struct Counts {
    refused_template: usize,
    refused_inputs: usize,
    refused_request: usize,
    partial: usize,
    whole: usize,
}

/// Whether this is what no line of a manifest is to blame for: a key that is nowhere.
fn is_of_whole(fault: &Fault) -> bool {
    fault.reason.starts_with("missing field") || fault.reason == "the template writes nothing"
}

fn try_one(folder: &Path, stream: &mut Stream, counts: &mut Counts) {
    let template_folder = folder.join("t");
    fs::create_dir_all(&template_folder).unwrap();
    let mut files = [("template.toml", MANIFEST), ("outer.py.j2", OUTER), ("main.py.j2", MAIN)]
        .map(|(name, text)| (name, text.to_owned()));
    let which = stream.below(4);
    if let Some((_, text)) = files.get_mut(which) {
        *text = mutate(text, stream);
    }
    for (name, text) in &files {
        let bytes = match stream.below(200) {
            0 => [text.as_bytes(), b"\xff"].concat(),
            _ => text.clone().into_bytes(),
        };
        fs::write(template_folder.join(name), bytes).unwrap();
    }
    let template = match Template::load(&template_folder) {
        Ok(template) => template,
        Err(error) => {
            counts.refused_template += 1;
            assert!(!error.faults.is_empty());
            for fault in &error.faults {
                assert!(!fault.file.is_empty(), "{fault:?}");
                assert!(
                    fault.line.map_or_else(|| is_of_whole(fault), |line| line >= 1),
                    "{fault:?}"
                );
                assert!(!fault.reason.is_empty() && !fault.remedy.is_empty(), "{fault:?}");
            }
            return;
        }
    };
    let mut inputs = Inputs::new();
    if which == 3 || stream.chance(0.2) {
        for name in ["who", "count", "columns", "nobody"] {
            match (stream.below(4), name) {
                (0, _) => drop(inputs.insert(name.to_owned(), input(stream))),
                (1, "who") => drop(inputs.insert(name.to_owned(), input_leaf(stream))),
                (1, "count") => {
                    drop(inputs.insert(name.to_owned(), (stream.below(10) as i64).into()))
                }
                _ => {}
            }
        }
    }
    let features = BTreeMap::from([
        ("size".to_owned(), stream.unit()),
        ("complexity".to_owned(), stream.unit()),
    ]);
    let theta = template.neutral_parameters();
    let request = GenerateRequest::new(template.name(), inputs, features, theta);
    let generator = Generator::new().with_templates(Templates::default().with(template.clone()));
    match generator.generate(&request) {
        Err(GenerateError::Inputs(error)) => {
            counts.refused_inputs += 1;
            assert!(
                error
                    .faults
                    .iter()
                    .all(|fault| !fault.input.is_empty() && !fault.remedy.is_empty()),
                "{error}"
            );
        }
        Err(GenerateError::Template(error)) => {
            counts.refused_template += 1;
            assert!(
                error
                    .faults
                    .iter()
                    .all(|fault| !fault.file.is_empty() && fault.line.is_some_and(|line| line >= 1)),
                "{error}"
            );
        }
        Err(error) => {
            counts.refused_request += 1;
            assert!(!error.to_string().is_empty());
        }
        Ok(scripts) => {
            let out = folder.join("out");
            scripts.write_to(&out).unwrap();
            let mut written: Vec<String> = Vec::new();
            collect(&out, &out, &mut written);
            written.sort();
            assert_eq!(written, scripts.code_samples.keys().cloned().collect::<Vec<_>>());
            for (file, source) in &scripts.code_samples {
                assert_eq!(&fs::read_to_string(out.join(file)).unwrap(), source);
            }
            match scripts.completeness {
                Completeness::Partial => counts.partial += 1,
                Completeness::Complete | Completeness::Simplified => counts.whole += 1,
            }
            assert_eq!(generator.generate(&request).unwrap(), scripts);
            fs::remove_dir_all(&out).unwrap();
        }
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            files.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn ten_thousand_mutations() {
    let count = std::env::var("MUTATIONS").map_or(MUTATIONS, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut counts = Counts::default();
    for index in 0..count {
        let mut stream = Seed(7).derive("mutation").index(index as u64).stream();
        let tried =
            catch_unwind(AssertUnwindSafe(|| try_one(folder.path(), &mut stream, &mut counts)));
        assert!(tried.is_ok(), "mutation {index} fails");
    }
    println!("{count} mutations: {counts:?}");
    // The mutations reach every outcome, or they test nothing.
    assert!(
        counts.refused_template > count / 20 && counts.refused_inputs > count / 100,
        "{counts:?}"
    );
    assert!(counts.whole > count / 20 && counts.partial > 0, "{counts:?}");
}
