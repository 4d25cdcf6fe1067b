//! The heads: views of the task, alone and together, and how much each is listened to.
//!
//! A head attends to past tasks by one kernel, the product of a similarity kernel for each view it looks at. Which views tell a
//! worker's success is not known beforehand, and need not be the ones that tell its cost; so every head forecasts every outcome
//! before it is learned from, and its weight falls with its squared error: the exponentially weighted average forecaster, with the
//! rate of the square loss (Cesa-Bianchi and Lugosi, "Prediction, learning, and games", 2006, sections 3.3 and 3.6).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::features::VIEWS;

/// What a head looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// At nothing: all tasks of a worker count alike.
    Overall,
    /// At the area.
    Area,
    /// At the text.
    Text,
    /// At the text, so that distant likeness counts too.
    TextWide,
    /// At the numbers.
    Numbers,
    /// At the numbers, so that only near ones count.
    NumbersNear,
    /// At area, text and numbers at once.
    Whole,
    /// At the area and near numbers at once.
    AreaNumbersNear,
}

/// How many heads there are.
pub(super) const HEADS: usize = 8;

impl Head {
    /// All of them.
    pub const ALL: [Head; HEADS] = [
        Head::Overall,
        Head::Area,
        Head::Text,
        Head::TextWide,
        Head::Numbers,
        Head::NumbersNear,
        Head::Whole,
        Head::AreaNumbersNear,
    ];
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Head::Overall => "overall",
            Head::Area => "area",
            Head::Text => "text",
            Head::TextWide => "text, wide",
            Head::Numbers => "numbers",
            Head::NumbersNear => "numbers, near",
            Head::Whole => "whole",
            Head::AreaNumbersNear => "area and near numbers",
        })
    }
}

/// The powers of the views' kernels whose product is a head's.
pub(super) const POWERS: [[f32; VIEWS]; HEADS] = [
    [0.0, 0.0, 0.0],
    [1.0, 0.0, 0.0],
    [0.0, 1.0, 0.0],
    [0.0, 0.25, 0.0],
    [0.0, 0.0, 1.0],
    [0.0, 0.0, 4.0],
    [1.0, 1.0, 1.0],
    [1.0, 0.0, 4.0],
];

/// The kernels of all heads, from those of the views and the weight that age leaves.
#[inline(always)]
pub(super) fn kernels(decay: f32, [area, text, numbers]: [f32; VIEWS]) -> [f32; HEADS] {
    let wide = text.sqrt().sqrt();
    let square = numbers * numbers;
    let near = square * square;
    [
        decay,
        decay * area,
        decay * text,
        decay * wide,
        decay * numbers,
        decay * near,
        decay * area * text * numbers,
        decay * area * near,
    ]
}

/// A quantity that is foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Success,
    Cost,
    Duration,
}

/// How many there are.
const VALUES: usize = 3;

/// What is believed of the heads before anything was foretold: as much of each, and of the area twice.
const PRIOR: [f64; HEADS] = [1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];

/// The rate of the exponential weights: 2 is the largest for which squared errors in [0, 1] mix without regret that grows with time.
const RATE: f64 = 2.0;

/// How well the heads have foretold: squared errors in [0, 1], summed, older ones fading with the half-life.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Losses([[f64; HEADS]; VALUES]);

impl Losses {
    /// Adds what the heads foretold, beside what came.
    pub(super) fn add(&mut self, value: Value, foretold: [f64; HEADS], came: f64, fade: f64) {
        for (loss, foretold) in self.0[value as usize].iter_mut().zip(foretold) {
            *loss = *loss * fade + (foretold - came).powi(2).min(1.0);
        }
    }

    /// How much each head is listened to; they sum to 1.
    pub(super) fn weights(&self, value: Value) -> [f64; HEADS] {
        let losses = &self.0[value as usize];
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
        let mut weights: [f64; HEADS] =
            std::array::from_fn(|head| PRIOR[head] * (RATE * (least - losses[head])).exp());
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        weights
    }

    pub(super) fn are_numbers(&self) -> bool {
        self.0.iter().flatten().all(|loss| loss.is_finite() && *loss >= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_the_products_of_powers_that_they_claim() {
        let views = [0.3_f32, 0.5, 0.7];
        for (head, kernel) in kernels(0.9, views).into_iter().enumerate() {
            let product: f32 =
                views.iter().zip(POWERS[head]).map(|(view, power)| view.powf(power)).product();
            assert!((kernel - 0.9 * product).abs() < 1e-6, "{}", Head::ALL[head]);
        }
    }

    #[test]
    fn the_head_that_foretells_best_is_listened_to_and_the_past_fades() {
        let mut losses = Losses::default();
        let even = losses.weights(Value::Success);
        assert!((even.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for _ in 0..50 {
            losses.add(Value::Success, [0.5, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5], 1.0, 0.9);
        }
        assert!(losses.weights(Value::Success)[1] > 0.9);
        assert_eq!(losses.weights(Value::Cost), even);
        for _ in 0..200 {
            losses.add(Value::Success, [0.5, 0.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5], 1.0, 0.9);
        }
        assert!(losses.weights(Value::Success)[1] < 0.01);
    }
}
