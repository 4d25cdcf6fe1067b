//! Generated files on the disk: planned, compared, written all or none, and never over a person's edits.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{OutputError, Reason};
use super::lock::{LOCK_FILE, Lock};
use super::plan::{Action, Change, change};

/// What to do with files that a person has edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edits {
    /// Refuse the whole writing, and name them.
    #[default]
    Keep,
    /// Replace them; protected regions stay where the new text has them.
    Overwrite,
}

/// A folder that files are generated into, again and again.
///
/// ```
/// use std::collections::BTreeMap;
/// use orchestrator_codegen::{Action, Edits, OutputFolder};
///
/// let place = tempfile::tempdir()?;
/// let folder = OutputFolder::new(place.path());
/// let files = |text: &str| BTreeMap::from([("hello.py".to_owned(), text.to_owned())]);
///
/// folder.plan("demo", &files("print('hello')\n"))?.write(Edits::Keep)?;
/// let plan = folder.plan("demo", &files("print('good morning')\n"))?;
/// assert!(plan.diff().contains("-print('hello')\n+print('good morning')\n"));
///
/// // A person edits the file: it is not touched any more, unless that is asked for.
/// std::fs::write(place.path().join("hello.py"), "print('mine')\n")?;
/// let plan = folder.plan("demo", &files("print('good morning')\n"))?;
/// let error = plan.write(Edits::Keep).unwrap_err();
/// assert!(error.to_string().contains("hello.py (it was edited outside its protected regions)"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct OutputFolder {
    path: PathBuf,
}

impl OutputFolder {
    /// A folder, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> OutputFolder {
        OutputFolder { path: path.into() }
    }

    /// What writing these files (text by path) would do. Files that the lock knows and that are not among them go, if nobody has edited
    /// them. Nothing is written.
    ///
    /// # Errors
    /// When a path leads out of the folder, marks of a protected region are broken, or something cannot be read.
    pub fn plan(
        &self,
        template: &str,
        files: &BTreeMap<String, String>,
    ) -> Result<Plan, OutputError> {
        let lock = Lock::read(&self.path)?;
        let mut paths: BTreeSet<&str> = files.keys().map(String::as_str).collect();
        paths.extend(lock.files.keys().map(String::as_str));
        let mut changes = Vec::new();
        for path in paths {
            self.check(path)?;
            changes.push(change(&self.path, path, files.get(path).map(String::as_str), &lock)?);
        }
        Ok(Plan { folder: self.path.clone(), template: template.to_owned(), changes })
    }

    /// What was generated into the folder, ejected files among it, in the order of the paths.
    ///
    /// # Errors
    /// When the lock file cannot be read.
    pub fn files(&self) -> Result<Vec<String>, OutputError> {
        Ok(Lock::read(&self.path)?.files.into_keys().collect())
    }

    /// Leaves a generated file to a person: it is not written, compared or removed any more.
    ///
    /// # Errors
    /// When the lock does not know the file, or cannot be read or written.
    pub fn eject(&self, path: &str) -> Result<(), OutputError> {
        self.set_ejected(path, true)
    }

    /// Takes an ejected file back under generation: as it is it counts as edited, if it is not what would be generated.
    ///
    /// # Errors
    /// As [`OutputFolder::eject`].
    pub fn adopt(&self, path: &str) -> Result<(), OutputError> {
        self.set_ejected(path, false)
    }

    fn set_ejected(&self, path: &str, ejected: bool) -> Result<(), OutputError> {
        let mut lock = Lock::read(&self.path)?;
        let file = lock.files.get_mut(path);
        let file = file.ok_or_else(|| OutputError::Unknown { path: path.to_owned() })?;
        file.ejected = ejected;
        lock.write(&self.path)
    }

    /// Whether a path leads to a file inside the folder, and not through a link.
    fn check(&self, path: &str) -> Result<(), OutputError> {
        let parts = Path::new(path).components();
        let normal = |part: Component<'_>| matches!(part, Component::Normal(_));
        let plain = path.split('/').all(|part| !part.is_empty() && part != ".");
        let reserved = path == LOCK_FILE || path.contains(['\\', '\0']);
        if !plain || reserved || !parts.clone().all(normal) {
            return Err(OutputError::Path { path: path.to_owned() });
        }
        let mut at = self.path.clone();
        for part in parts {
            at.push(part);
            if at.is_symlink() {
                return Err(OutputError::Link { path: at.display().to_string() });
            }
        }
        Ok(())
    }
}

/// What writing would do, file by file. Made by [`OutputFolder::plan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    folder: PathBuf,
    template: String,
    changes: Vec<Change>,
}

impl Plan {
    /// What is done with each file, in the order of their paths.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// All differences in the unified format; what `--dry-run` shows.
    pub fn diff(&self) -> String {
        self.changes.iter().map(Change::diff).collect()
    }

    /// Writes the files and the lock: all of them, or, when the operating system refuses in the middle of renaming, those before the
    /// refusal, and the next plan knows them as its own. Gives back what was written or removed.
    ///
    /// # Errors
    /// When edits would be lost and may not be (nothing is written then), or the operating system refuses.
    pub fn write(&self, edits: Edits) -> Result<Vec<PathBuf>, OutputError> {
        let refused = self.changes.iter().filter_map(|change| match &change.action {
            Action::Refuse(reason) => Some((change.path.clone(), reason.clone())),
            _ => None,
        });
        let files: Vec<(String, Reason)> = refused.collect();
        if edits == Edits::Keep && !files.is_empty() {
            return Err(OutputError::Edits { files });
        }
        let settled = |change: &Change| matches!(change.action, Action::Keep | Action::Ejected);
        if self.changes.iter().all(settled) && Lock::read(&self.folder)? == self.lock() {
            return Ok(Vec::new());
        }
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let made = missing_ancestors(&self.folder);
        let staging = self.folder.join(format!(".codegen-{}-{number}", std::process::id()));
        let result = self.stage(&staging).and_then(|()| self.publish(&staging));
        // What is staged is worthless after either outcome; that it cannot be removed is no reason to fail.
        let _ = fs::remove_dir_all(&staging);
        if result.is_err() {
            // Those that hold something stay.
            made.iter().for_each(|folder| drop(fs::remove_dir(folder)));
        }
        result
    }

    /// The files that are written.
    fn written(&self) -> impl Iterator<Item = (&Change, &str)> {
        let touched = self.changes.iter();
        let touched =
            touched.filter(|change| !matches!(change.action, Action::Keep | Action::Ejected));
        touched.filter_map(|change| Some((change, change.after.as_deref()?)))
    }

    fn stage(&self, staging: &Path) -> Result<(), OutputError> {
        fs::create_dir_all(staging).map_err(|error| OutputError::io(&self.folder, error))?;
        for (at, (change, text)) in self.written().enumerate() {
            let target = self.folder.join(&change.path);
            if target.is_dir() {
                return Err(OutputError::io(&target, io::ErrorKind::IsADirectory.into()));
            }
            let staged = staging.join(at.to_string());
            fs::write(&staged, text)
                .and_then(|()| mark_executable(&staged, text))
                .map_err(|error| OutputError::io(&target, error))?;
        }
        Ok(())
    }

    fn publish(&self, staging: &Path) -> Result<Vec<PathBuf>, OutputError> {
        let mut lock = self.lock();
        // First the lock that knows both texts of every file, then the files, then the lock of the new texts.
        let old = Lock::read(&self.folder)?;
        for (path, locked) in &mut lock.files {
            locked.before = old.files.get(path).map(|old| old.sha256.clone());
        }
        let mut both = old.files.clone();
        both.append(&mut lock.files);
        Lock { files: both, ..lock.clone() }.write(&self.folder)?;
        let mut touched = Vec::new();
        for (at, (change, _)) in self.written().enumerate() {
            let target = self.folder.join(&change.path);
            let parent = target.parent().unwrap_or(&self.folder);
            fs::create_dir_all(parent)
                .and_then(|()| fs::rename(staging.join(at.to_string()), &target))
                .map_err(|error| OutputError::io(&target, error))?;
            touched.push(target);
        }
        for change in self.changes.iter().filter(|change| change.after.is_none()) {
            let target = self.folder.join(&change.path);
            match fs::remove_file(&target) {
                Ok(()) => touched.push(target),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(OutputError::io(&target, error)),
            }
        }
        self.lock().write(&self.folder)?;
        Ok(touched)
    }

    fn lock(&self) -> Lock {
        let stays =
            self.changes.iter().filter(|change| change.after.is_some() || change.locked.ejected);
        let files = stays.map(|change| (change.path.clone(), change.locked.clone()));
        Lock { template: self.template.clone(), files: files.collect(), ..Lock::default() }
    }
}

/// A script that names its interpreter can be run by its name.
fn mark_executable(path: &Path, text: &str) -> io::Result<()> {
    #[cfg(unix)]
    if text.starts_with("#!") {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path)?.permissions().mode();
        // Whoever may read it may run it.
        let mode = mode | ((mode & 0o444) >> 2);
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    let _ = (path, text);
    Ok(())
}

/// The folders that will have to be made, innermost first.
fn missing_ancestors(folder: &Path) -> Vec<PathBuf> {
    let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    folder.ancestors().take_while(missing).map(Path::to_owned).collect()
}
