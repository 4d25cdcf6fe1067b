//! What a generation would do to a folder, before it does it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use similar::{Algorithm, TextDiff};

use super::error::{OutputError, Reason};
use super::lock::{Lock, Locked};
use super::region::{Regions, digest};
use crate::language::Language;

/// Longer texts are compared as a whole: finding the differences takes time that grows with the square of the lines.
pub const DIFF_LINES_MAX: usize = 20_000;

/// What a generation does with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// It is not there yet.
    Create,
    /// It is as it was generated, and will be something else.
    Update,
    /// It is what would be written.
    Keep,
    /// It is as it was generated, and the template has no such file any more.
    Remove,
    /// A person took it over: it is left alone.
    Ejected,
    /// A person has edited it outside its protected regions, it was not generated, or a protected region would go: not
    /// touched unless [`Edits::Overwrite`](crate::Edits).
    Refuse(Reason),
}

/// One file of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its path in the folder, with `/` between the parts.
    pub path: String,
    /// What is done with it.
    pub action: Action,
    /// What is there; `None` where nothing is, or no text.
    pub before: Option<String>,
    /// What will be there, protected regions kept; `None` where the file goes.
    pub after: Option<String>,
    /// What the lock will say of it.
    pub(crate) locked: Locked,
}

impl Change {
    /// The difference in the unified format, empty where there is none. `--- a/…` is what is there, `+++ b/…` what will be.
    pub fn diff(&self) -> String {
        let before = self.before.as_deref().unwrap_or("");
        let after = self.after.as_deref().unwrap_or("");
        if matches!(self.action, Action::Keep | Action::Ejected) || before == after {
            return String::new();
        }
        let name = |there: bool, side| match there {
            true => format!("{side}/{}", self.path),
            false => "/dev/null".to_owned(),
        };
        let (old, new) = (name(self.before.is_some(), "a"), name(self.after.is_some(), "b"));
        let lines = [before, after].map(|text| text.lines().count());
        if lines.iter().any(|lines| *lines > DIFF_LINES_MAX) {
            let [from, to] = lines;
            return format!("--- {old}\n+++ {new}\n# {from} lines become {to}\n");
        }
        let diff = TextDiff::configure().algorithm(Algorithm::Patience).diff_lines(before, after);
        diff.unified_diff().header(&old, &new).to_string()
    }
}

/// What to do with one generated file, or with one that the lock knows and the template has no more (`new` is `None`).
pub(crate) fn change(
    folder: &Path,
    path: &str,
    new: Option<&str>,
    lock: &Lock,
) -> Result<Change, OutputError> {
    let language = Language::of_file(path);
    let full = folder.join(path);
    let (there, before) = read(&full)?;
    let locked = lock.files.get(path);
    let mut change = Change {
        path: path.to_owned(),
        action: Action::Ejected,
        before,
        after: new.map(str::to_owned),
        locked: locked.cloned().unwrap_or_default(),
    };
    if change.locked.ejected {
        change.after.clone_from(&change.before);
        return Ok(change);
    }
    let shipped = match new {
        Some(text) => Some(
            Regions::of(text, language)
                .map_err(|fault| OutputError::Region { path: path.to_owned(), fault })?,
        ),
        None => None,
    };
    change.locked = Locked::default();
    if let Some(shipped) = &shipped {
        change.locked.sha256 = shipped.digest();
        let bodies = shipped.bodies().into_iter();
        change.locked.regions =
            bodies.map(|(name, body)| (name.to_owned(), digest(body))).collect();
    }
    if !there {
        change.action = if new.is_some() { Action::Create } else { Action::Remove };
        return Ok(change);
    }
    let (action, after) = replace(&change, shipped.as_ref(), locked, language);
    (change.action, change.after) = (action, after);
    Ok(change)
}

/// What becomes of a file that is there.
fn replace(
    change: &Change,
    shipped: Option<&Regions<'_>>,
    locked: Option<&Locked>,
    language: Language,
) -> (Action, Option<String>) {
    let fresh = change.after.clone();
    let refuse = |reason| (Action::Refuse(reason), fresh.clone());
    if change.before.is_some() && change.before == fresh {
        return (Action::Keep, fresh);
    }
    let (Some(before), Some(locked)) = (change.before.as_deref(), locked) else {
        return refuse(if locked.is_some() { Reason::Edited } else { Reason::NotGenerated });
    };
    let old = match Regions::of(before, language) {
        Ok(old) => old,
        Err(fault) => return refuse(Reason::Marks(fault.to_string())),
    };
    // A body that is still as it was shipped is not a person's: the new one takes its place.
    let mut theirs: BTreeMap<&str, &str> = old.bodies();
    theirs.retain(|name, body| locked.regions.get(*name) != Some(&digest(body)));
    let known = shipped.map(Regions::bodies).unwrap_or_default();
    if let Some(name) = theirs.keys().find(|name| !known.contains_key(*name)) {
        return refuse(Reason::RegionGone((*name).to_owned()));
    }
    let merged = shipped.map(|shipped| shipped.with_bodies(&theirs));
    if merged.as_deref() == Some(before) {
        return (Action::Keep, merged);
    }
    if !locked.wrote(&old.digest()) {
        return (Action::Refuse(Reason::Edited), merged);
    }
    (if merged.is_some() { Action::Update } else { Action::Remove }, merged)
}

/// Whether something is there, and its text if it is text.
fn read(path: &Path) -> Result<(bool, Option<String>), OutputError> {
    match fs::read(path) {
        Ok(bytes) => Ok((true, String::from_utf8(bytes).ok())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((false, None)),
        Err(source) => Err(OutputError::io(path, source)),
    }
}
