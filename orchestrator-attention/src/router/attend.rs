//! One pass over the memory: similarities, kernels, and sums for every worker and head.

use super::features::{Layout, VIEWS, similarity};
use super::heads::{HEADS, kernels as of_heads};
use super::memory::Memory;
use crate::kernel::{Wide, wide};

/// What the past tasks of one worker weigh, and what they gave, for each head. Kernels are not normalised: a fresh task that is the same as
/// the one at hand weighs 1, so that a sum of them counts tasks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) mass: [f32; HEADS],
    pub(super) success: [f32; HEADS],
    pub(super) usd: [f32; HEADS],
    pub(super) ms: [f32; HEADS],
}

/// How sharply each view tells tasks apart, and how fast they age.
#[derive(Debug, Clone, Copy)]
pub(super) struct Focus {
    pub(super) sharpness: [f32; VIEWS],
    pub(super) half_life: f64,
}

/// Buffers of a pass, used again.
#[derive(Debug, Default)]
pub(super) struct Attention {
    /// By the number of the worker.
    pub(super) sums: Vec<Sums>,
    decay: Vec<f32>,
    views: [Vec<f32>; VIEWS],
    /// By slot.
    kernels: Vec<[f32; HEADS]>,
}

impl Attention {
    /// Attends to all that is remembered with the key of the task at hand.
    pub(super) fn attend(&mut self, memory: &Memory, layout: Layout, key: &[i16], focus: Focus) {
        wide(Attend { attention: self, memory, layout, key, focus, sums: true });
    }

    /// The kernels only, without sums.
    pub(super) fn compare(&mut self, memory: &Memory, layout: Layout, key: &[i16], focus: Focus) {
        wide(Attend { attention: self, memory, layout, key, focus, sums: false });
    }

    /// What a past task weighs for each head.
    pub(super) fn kernels(&self, slot: usize) -> &[f32; HEADS] {
        &self.kernels[slot]
    }

    /// The kernels of the views of a past task, age aside.
    pub(super) fn views(&self, slot: usize) -> [f32; VIEWS] {
        [self.views[0][slot], self.views[1][slot], self.views[2][slot]]
    }
}

/// A pass: similarities, then kernels, then sums, each over all tasks.
struct Attend<'a> {
    attention: &'a mut Attention,
    memory: &'a Memory,
    layout: Layout,
    key: &'a [i16],
    focus: Focus,
    sums: bool,
}

impl Wide for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Attend { attention, memory, layout, key, focus, sums } = self;
        let Attention { sums: by_worker, decay, views, kernels } = attention;
        let query = layout.split(key);
        let [area, text, numbers] = views;
        for view in [&mut *area, &mut *text, &mut *numbers] {
            view.resize(memory.len(), 0.0);
        }
        let past = memory.keys().chunks_exact(layout.width());
        for (((past, area), text), numbers) in
            past.zip(area.iter_mut()).zip(text.iter_mut()).zip(numbers.iter_mut())
        {
            let [a, t, n] = layout.split(past);
            *area = similarity(query[0], a) - 1.0;
            *text = similarity(query[1], t) - 1.0;
            *numbers = similarity(query[2], n) - 1.0;
        }
        let columns = memory.columns();
        let newest = memory.clock().wrapping_sub(1);
        decay.clear();
        // Nothing that is 2³¹ tasks old weighs anything.
        decay.extend(
            columns.at.iter().map(|at| -((newest - at).min(i32::MAX as u64) as i32 as f32)),
        );
        exp_scaled(decay, (std::f64::consts::LN_2 / focus.half_life) as f32);
        exp_scaled(area, focus.sharpness[0]);
        exp_scaled(text, focus.sharpness[1]);
        exp_scaled(numbers, focus.sharpness[2]);

        kernels.clear();
        let parts = decay.iter().zip(&*area).zip(text.iter().zip(&*numbers));
        kernels.extend(parts.map(|((decay, a), (t, n))| of_heads(*decay, [*a, *t, *n])));

        by_worker.clear();
        by_worker.resize(memory.workers(), Sums::default());
        if !sums {
            return;
        }
        let slots = kernels.iter().zip(&columns.values).zip(&columns.worker);
        for ((kernels, [success, usd, ms]), worker) in slots {
            let sums = &mut by_worker[*worker as usize];
            add(&mut sums.mass, kernels, 1.0);
            add(&mut sums.success, kernels, *success);
            add(&mut sums.usd, kernels, *usd);
            add(&mut sums.ms, kernels, *ms);
        }
    }
}

/// Adds the kernels of all heads times a value: eight at once.
#[inline(always)]
fn add(sums: &mut [f32; HEADS], kernels: &[f32; HEADS], value: f32) {
    let added: [f32; HEADS] = std::array::from_fn(|head| sums[head] + kernels[head] * value);
    *sums = added;
}

/// Replaces each x, none of which is above 0 but by rounding, by exp(scale · x).
#[inline(always)]
fn exp_scaled(values: &mut [f32], scale: f32) {
    for value in values {
        *value = exp((scale * *value).clamp(-80.0, 1.0));
    }
}

/// eˣ to 2 units of the last place for |x| ≤ 80, without a call or a jump, so that it is computed for several at once: 2ⁿ · eʳ with |r| ≤ ln 2 / 2,
/// the rounding by adding a number that has no room for fractions (Cody and Waite, "Software manual for the elementary functions", 1980).
#[inline(always)]
fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    // Taylor's series to the sixth power: the rest is below 2⁻²³ there.
    let series = 1.0
        + r * (1.0
            + r * (0.5
                + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0))))));
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    series * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_exact_to_a_few_units_of_the_last_place() {
        for step in 0..100_000 {
            let x = -80.0 + 81.0 * step as f32 / 100_000.0;
            let exact = f64::from(x).exp();
            let error = ((f64::from(exp(x)) - exact) / exact).abs();
            assert!(error < 4.0 * f64::from(f32::EPSILON), "exp({x}) is off by {error}");
        }
        assert_eq!(exp(0.0), 1.0);
    }
}
