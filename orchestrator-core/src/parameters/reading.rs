//! A point in the terms of its parameters.

use super::domain::Domain;
use super::error::ParameterError;
use super::space::{Parameter, ParameterSpace};

/// A point of a space, to be read by name; see [`ParameterSpace::read`].
///
/// Each call checks the parameter that it reads and no other. A name is looked for from the front: in a loop over many
/// parameters take the coordinates themselves.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    space: &'a ParameterSpace,
    point: &'a [f64],
}

impl<'a> Reading<'a> {
    pub(super) fn new(space: &'a ParameterSpace, point: &'a [f64]) -> Reading<'a> {
        Reading { space, point }
    }

    /// A real parameter.
    ///
    /// # Errors
    /// When the space has none of this name and kind, the point has another length than the space, or the value is not of the domain.
    pub fn real(&self, name: &str) -> Result<f64, ParameterError> {
        match self.values(name, "real")? {
            (Domain::Real(_), values) => Ok(values[0]),
            (other, _) => Err(other_kind(name, "real", other)),
        }
    }

    /// An integer parameter.
    ///
    /// # Errors
    /// As [`Reading::real`].
    pub fn integer(&self, name: &str) -> Result<i64, ParameterError> {
        match self.values(name, "integer")? {
            (Domain::Integer { .. }, values) => Ok(values[0] as i64),
            (other, _) => Err(other_kind(name, "integer", other)),
        }
    }

    /// A boolean parameter.
    ///
    /// # Errors
    /// As [`Reading::real`].
    pub fn boolean(&self, name: &str) -> Result<bool, ParameterError> {
        match self.values(name, "boolean")? {
            (Domain::Boolean, values) => Ok(values[0] == 1.0),
            (other, _) => Err(other_kind(name, "boolean", other)),
        }
    }

    /// The label of a categorical parameter.
    ///
    /// # Errors
    /// As [`Reading::real`].
    pub fn category(&self, name: &str) -> Result<&'a str, ParameterError> {
        match self.values(name, "categorical")? {
            (Domain::Categorical(labels), values) => Ok(&labels[values[0] as usize]),
            (other, _) => Err(other_kind(name, "categorical", other)),
        }
    }

    /// The order of a permutation parameter, first what comes first.
    ///
    /// # Errors
    /// As [`Reading::real`].
    pub fn order(&self, name: &str) -> Result<Vec<usize>, ParameterError> {
        match self.values(name, "permutation")? {
            (Domain::Permutation(_), values) => {
                Ok(values.iter().map(|&value| value as usize).collect())
            }
            (other, _) => Err(other_kind(name, "permutation", other)),
        }
    }

    /// The parameter's domain and coordinates: of another kind unchecked, of this kind checked.
    fn values(&self, name: &str, wanted: &str) -> Result<(&'a Domain, &'a [f64]), ParameterError> {
        let parameter = self.space.parameter(name);
        let parameter =
            parameter.ok_or_else(|| ParameterError::Missing { name: name.to_owned() })?;
        if self.point.len() != self.space.len() {
            let (wanted, found) = (self.space.len(), self.point.len());
            return Err(ParameterError::Length { wanted, found });
        }
        let Parameter { domain, coordinates, .. } = parameter.clone();
        if domain.kind() == wanted {
            self.space.check_parameter(&parameter, self.point)?;
        }
        Ok((domain, &self.point[coordinates]))
    }
}

fn other_kind(name: &str, wanted: &'static str, found: &Domain) -> ParameterError {
    ParameterError::Kind { name: name.to_owned(), wanted, found: found.kind() }
}
