//! Where in a run: the step, and for every loop, map and sub-workflow around it which round or item.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{NameError, StepId};

/// The place of a step in a run, written `draft[2]/review_code`: the step `review_code` in the third round of the loop `draft`. The items
/// of a map are counted in the same way, and a sub-workflow has the number 0. What undoes a step has the path of the step with
/// `~compensation` at its end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    frame: FramePath,
    step: StepId,
    compensation: bool,
}

/// What the path of a compensation ends with; no name has such a character.
const COMPENSATION: &str = "~compensation";

/// The place of a frame: the steps around it with their rounds or items, outermost first. The run itself has none, and its paths, the
/// usual ones, are cloned without counting a reference.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FramePath(Option<Arc<[(StepId, u32)]>>);

impl FramePath {
    pub(crate) fn root() -> FramePath {
        FramePath(None)
    }

    fn places(&self) -> &[(StepId, u32)] {
        self.0.as_deref().unwrap_or_default()
    }

    /// The frame of a round or item of the step at `path`.
    pub(crate) fn round(path: &Path, round: u32) -> FramePath {
        let rounds = path.frame.places().iter().cloned().chain([(path.step.clone(), round)]);
        FramePath(Some(rounds.collect()))
    }

    pub(crate) fn step(&self, step: StepId) -> Path {
        Path { frame: self.clone(), step, compensation: false }
    }
}

/// A text that is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// A part between slashes is no step name.
    #[error("path {path:?}: {source}")]
    Name {
        /// The whole text.
        path: String,
        /// What is wrong with the name.
        source: NameError,
    },
    /// Every part but the last needs its round: `draft[0]/review`.
    #[error("path {path:?}: {part:?} should be a loop step with its round, as in `draft[0]`")]
    Round {
        /// The whole text.
        path: String,
        /// The part that is wrong.
        part: String,
    },
}

impl Path {
    /// The path that a text describes.
    ///
    /// # Errors
    /// When a part is no name, or a loop has no round.
    pub fn parse(text: &str) -> Result<Path, PathError> {
        let name = |part: &str| {
            StepId::parse(part).map_err(|source| PathError::Name { path: text.to_owned(), source })
        };
        let (place, compensation) = match text.strip_suffix(COMPENSATION) {
            Some(place) => (place, true),
            None => (text, false),
        };
        let (rounds, step) = match place.rsplit_once('/') {
            Some((rounds, step)) => (Some(rounds), step),
            None => (None, place),
        };
        let frame = rounds.into_iter().flat_map(|rounds| rounds.split('/')).map(|part| {
            let wrong = || PathError::Round { path: text.to_owned(), part: part.to_owned() };
            let (step, digits) =
                part.strip_suffix(']').and_then(|p| p.split_once('[')).ok_or_else(wrong)?;
            let round: u32 = digits.parse().map_err(|_| wrong())?;
            // One spelling a path: no sign, no leading zeros.
            if round.to_string() == digits { Ok((name(step)?, round)) } else { Err(wrong()) }
        });
        let places: Vec<(StepId, u32)> = frame.collect::<Result<_, _>>()?;
        let frame = FramePath((!places.is_empty()).then(|| places.into()));
        Ok(Path { frame, step: name(step)?, compensation })
    }

    /// The path of a task that belongs to no run.
    pub(crate) fn detached() -> Path {
        FramePath::root().step(StepId::parse("detached").expect("a valid name"))
    }

    /// The step.
    pub fn step(&self) -> &StepId {
        &self.step
    }

    /// Whether it is what undoes the step.
    pub fn is_compensation(&self) -> bool {
        self.compensation
    }

    /// The path of what undoes this step.
    pub(crate) fn compensation(&self) -> Path {
        Path { compensation: true, ..self.clone() }
    }

    /// The path of the step itself.
    pub(crate) fn compensated(&self) -> Path {
        Path { compensation: false, ..self.clone() }
    }

    /// The loops, maps and sub-workflows around the step with their rounds or items (counted from 0), outermost first.
    pub fn rounds(&self) -> impl Iterator<Item = (&StepId, u32)> {
        self.frame.places().iter().map(|(step, round)| (step, *round))
    }

    pub(crate) fn frame(&self) -> &FramePath {
        &self.frame
    }

    /// Whether it lies in a round, an item or the body of a step, at any depth.
    pub(crate) fn is_inside(&self, step: &Path) -> bool {
        let around = step.frame.places();
        self.frame.places().starts_with(around)
            && self.frame.places().get(around.len()).is_some_and(|(at, _)| *at == step.step)
    }
}

impl fmt::Display for FramePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.places().iter().try_for_each(|(step, round)| write!(f, "{step}[{round}]/"))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.compensation { COMPENSATION } else { "" };
        write!(f, "{}{}{end}", self.frame, self.step)
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Path::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_and_read() {
        for text in ["review", "draft[2]/review", "a[0]/b[11]/c.d-e", "a[0]/b~compensation"] {
            assert_eq!(Path::parse(text).unwrap().to_string(), text);
        }
        let path = Path::parse("draft[2]/review").unwrap();
        assert_eq!(path.step().as_str(), "review");
        assert_eq!(path.rounds().map(|(_, round)| round).collect::<Vec<_>>(), [2]);
        assert_eq!(
            Path::parse("draft/review").unwrap_err().to_string(),
            "path \"draft/review\": \"draft\" should be a loop step with its round, as in `draft[0]`"
        );
        assert!(matches!(Path::parse("a[0]/"), Err(PathError::Name { .. })));
        for text in ["/a", "a[0]//b", "a[01]/b", "a[+1]/b", "a[-1]/b", "a[4294967296]/b", "a[0]b/c"]
        {
            assert!(matches!(Path::parse(text), Err(PathError::Round { .. })), "{text}");
        }
    }
}
