//! No text makes a validator or an analyzer panic, hang or overflow its stack.

use std::time::{Duration, Instant};

use orchestrator_codegen::{
    DIAGNOSTICS_MAX, Language, SOURCE_BYTES_MAX, Severity, Validators, analyzer_of,
};
use proptest::prelude::*;

/// Far more than any of these takes on a loaded machine in a debug build, far less than a hang.
const PATIENCE: Duration = Duration::from_secs(60);

fn look(source: &str) {
    let validators = Validators::new();
    for language in validators.languages() {
        let begin = Instant::now();
        eprintln!(
            "LOOK {language} {:?} {}",
            source.chars().take(12).collect::<String>(),
            source.len()
        );
        let found = validators.validate(language, source).unwrap();
        assert!(found.len() <= DIAGNOSTICS_MAX);
        assert!(found.iter().all(|found| found.line >= 1 && found.column >= 1), "{found:?}");
        assert!(found.is_sorted_by_key(|found| found.line), "{found:?}");
        let quality = analyzer_of(language).analyze(source);
        assert!((0.0..=1.0).contains(&quality.score), "{language}: {quality:?}");
        assert!(begin.elapsed() < PATIENCE, "{language} took {:?}", begin.elapsed());
    }
}

/// Pieces of all languages, so that parsers get further than the first word.
const PIECES: &[&str] = &[
    "if ",
    "else",
    "elif ",
    "fi",
    "for ",
    "in ",
    "do",
    "done",
    "while ",
    "case ",
    "esac",
    ";;",
    "def ",
    "class ",
    "return ",
    "lambda ",
    "match ",
    "import ",
    "from ",
    "yield ",
    "async ",
    "await ",
    "not ",
    "and ",
    "or ",
    "fn ",
    "let ",
    "struct ",
    "impl ",
    "select ",
    "where ",
    "insert ",
    "values ",
    "create table ",
    "function ",
    "const ",
    "=> ",
    "=",
    "==",
    "+",
    "-",
    "*",
    "/",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "<<",
    "$(",
    "${",
    "$((",
    "`",
    "'",
    "\"",
    "\"\"\"",
    "f'",
    "r#\"",
    "\\",
    "\n",
    "\n    ",
    "\n\t",
    "\r\n",
    ";",
    ":",
    ",",
    ".",
    "|",
    "&&",
    "||",
    "!",
    "?",
    "#",
    "--",
    "//",
    "/*",
    "*/",
    "@",
    "x",
    "y1",
    "0",
    "1.5",
    "é",
    "😀",
    "\0",
    "\u{feff}",
    "\u{2028}",
    " ",
    "EOF",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn made_of_their_words(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        look(&pieces.concat());
    }

    #[test]
    fn made_of_any_characters(source in "\\PC{0,200}") {
        look(&source);
    }
}

#[test]
fn that_nests_or_chains_without_end() {
    let deep = [
        "(",
        "[",
        "{",
        "-",
        "!",
        "not ",
        "~",
        "lambda: ",
        "await ",
        "f'{",
        "$(",
        "${",
        "$((",
        "((",
        "`",
        "\"$(",
        "if x; then ",
        "case x in x) ",
        "if x {",
        "else if x ",
        "&",
        "|x| ",
        "x.",
        "x(",
        "x[",
        "x + ",
        "x ** ",
        "x if y else ",
        "a = ",
        "a < ",
        "a and ",
        "select (",
        "(select ",
        "case when ",
        "x::",
        "Vec<",
        "return ",
        "=> ",
        "`${",
        "a ? ",
        "a, ",
        "/*",
        "\\",
        "f(a)",
        "[*",
        "{**",
        "a:",
        "async ",
        "@",
        "x |",
        "x; ",
        "x\n",
        "if x:\n",
        "<<a ",
        "!(",
        "@(",
        "\n(",
        "#![",
        "r#",
        "'a ",
    ];
    for piece in deep {
        for count in [30, 2_000] {
            look(&piece.repeat(count));
        }
    }
}

#[test]
fn that_is_indented_without_end() {
    let source: String = (0..300).map(|at| format!("{}if x:\n", " ".repeat(at))).collect();
    look(&source);
    let found = Validators::new().validate(Language::Python, &source).unwrap();
    assert_eq!(found[0].line, 102, "{found:?}");
    assert!(found[0].message.contains("100"), "{found:?}");
    // The parser takes the bracket for closed at the `def`, and finds indentation that the lexer has not seen.
    let open: String = (0..300).map(|at| format!("{}def f():\n", " ".repeat(at))).collect();
    look(&format!("x = (\n{open}"));
}

#[test]
fn that_is_deep_and_valid() {
    let valid = [
        format!("x = {}1{}\n", "(".repeat(199), ")".repeat(199)),
        format!("x = {}\n", vec!["1"; 2000].join(" + ")),
        format!("x = [{}]\n", vec!["-1 + 2 * a.b"; 20_000].join(", ")),
        format!("x = {}1\n", "not ".repeat(1000)),
        format!("x = a{}\n", ".b(c)".repeat(500)),
        "if x:\n    pass\n".to_owned() + &"elif y:\n    pass\n".repeat(2000),
    ];
    for source in valid {
        let found = Validators::new().validate(Language::Python, &source).unwrap();
        assert_eq!(found, [], "{}", &source[..40]);
    }
    let refused = format!("y = 1\nx = {}1{}\n", "(".repeat(201), ")".repeat(201));
    let found = Validators::new().validate(Language::Python, &refused).unwrap();
    assert_eq!((found[0].line, found[0].severity), (2, Severity::Error));
}

#[test]
fn that_is_too_long() {
    let source = "#".repeat(SOURCE_BYTES_MAX + 1);
    for language in Validators::new().languages() {
        let found = Validators::new().validate(language, &source).unwrap();
        assert_eq!(found.len(), 1, "{language}");
        assert!(found[0].message.contains("bytes"), "{found:?}");
    }
    look(&source);
}
