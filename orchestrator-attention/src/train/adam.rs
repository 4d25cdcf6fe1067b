//! Adam: a step in the direction of the mean gradient, in units of its size.

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::AttentionError;
use crate::layer::{MultiHeadAttention, Projections};
use crate::real::Real;

/// The format that this version writes and reads.
const VERSION: u32 = 1;

/// The settings of [`Adam`], with the names of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamSettings {
    /// α: about how far a number moves in one step; above 0.
    pub learning_rate: f64,
    /// β₁: how much of the mean gradient is kept in a step, in [0, 1).
    pub beta_1: f64,
    /// β₂: how much of the mean squared gradient is kept in a step, in [0, 1).
    pub beta_2: f64,
    /// ε: added to the size of the gradient, so that a gradient of 0 divides nothing by 0; above 0.
    pub epsilon: f64,
    /// λ: by which share of itself times α every number, biases too, shrinks in a step, apart from the gradient (Loshchilov and Hutter,
    /// "Decoupled weight decay regularization", 2019); 0 or more. With 0 it is plain Adam, otherwise AdamW.
    pub weight_decay: f64,
    /// A gradient whose Euclidean norm is larger is scaled down to it; above 0, `None` leaves every gradient as it is.
    pub clip_norm: Option<f64>,
}

impl Default for AdamSettings {
    /// The paper's settings, which are also torch's: α 0.001, β₁ 0.9, β₂ 0.999, ε 1e-8; no decay, no clipping.
    fn default() -> Self {
        AdamSettings {
            learning_rate: 1e-3,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            clip_norm: None,
        }
    }
}

/// Why Adam could not take a step, or be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AdamError {
    /// Choose the setting within its range.
    #[error("{name} is {value}, and must be {range}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        range: &'static str,
    },
    /// Numbers, gradients and moments belong together one by one.
    #[error("{found} {what} for {wanted} numbers to learn")]
    Length {
        /// What there are too many or too few of.
        what: &'static str,
        /// How many numbers there are to learn.
        wanted: usize,
        /// How many were given.
        found: usize,
    },
    /// Lower the learning rate or clip the gradient: with this number nothing more would be learned.
    #[error("{what} {at} is {value}; only finite numbers can be learned from")]
    NotFinite {
        /// What it is.
        what: &'static str,
        /// Its place, counted from 0.
        at: usize,
        /// Its value.
        value: f64,
    },
    /// A mean of squares is no negative number; the saved state was changed.
    #[error("the saved mean square {at} is {value}, and must be 0 or more")]
    Negative {
        /// Its place, counted from 0.
        at: usize,
        /// Its value.
        value: f64,
    },
    /// The gradient does not belong to the layer, or the saved state has another version.
    #[error(transparent)]
    Attention(#[from] AttentionError),
}

impl AdamSettings {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn check(&self) -> Result<(), AdamError> {
        let AdamSettings { learning_rate, beta_1, beta_2, epsilon, weight_decay, clip_norm } =
            *self;
        const ABOVE: &str = "a finite number above 0";
        let above = |value: f64| value.is_finite() && value > 0.0;
        let share = |value: f64| (0.0..1.0).contains(&value);
        let decay = weight_decay.is_finite() && weight_decay >= 0.0;
        for (name, value, holds, range) in [
            ("learning_rate", learning_rate, above(learning_rate), ABOVE),
            ("beta_1", beta_1, share(beta_1), "from 0 to below 1"),
            ("beta_2", beta_2, share(beta_2), "from 0 to below 1"),
            ("epsilon", epsilon, above(epsilon), ABOVE),
            ("weight_decay", weight_decay, decay, "a finite number of 0 or more"),
            ("clip_norm", clip_norm.unwrap_or(1.0), clip_norm.is_none_or(above), ABOVE),
        ] {
            if !holds {
                return Err(AdamError::Setting { name, value, range });
            }
        }
        Ok(())
    }
}

/// Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1), bias-corrected, with decoupled weight decay
/// and clipping on request; two numbers of state for each number learned. One `Adam` belongs to one list of numbers; several layers that
/// learn together either have one each, or are joined into one list, so that clipping sees the norm of all.
///
/// It draws nothing: the same gradients give the same steps. As data it has a version and is checked when read; loaded, it goes on
/// with the same bytes.
///
/// ```
/// use orchestrator_attention::{Adam, AdamSettings};
/// let mut adam = Adam::new(AdamSettings { learning_rate: 0.1, ..Default::default() }, 2)?;
/// let mut x = [3.0, -2.0];
/// for _ in 0..200 {
///     let gradient = [x[0], 10.0 * x[1]]; // of ½x₀² + 5x₁²
///     adam.step(&mut x, &gradient)?;
/// }
/// assert!(x.iter().all(|x: &f64| x.abs() < 0.01), "{x:?}");
/// # Ok::<(), orchestrator_attention::AdamError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "T: Real", try_from = "Saved<T>", into = "Saved<T>")]
pub struct Adam<T: Real = f64> {
    settings: AdamSettings,
    steps: u64,
    /// m: the mean gradient.
    mean: Vec<T>,
    /// v: the mean squared gradient.
    square: Vec<T>,
}

impl<T: Real> Adam<T> {
    /// Before the first step, for so many numbers.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(settings: AdamSettings, parameters: usize) -> Result<Self, AdamError> {
        settings.check()?;
        let zeros = vec![T::zero(); parameters];
        Ok(Adam { settings, steps: 0, mean: zeros.clone(), square: zeros })
    }

    /// Before the first step, for the projections of this layer.
    ///
    /// # Errors
    /// As [`Adam::new`].
    pub fn of_layer(
        settings: AdamSettings,
        layer: &MultiHeadAttention<T>,
    ) -> Result<Self, AdamError> {
        Self::new(settings, layer.projections().parameters())
    }

    /// The settings.
    pub fn settings(&self) -> AdamSettings {
        self.settings
    }

    /// Other settings from the next step on, as a schedule of learning rates needs them.
    ///
    /// # Errors
    /// When a setting is out of its range; then the old ones stay.
    pub fn change(&mut self, settings: AdamSettings) -> Result<(), AdamError> {
        settings.check()?;
        self.settings = settings;
        Ok(())
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Takes one step against the gradient, and gives back the gradient's norm before any clipping. What a step computes, it
    /// computes in double precision and rounds once.
    ///
    /// # Errors
    /// When there are more or fewer numbers or gradients than this was made for, a gradient is not finite, or a number would not stay so;
    /// then nothing has changed.
    pub fn step(&mut self, numbers: &mut [T], gradient: &[T]) -> Result<f64, AdamError> {
        let wanted = self.mean.len();
        for (what, found) in [("numbers", numbers.len()), ("gradients", gradient.len())] {
            if found != wanted {
                return Err(AdamError::Length { what, wanted, found });
            }
        }
        finite("gradient", gradient)?;
        let norm = norm(gradient);
        let AdamSettings { learning_rate, beta_1, beta_2, epsilon, weight_decay, clip_norm } =
            self.settings;
        let shrink = clip_norm.map_or(1.0, |most| if norm > most { most / norm } else { 1.0 });
        let steps = self.steps + 1;
        // 1 − βᵗ, without cancelling for a β near 1.
        let correction = |beta: f64| -(steps as f64 * beta.ln()).exp_m1();
        let (rate, spread) = (learning_rate / correction(beta_1), correction(beta_2));

        let count = numbers.len();
        let (mut mean, mut square) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut moved = Vec::with_capacity(count);
        for (at, (number, gradient)) in numbers.iter().zip(gradient).enumerate() {
            let (number, gradient) = (number.double(), shrink * gradient.double());
            let m = beta_1 * self.mean[at].double() + (1.0 - beta_1) * gradient;
            let v = beta_2 * self.square[at].double() + (1.0 - beta_2) * gradient * gradient;
            let step = rate * m / ((v / spread).sqrt() + epsilon);
            mean.push(T::of(m));
            square.push(T::of(v));
            moved.push(T::of(number - learning_rate * weight_decay * number - step));
        }
        finite("the square of gradient", &square)?;
        finite("after the step, number", &moved)?;
        numbers.copy_from_slice(&moved);
        (self.mean, self.square, self.steps) = (mean, square, steps);
        Ok(norm)
    }
}

impl<T: Real> MultiHeadAttention<T> {
    /// Lets Adam take a step with the projections of this layer, and gives back the gradient's norm before any clipping.
    ///
    /// # Errors
    /// When the gradient has other shapes than the projections, and as [`Adam::step`]; then nothing has changed.
    pub fn update(
        &mut self,
        adam: &mut Adam<T>,
        gradient: &Projections<T>,
    ) -> Result<f64, AdamError> {
        self.projections().check_alike(gradient)?;
        let mut numbers = self.projections().stored().collect::<Vec<_>>().concat();
        let norm = adam.step(&mut numbers, &gradient.stored().collect::<Vec<_>>().concat())?;
        let mut rest = &numbers[..];
        for part in self.projections_mut().stored_mut() {
            let (these, others) = rest.split_at(part.len());
            part.copy_from_slice(these);
            rest = others;
        }
        Ok(norm)
    }
}

/// The Euclidean norm, without overflow on the way.
fn norm<T: Real>(gradient: &[T]) -> f64 {
    let largest = gradient.iter().map(|g| g.double().abs()).fold(0.0, f64::max);
    if largest == 0.0 {
        return 0.0;
    }
    let square = |g: &T| (g.double() / largest).powi(2);
    largest * gradient.iter().map(square).sum::<f64>().sqrt()
}

fn finite<T: Real>(what: &'static str, numbers: &[T]) -> Result<(), AdamError> {
    match numbers.iter().position(|number| !number.is_finite()) {
        None => Ok(()),
        Some(at) => Err(AdamError::NotFinite { what, at, value: numbers[at].double() }),
    }
}

/// As it is written down.
#[derive(Serialize, Deserialize)]
#[serde(bound = "T: Real", deny_unknown_fields)]
struct Saved<T: Real> {
    #[serde(deserialize_with = "known_version")]
    version: u32,
    settings: AdamSettings,
    steps: u64,
    mean: Vec<T>,
    square: Vec<T>,
}

impl<T: Real> From<Adam<T>> for Saved<T> {
    fn from(adam: Adam<T>) -> Self {
        let Adam { settings, steps, mean, square } = adam;
        Saved { version: VERSION, settings, steps, mean, square }
    }
}

impl<T: Real> TryFrom<Saved<T>> for Adam<T> {
    type Error = AdamError;
    fn try_from(saved: Saved<T>) -> Result<Self, AdamError> {
        let Saved { version: _, settings, steps, mean, square } = saved;
        settings.check()?;
        let (wanted, found) = (mean.len(), square.len());
        if found != wanted {
            return Err(AdamError::Length { what: "mean squares", wanted, found });
        }
        finite("the saved mean", &mean)?;
        finite("the saved mean square", &square)?;
        if let Some(at) = square.iter().position(|square| *square < T::zero()) {
            return Err(AdamError::Negative { at, value: square[at].double() });
        }
        Ok(Adam { settings, steps, mean, square })
    }
}

fn known_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        VERSION => Ok(VERSION),
        found => Err(serde::de::Error::custom(AttentionError::Version {
            what: "state of Adam",
            found,
            known: VERSION,
        })),
    }
}
