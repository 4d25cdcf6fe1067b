//! Generating again into a folder in which people work.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use orchestrator_codegen::{Action, Edits, LOCK_FILE, OutputError, OutputFolder, Plan, Reason};
use proptest::prelude::*;

fn files(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn plan(at: &Path, pairs: &[(&str, &str)]) -> Plan {
    OutputFolder::new(at).plan("demo", &files(pairs)).unwrap()
}

fn write(at: &Path, pairs: &[(&str, &str)]) -> usize {
    plan(at, pairs).write(Edits::Keep).unwrap().len()
}

fn read(at: &Path, path: &str) -> String {
    fs::read_to_string(at.join(path)).unwrap()
}

fn action(plan: &Plan, path: &str) -> Action {
    plan.changes().iter().find(|change| change.path == path).unwrap().action.clone()
}

fn names(at: &Path) -> Vec<String> {
    let entries = fs::read_dir(at).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const WITH_REGION: &str = "one()\n# protected: own\npass\n# end protected: own\ntwo()\n";

#[test]
fn what_is_not_edited_is_updated_kept_and_removed() {
    let place = tempfile::tempdir().unwrap();
    let at = &place.path().join("deep/er");
    assert_eq!(write(at, &[("a.py", "1\n"), ("lib/b.py", "2\n")]), 2);
    assert_eq!(write(at, &[("a.py", "1\n"), ("lib/b.py", "2\n")]), 0, "the same is not written");

    let next = plan(at, &[("a.py", "1\n"), ("c.py", "3\n")]);
    assert_eq!(action(&next, "a.py"), Action::Keep);
    assert_eq!(action(&next, "lib/b.py"), Action::Remove);
    assert_eq!(action(&next, "c.py"), Action::Create);
    assert_eq!(names(at), ["a.py", LOCK_FILE, "lib"], "a plan writes nothing");
    next.write(Edits::Keep).unwrap();
    assert_eq!(names(at), ["a.py", "c.py", LOCK_FILE, "lib"]);
    assert_eq!(names(&at.join("lib")), [""; 0]);
}

#[test]
fn an_edit_is_refused_and_nothing_else_is_written_either() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    write(at, &[("a.py", "1\n"), ("b.py", "1\n")]);
    fs::write(at.join("b.py"), "mine\n").unwrap();
    fs::write(at.join("c.py"), "somebody's\n").unwrap();

    let next = plan(at, &[("a.py", "2\n"), ("b.py", "2\n"), ("c.py", "2\n")]);
    let OutputError::Edits { files } = next.write(Edits::Keep).unwrap_err() else {
        panic!("edits are in danger");
    };
    let refused = [("b.py", Reason::Edited), ("c.py", Reason::NotGenerated)];
    assert_eq!(files, refused.map(|(path, reason)| (path.to_owned(), reason)));
    assert_eq!([read(at, "a.py"), read(at, "b.py")], ["1\n", "mine\n"]);
    assert!(next.diff().contains("--- a/b.py\n+++ b/b.py\n@@ -1 +1 @@\n-mine\n+2\n"));

    next.write(Edits::Overwrite).unwrap();
    assert_eq!(["a.py", "b.py", "c.py"].map(|path| read(at, path)), ["2\n"; 3]);
    assert_eq!(write(at, &[("a.py", "3\n"), ("b.py", "3\n"), ("c.py", "3\n")]), 3);
}

#[test]
fn a_template_that_drops_an_edited_file_does_not_delete_it() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    write(at, &[("a.py", "1\n"), ("b.py", "1\n")]);
    fs::write(at.join("b.py"), "mine\n").unwrap();
    assert!(plan(at, &[("a.py", "1\n")]).write(Edits::Keep).is_err());
    assert_eq!(read(at, "b.py"), "mine\n");
}

#[test]
fn a_protected_region_survives_generation() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    write(at, &[("a.py", WITH_REGION)]);
    let mine = WITH_REGION.replace("pass", "own_work()\nmore()");
    fs::write(at.join("a.py"), &mine).unwrap();
    assert_eq!(write(at, &[("a.py", WITH_REGION)]), 0);

    let next = WITH_REGION.replace("two", "three").replace("pass", "another default");
    write(at, &[("a.py", &next)]);
    assert_eq!(read(at, "a.py"), mine.replace("two", "three"));

    // A region with edits that the template drops would be lost.
    let dropped = plan(at, &[("a.py", "one()\n")]);
    assert_eq!(action(&dropped, "a.py"), Action::Refuse(Reason::RegionGone("own".into())));
    assert!(dropped.write(Edits::Keep).is_err());
    // An edit outside is an edit, also of a file with regions.
    fs::write(at.join("a.py"), mine.replace("one()", "uno()")).unwrap();
    let edited = plan(at, &[("a.py", &next)]);
    assert_eq!(action(&edited, "a.py"), Action::Refuse(Reason::Edited));
    edited.write(Edits::Overwrite).unwrap();
    assert_eq!(read(at, "a.py"), mine.replace("two", "three"), "even so the region stays");
}

#[test]
fn a_body_nobody_edited_takes_the_new_default_and_a_checkout_with_crlf_is_no_edit() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    write(at, &[("a.py", WITH_REGION)]);
    fs::write(at.join("a.py"), WITH_REGION.replace('\n', "\r\n")).unwrap();
    let next = WITH_REGION.replace("pass", "better");
    assert_eq!(write(at, &[("a.py", &next)]), 1);
    assert_eq!(read(at, "a.py"), next);
}

#[test]
fn an_ejected_file_is_left_alone_until_it_is_adopted() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    let folder = OutputFolder::new(at);
    write(at, &[("a.py", "1\n")]);
    folder.eject("a.py").unwrap();
    fs::write(at.join("a.py"), "mine\n").unwrap();
    assert_eq!(write(at, &[("a.py", "2\n")]), 0);
    assert_eq!(write(at, &[]), 0);
    assert_eq!(read(at, "a.py"), "mine\n");
    let error = folder.eject("b.py").unwrap_err().to_string();
    assert_eq!(
        error,
        "\"b.py\" was not generated into this folder; the lock file names those that were"
    );

    folder.adopt("a.py").unwrap();
    let next = plan(at, &[("a.py", "2\n")]);
    assert_eq!(action(&next, "a.py"), Action::Refuse(Reason::Edited));
}

#[test]
fn a_path_stays_in_the_folder() {
    let place = tempfile::tempdir().unwrap();
    let folder = OutputFolder::new(place.path().join("out"));
    for path in ["../a", "/etc/a", "a/../../b", "", "a//b", "./a", "a\\b", LOCK_FILE, "a\0"] {
        let error = folder.plan("demo", &files(&[(path, "x")])).unwrap_err();
        assert!(matches!(error, OutputError::Path { .. }), "{path:?}: {error}");
    }
    #[cfg(unix)]
    {
        fs::create_dir(place.path().join("out")).unwrap();
        fs::create_dir(place.path().join("elsewhere")).unwrap();
        let link = place.path().join("out/lib");
        std::os::unix::fs::symlink(place.path().join("elsewhere"), &link).unwrap();
        let error = folder.plan("demo", &files(&[("lib/a.py", "x")])).unwrap_err();
        assert!(matches!(error, OutputError::Link { .. }), "{error}");
    }
}

#[test]
fn a_broken_lock_and_broken_marks_are_named() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    let folder = OutputFolder::new(at);
    for (text, says) in [("{", "EOF"), (r#"{"version":9,"template":"","files":{}}"#, "version 9")] {
        fs::write(at.join(LOCK_FILE), text).unwrap();
        let error = folder.plan("demo", &files(&[])).unwrap_err().to_string();
        assert!(error.contains(LOCK_FILE) && error.contains(says), "{error}");
    }
    fs::remove_file(at.join(LOCK_FILE)).unwrap();
    let error = folder.plan("demo", &files(&[("a.py", "\n# protected: x\n")])).unwrap_err();
    assert!(error.to_string().starts_with("a.py, line 2: region \"x\" has no end"), "{error}");
}

#[test]
fn a_writing_that_breaks_off_makes_no_edits_of_our_own_text() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    write(at, &[("a.py", "1\n"), ("b.py", "1\n")]);
    // A folder has the name of a file: renaming onto it is refused before anything is moved.
    fs::create_dir(at.join("c.py")).unwrap();
    let all = [("a.py", "2\n"), ("b.py", "2\n"), ("c.py", "2\n")];
    assert!(OutputFolder::new(at).plan("demo", &files(&all)).is_err());
    assert_eq!(read(at, "a.py"), "1\n");

    // As after a crash between two renames: the lock knows both texts, one file is new, one is old.
    let next = plan(at, &[("a.py", "2\n"), ("b.py", "2\n")]);
    next.write(Edits::Keep).unwrap();
    let lock = read(at, LOCK_FILE);
    let old = "4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865"; // "1\n"
    let new = "53c234e5e8472b6ac51c1ae1cab3fe06fad053beb8ebfd8977b010655bfdd3c3"; // "2\n"
    let both = format!("\"sha256\": \"{new}\",\n      \"before\": \"{old}\"");
    fs::write(at.join(LOCK_FILE), lock.replace(&format!("\"sha256\": \"{new}\""), &both)).unwrap();
    fs::write(at.join("b.py"), "1\n").unwrap();
    assert_eq!(write(at, &[("a.py", "3\n"), ("b.py", "3\n")]), 2);
}

#[cfg(unix)]
#[test]
fn a_script_can_be_run_by_its_name() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    write(place.path(), &[("a.py", "#!/usr/bin/env python3\n"), ("b.py", "1\n")]);
    let mode = |path| fs::metadata(place.path().join(path)).unwrap().permissions().mode();
    assert_eq!(mode("a.py") & 0o100, 0o100);
    assert_eq!(mode("b.py") & 0o111, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a person and the generator do in turn: without `Overwrite`, no text that a person wrote is ever gone.
    #[test]
    fn no_edit_is_lost_whatever_happens(steps in prop::collection::vec((0..4_u8, 0..3_u8, 0..5_u8), 1..12)) {
        let place = tempfile::tempdir().unwrap();
        let at = place.path();
        let mut mine: BTreeMap<String, String> = BTreeMap::new();
        for (kind, which, text) in steps {
            let path = format!("f{which}.py");
            let body = format!("generated {text}\n# protected: r\ndefault {text}\n# end protected: r\n");
            match kind {
                0 => {
                    fs::write(at.join(&path), format!("person {text}\n")).unwrap();
                    mine.insert(path, format!("person {text}\n"));
                }
                1 => {
                    // A region of a generated file is edited.
                    if let Ok(old) = fs::read_to_string(at.join(&path))
                        && let Some((head, rest)) = old.split_once("# protected: r\n")
                        && let Some((_, tail)) = rest.split_once("# end protected: r\n")
                    {
                        let own = format!("person in region {text}\n");
                        let new = format!("{head}# protected: r\n{own}# end protected: r\n{tail}");
                        fs::write(at.join(&path), new).unwrap();
                        mine.insert(path, own);
                    }
                }
                _ => {
                    let given = BTreeMap::from([(path, body)]);
                    let plan = OutputFolder::new(at).plan("demo", &given).unwrap();
                    let _ = plan.write(Edits::Keep);
                }
            }
            for (path, text) in &mine {
                let there = fs::read_to_string(at.join(path)).unwrap_or_default();
                prop_assert!(there.contains(text.as_str()), "{path} lost {text:?}: {there:?}");
            }
        }
    }
}
