//! What a task is like: three views, each a unit vector in whole numbers.
//!
//! - *area*: role, step, and the short texts of the input (`"area": "law"`), each a random direction, the rarer the longer.
//! - *text*: what the embedder makes of goal and input.
//! - *numbers*: the numbers of the input, its size, and what was tried before, each on circles of several frequencies over asinh(x), a
//!   logarithm that goes through zero, so that near numbers have near directions whatever their unit (random Fourier features: Rahimi
//!   and Recht, 2007, with fixed frequencies).
//!
//! Whole numbers of 16 bits halve the memory that a decision reads, and their products have no order of rounding.

use orchestrator_core::Request;

use super::fields::{Fields, Value};
use crate::embed::DocumentFrequencies;
use crate::embed::token::{beginning, hash, mix, spread};

/// How much of goal and input is read, each: enough to tell tasks apart, and a bound on the time of a decision.
pub(super) const TEXT_BYTES_MAX: usize = 2048;

/// What stands for 1: the square of it times a vector's length squared stays in 32 bits.
pub(super) const ONE: f32 = 16_384.0;

/// Area, text, numbers.
pub(super) const VIEWS: usize = 3;

/// Radians per unit of asinh: the lowest tells 1 from 1000, the highest 20 from 25.
const FREQUENCIES: [f32; 4] = [0.5, 1.0, 2.0, 4.0];

/// Weight of what every task has (its size, the attempt) beside a number of the input.
const COMMON_WEIGHT: f32 = 0.5;

/// Where the views of a key begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) area: usize,
    pub(super) text: usize,
    pub(super) numbers: usize,
}

impl Layout {
    pub(super) fn width(self) -> usize {
        self.area + self.text + self.numbers
    }

    /// The views of a key.
    #[inline(always)]
    pub(super) fn split<T>(self, key: &[T]) -> [&[T]; VIEWS] {
        let (area, rest) = key.split_at(self.area);
        let (text, numbers) = rest.split_at(self.text);
        [area, text, numbers]
    }
}

/// What the embedder is given of a request.
pub(super) fn text(request: &Request) -> String {
    let goal = beginning(&request.goal, TEXT_BYTES_MAX);
    let input = beginning(request.input.as_json(), TEXT_BYTES_MAX);
    [goal, input].join(" ")
}

/// A key in the making: buffers that are used again.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) key: Vec<i16>,
    vector: Vec<f32>,
    /// The tokens of the area.
    pub(super) area: Vec<u64>,
}

/// Kinds of tokens.
const ROLE: u64 = 1;
const STEP: u64 = 2;
const FIELD: u64 = 3;
const NUMBER: u64 = 4;
const SIZE: u64 = 5;
const ATTEMPT: u64 = 6;
const TRIED: u64 = 7;
const NOTHING: u64 = 8;

impl Draft {
    /// Makes the key of a request whose text is embedded.
    pub(super) fn make(
        &mut self,
        layout: Layout,
        request: &Request,
        text: &[f32],
        known: &DocumentFrequencies,
    ) {
        let Fields(fields) = request.input.to().unwrap_or_default();
        self.key.clear();

        self.area.clear();
        self.area.push(hash(request.role.as_str().bytes(), ROLE));
        self.area.push(hash(request.path.step().as_str().bytes(), STEP));
        for (step, _) in request.path.rounds() {
            self.area.push(hash(step.as_str().bytes(), STEP));
        }
        self.area.extend(fields.iter().filter_map(|(name, value)| match value {
            Value::Label(label) => Some(mix(name ^ mix(label ^ FIELD))),
            Value::Number(_) | Value::Other => None,
        }));
        self.start(layout.area);
        for &token in &self.area {
            spread(token, known.idf(token), &mut self.vector);
        }
        self.finish();

        self.vector.clear();
        self.vector.extend_from_slice(text);
        self.finish();

        self.start(layout.numbers);
        for (name, value) in fields {
            if let Value::Number(number) = value {
                self.number(mix(name ^ NUMBER), number as f32, 1.0);
            }
        }
        let size = request.input.bytes() as f32;
        self.number(mix(SIZE), size, COMMON_WEIGHT);
        self.number(mix(ATTEMPT), request.attempt as f32, COMMON_WEIGHT);
        for worker in &request.tried {
            spread(hash(worker.as_str().bytes(), TRIED), COMMON_WEIGHT, &mut self.vector);
        }
        self.finish();
    }

    fn start(&mut self, width: usize) {
        self.vector.clear();
        self.vector.resize(width, 0.0);
    }

    fn number(&mut self, token: u64, number: f32, weight: f32) {
        let place = number.asinh();
        for (at, frequency) in FREQUENCIES.into_iter().enumerate() {
            let (sin, cos) = (frequency * place).sin_cos();
            let token = mix(token.wrapping_add(at as u64));
            spread(token, weight * cos, &mut self.vector);
            spread(mix(token), weight * sin, &mut self.vector);
        }
    }

    /// Appends the vector to the key, as a unit vector. What says nothing has a direction of its own, so that two such are alike.
    fn finish(&mut self) {
        let length = |vector: &[f32]| vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        let mut norm = length(&self.vector);
        if !(norm.is_finite() && norm > 0.0) {
            self.vector.fill(0.0);
            spread(mix(NOTHING), 1.0, &mut self.vector);
            norm = length(&self.vector);
        }
        self.key.extend(self.vector.iter().map(|x| (x * (ONE / norm)).round() as i16));
    }
}

/// The product of two views of the same width, 1 for equal ones.
#[inline(always)]
pub(super) fn similarity(a: &[i16], b: &[i16]) -> f32 {
    // A block of fixed size is compiled to a few wide instructions without a loop.
    let (a_blocks, a_rest) = a.as_chunks::<BLOCK>();
    let (b_blocks, b_rest) = b.as_chunks::<BLOCK>();
    let mut sum = 0_i32;
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        sum = sum.wrapping_add(product(a, b));
    }
    sum.wrapping_add(product(a_rest, b_rest)) as f32 * (1.0 / (ONE * ONE))
}

/// A divisor of the usual widths of views.
const BLOCK: usize = 32;

/// Unit vectors cannot overflow; ones that were changed by hand may wrap, but not panic.
#[inline(always)]
fn product(a: &[i16], b: &[i16]) -> i32 {
    let products = a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b));
    products.fold(0_i32, i32::wrapping_add)
}
