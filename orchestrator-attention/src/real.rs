//! The two numbers attention is computed in.

use std::fmt;

use nalgebra::RealField;
use serde::{Serialize, de::DeserializeOwned};

use crate::kernel::{Exponential, Vectors};

mod sealed {
    pub trait Sealed: super::Vectors + super::Exponential {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` or `f64`; nothing else can be.
pub trait Real:
    RealField + Copy + Default + fmt::LowerExp + Serialize + DeserializeOwned + sealed::Sealed
{
    /// Nothing.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// The difference between 1 and the next larger number.
    const EPSILON: Self;
    /// Minus infinity: what hides a key.
    const HIDDEN: Self;
    /// The largest finite number.
    const MAX: Self;

    /// The nearest number of this type.
    fn of(value: f64) -> Self;

    /// The same number in double precision, exactly.
    fn double(self) -> f64;
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const EPSILON: Self = f32::EPSILON;
    const HIDDEN: Self = f32::NEG_INFINITY;
    const MAX: Self = f32::MAX;

    fn of(value: f64) -> Self {
        value as f32
    }

    fn double(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const EPSILON: Self = f64::EPSILON;
    const HIDDEN: Self = f64::NEG_INFINITY;
    const MAX: Self = f64::MAX;

    fn of(value: f64) -> Self {
        value
    }

    fn double(self) -> f64 {
        self
    }
}
