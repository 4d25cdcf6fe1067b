//! A space, parameter by parameter.

use super::bounds::Bounds;
use super::domain::Domain;
use super::error::ParameterError;
use super::space::ParameterSpace;

/// Collects parameters in order; [`SpaceBuilder::build`] checks them all. See [`ParameterSpace::builder`].
#[derive(Debug, Clone, Default)]
pub struct SpaceBuilder {
    parameters: Vec<(String, Domain)>,
}

impl SpaceBuilder {
    /// A real number within `min` and `max`.
    #[must_use]
    pub fn real(self, name: impl Into<String>, min: f64, max: f64) -> Self {
        self.parameter(name, Bounds { min, max })
    }

    /// A whole number from `min` to `max`, both included.
    #[must_use]
    pub fn integer(self, name: impl Into<String>, min: i64, max: i64) -> Self {
        self.parameter(name, Domain::Integer { min, max })
    }

    /// True or false.
    #[must_use]
    pub fn boolean(self, name: impl Into<String>) -> Self {
        self.parameter(name, Domain::Boolean)
    }

    /// One of these labels.
    #[must_use]
    pub fn categorical<L: Into<String>>(
        self,
        name: impl Into<String>,
        labels: impl IntoIterator<Item = L>,
    ) -> Self {
        let labels = labels.into_iter().map(Into::into).collect();
        self.parameter(name, Domain::Categorical(labels))
    }

    /// An order of `count` things.
    #[must_use]
    pub fn permutation(self, name: impl Into<String>, count: usize) -> Self {
        self.parameter(name, Domain::Permutation(count))
    }

    /// A parameter of any domain.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, domain: impl Into<Domain>) -> Self {
        self.parameters.push((name.into(), domain.into()));
        self
    }

    /// The space.
    ///
    /// # Errors
    /// As [`ParameterSpace::new`].
    pub fn build(self) -> Result<ParameterSpace, ParameterError> {
        ParameterSpace::new(self.parameters)
    }
}
