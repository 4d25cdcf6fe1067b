//! The two numbers attention is computed in.

use std::fmt;

use nalgebra::RealField;
use serde::{Serialize, de::DeserializeOwned};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` or `f64`; nothing else can be.
pub trait Real:
    RealField + Copy + Default + fmt::LowerExp + Serialize + DeserializeOwned + sealed::Sealed
{
    /// The difference between 1 and the next larger number.
    const EPSILON: Self;
    /// Minus infinity: what hides a key.
    const HIDDEN: Self;

    /// The nearest number of this type.
    fn of(value: f64) -> Self;

    /// The same number in double precision, exactly.
    fn double(self) -> f64;
}

impl Real for f32 {
    const EPSILON: Self = f32::EPSILON;
    const HIDDEN: Self = f32::NEG_INFINITY;

    fn of(value: f64) -> Self {
        value as f32
    }

    fn double(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    const EPSILON: Self = f64::EPSILON;
    const HIDDEN: Self = f64::NEG_INFINITY;

    fn of(value: f64) -> Self {
        value
    }

    fn double(self) -> f64 {
        self
    }
}
