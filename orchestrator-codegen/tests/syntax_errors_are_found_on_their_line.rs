//! What people and generators get wrong, language by language: found, on the right line.

use orchestrator_codegen::{
    Language, PythonCompiler, PythonValidator, Severity, Validator, Validators,
};

/// Each source has one mistake, and the line it is on.
type Mistakes = &'static [(usize, &'static str)];

#[track_caller]
fn check(validator: &dyn Validator, mistakes: Mistakes) {
    let mut missed = Vec::new();
    for (line, source) in mistakes {
        let found = validator.validate(source);
        let errors = found.iter().filter(|found| found.severity == Severity::Error);
        if !{ errors }.any(|found| found.line == *line) {
            missed.push(format!("line {line} of {source:?}: {found:?}"));
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

#[track_caller]
fn check_valid(validator: &dyn Validator, sources: &[&str]) {
    for source in sources {
        assert_eq!(validator.validate(source), [], "{source}");
    }
}

/// Does not parse.
const PYTHON: Mistakes = &[
    (2, "x = 1\nif x\n    pass\n"),
    (2, "def f():\nreturn 1\n"),
    (2, "x = 1\n  y = 2\n"),
    (3, "if x:\n    a\n  b\n"),
    (3, "if x:\n\ta\n        b\n"),
    (3, "class A:\n    def f(self):\n    pass\n"),
    (2, "for x in y:\npass\n"),
    (3, "try:\n    pass\nx = 1\n"),
    (1, "print((1, 2)\n"),
    (2, "x = 1\ny = [1, 2\nz = 3\n"),
    (1, "x = (1, 2]\n"),
    (1, "x = 1)\n"),
    (1, "d = {'a': 1, 'b' 2}\n"),
    (1, "f(a b)\n"),
    (1, "s = 'open\n"),
    (2, "x = 1\ns = \"\"\"open\n\n\n"),
    (1, "s = f'{x'\n"),
    (1, "s = f'{}'\n"),
    (1, "def f(a=1, b): pass\n"),
    (1, "f(a=1, 2)\n"),
    (1, "x = = 1\n"),
    (1, "1 = x\n"),
    (1, "f() = 1\n"),
    (1, "if x = 1: pass\n"),
    (1, "import a.b as\n"),
    (1, "from x import\n"),
    (1, "print 'hello'\n"),
    (1, "raise ValueError, 'x'\n"),
    (1, "x = 08\n"),
    (1, "x = 1_\n"),
    (1, "class = 1\n"),
    (1, "lambda x: return x\n"),
    (1, "a <> b\n"),
    (1, "x++\n"),
    (3, "if a:\n    pass\nelse if b:\n    pass\n"),
    (1, "async x = 1\n"),
    (1, "del f()\n"),
    (1, "x = 'a' 1\n"),
    (1, "s = '\\N{no such character}'\n"),
    (1, "x = $y\n"),
    (1, "x = 'a\0b'\n"),
    (1, "for f() in x: pass\n"),
    (1, "with open(x) as 1: pass\n"),
    (1, "x = yield = 1\n"),
    (1, "while True print(1)\n"),
];

/// Parses, and is no program all the same.
const PYTHON_SCOPES: Mistakes = &[
    (2, "x = 1\nreturn x\n"),
    (2, "class A:\n    return 1\n"),
    (1, "yield 1\n"),
    (2, "class A:\n    yield 1\n"),
    (2, "def f():\n    [(yield x) for x in y]\n"),
    (2, "def f():\n    await x\n"),
    (2, "def f():\n    async with x: pass\n"),
    (2, "def f():\n    [x async for x in y]\n"),
    (1, "break\n"),
    (2, "if x:\n    continue\n"),
    (4, "for x in y:\n    pass\nelse:\n    break\n"),
    (3, "for x in y:\n    def f():\n        break\n"),
    (1, "def f(a, b, a): pass\n"),
    (1, "lambda a, a: 1\n"),
    (1, "f(a=1, a=2)\n"),
    (1, "nonlocal x\n"),
    (2, "def f():\n    nonlocal x\n"),
    (3, "def f(x):\n    def g():\n        nonlocal y\n"),
    (2, "def f(x):\n    global x\n"),
    (3, "def f():\n    x = 1\n    global x\n"),
    (4, "def f():\n    x = 1\n    def g():\n        x; nonlocal x\n"),
    (3, "def f():\n    global x\n    x: int = 1\n"),
    (2, "def f():\n    from os import *\n"),
    (2, "import os\nfrom __future__ import annotations\n"),
    (1, "from __future__ import braces\n"),
    (1, "*x = y\n"),
    (1, "*a, *b = y\n"),
    (1, "x = *y\n"),
    (2, "def f():\n    *print(1)\n"),
    (1, "[x := 1 for x in y]\n"),
    (2, "class A:\n    [y := 1 for x in z]\n"),
    (1, "__debug__ = 1\n"),
    (3, "match x:\n    case {'a': 1,\n          'a': 2}: pass\n"),
    (2, "match x:\n    case y: pass\n    case 1: pass\n"),
    (2, "match x:\n    case (a, a): pass\n"),
    (2, "match x:\n    case (1, a) | (2, b): pass\n"),
    (3, "async def f():\n    yield 1\n    return 2\n"),
    (2, "async def f():\n    yield from x\n"),
];

#[test]
fn of_python_with_indentation_and_scopes() {
    check(&PythonValidator, PYTHON);
    check(&PythonValidator, PYTHON_SCOPES);
}

#[test]
fn of_python_by_the_compiler_of_an_interpreter() {
    let compiler = PythonCompiler::default();
    for (line, source) in PYTHON.iter().chain(PYTHON_SCOPES).step_by(5) {
        let found = compiler.compile(source).expect("these tests need python3 in the PATH");
        assert!(found.is_some(), "line {line} of {source:?}");
    }
    // Only a compiler says that of it.
    let blocks: String = (0..21).map(|at| " ".repeat(at) + "for x in y:\n").collect();
    let blocks = blocks + &" ".repeat(21) + "pass\n";
    assert!(PythonValidator.validate(&blocks).is_empty());
    let found = compiler.validate(&blocks);
    assert_eq!(
        (found[0].line, found[0].message.as_str()),
        (21, "too many statically nested blocks")
    );
    check_valid(&compiler, &["", "x = 1\n", "\u{feff}x = 'é😀'\r\n"]);
    let found = compiler.validate("é = '😀' +\n");
    assert_eq!((found[0].line, found[0].column), (1, 10));
}

#[test]
fn a_compiler_that_is_missing_or_hangs_is_an_error() {
    let missing = PythonCompiler::named("no-such-python");
    assert!(
        missing.compile("").unwrap_err().to_string().starts_with("no-such-python does not run")
    );
    assert_eq!(missing.validate("")[0].severity, Severity::Error);
    let hurried = PythonCompiler::default().with_time_limit(std::time::Duration::ZERO);
    let error = hurried.compile(&"x = 1\n".repeat(100_000)).unwrap_err();
    assert!(error.to_string().contains("was ended"), "{error}");
    let no_python = PythonCompiler::named("true");
    assert!(no_python.compile("").unwrap_err().to_string().contains("gave no answer"));
}

#[test]
fn all_errors_of_a_python_file_are_found_at_once() {
    let found = PythonValidator.validate("x = = 1\ny = 2\nif z\n    pass\nf(a b)\n");
    let lines: Vec<usize> = found.iter().map(|found| found.line).collect();
    assert!([1, 3, 5].iter().all(|line| lines.contains(line)), "{found:?}");
    assert!(lines.is_sorted());
    // The column is counted in characters.
    let found = PythonValidator.validate("é = '😀' +\n");
    assert_eq!((found[0].line, found[0].column), (1, 10));
}

#[test]
fn what_is_right_in_python_passes() {
    check_valid(
        &PythonValidator,
        &[
            "",
            "\u{feff}x = 1\r\nif x:\r\n    pass\r\n",
            "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n",
            "def f(x):\n    def g():\n        nonlocal x\n        [x for y in z]\n",
            "def f():\n    for i in x: pass\n    class C:\n        nonlocal i\n        i = 1\n",
            "def f():\n    global x, y\n    x = [y for y in x]\n",
            "async def f():\n    return [await x async for x in y]\n",
            "def f():\n    return (x async for x in y)\n",
            "for x in y:\n    try:\n        continue\n    finally:\n        break\n",
            "while x:\n    break\nelse:\n    pass\n",
            "class A:\n    x = [y for y in range(3)]\n    def f(self): return __class__\n",
            "'doc'\nfrom __future__ import annotations\nx: int\n",
            "if x:\n\ta\n\tif b:\n\t\tc\n",
            "def f(a, *, b, **c): return f(*a, b=b, **c)\n",
        ],
    );
}

#[test]
fn syntax_newer_than_that_of_generated_scripts_is_a_warning() {
    let found = PythonValidator.validate("match x:\n    case 1: pass\n");
    assert_eq!((found.len(), found[0].severity), (1, Severity::Warning));
    assert!(found[0].message.contains("3.10"), "{found:?}");
}

#[test]
fn a_language_that_nobody_judges_is_said_so() {
    let none = Validators::none();
    for language in Language::ALL {
        let missing = none.validate(language, "").unwrap_err();
        assert_eq!(missing.language, language);
        assert!(missing.to_string().contains("register a validator"), "{missing}");
    }
    let missing = none.of(Language::Rust).err().unwrap().to_string();
    assert!(missing.contains("Rust") && missing.contains("`rust`"), "{missing}");
    let some = Validators::new().languages().collect::<Vec<_>>();
    assert!(some.contains(&Language::Python) && some.contains(&Language::Text));
    assert_eq!(some.contains(&Language::Sql), cfg!(feature = "sql"));
}

#[cfg(feature = "rust")]
#[test]
fn of_rust() {
    use orchestrator_codegen::RustValidator;
    check(
        &RustValidator,
        &[
            (2, "fn main() {\n    let x = ;\n}\n"),
            (2, "fn main() {\n    let = 1;\n}\n"),
            (1, "fn main( {\n}\n"),
            (1, "fn main() {\n    f();\n"),
            (2, "fn f() {}\n}\n"),
            (2, "fn f() {\n    g(1 2);\n}\n"),
            (1, "fn 1f() {}\n"),
            (1, "struct A { a: }\n"),
            (2, "struct A {\n    a u8,\n}\n"),
            (3, "fn f() {\n    let x = 1\n    let y = 2;\n}\n"),
            (2, "fn f() {\n    if x = > 1 {}\n}\n"),
            (1, "use a::;\n"),
            (1, "enum E { A = }\n"),
            (2, "fn f() {\n    match x { 1 = 2 }\n}\n"),
            (1, "impl for A {}\n"),
            (1, "fn f() -> {}\n"),
            (2, "fn f() {\n    let s = \"open;\n}\n"),
            (2, "fn f() {\n    x + / y;\n}\n"),
            (1, "pub pub fn f() {}\n"),
            (2, "fn f() {\n    for x y {}\n}\n"),
            (2, "fn f() {\n    let 'a' b = 1;\n}\n"),
        ],
    );
    check_valid(
        &RustValidator,
        &[
            "",
            "\u{feff}#!/usr/bin/env run\nfn main() {}\n",
            "#![allow(unused)]\nfn f<'a>(x: &'a str) {}\n",
        ],
    );
    let found = RustValidator.validate("fn f() { let = 1; }\nfn g() {}\nfn h() { x + / y; }\n");
    assert_eq!(found.iter().map(|found| found.line).collect::<Vec<_>>(), [1, 3]);
}

#[cfg(feature = "rust")]
#[test]
fn this_repository_is_valid_rust() {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                let found = orchestrator_codegen::RustValidator.validate(&source);
                assert_eq!(found, [], "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 100, "only {files}");
}

#[cfg(feature = "shell")]
#[test]
fn of_shell() {
    use orchestrator_codegen::ShellValidator;
    check(
        &ShellValidator,
        &[
            (3, "if true; then\n  echo 1\n  echo 2\n"),
            (2, "for f in a b; do\n  echo $f\n"),
            (2, "while true; do\n  sleep 1\n"),
            (2, "case $x in\n  a) echo 1;;\n"),
            (2, "echo 1\nfi\n"),
            (2, "echo 1\ndone\n"),
            (1, "if true; echo 1; fi\n"),
            (1, "for in a; do :; done\n"),
            (2, "f() {\n  echo 1\n"),
            (1, "echo 1 | | cat\n"),
            (1, "echo 1 &&\n"),
            (1, "| cat\n"),
            (1, "echo )\n"),
            (1, "( echo 1\n"),
            (1, "echo 'open\n"),
            (1, "echo \"open\n"),
            (1, "echo $(ls\n"),
            (1, "echo ${x\n"),
            (1, "case $x in a) ;; esac esac\n"),
            (1, "echo > \n"),
            (1, ";; echo\n"),
            (1, "f() { echo 1 }\n"),
            (2, "if [ 1 ]; then echo; fi\nthen echo\n"),
            (1, "[[ a == b\n"),
        ],
    );
    check_valid(
        &ShellValidator,
        &[
            "",
            "#!/usr/bin/env bash\nset -euo pipefail\nfor f in *.csv; do wc -l \"$f\"; done\n",
            "x=$(ls | wc -l)\necho \"${x%%.*}\" $((x + 1)) <<EOF\nif (\nEOF\n",
            "case $1 in a|b) echo x;; *) exit 1;; esac\n",
            "a=(1 2 3)\n[[ ${a[0]} == 1 && -f x ]] || { echo no; exit 1; }\n",
            "f() { local x=1; return $x; }\nf <(ls) 2>&1 | tee >(cat)\n",
            "trap 'rm -rf \"$tmp\"' EXIT; printf '%s\\n' \"it's\" # a 'comment\n",
        ],
    );
}

/// Whatever scripts this machine has: what `bash -n` takes.
#[cfg(feature = "shell")]
#[test]
fn scripts_of_this_machine_are_valid_shell() {
    use std::process::Command;
    let (mut valid, mut refused) = (0, Vec::new());
    for folder in ["/usr/bin", "/usr/sbin", "/etc/init.d", "/usr/share/doc"] {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let Ok(source) = std::fs::read_to_string(&path) else { continue };
            let first = source.lines().next().unwrap_or("");
            let is_shell =
                first.starts_with("#!") && (first.ends_with("/sh") || first.contains("bash"));
            if !is_shell || source.len() > 60_000 {
                continue;
            }
            let bash = Command::new("bash").arg("-n").arg(&path).output();
            let Ok(bash) = bash else { return };
            if !bash.status.success() {
                continue;
            }
            match orchestrator_codegen::ShellValidator.validate(&source).first() {
                None => valid += 1,
                Some(found) => refused.push(format!("{}: {found:?}", path.display())),
            }
        }
    }
    println!("{valid} valid, refused: {refused:#?}");
    assert!(refused.len() * 20 <= valid, "{refused:#?}");
}

#[cfg(feature = "sql")]
#[test]
fn of_sql() {
    use orchestrator_codegen::SqlValidator;
    check(
        &SqlValidator,
        &[
            (1, "select from;\n"),
            (2, "select 1;\nselect 1 +;\n"),
            (1, "selec 1;\n"),
            (1, "select * form people;\n"),
            (2, "select *\nfrom where x = 1;\n"),
            (1, "insert into;\n"),
            (1, "insert into t values (1, 2;\n"),
            (1, "create table (a integer);\n"),
            (1, "create table t (a integer,, b text);\n"),
            (1, "create tabel t (a integer);\n"),
            (1, "update t a = 1;\n"),
            (1, "delete t where a = 1;\n"),
            (1, "select 'open;\n"),
            (1, "select (1 + 2;\n"),
            (1, "select 1);\n"),
            (2, "select a,\nfrom t;\n"),
            (1, "select case when 1 then 2;\n"),
            (1, "select a from t order a;\n"),
            (1, "select a from t group a;\n"),
            (1, "select 1 select 2;\n"),
            (3, "select 1;\n-- a comment\ndrop people;\n"),
            (1, "with t as select 1 select * from t;\n"),
        ],
    );
    check_valid(
        &SqlValidator,
        &[
            "",
            "-- nothing\n",
            ".mode csv\n.import 'it''s.csv' raw\n\nselect 1;\n",
            "create table if not exists t (a integer primary key, b text not null default '', c real) strict;\n",
            "insert or replace into t (a, b) values (1, 'x'), (2, 'it''s') on conflict do nothing;\n",
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 9) select * from n;\n",
            "select a, count(*) over (partition by b order by a) from t left join u using (a) where a in (1, 2) limit 3;\n",
            "pragma journal_mode = wal;\nbegin;\nupdate t set a = a + 1 where b like '%x%';\ncommit;\n",
            "select coalesce(nullif(trim(\"a b\"), ''), 'none') as `c`, cast(x as integer) from [t];\n",
            "create view v as select distinct a from t;\ncreate index i on t (a);\ndrop table if exists t;\n",
            "attach database 'x.db' as x;\nvacuum;\n",
        ],
    );
}

#[cfg(feature = "javascript")]
#[test]
fn of_javascript() {
    use orchestrator_codegen::JavaScriptValidator;
    check(
        &JavaScriptValidator,
        &[
            (1, "let = ;\n"),
            (2, "let a = 1;\nlet b = (1;\n"),
            (1, "function f( {}\n"),
            (1, "function () {}\n"),
            (2, "function f() {\n  return 1;\n"),
            (2, "f();\n}\n"),
            (1, "const a = [1, 2;\n"),
            (1, "const a = {b: 1, c 2};\n"),
            (1, "if x { y(); }\n"),
            (1, "for (let i = 0; i < 3 i++) {}\n"),
            (1, "x = 'open\n"),
            (1, "x = a +;\n"),
            (1, "class { }\n"),
            (1, "let 1a = 2;\n"),
            (1, "import { a from 'b';\n"),
            (1, "a => => b;\n"),
            (1, "x = `open ${1 + } `;\n"),
            (1, "try { } x();\n"),
            (1, "switch (x) { cas 1: }\n"),
            (1, "var a b;\n"),
            (1, "const a;\n"),
        ],
    );
    check_valid(
        &JavaScriptValidator,
        &[
            "",
            "import { a } from './a.js';\nexport default async function* f({ b = 1, ...c }) { yield* a(b ?? c?.d); }\n",
            "const x = rows.map((row) => `${row.id}: ${row['é😀']}`).filter(Boolean);\n",
            "class A extends B { static #n = 1; get n() { return A.#n; } }\n",
            "label: for (const [k, v] of Object.entries(o)) { if (!/[\\/]x/g.test(k)) continue label; }\n",
        ],
    );
}
