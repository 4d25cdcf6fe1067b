//! An interval of real numbers.

use serde::{Deserialize, Serialize};

/// An interval, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The least value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
}

impl Bounds {
    /// Whether the value lies inside; NaN does not.
    pub fn contains(&self, value: f64) -> bool {
        self.min <= value && value <= self.max
    }

    /// The nearest value inside; NaN becomes the lower end.
    pub fn clamp(&self, value: f64) -> f64 {
        if value.is_nan() { self.min } else { value.clamp(self.min, self.max) }
    }

    /// The length of the interval.
    pub fn width(&self) -> f64 {
        self.max - self.min
    }

    /// The value in the middle.
    pub fn middle(&self) -> f64 {
        self.min + 0.5 * self.width()
    }
}
