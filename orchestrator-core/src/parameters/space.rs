//! The space of a search: named parameters in a fixed order, laid out as coordinates.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
use super::builder::SpaceBuilder;
use super::domain::{Domain, PERMUTATION_MAX};
use super::error::ParameterError;
use super::permutation;
use super::reading::Reading;

/// Named parameters, each with its [`Domain`], in a fixed order.
///
/// As data it is a list of pairs, `[["x", {"min": 0.0, "max": 1.0}], ["flag", "boolean"]]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(String, Domain)>", into = "Vec<(String, Domain)>")]
pub struct ParameterSpace {
    parameters: Vec<(String, Domain)>,
    /// Of each coordinate.
    names: Vec<String>,
    bounds: Vec<Bounds>,
}

/// A parameter of a space.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter<'a> {
    /// Its name; the coordinates of a permutation are numbered after a point.
    pub name: &'a str,
    /// Its values.
    pub domain: &'a Domain,
    /// The places of its coordinates.
    pub coordinates: Range<usize>,
}

impl ParameterSpace {
    /// The space of these parameters, each given with a [`Domain`], or with [`Bounds`] when it is real.
    ///
    /// # Errors
    /// When there are none, a name occurs twice, or a domain has no value, or the permutations order more than
    /// [`PERMUTATION_MAX`] things together: the first fault.
    pub fn new<N: Into<String>, D: Into<Domain>>(
        parameters: impl IntoIterator<Item = (N, D)>,
    ) -> Result<Self, ParameterError> {
        let parameters: Vec<(String, Domain)> =
            parameters.into_iter().map(|(name, domain)| (name.into(), domain.into())).collect();
        if parameters.is_empty() {
            return Err(ParameterError::Empty);
        }
        let mut seen = BTreeSet::new();
        let (mut ordered, mut count) = (0, 0);
        for (name, domain) in &parameters {
            if !seen.insert(name.as_str()) {
                return Err(ParameterError::Duplicate { name: name.clone() });
            }
            domain.check(name)?;
            count += domain.coordinates();
            if let Domain::Permutation(more) = domain {
                ordered += more;
                if ordered > PERMUTATION_MAX {
                    return Err(ParameterError::Permutation { name: name.clone(), count: ordered });
                }
            }
        }
        let (mut names, mut bounds) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (name, domain) in &parameters {
            bounds.extend(std::iter::repeat_n(domain.bounds(), domain.coordinates()));
            if let Domain::Permutation(count) = domain {
                for at in 0..*count {
                    let name = format!("{name}.{at}");
                    if seen.contains(name.as_str()) {
                        return Err(ParameterError::Duplicate { name });
                    }
                    names.push(name);
                }
            } else {
                names.push(name.clone());
            }
        }
        Ok(ParameterSpace { parameters, names, bounds })
    }

    /// A space, parameter by parameter.
    ///
    /// ```
    /// # use orchestrator_core::ParameterSpace;
    /// let space = ParameterSpace::builder().real("x", -5.0, 5.0).integer("n", 1, 10).build()?;
    /// assert!(space.check(&[0.5, 3.0]).is_ok());
    /// let error = space.check(&[0.5, 2.5]).unwrap_err();
    /// assert_eq!(error.to_string(), "parameter \"n\": 2.5 is no whole number");
    /// # Ok::<(), orchestrator_core::ParameterError>(())
    /// ```
    pub fn builder() -> SpaceBuilder {
        SpaceBuilder::default()
    }

    /// `count` real parameters `x0`, `x1`, … within the same bounds.
    ///
    /// # Errors
    /// As [`ParameterSpace::new`].
    pub fn uniform(count: usize, min: f64, max: f64) -> Result<Self, ParameterError> {
        Self::new((0..count).map(|at| (format!("x{at}"), Bounds { min, max })))
    }

    /// How many coordinates a point has: one for each parameter, and as many as it orders for a permutation.
    #[allow(clippy::len_without_is_empty)] // A space is never empty.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The names of the coordinates, in order. Those of a permutation `route` are `route.0`, `route.1`, …
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The bounds of the coordinates, in order. What is whole has whole bounds, both included.
    pub fn bounds(&self) -> &[Bounds] {
        &self.bounds
    }

    /// The place of a coordinate.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The parameters, in order, with the places of their coordinates.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'_>> {
        let mut next = 0;
        self.parameters.iter().map(move |(name, domain)| {
            let start = next;
            next += domain.coordinates();
            Parameter { name, domain, coordinates: start..next }
        })
    }

    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<Parameter<'_>> {
        self.parameters().find(|parameter| parameter.name == name)
    }

    /// Whether every parameter is real, so that every point within the bounds is one of the space.
    pub fn is_real(&self) -> bool {
        self.parameters.iter().all(|(_, domain)| matches!(domain, Domain::Real(_)))
    }

    /// Whether the point lies in the space.
    ///
    /// # Errors
    /// When the length is wrong, a value is outside its bounds, NaN, or between whole numbers where only these count, or a permutation
    /// is none: the first fault is named.
    pub fn check(&self, point: &[f64]) -> Result<(), ParameterError> {
        if point.len() != self.len() {
            return Err(ParameterError::Length { wanted: self.len(), found: point.len() });
        }
        self.parameters().try_for_each(|parameter| self.check_parameter(&parameter, point))
    }

    pub(super) fn check_parameter(
        &self,
        parameter: &Parameter<'_>,
        point: &[f64],
    ) -> Result<(), ParameterError> {
        let whole = !matches!(parameter.domain, Domain::Real(_));
        for at in parameter.coordinates.clone() {
            let (value, Bounds { min, max }) = (point[at], self.bounds[at]);
            if !self.bounds[at].contains(value) {
                return Err(ParameterError::Outside {
                    name: self.names[at].clone(),
                    value,
                    min,
                    max,
                });
            }
            if whole && value.fract() != 0.0 {
                return Err(ParameterError::NotWhole { name: self.names[at].clone(), value });
            }
        }
        if let Domain::Permutation(_) = parameter.domain
            && let Some(value) = permutation::repeated(&point[parameter.coordinates.clone()])
        {
            return Err(ParameterError::Repeated { name: parameter.name.to_owned(), value });
        }
        Ok(())
    }

    /// Moves a vector to a near point of the space: a real value to the nearest one inside its bounds, any other to the nearest whole
    /// one (halves away from zero, NaN to the lower end), and the values of a permutation to their ranks, equals in the order of their
    /// places. A point of the space stays as it is.
    pub fn clamp(&self, point: &mut [f64]) {
        for parameter in self.parameters() {
            // A vector that is too short is mended as far as it goes.
            let Some(values) = point.get_mut(parameter.coordinates) else { return };
            match parameter.domain {
                Domain::Real(bounds) => values[0] = bounds.clamp(values[0]),
                Domain::Integer { .. } | Domain::Boolean | Domain::Categorical(_) => {
                    // Plus zero, as a negative zero should have no bytes of its own.
                    values[0] = parameter.domain.bounds().clamp(values[0].round()) + 0.0;
                }
                Domain::Permutation(_) => permutation::repair(values),
            }
        }
    }

    /// The point in the middle: of a real parameter the middle, of an integer the whole number at or below it, false, the first
    /// label, and the order 0, 1, ….
    pub fn middle(&self) -> Vec<f64> {
        let mut point = Vec::with_capacity(self.len());
        for (_, domain) in &self.parameters {
            match domain {
                Domain::Real(bounds) => point.push(bounds.middle()),
                // Within ±2^53, so that the sum is no overflow.
                Domain::Integer { min, max } => point.push((min + max).div_euclid(2) as f64),
                Domain::Boolean | Domain::Categorical(_) => point.push(0.0),
                Domain::Permutation(count) => point.extend((0..*count).map(|at| at as f64)),
            }
        }
        point
    }

    /// The part of this space around a point: the width of each real and integer parameter times `share` (0 to 1), cut at its bounds
    /// and for integers at whole numbers. The others stay whole.
    ///
    /// # Errors
    /// When the point is not in the space.
    pub fn around(&self, point: &[f64], share: f64) -> Result<ParameterSpace, ParameterError> {
        self.check(point)?;
        let share = share.clamp(0.0, 1.0);
        let bounds = self.bounds.iter().zip(point).map(|(bounds, &value)| {
            let reach = 0.5 * share * bounds.width();
            Bounds { min: value - reach, max: value + reach }
        });
        self.narrowed(&bounds.collect::<Vec<_>>())
    }

    /// The part of this space within these bounds, one for each coordinate: real and integer parameters are cut to what lies in both,
    /// the others stay whole. A bound that is NaN cuts nothing.
    ///
    /// # Errors
    /// When there are more or fewer bounds than coordinates, or nothing of a parameter lies in both.
    pub fn narrowed(&self, bounds: &[Bounds]) -> Result<ParameterSpace, ParameterError> {
        if bounds.len() != self.len() {
            return Err(ParameterError::Length { wanted: self.len(), found: bounds.len() });
        }
        let mut parts = Vec::with_capacity(self.parameters.len());
        for Parameter { name, domain, coordinates } in self.parameters() {
            let Bounds { min, max } = bounds[coordinates.start];
            let (low, high) = match domain {
                Domain::Real(whole) => (min.max(whole.min), max.min(whole.max)),
                Domain::Integer { .. } => {
                    let whole = domain.bounds();
                    (min.max(whole.min).ceil(), max.min(whole.max).floor())
                }
                Domain::Boolean | Domain::Categorical(_) | Domain::Permutation(_) => {
                    parts.push((name, domain.clone()));
                    continue;
                }
            };
            if low > high {
                return Err(ParameterError::Bounds { name: name.to_owned(), min, max });
            }
            parts.push((
                name,
                match domain {
                    Domain::Integer { .. } => Domain::Integer { min: low as i64, max: high as i64 },
                    _ => Domain::Real(Bounds { min: low, max: high }),
                },
            ));
        }
        ParameterSpace::new(parts)
    }

    /// The point, to be read in the terms of the parameters.
    ///
    /// ```
    /// # use orchestrator_core::ParameterSpace;
    /// let space = ParameterSpace::builder().boolean("fast").permutation("order", 3).build()?;
    /// let reading = space.read(&[1.0, 2.0, 0.0, 1.0]);
    /// assert!(reading.boolean("fast")?);
    /// assert_eq!(reading.order("order")?, [2, 0, 1]);
    /// # Ok::<(), orchestrator_core::ParameterError>(())
    /// ```
    pub fn read<'a>(&'a self, point: &'a [f64]) -> Reading<'a> {
        Reading::new(self, point)
    }
}

impl TryFrom<Vec<(String, Domain)>> for ParameterSpace {
    type Error = ParameterError;
    fn try_from(parameters: Vec<(String, Domain)>) -> Result<Self, ParameterError> {
        Self::new(parameters)
    }
}

impl From<ParameterSpace> for Vec<(String, Domain)> {
    fn from(space: ParameterSpace) -> Self {
        space.parameters
    }
}

#[cfg(test)]
mod tests {
    use super::super::{INTEGER_MAX, WEIGHT_BOUNDS};
    use super::*;

    fn mixed() -> ParameterSpace {
        ParameterSpace::builder()
            .real("x", -5.0, 5.0)
            .integer("n", -3, 10)
            .boolean("b")
            .categorical("c", ["red", "green", "blue"])
            .permutation("route", 4)
            .build()
            .unwrap()
    }

    const POINT: [f64; 8] = [0.5, 4.0, 1.0, 2.0, 3.0, 1.0, 0.0, 2.0];

    #[track_caller]
    fn refused(space: Result<ParameterSpace, ParameterError>, message: &str) {
        assert_eq!(space.unwrap_err().to_string(), message);
    }

    #[test]
    fn a_bad_space_names_its_parameter() {
        let twice = ParameterSpace::new([("a", WEIGHT_BOUNDS), ("a", WEIGHT_BOUNDS)]);
        refused(twice, "parameter \"a\" occurs twice");
        let turned = ParameterSpace::new([("a", Bounds { min: 1.0, max: 0.0 })]);
        refused(turned, "parameter \"a\": [1, 0] is no interval of finite width");
        assert_eq!(ParameterSpace::uniform(0, 0.0, 1.0).unwrap_err(), ParameterError::Empty);
        assert!(ParameterSpace::uniform(1, f64::MIN, f64::MAX).is_err());
        assert!(ParameterSpace::uniform(1, f64::NAN, 1.0).is_err());

        let build = ParameterSpace::builder;
        refused(
            build().integer("n", 0, INTEGER_MAX + 1).build(),
            "parameter \"n\": 0 to 9007199254740993 is no range of whole numbers within \
             -9007199254740992 to 9007199254740992",
        );
        assert!(build().integer("n", 1, 0).build().is_err());
        refused(
            build().categorical("c", [""; 0]).build(),
            "parameter \"c\" has no label to choose",
        );
        refused(
            build().categorical("c", ["x", "y", "x"]).build(),
            "parameter \"c\": the label \"x\" occurs twice",
        );
        refused(
            build().permutation("p", 0).build(),
            "parameter \"p\": 0 things to order; it must be 1 to 65536 in a space",
        );
        refused(
            build().permutation("p", 40_000).permutation("q", 40_000).build(),
            "parameter \"q\": 80000 things to order; it must be 1 to 65536 in a space",
        );
        assert!(build().permutation("p", usize::MAX).build().is_err());
        refused(
            build().real("p.1", 0.0, 1.0).permutation("p", 2).build(),
            "parameter \"p.1\" occurs twice",
        );
        refused(
            build().permutation("p", 2).boolean("p.0").build(),
            "parameter \"p.0\" occurs twice",
        );
    }

    #[test]
    fn every_coordinate_has_a_name_and_bounds() {
        let space = mixed();
        assert_eq!(space.names(), ["x", "n", "b", "c", "route.0", "route.1", "route.2", "route.3"]);
        let bounds: Vec<_> = space.bounds().iter().map(|b| (b.min, b.max)).collect();
        assert_eq!(bounds[..4], [(-5.0, 5.0), (-3.0, 10.0), (0.0, 1.0), (0.0, 2.0)]);
        assert_eq!(bounds[4..], [(0.0, 3.0); 4]);
        assert_eq!(space.position("route.2"), Some(6));
        assert_eq!(space.parameter("route").unwrap().coordinates, 4..8);
        assert_eq!(space.parameter("route.2"), None);
        assert!(!space.is_real() && ParameterSpace::uniform(2, 0.0, 1.0).unwrap().is_real());
        assert!(space.check(&space.middle()).is_ok());
        assert_eq!(space.middle(), [0.0, 3.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0]);
    }

    #[track_caller]
    fn faulty(at: usize, value: f64, message: &str) {
        let mut point = POINT;
        point[at] = value;
        let space = mixed();
        assert_eq!(space.check(&point).unwrap_err().to_string(), message);
        space.clamp(&mut point);
        space.check(&point).unwrap();
    }

    #[test]
    fn the_first_fault_of_a_point_is_named_and_a_clamped_point_has_none() {
        assert!(mixed().check(&POINT).is_ok());
        faulty(0, 7.0, "parameter \"x\": 7 is outside [-5, 5]");
        faulty(1, 2.5, "parameter \"n\": 2.5 is no whole number");
        faulty(1, f64::NAN, "parameter \"n\": NaN is outside [-3, 10]");
        faulty(2, 0.5, "parameter \"b\": 0.5 is no whole number");
        faulty(3, 3.0, "parameter \"c\": 3 is outside [0, 2]");
        faulty(5, 0.3, "parameter \"route.1\": 0.3 is no whole number");
        faulty(7, 4.0, "parameter \"route.3\": 4 is outside [0, 3]");
        faulty(7, 0.0, "parameter \"route\" is no permutation: 0 occurs twice");
        assert!(mixed().check(&POINT[..7]).is_err());

        let mut point = [9.0, -0.4, 0.6, 7.7, 0.5, 0.5, 0.1, 9.0];
        mixed().clamp(&mut point);
        assert_eq!(point, [5.0, 0.0, 1.0, 2.0, 1.0, 2.0, 0.0, 3.0]);
        assert!(point[1].is_sign_positive());
        let mut point = POINT;
        mixed().clamp(&mut point);
        assert_eq!(point, POINT);
    }

    #[test]
    fn a_point_is_read_in_its_own_terms() {
        let space = mixed();
        let reading = space.read(&POINT);
        assert_eq!(reading.real("x"), Ok(0.5));
        assert_eq!(reading.integer("n"), Ok(4));
        assert_eq!(reading.boolean("b"), Ok(true));
        assert_eq!(reading.category("c"), Ok("blue"));
        assert_eq!(reading.order("route"), Ok(vec![3, 1, 0, 2]));

        let message = |error: ParameterError| error.to_string();
        let kind = reading.real("n").map_err(message);
        assert_eq!(kind, Err("parameter \"n\" is integer, and was read as real".to_owned()));
        let missing = reading.integer("m").map_err(message);
        assert_eq!(missing, Err("the space has no parameter \"m\"".to_owned()));
        let short = space.read(&POINT[..5]);
        assert_eq!(short.real("x"), Err(ParameterError::Length { wanted: 8, found: 5 }));
        let mut torn = POINT;
        torn[3] = 9.0;
        assert!(space.read(&torn).category("c").is_err());
        assert_eq!(space.read(&torn).real("x"), Ok(0.5));
    }

    #[test]
    fn the_part_around_a_point_cuts_numbers_and_leaves_the_rest() {
        let part = mixed().around(&POINT, 0.2).unwrap();
        let domains: Vec<_> = part.parameters().map(|p| p.domain.clone()).collect();
        assert_eq!(domains[0], Domain::Real(Bounds { min: -0.5, max: 1.5 }));
        assert_eq!(domains[1], Domain::Integer { min: 3, max: 5 });
        let whole: Vec<_> = mixed().parameters().map(|p| p.domain.clone()).collect();
        assert_eq!(domains[2..], whole[2..]);
        assert_eq!(
            mixed().around(&POINT, 1e-9).unwrap().bounds()[1],
            Bounds { min: 4.0, max: 4.0 }
        );

        let mut bounds = mixed().bounds().to_vec();
        bounds[1] = Bounds { min: 2.2, max: 2.8 };
        let empty = mixed().narrowed(&bounds).unwrap_err();
        assert!(matches!(empty, ParameterError::Bounds { name, .. } if name == "n"));
        bounds[1] = Bounds { min: -100.0, max: 2.8 };
        let part = mixed().narrowed(&bounds).unwrap();
        assert_eq!(part.parameter("n").unwrap().domain, &Domain::Integer { min: -3, max: 2 });
    }

    #[test]
    fn a_space_is_written_as_pairs_and_checked_when_it_is_read() {
        let text = serde_json::to_string(&mixed()).unwrap();
        assert_eq!(
            text,
            r#"[["x",{"min":-5.0,"max":5.0}],["n",{"integer":{"min":-3,"max":10}}],["b","boolean"],"#.to_owned()
                + r#"["c",{"categorical":["red","green","blue"]}],["route",{"permutation":4}]]"#
        );
        assert_eq!(serde_json::from_str::<ParameterSpace>(&text).unwrap(), mixed());
        let read = |text: &str| serde_json::from_str::<ParameterSpace>(text);
        assert!(read(r#"[["x",{"min":-5,"max":5}]]"#).unwrap().is_real());
        let error = read(r#"[["x",{"permutation":100000000000}]]"#).unwrap_err().to_string();
        assert!(error.contains("things to order"), "{error}");
        let error = read(r#"[["x","complex"]]"#).unwrap_err().to_string();
        assert!(error.starts_with("no domain: it is"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_clamped_is_in_the_space_and_stays_as_it_is(
            values in proptest::collection::vec(proptest::num::f64::ANY, 8),
        ) {
            let space = mixed();
            let mut point = values;
            space.clamp(&mut point);
            proptest::prop_assert!(space.check(&point).is_ok());
            let before = point.clone();
            space.clamp(&mut point);
            proptest::prop_assert_eq!(before, point);
        }
    }
}
