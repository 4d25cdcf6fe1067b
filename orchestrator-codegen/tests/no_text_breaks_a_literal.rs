//! Whatever a user writes comes out of the real interpreter of each language as it went in.

#[path = "support/shelf.rs"]
mod shelf;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use orchestrator_core::Seed;
use shelf::render_texts;

const PIECES: &[&str] = &[
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "\\",
    "\\\\",
    "\\n",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\u{b}",
    "{",
    "}",
    "{{",
    "}}",
    "{~",
    "~}",
    "{^",
    "^}",
    "{;",
    ";}",
    "<<",
    ">>",
    "<<EOF",
    "EOF\n",
    "$",
    "${x}",
    "$(id)",
    "`id`",
    "!",
    "!!",
    "%",
    "%s",
    "%(x)s",
    "#",
    "//",
    "/*",
    "*/",
    "--",
    "-->",
    "</script>",
    "<!--",
    ";",
    "'; drop table t; --",
    "||",
    "&&",
    "&",
    "|",
    "*",
    "?",
    "~",
    "😀",
    "👩‍👩‍👧",
    "é",
    "e\u{301}",
    "\u{0}",
    "\u{1}",
    "\u{2}",
    "\u{3}",
    "\u{7f}",
    "\u{80}",
    "\u{85}",
    "\u{9f}",
    "\u{a0}",
    "\u{2028}",
    "\u{2029}",
    "\u{202e}",
    "\u{feff}",
    "\u{e000}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{10ffff}",
    "N{DASH}",
    "\\u0041",
    "\\x41",
    "\\0",
    "u{41}",
    "0",
    "7",
    "f",
    " ",
    "  ",
    "a",
    "__proto__",
    "import os",
    "r#\"",
    "\"#",
    "begin",
    "end()",
];

/// Texts of up to eight pieces, after each piece alone.
fn texts(with_nul: bool) -> Vec<String> {
    let mut stream = Seed(7).stream();
    let mut texts: Vec<String> = PIECES.iter().map(|piece| (*piece).to_owned()).collect();
    for _ in 0..300 {
        let length = stream.below(9);
        texts.push((0..length).map(|_| PIECES[stream.below(PIECES.len())]).collect());
    }
    texts.retain(|text| with_nul || !text.contains('\0'));
    texts
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Renders the texts by the template, runs what comes out, and compares the hexadecimals that it prints, one line a text.
#[track_caller]
fn check(language: &str, template: &str, with_nul: bool, run: impl Fn(&Path) -> Command) {
    let texts = texts(with_nul);
    let source = render_texts(language, template, &texts).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("main");
    fs::write(&path, source).unwrap();
    let output = run(&path).current_dir(&folder).output().expect("the interpreter is in the PATH");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<&str> = printed.lines().collect();
    assert_eq!(printed.len(), texts.len());
    for (text, printed) in texts.iter().zip(printed) {
        assert_eq!(printed, hex(text), "{language}: {text:?}");
    }
}

fn command(program: &'static str) -> impl Fn(&Path) -> Command {
    move |path| {
        let mut command = Command::new(program);
        command.arg(path);
        command
    }
}

#[test]
fn in_python() {
    let each =
        "{^ for text in texts ^}\nprint({~ text | python ~}.encode('utf-8').hex())\n{^ endfor ^}\n";
    check("python", each, true, command("python3"));
    let list =
        "for text in {~ texts | python(indent=0) ~}:\n    print(text.encode('utf-8').hex())\n";
    check("python", list, true, command("python3"));
}

#[test]
fn in_javascript() {
    let each = "{^ for text in texts ^}\nconsole.log(Buffer.from({~ text | javascript ~}, 'utf8').toString('hex'))\n{^ endfor ^}\n";
    check("javascript", each, true, command("node"));
}

#[test]
fn in_toml() {
    let source = render_texts("text", "texts = {~ texts | toml(indent=0) ~}\n", &texts(true));
    let read: toml::Table = toml::from_str(&source.unwrap()).unwrap();
    let wanted: Vec<toml::Value> = texts(true).into_iter().map(toml::Value::String).collect();
    assert_eq!(read["texts"].as_array(), Some(&wanted));
}

#[test]
fn in_json() {
    let each = "{~ texts | json ~}";
    check("text", each, true, |path| {
        let mut command = Command::new("python3");
        let program = "import json, sys\nfor text in json.load(open(sys.argv[1], encoding='utf-8')): print(text.encode('utf-8').hex())";
        command.args(["-c", program]).arg(path);
        command
    });
}

#[test]
fn in_the_shell() {
    let each = "{^ for text in texts ^}\nprintf '%s' {~ text | shell ~} | od -An -v -tx1 | tr -d ' \\n'; echo\n{^ endfor ^}\n";
    check("shell", each, false, command("bash"));
    let refused = render_texts("shell", "x={~ texts | shell ~}\n", &["a\0b".to_owned()]);
    assert!(refused.unwrap_err().contains("cannot hold a NUL character"));
}

#[test]
fn in_sql() {
    let each = "{^ for text in texts ^}\nselect lower(hex({~ text | sql ~}));\n{^ endfor ^}\n";
    check("sql", each, true, |path| {
        let mut command = Command::new("sqlite3");
        command.arg(":memory:").stdin(Stdio::from(fs::File::open(path).unwrap()));
        command
    });
}

#[test]
fn in_rust() {
    let list = "use std::fmt::Write;\nfn main() {\n    for text in {~ texts | rust ~} {\n        let text: &str = text;\n        let mut out = String::new();\n        for byte in text.bytes() {\n            write!(out, \"{byte:02x}\").unwrap();\n        }\n        println!(\"{out}\");\n    }\n}\n";
    check("rust", list, true, |path| {
        let program = path.with_extension("bin");
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition", "2024", "--crate-name", "texts", "-"]).arg("-o").arg(&program);
        let mut child = rustc
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("rustc is in the PATH");
        child.stdin.take().unwrap().write_all(&fs::read(path).unwrap()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Command::new(program)
    });
}
