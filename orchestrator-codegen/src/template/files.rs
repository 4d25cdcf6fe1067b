//! Where templates lie: built in, or in folders of the user's.

use std::fs;
use std::path::{Path, PathBuf};

use crate::families;
use crate::template::fault::{Fault, TemplateError};
use crate::template::manifest::MANIFEST;

/// A template has so many files at most.
const FILES_MAX: usize = 256;

/// A file of a template has so many bytes at most.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Folders of a template are nested so deep at most.
const DEPTH_MAX: usize = 8;

/// What template files end with; other files are left alone.
const SUFFIX: &str = ".j2";

/// A template file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// The path by which templates include it.
    pub(crate) path: String,
    /// The path that errors name.
    pub(crate) shown: String,
    pub(crate) text: String,
}

/// The folder of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    BuiltIn(String),
    Folder(PathBuf),
}

/// What stands in the folder.
pub(crate) struct Folder {
    pub(crate) manifest: String,
    pub(crate) files: Vec<File>,
}

impl Place {
    /// How errors call a file in it.
    pub(crate) fn shown(&self, path: &str) -> String {
        match self {
            Place::BuiltIn(name) => format!("{name}/{path}"),
            Place::Folder(folder) => folder.join(path).display().to_string(),
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Place::BuiltIn(name) => name.clone(),
            Place::Folder(folder) => {
                folder.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned())
            }
        }
    }

    /// The template that is meant by a name or a relative path in a manifest of this one: a path, a folder beside this one, one of
    /// `shelves`, a built-in one, in this order, and never this one itself.
    pub(crate) fn resolve(&self, reference: &str, shelves: &[PathBuf]) -> Option<Place> {
        let is_template = |folder: &Path| folder.join(MANIFEST).is_file();
        let other = |place: &Place| !place.is(self);
        if reference.contains(['/', '\\']) || reference.starts_with('.') {
            let Place::Folder(own) = self else { return None };
            let folder = own.join(reference);
            return is_template(&folder).then_some(Place::Folder(folder));
        }
        let siblings = match self {
            Place::Folder(own) => {
                own.canonicalize().ok().and_then(|own| own.parent().map(Path::to_owned))
            }
            Place::BuiltIn(_) => None,
        };
        let folders = siblings.iter().chain(shelves).map(|shelf| shelf.join(reference));
        let mut found =
            folders.filter(|folder| is_template(folder)).map(Place::Folder).filter(other);
        found.next().or_else(|| {
            let known = families::NAMES.contains(&reference);
            known.then(|| Place::BuiltIn(reference.to_owned())).filter(other)
        })
    }

    /// Whether both are the same folder, however it is written.
    pub(crate) fn is(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::BuiltIn(one), Place::BuiltIn(other)) => one == other,
            (Place::Folder(one), Place::Folder(other)) => {
                match (one.canonicalize(), other.canonicalize()) {
                    (Ok(one), Ok(other)) => one == other,
                    _ => one == other,
                }
            }
            _ => false,
        }
    }

    pub(crate) fn read(&self) -> Result<Folder, TemplateError> {
        match self {
            Place::BuiltIn(name) => {
                let own = || {
                    let files = families::files();
                    files.filter_map(|(path, text)| {
                        Some((path.strip_prefix(name.as_str())?.strip_prefix('/')?, text))
                    })
                };
                let manifest = own().find(|(path, _)| *path == MANIFEST);
                let (_, manifest) = manifest.ok_or_else(|| {
                    Fault::no_such_template(name, families::NAMES.iter().copied())
                })?;
                let files = own().filter(|(path, _)| path.ends_with(SUFFIX)).map(|(path, text)| {
                    File { path: path.to_owned(), shown: self.shown(path), text: text.to_owned() }
                });
                Ok(Folder { manifest: manifest.to_owned(), files: files.collect() })
            }
            Place::Folder(folder) => {
                let manifest = read_text(&folder.join(MANIFEST))?;
                let mut files = Vec::new();
                collect(folder, "", &mut files, 0)?;
                files.sort_by(|one, other| one.path.cmp(&other.path));
                Ok(Folder { manifest, files })
            }
        }
    }
}

fn collect(
    folder: &Path,
    below: &str,
    files: &mut Vec<File>,
    depth: usize,
) -> Result<(), TemplateError> {
    let shown = folder.display().to_string();
    if depth > DEPTH_MAX {
        let reason = format!("folders are nested deeper than {DEPTH_MAX} levels");
        return Err(Fault::of_whole(shown, reason, "flatten them").into());
    }
    let unreadable = |error: std::io::Error| {
        let reason = format!("the folder cannot be read ({error})");
        Fault::of_whole(&shown, reason, "check its permissions")
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    for path in paths {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        // Not through links: what they point to may lie anywhere, or lead back.
        if name.starts_with('.') || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            // A folder with a manifest is a template of its own.
            if !path.join(MANIFEST).exists() {
                collect(&path, &format!("{below}{name}/"), files, depth + 1)?;
            }
        } else if name.ends_with(SUFFIX) {
            if files.len() == FILES_MAX {
                let reason = format!("there are more than {FILES_MAX} template files");
                return Err(Fault::of_whole(shown, reason, "part the template").into());
            }
            let (path, shown, text) =
                (format!("{below}{name}"), path.display().to_string(), read_text(&path)?);
            files.push(File { path, shown, text });
        }
    }
    Ok(())
}

fn read_text(path: &Path) -> Result<String, TemplateError> {
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        let reason = format!("the file cannot be read ({error})");
        Fault::of_whole(&shown, reason, "check the path and its permissions")
    };
    let length = fs::metadata(path).map_err(unreadable)?.len();
    if length > FILE_BYTES_MAX {
        let reason = format!("the file has {length} bytes; {FILE_BYTES_MAX} are the most");
        return Err(Fault::of_whole(&shown, reason, "part it").into());
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        Fault::new(&shown, line, "", "the file is not UTF-8", "save it as UTF-8").into()
    })
}
