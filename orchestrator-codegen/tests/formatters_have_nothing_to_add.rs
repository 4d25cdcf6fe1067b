//! What is generated is formatted, whichever blocks are in it: formatters find nothing to change.

#[path = "support/python_tools.rs"]
mod python_tools;
#[path = "support/shelf.rs"]
mod shelf;
mod support;

use std::process::Command;

use orchestrator_codegen::Generator;
use shelf::render_texts;
use support::{request, template};

#[test]
fn ruff_accepts_the_python() {
    let Some(ruff) = python_tools::program_of("ruff==0.17.6", "ruff") else { return };
    let folder = tempfile::tempdir().unwrap();
    let template = template();
    let names: Vec<&str> = template.blocks().iter().map(|block| block.name.as_str()).collect();
    let mut cases: Vec<Vec<&str>> = names.iter().map(|name| vec![*name]).collect();
    cases.extend([vec![], names]);
    // Around the widths at which a formatter puts parentheses around a text.
    let lengths = (60..125).step_by(3);
    for (at, (on, length)) in cases.iter().zip(lengths.cycle()).enumerate() {
        let request =
            request(on).with("project", "x".repeat(length)).with("objective", "it's \"so\"\n😀");
        let scripts = Generator::new().generate(&request).unwrap();
        scripts.write_to(folder.path().join(format!("case_{at}"))).unwrap();
    }
    for layer in template.layers().iter().rev() {
        let width = template.line_length_of(layer).unwrap();
        let files =
            (0..cases.len()).map(|at| folder.path().join(format!("case_{at}")).join(&layer.file));
        let output = Command::new(&ruff)
            .args(["format", "--check", "--diff", "--isolated", "--no-cache", "--line-length"])
            .arg(width.to_string())
            .args(files)
            .output()
            .unwrap();
        let diff = String::from_utf8_lossy(&output.stdout).into_owned();
        let shown: String = diff.lines().take(80).collect::<Vec<_>>().join("\n");
        assert!(output.status.success(), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn texts() -> Vec<String> {
    ["it's", "a \"b\"", "new\nline", "é😀", "$x `y`", ""].map(str::to_owned).to_vec()
}

#[test]
fn shfmt_accepts_the_shell() {
    let Some(shfmt) = python_tools::program_of("shfmt-py==4.2.0", "shfmt") else { return };
    let template = "#!/usr/bin/env bash\nset -euo pipefail\n\n{^ for text in texts ^}\nprintf '%s' {~ text | shell ~}\n{^ endfor ^}\nall=({~ texts | shell ~})\nfor one in \"${all[@]}\"; do\n  echo \"$one\"\ndone\n";
    let source = render_texts("shell", template, &texts()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("main.sh");
    std::fs::write(&path, source).unwrap();
    let output = Command::new(shfmt).args(["-d", "-i", "2"]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn rustfmt_accepts_the_rust() {
    let template = "/// Texts.\nconst TEXTS: [&str; {~ texts | length ~}] = {~ texts | rust(indent=0) ~};\n\nfn main() {\n    println!(\"{}\", TEXTS.len());\n}\n";
    // Long enough that the list is broken in any case.
    let texts: Vec<String> =
        (0..6).map(|at| format!("{at} it's a \"rather\" long\ntext \\ with 😀")).collect();
    let source = render_texts("rust", template, &texts).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("main.rs");
    std::fs::write(&path, source).unwrap();
    let output = Command::new("rustfmt")
        .args(["--check", "--edition", "2024"])
        .arg(&path)
        .output()
        .expect("rustfmt is in the PATH");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
