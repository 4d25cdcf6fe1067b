//! Where results go: made in a hidden staging folder inside their destination (beside it, while that does not exist), and moved to
//! their place when all of them are ready. A run that is killed leaves the staging folder, `.orchestrate-….partial`, and nothing else.
//!
//! The scripts go through an [`OutputFolder`], whose lock file tells the edits of people from what an earlier run wrote: those are kept.
//! Reports and cleaned data are results of one run, which nobody edits; they are replaced.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use orchestrator_codegen::{
    Action, DEFAULT_TEMPLATE, Edits, LOCK_FILE, OutputError as ScriptsError, OutputFolder, Plan,
    Reason,
};

/// The cleaned data.
pub(super) const CLEANED: &str = "cleaned.csv";
/// What the script writes.
pub(super) const ETL_FILES: [&str; 3] = [CLEANED, "quarantine.csv", "quality_report.json"];

/// The results cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: the results cannot be written ({source}); name another folder", path.display())]
pub struct OutputError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> OutputError + use<> {
    let path = path.to_owned();
    move |source| OutputError { path, source }
}

/// Every file of a run.
const FILES: [&str; 10] = [
    LOCK_FILE,
    "layer_0.py",
    "layer_1.py",
    "layer_2.py",
    "orchestration_report.json",
    "optimization_suggestions.json",
    "workflow.mmd",
    ETL_FILES[0],
    ETL_FILES[1],
    ETL_FILES[2],
];

/// A folder in which results are made. It goes when the last one who may write to it is done; what was published stays.
pub(super) struct Staging {
    path: PathBuf,
    out: Option<PathBuf>,
}

impl Staging {
    /// A folder on the same file system as `out`, so that moving is renaming; in the system's temporary folder without one. The folder
    /// is made when something is written to it, so that a run which ends before that leaves no trace.
    ///
    /// # Errors
    /// When `out` is there, and is no folder, or a folder in it has the name of a result, or a result would replace the data.
    pub(super) fn of(out: Option<&Path>, data: &Path) -> Result<Staging, OutputError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!(".orchestrate-{}-{number}.partial", std::process::id());
        let out = out.map(|out| std::path::absolute(out).map_err(at(out))).transpose()?;
        let Some(out) = out else {
            return Ok(Staging { path: std::env::temp_dir().join(name), out });
        };
        // The nearest folder that exists: `out` may be a mount or a link, and what is beside those may be another file system.
        let there = out.ancestors().find(|path| path.exists()).unwrap_or(&out);
        if !there.is_dir() {
            return Err(at(there)(io::Error::new(io::ErrorKind::NotADirectory, "it is a file")));
        }
        let data = data.canonicalize().ok();
        for path in FILES.map(|name| out.join(name)) {
            if path.is_dir() {
                let error = io::Error::new(io::ErrorKind::IsADirectory, "a folder is in the way");
                return Err(at(&path)(error));
            }
            if data.is_some() && path.canonicalize().ok() == data {
                let error = io::Error::new(io::ErrorKind::AlreadyExists, "it is the input");
                return Err(at(&path)(error));
            }
        }
        Ok(Staging { path: there.join(name), out: Some(out) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folder and what is in it now.
    pub(super) fn sweep(&self) {
        // It may never have been made.
        let _absent = fs::remove_dir_all(&self.path);
    }

    /// Whether scripts of an earlier run were edited, so that new ones could not be written: better said before the run than after it.
    /// Whether an edited region survives depends on the new scripts, and is seen when they are there.
    pub(super) fn check_edits(&self, edits: Edits) -> Result<(), ScriptsError> {
        let (Some(out), Edits::Keep) = (&self.out, edits) else { return Ok(()) };
        let there = OutputFolder::new(out).plan(DEFAULT_TEMPLATE, &BTreeMap::new())?;
        let edited = there.changes().iter().filter_map(|change| match &change.action {
            Action::Refuse(Reason::Edited) => Some((change.path.clone(), Reason::Edited)),
            _ => None,
        });
        let files: Vec<(String, Reason)> = edited.collect();
        if files.is_empty() { Ok(()) } else { Err(ScriptsError::Edits { files }) }
    }

    /// What writing the scripts would do.
    pub(super) fn plan(
        &self,
        scripts: &BTreeMap<String, String>,
    ) -> Result<Option<Plan>, ScriptsError> {
        let out = self.out.as_ref();
        out.map(|out| OutputFolder::new(out).plan(DEFAULT_TEMPLATE, scripts)).transpose()
    }

    /// Writes these files, and moves them and what the script has written to the destination, if there is one. What the script has not
    /// written does not stay there from an earlier run: it would pass for a result of this one.
    pub(super) fn publish(&self, files: &[(String, String)]) -> Result<(), OutputError> {
        let Some(out) = &self.out else { return Ok(()) };
        fs::create_dir_all(&self.path).map_err(at(out))?;
        for (name, text) in files {
            fs::write(self.path.join(name), text).map_err(at(&out.join(name)))?;
        }
        fs::create_dir_all(out).map_err(at(out))?;
        for name in files.iter().map(|(name, _)| name.as_str()).chain(ETL_FILES) {
            let (made, target) = (self.path.join(name), out.join(name));
            if made.exists() {
                fs::rename(made, &target).map_err(at(&target))?;
            } else if target.exists() {
                fs::remove_file(&target).map_err(at(&target))?;
            }
        }
        Ok(())
    }

    /// Moves one file to the folder of the snapshot, if it was made.
    pub(super) fn hand_over(&self, name: &str, state: &Path) -> Result<(), OutputError> {
        if !self.path.join(name).exists() {
            return Ok(());
        }
        fs::create_dir_all(state).map_err(at(state))?;
        // The staging folder may be on another file system than the snapshot: copy beside, then rename.
        let beside = state.join(format!("{name}.new"));
        fs::copy(self.path.join(name), &beside).map_err(at(&beside))?;
        fs::rename(&beside, state.join(name)).map_err(at(state))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.sweep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_inside_the_destination_or_in_the_nearest_folder_that_exists() {
        let folder = tempfile::tempdir().unwrap();
        let (out, data) = (folder.path().join("a/b"), folder.path().join("data.csv"));
        let waits = || Staging::of(Some(&out), &data).unwrap().path().parent().unwrap().to_owned();
        assert_eq!(waits(), folder.path());
        fs::create_dir_all(&out).unwrap();
        assert_eq!(waits(), out, "it may be a mount or a link");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 0, "nothing is made before it is needed");
    }

    #[test]
    fn what_an_earlier_run_cleaned_does_not_pass_for_a_result_of_this_one() {
        let folder = tempfile::tempdir().unwrap();
        let names = || {
            let entries = fs::read_dir(folder.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        for name in [CLEANED, "mine.csv"] {
            fs::write(folder.path().join(name), "old").unwrap();
        }
        let staging = Staging::of(Some(folder.path()), Path::new("data.csv")).unwrap();
        staging.publish(&[("layer_0.py".to_owned(), "pass".to_owned())]).unwrap();
        drop(staging);
        assert_eq!(names(), ["layer_0.py", "mine.csv"]);
    }
}
