//! Every family for any file, a dry run that writes nothing, edits that are kept, and one line for what cannot be done.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use orchestrator_ai::codegen::{LOCK_FILE, Templates};

use crate::{Failure, REFUSED, UNUSABLE, answer};

fn generate(words: &[&str]) -> Result<String, Failure> {
    answer(["generate"].iter().chain(words).map(OsString::from))
}

#[track_caller]
fn written(words: &[&str], out: &Path) -> String {
    let out = ["--out", out.to_str().unwrap()];
    generate(&[words, &out].concat())
        .unwrap_or_else(|failure| panic!("{words:?}: {}", failure.line))
}

#[track_caller]
fn refused(words: &[&str], out: &Path) -> (u8, String) {
    let out = ["--out", out.to_str().unwrap()];
    let failure = generate(&[words, &out].concat()).expect_err("it is refused");
    assert!(!failure.line.contains('\n'), "{}", failure.line);
    (failure.code, failure.line)
}

/// Every file below a folder.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let named = |path: std::path::PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), text)
    };
    paths.map(named).collect()
}

#[test]
fn every_template_generates_without_further_arguments() {
    let place = tempfile::tempdir().unwrap();
    for template in Templates::builtin().iter() {
        let out = place.path().join(template.name());
        let told = written(&["--template", template.name()], &out);
        assert!(told.starts_with(&format!("{}: ", template.name())), "{told}");
        let names: Vec<String> = files(&out).into_keys().filter(|name| name != LOCK_FILE).collect();
        let mut wanted: Vec<&str> =
            template.layers().iter().map(|layer| layer.file.as_str()).collect();
        wanted.sort_unstable();
        assert_eq!(names, wanted, "{}", template.name());
    }
}

#[test]
fn the_users_file_and_inputs_come_in() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("mine.csv");
    fs::write(&data, "name;age\nAda;36\nBob;\n").unwrap();
    let data = data.to_str().unwrap();
    let out = place.path().join("sh");
    written(
        &["--template", "etl-bash-sql", "--data", data, "--set", "project=it's \"mine\""],
        &out,
    );
    assert!(files(&out)["layer_1.sql"].contains("'it''s \"mine\"'"));

    let out = place.path().join("tests");
    let words = ["--template", "tests-python", "--data", data, "--set", "script=clean.sh"];
    written(&[&words[..], &["--set", "interpreter=[\"bash\", \"-e\"]"]].concat(), &out);
    let text = &files(&out)["test_etl.py"];
    assert!(text.contains("clean.sh") && text.contains("bash"), "{text}");

    let lists = place.path().join("interpreter.json");
    fs::write(&lists, "[\"dash\"]").unwrap();
    let from_file = format!("interpreter=@{}", lists.display());
    written(&[&words[..], &["--set", &from_file]].concat(), &out);
    assert!(files(&out)["test_etl.py"].contains("dash"));
}

#[test]
fn a_seed_draws_the_parameters_and_the_same_one_the_same() {
    let place = tempfile::tempdir().unwrap();
    let of = |name: &str, words: &[&str]| {
        let out = place.path().join(name);
        written(words, &out);
        files(&out)
    };
    assert_eq!(of("a", &["--seed", "3"]), of("b", &["--seed", "3"]));
    assert_eq!(of("c", &[]), of("d", &[]));
    assert_ne!(of("e", &["--seed", "4"])["layer_0.py"], of("f", &["--seed", "5"])["layer_0.py"]);
}

#[test]
fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let told = written(&["--dry-run"], &out);
    assert!(told.contains("--- /dev/null\n+++ b/layer_0.py\n"), "{told}");
    assert!(!out.exists());

    written(&[], &out);
    let before = files(&out);
    let told = written(&["--dry-run", "--set", "project=bikes"], &out);
    assert!(told.contains("--- a/layer_2.py\n+++ b/layer_2.py\n") && told.contains("bikes"));
    assert_eq!(files(&out), before);
    assert!(!written(&["--dry-run"], &out).contains("+++"), "there is none");
}

#[test]
fn an_edit_is_kept_until_it_is_forced_and_an_ejected_file_for_good() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path();
    written(&[], out);
    fs::write(out.join("layer_2.py"), "print('mine')\n").unwrap();
    let words = ["--set", "project=bikes"];
    let (code, line) = refused(&words, out);
    assert_eq!(code, REFUSED);
    assert!(line.contains("layer_2.py (it was edited outside its protected regions)"), "{line}");
    let dry = refused(&["--set", "project=bikes", "--dry-run"], out);
    assert_eq!(dry.0, REFUSED);
    assert!(dry.1.contains("--force"), "{}", dry.1);
    assert_eq!(files(out)["layer_2.py"], "print('mine')\n");

    let told = written(&["--eject", "layer_2.py"], out);
    assert!(told.starts_with("layer_2.py is yours"), "{told}");
    let told = written(&words, out);
    assert!(told.contains("left to its owner"), "{told}");
    assert_eq!(files(out)["layer_2.py"], "print('mine')\n");
    assert!(files(out)["layer_1.py"].contains("bikes"));

    written(&["--adopt", "layer_2.py"], out);
    assert_eq!(refused(&words, out).0, REFUSED);
    written(&["--force", "--set", "project=bikes"], out);
    assert!(files(out)["layer_2.py"].contains("bikes"));

    assert_eq!(written(&["--eject"], out).lines().count(), 3, "all of them");
    let before = files(out);
    written(&["--set", "project=boats"], out);
    assert_eq!(files(out), before);
}

#[test]
fn a_folder_of_the_users_works_as_one_template_and_as_several() {
    let place = tempfile::tempdir().unwrap();
    let own = place.path().join("shelf/greeting");
    fs::create_dir_all(&own).unwrap();
    let manifest = "version = 1\nname = \"greeting\"\nlanguage = \"python\"\n[[inputs]]\nname = \"who\"\ntype = \"text\"\n[[inputs]]\nname = \"times\"\ntype = \"integer\"\ndefault = 1\nmax = 9\n[[layers]]\nname = \"main\"\nfile = \"greet.py\"\ntemplate = \"greet.py.j2\"\n[[blocks]]\nname = \"loud\"\nlayers = [\"main\"]\nfeature = \"nulls\"\npurpose = \"shouts\"\n";
    fs::write(own.join("template.toml"), manifest).unwrap();
    let text = "print({~ who | python ~} * {~ times ~})\n{~ begin(\"loud\") ~}\nprint(\"!\")\n{~ end() ~}\n";
    fs::write(own.join("greet.py.j2"), text).unwrap();
    let (shelf, one) = (place.path().join("shelf"), own.to_str().unwrap().to_owned());
    let shelf = shelf.to_str().unwrap();
    let out = place.path().join("out");
    let set = ["--set", "who=Ada", "--set", "times=2"];

    written(&[&["--templates", &one][..], &set].concat(), &out);
    assert_eq!(files(&out)["greet.py"], "print(\"Ada\" * 2)\nprint(\"!\")\n");
    let named = ["--templates", shelf, "--template", "greeting"];
    written(&[&named[..], &set, &["--feature", "nulls=0"]].concat(), &out);
    assert_eq!(files(&out)["greet.py"], "print(\"Ada\" * 2)\n");
    assert!(
        written(&["--list", "--templates", shelf], &out)
            .contains("--set who=… (text, must be given)")
    );

    for (words, says) in [
        (vec![], "template greeting: who: it is missing; give a text"),
        (
            vec!["--set", "who=a", "--set", "times=x"],
            "--set times: \"x\" is not an integer; give an integer",
        ),
        (vec!["--set", "who=a", "--set", "times=10"], "--set times: 10 is above the maximum of 9"),
        (
            vec!["--set", "who=a", "--set", "colour=red"],
            "--set colour: the template has no such input; the inputs are who, times",
        ),
        (
            vec!["--set", "who=a", "--feature", "nulls=2"],
            "--feature nulls=2: \"2\" is no share; give a number from 0 to 1",
        ),
        (
            vec!["--set", "who=a", "--feature", "size=1"],
            "the template greeting listens to nulls; name one of these",
        ),
    ] {
        let (code, line) = refused(&[&named[..], &words].concat(), &out);
        assert_eq!(code, UNUSABLE, "{line}");
        assert!(line.contains(says), "{line}");
    }
}

#[test]
fn what_cannot_be_done_is_told_in_one_line_with_the_remedy() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let text = place.path().join("empty.csv");
    fs::write(&text, "").unwrap();
    for (words, says) in [
        (vec!["--colour"], "unexpected argument '--colour' found"),
        (vec!["--seed", "x"], "invalid value 'x' for '--seed <N>'"),
        (vec!["--seed", "-1"], "invalid value '-1' for '--seed <N>'"),
        (
            vec!["--template", "etl-cobol"],
            "there is no such template; the templates are etl-bash-sql",
        ),
        (vec!["--templates", "nowhere"], "nowhere: the folder of templates cannot be read"),
        (vec!["--data", "nowhere.csv"], "nowhere.csv"),
        (vec!["--data", text.to_str().unwrap()], "empty.csv"),
        (
            vec!["--set", "project"],
            "--set project: there is no name before a =; write --set name=value",
        ),
        (
            vec!["--template", "workflow-rust", "--data", "nowhere.json"],
            "nowhere.json cannot be read",
        ),
        (
            vec!["--template", "workflow-rust", "--set", "definition={"],
            "--set definition: \"{\" is no JSON",
        ),
        (vec!["--eject"], "--eject: nothing was generated into the folder"),
        (vec!["--eject", "x.py"], "\"x.py\" was not generated into this folder"),
        (vec!["--eject", "--dry-run"], "cannot be used with"),
    ] {
        let (code, line) = refused(&words, &out);
        assert_eq!(code, UNUSABLE, "{words:?}: {line}");
        assert!(line.contains(says), "{words:?}: {line}");
        assert!(!out.exists(), "{words:?} left something");
    }
}

#[test]
fn the_list_names_every_template_and_every_input() {
    let told = generate(&["--list"]).unwrap();
    for template in Templates::builtin().iter() {
        assert!(told.contains(&format!("  {} (complexity", template.name())), "{told}");
        for input in template.inputs() {
            assert!(told.contains(&format!("--set {}=…", input.name)), "{told}");
        }
    }
    let one = generate(&["--list", "--template", "tests-python-simple"]).unwrap();
    assert!(one.contains("tests-python-simple") && !one.contains("etl-python"), "{one}");
}
