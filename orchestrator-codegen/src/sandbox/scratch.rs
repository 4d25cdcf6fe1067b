//! Temporary folders: made for one user only, measured, and gone when they are dropped, whatever was done inside.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A folder of its own that goes when it is dropped.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> io::Result<Scratch> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("orchestrator-codegen-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match private_folder(&path) {
                Ok(()) => return Ok(Scratch(path)),
                // Left over from a process of the same number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(at(&path)(error)),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let path = self.0.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        fs::write(&path, bytes).map_err(at(&path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if fs::remove_dir_all(&self.0).is_err() {
            // A program may have taken its own rights away.
            unlock(&self.0, UNLOCK_DEPTH_MAX);
            // Temporary folders are swept by the system; a failure here harms nobody.
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Deeper folders without rights stay for the system to sweep.
const UNLOCK_DEPTH_MAX: usize = 64;

#[cfg(unix)]
fn unlock(folder: &Path, depth: usize) {
    use std::os::unix::fs::PermissionsExt;
    if depth == 0 || fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).is_err() {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            unlock(&entry.path(), depth - 1);
        }
    }
}

#[cfg(not(unix))]
fn unlock(_: &Path, _: usize) {}

/// A folder that only this user can look into.
pub(super) fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The bytes and the number of files and folders below a folder; stops counting above `files_max`. Follows no link.
pub(super) fn size_of(folder: &Path, files_max: usize) -> (u64, usize) {
    let (mut bytes, mut files) = (0_u64, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // What vanishes while it is looked at has no size.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            files += 1;
            if files > files_max {
                return (bytes, files);
            }
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(entry.path()),
                Ok(found) => bytes = bytes.saturating_add(found.len()),
                Err(_) => {}
            }
        }
    }
    (bytes, files)
}

/// A file that a program left, `None` if there is none: the first `bytes_max` bytes, and whether there are more. Follows no
/// link: it could lead out of the folder.
pub(super) fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Option<(Vec<u8>, bool)>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
    }
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(at(path))?;
    file.by_ref().take(bytes_max).read_to_end(&mut bytes).map_err(at(path))?;
    let more = file.read(&mut [0]).map_err(at(path))? > 0;
    Ok(Some((bytes, more)))
}

/// The same error, naming the file.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let path = path.display().to_string();
    move |error| io::Error::new(error.kind(), format!("{path}: {error}"))
}
