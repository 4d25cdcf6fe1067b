//! Where results go: made in a staging folder beside their destination, and moved there when all of them are ready.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// When `out` is there, and is no folder.
    pub(super) fn beside(out: Option<&Path>) -> Result<Staging, OutputError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!(".orchestrate-{}-{number}.partial", std::process::id());
        let out = out.map(|out| std::path::absolute(out).map_err(at(out))).transpose()?;
        let mut there = out.iter().flat_map(|out| out.ancestors()).filter(|path| path.exists());
        if let Some(file) = there.next().filter(|path| !path.is_dir()) {
            return Err(at(file)(io::Error::new(io::ErrorKind::NotADirectory, "it is a file")));
        }
        let parent = out.as_deref().and_then(Path::parent).map(Path::to_owned);
        Ok(Staging { path: parent.unwrap_or_else(std::env::temp_dir).join(name), out })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folder and what is in it now.
    pub(super) fn sweep(&self) {
        // It may never have been made.
        let _absent = fs::remove_dir_all(&self.path);
    }

    /// Writes these files, and moves them and what the script has written to the destination, if there is one.
    pub(super) fn publish(&self, files: &[(String, String)]) -> Result<(), OutputError> {
        let Some(out) = &self.out else { return Ok(()) };
        fs::create_dir_all(&self.path).map_err(at(&self.path))?;
        for (name, text) in files {
            let path = self.path.join(name);
            fs::write(&path, text).map_err(at(&path))?;
        }
        let made = ETL_FILES.into_iter().filter(|name| self.path.join(name).exists());
        fs::create_dir_all(out).map_err(at(out))?;
        for name in files.iter().map(|(name, _)| name.as_str()).chain(made) {
            let target = out.join(name);
            fs::rename(self.path.join(name), &target).map_err(at(&target))?;
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
