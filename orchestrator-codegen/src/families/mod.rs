//! The built-in templates: the folders under `templates/`, embedded file by file.

mod etl_bash_sql;
mod etl_python;
mod etl_rust;
mod tests_python;
mod workflow_rust;

/// Their names, which are those of their folders.
pub(crate) const NAMES: &[&str] = &[
    "etl-bash-sql",
    "etl-bash-sql-simple",
    "etl-bash-sql-standard",
    "etl-python",
    "etl-python-simple",
    "etl-python-standard",
    "etl-rust",
    "etl-rust-simple",
    "etl-rust-standard",
    "tests-python",
    "tests-python-simple",
    "tests-python-standard",
    "workflow-rust",
    "workflow-rust-simple",
    "workflow-rust-standard",
];

/// All their files: the path from `templates/`, and the text.
pub(crate) fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    let families = [
        etl_bash_sql::FILES,
        etl_python::FILES,
        etl_rust::FILES,
        tests_python::FILES,
        workflow_rust::FILES,
    ];
    families.into_iter().flatten().copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::template::MANIFEST;

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut found = BTreeSet::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                if name.ends_with(".j2") || name.ends_with(MANIFEST) {
                    found.insert(name);
                }
            }
        }
        let embedded: BTreeSet<String> = files().map(|(path, _)| path.to_owned()).collect();
        assert_eq!(embedded, found);
        let manifests = embedded.iter().filter_map(|path| path.strip_suffix("/template.toml"));
        assert_eq!(manifests.collect::<BTreeSet<_>>(), NAMES.iter().copied().collect());
    }
}
