//! Names: what the outside world calls steps, workflows, workers, roles and runs.
//!
//! Inside the engine everything is an index; a name is parsed once, at the door, and is cheap to clone. A name has 1 to 128
//! characters out of letters, digits, `_`, `-` and `.`; a path joins names with `/`, which is why `/` is not among them.
//!
//! ```
//! use orchestrator_core::{Role, StepId};
//! assert_eq!(StepId::parse("review_code")?.as_str(), "review_code");
//! assert!(StepId::parse("review code").is_err());
//! assert_eq!(Role::parse("coder")?, Role::CODER);
//! # Ok::<(), orchestrator_core::NameError>(())
//! ```

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// A text that is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Give the thing a name of at least one character.
    #[error("a {kind} name is empty")]
    Empty {
        /// What was being named.
        kind: &'static str,
    },
    /// Shorten it to [`NAME_BYTES_MAX`].
    #[error("{kind} name of {bytes} bytes is longer than {NAME_BYTES_MAX}")]
    TooLong {
        /// What was being named.
        kind: &'static str,
        /// The length that was given.
        bytes: usize,
    },
    /// Use letters, digits, `_`, `-` and `.` only.
    #[error(
        "{kind} name {name:?} has {found:?} at character {position}; letters, digits, `_`, `-` and `.` are allowed"
    )]
    Character {
        /// What was being named.
        kind: &'static str,
        /// The text as given.
        name: String,
        /// The first character that is not allowed.
        found: char,
        /// Its place, counted from 1.
        position: usize,
    },
}

/// A constant or a shared text: both clone without copying characters.
#[derive(Clone)]
enum Text {
    Constant(&'static str),
    Shared(Arc<str>),
}

impl Text {
    fn as_str(&self) -> &str {
        match self {
            Text::Constant(text) => text,
            Text::Shared(text) => text,
        }
    }
}

fn parse(kind: &'static str, name: &str) -> Result<Text, NameError> {
    if name.is_empty() {
        return Err(NameError::Empty { kind });
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong { kind, bytes: name.len() });
    }
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    match name.chars().enumerate().find(|(_, c)| !allowed(*c)) {
        None => Ok(Text::Shared(name.into())),
        Some((at, found)) => {
            Err(NameError::Character { kind, name: name.to_owned(), found, position: at + 1 })
        }
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $type(Text);

        impl $type {
            /// The name, or why the text is none.
            pub fn parse(name: impl AsRef<str>) -> Result<Self, NameError> {
                parse($kind, name.as_ref()).map(Self)
            }

            /// The text of the name.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }

        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl Eq for $type {}

        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $type {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.as_str().cmp(other.as_str())
            }
        }

        impl std::hash::Hash for $type {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl std::str::FromStr for $type {
            type Err = NameError;
            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::parse(name)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// Names a step within its workflow.
    StepId, "step"
);
name!(
    /// Names a workflow.
    WorkflowName, "workflow"
);
name!(
    /// Names one registered worker.
    WorkerName, "worker"
);
name!(
    /// Names one run; unique among the runs of a host.
    RunId, "run"
);
name!(
    /// Names a kind of message from outside that steps wait for.
    SignalName, "signal"
);
name!(
    /// Names what a worker can do; a step may require some.
    Capability, "capability"
);
name!(
    /// The part a worker plays. An open type: the constants are the roles that come up again and again, and
    /// [`Role::parse`] makes any other.
    Role, "role"
);

impl WorkerName {
    /// The worker that has the name of a role.
    pub(crate) fn of(role: &Role) -> WorkerName {
        WorkerName(role.0.clone())
    }
}

impl Role {
    /// Turns a goal into a specification.
    pub const PRODUCT_MANAGER: Role = Role(Text::Constant("product_manager"));
    /// Writes code.
    pub const CODER: Role = Role(Text::Constant("coder"));
    /// Judges what others made.
    pub const REVIEWER: Role = Role(Text::Constant("reviewer"));
    /// Tests what others made.
    pub const TESTER: Role = Role(Text::Constant("tester"));
    /// Brings a result to where it is used.
    pub const DEPLOYER: Role = Role(Text::Constant("deployer"));
    /// Anything that needs no role of its own.
    pub const GENERIC: Role = Role(Text::Constant("generic"));
    /// Analyses requirements and risks.
    pub const ANALYST: Role = Role(Text::Constant("analyst"));
    /// Implements a design.
    pub const IMPLEMENTER: Role = Role(Text::Constant("implementer"));
    /// Checks results against their criteria.
    pub const VALIDATOR: Role = Role(Text::Constant("validator"));
    /// Puts parts together.
    pub const INTEGRATOR: Role = Role(Text::Constant("integrator"));
    /// Reasons about hard sub-problems.
    pub const REASONER: Role = Role(Text::Constant("reasoner"));
    /// Plans the work of others.
    pub const PLANNER: Role = Role(Text::Constant("planner"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_where_it_is_wrong() {
        assert_eq!(
            StepId::parse("a/b").unwrap_err().to_string(),
            "step name \"a/b\" has '/' at character 2; letters, digits, `_`, `-` and `.` are allowed"
        );
        assert_eq!(Role::parse("").unwrap_err(), NameError::Empty { kind: "role" });
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        assert!(matches!(RunId::parse(long), Err(NameError::TooLong { bytes: 129, .. })));
    }

    #[test]
    fn constants_equal_what_they_parse_to() {
        assert_eq!(Role::parse("product_manager").unwrap(), Role::PRODUCT_MANAGER);
    }
}
