//! Learning how sharply each view tells tasks apart, from what is remembered.
//!
//! Every task is foretold from all the others (leave-one-out: Stone, "Cross-validatory choice and assessment of statistical
//! predictions", 1974) by the very heads that a decision uses, and the mean log-loss is lowered along its gradient. What moves is the
//! logarithm of each view's sharpness, which is its weight over the temperature. A step is kept only if the loss falls.

use std::f64::consts::LN_2;

use serde::{Deserialize, Serialize};

use super::config::RouterConfig;
use super::features::{Layout, VIEWS, similarity};
use super::heads::{HEADS, POWERS};
use super::memory::Memory;

/// How long to learn, and from how much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearnOptions {
    /// The newest tasks that are learned from; time and memory grow with the square, 500 take some seconds at most.
    pub tasks_max: usize,
    /// Steps that are tried, kept or not.
    pub steps_max: usize,
}

impl Default for LearnOptions {
    /// Enough tasks that the loss means something, and steps until it hardly falls any more.
    fn default() -> Self {
        LearnOptions { tasks_max: 500, steps_max: 30 }
    }
}

/// What was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// From how many tasks.
    pub tasks: usize,
    /// Steps that were kept.
    pub steps: usize,
    /// The leave-one-out log-loss of the settings before, in nats a task.
    pub loss_before: f64,
    /// And afterwards: never more.
    pub loss_after: f64,
    /// The temperature now.
    pub temperature: f64,
    /// The weight of the area now.
    pub area_weight: f64,
    /// The weight of the text now.
    pub text_weight: f64,
    /// The weight of the numbers now.
    pub number_weight: f64,
}

/// The mean log-loss of foretelling each task's success from all the others, and its derivatives by the settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaveOneOut {
    /// Of how many tasks.
    pub tasks: usize,
    /// Nats a task.
    pub loss: f64,
    /// Its derivative by the temperature.
    pub by_temperature: f64,
    /// Its derivative by the weight of the area.
    pub by_area_weight: f64,
    /// Its derivative by the weight of the text.
    pub by_text_weight: f64,
    /// Its derivative by the weight of the numbers.
    pub by_number_weight: f64,
}

/// A forecast nearer to certainty than this is not believed: one surprise would decide the mean.
const CHANCE_MIN: f64 = 0.01;

/// Bounds of a view's sharpness: below the least it tells nothing apart, above the most only copies are alike.
const SHARPNESS: [f64; 2] = [0.05, 64.0];

/// The largest change of a logarithm in a step.
const STEP_MAX: f64 = 1.0;

/// A step below this is not worth a trial.
const STEP_MIN: f64 = 1e-4;

/// Some tasks, and how alike they are.
pub(super) struct Trial {
    config: RouterConfig,
    /// Worker and success of each.
    tasks: Vec<(usize, f64)>,
    workers: usize,
    /// Similarity less 1 of each pair, by view.
    unlike: Vec<[f32; VIEWS]>,
    /// What the difference of the ages of each pair leaves.
    decay: Vec<f32>,
}

impl Trial {
    pub(super) fn of(
        config: &RouterConfig,
        memory: &Memory,
        layout: Layout,
        tasks_max: usize,
    ) -> Trial {
        let mut order: Vec<usize> = (0..memory.len()).collect();
        order.sort_unstable_by_key(|&at| memory.age(at));
        order.truncate(tasks_max);
        let mut unlike = Vec::with_capacity(order.len() * order.len());
        let mut decay = Vec::with_capacity(order.len() * order.len());
        for &a in &order {
            let query = layout.split(memory.key(a));
            for &b in &order {
                let key = layout.split(memory.key(b));
                unlike.push(std::array::from_fn(|view| similarity(query[view], key[view]) - 1.0));
                let apart = memory.age(a).abs_diff(memory.age(b)) as f64;
                decay.push((-apart * LN_2 / config.half_life).exp() as f32);
            }
        }
        let task = |&at: &usize| {
            let slot = &memory.slots()[at];
            (slot.worker as usize, f64::from(slot.success))
        };
        Trial {
            config: config.clone(),
            tasks: order.iter().map(task).collect(),
            workers: memory.workers(),
            unlike,
            decay,
        }
    }

    /// Loss and gradient, in terms of the settings.
    pub(super) fn leave_one_out(&self, weights: &[f64; HEADS]) -> LeaveOneOut {
        let sharpness = self.sharpness();
        let (loss, by) = self.loss(weights, sharpness);
        let temperature = self.config.temperature;
        let by_weight = by.map(|by| by / temperature);
        let turned: f64 = by.iter().zip(sharpness).map(|(by, sharpness)| by * sharpness).sum();
        LeaveOneOut {
            tasks: self.tasks.len(),
            loss,
            by_temperature: -turned / temperature,
            by_area_weight: by_weight[0],
            by_text_weight: by_weight[1],
            by_number_weight: by_weight[2],
        }
    }

    /// Steps against the gradient, as long as the loss falls.
    pub(super) fn learn(&mut self, weights: &[f64; HEADS], options: &LearnOptions) -> Learned {
        let mut sharpness = self.sharpness();
        let (loss_before, mut by) = self.loss(weights, sharpness);
        let (mut loss, mut steps, mut length) = (loss_before, 0, STEP_MAX / 2.0);
        for _ in 0..options.steps_max {
            let slope: [f64; VIEWS] = std::array::from_fn(|view| by[view] * sharpness[view]);
            let steepest = slope.iter().fold(0.0_f64, |most, slope| most.max(slope.abs()));
            if steepest == 0.0 || length < STEP_MIN {
                break;
            }
            let next: [f64; VIEWS] = std::array::from_fn(|view| {
                let step = sharpness[view] * (-length * slope[view] / steepest).exp();
                // A view that is switched off stays so; one that was set outside the bounds is not thrown back inside.
                let [least, most] = SHARPNESS;
                step.clamp(least.min(sharpness[view]), most.max(sharpness[view]))
            });
            let (lower, then) = self.loss(weights, next);
            if lower < loss {
                (sharpness, loss, by) = (next, lower, then);
                steps += 1;
                length = (length * 1.5).min(STEP_MAX);
            } else {
                length /= 3.0;
            }
        }
        let before: f64 = self.sharpness().iter().sum();
        let after: f64 = sharpness.iter().sum();
        // The weights keep their sum, so that the temperature has a meaning of its own.
        let unchanged = steps == 0 || after == 0.0;
        let temperature = self.config.temperature * if unchanged { 1.0 } else { before / after };
        let weight = |view: usize, old: f64| {
            if unchanged { old } else { sharpness[view] * temperature }
        };
        Learned {
            tasks: self.tasks.len(),
            steps,
            loss_before,
            loss_after: loss,
            temperature,
            area_weight: weight(0, self.config.area_weight),
            text_weight: weight(1, self.config.text_weight),
            number_weight: weight(2, self.config.number_weight),
        }
    }

    fn sharpness(&self) -> [f64; VIEWS] {
        let RouterConfig { temperature, area_weight, text_weight, number_weight, .. } = self.config;
        [area_weight, text_weight, number_weight].map(|weight| weight / temperature)
    }

    /// Mean log-loss, and its derivatives by each sharpness.
    fn loss(&self, weights: &[f64; HEADS], sharpness: [f64; VIEWS]) -> (f64, [f64; VIEWS]) {
        let (mut loss, mut by) = (0.0, [0.0; VIEWS]);
        let count = self.tasks.len();
        for (at, &(_, success)) in self.tasks.iter().enumerate() {
            let (chance, slope) = self.foretell(at, weights, sharpness);
            let believed = chance.clamp(CHANCE_MIN, 1.0 - CHANCE_MIN);
            loss -= success * believed.ln() + (1.0 - success) * (1.0 - believed).ln();
            if believed == chance {
                let steep = (1.0 - success) / (1.0 - chance) - success / chance;
                by.iter_mut().zip(slope).for_each(|(by, slope)| *by += steep * slope);
            }
        }
        let count = count.max(1) as f64;
        (loss / count, by.map(|by| by / count))
    }

    /// The chance of success of a task from all the others, and its derivatives by each sharpness.
    fn foretell(
        &self,
        at: usize,
        weights: &[f64; HEADS],
        sharpness: [f64; VIEWS],
    ) -> (f64, [f64; VIEWS]) {
        let RouterConfig { prior_success, prior_weight, shrinkage, sharing, .. } = self.config;
        let count = self.tasks.len();
        let row = at * count..(at + 1) * count;
        let (unlike, decay) = (&self.unlike[row.clone()], &self.decay[row]);

        let mut usual = vec![(prior_weight * prior_success, prior_weight); self.workers];
        for (other, &(worker, success)) in self.tasks.iter().enumerate() {
            if other != at {
                usual[worker].0 += f64::from(decay[other]) * success;
                usual[worker].1 += f64::from(decay[other]);
            }
        }
        let usual: Vec<f64> = usual.into_iter().map(|(sum, mass)| sum / mass).collect();

        let mut own = [Sums::default(); HEADS];
        let mut all = [Sums::default(); HEADS];
        let worker = self.tasks[at].0;
        for (other, &(who, success)) in self.tasks.iter().enumerate() {
            if other == at {
                continue;
            }
            let unlike = unlike[other].map(f64::from);
            let views: [f64; VIEWS] =
                std::array::from_fn(|view| (sharpness[view] * unlike[view]).exp());
            for (head, kernel) in kernels(f64::from(decay[other]), views).into_iter().enumerate() {
                let slope: [f64; VIEWS] = std::array::from_fn(|view| {
                    kernel * f64::from(POWERS[head][view]) * unlike[view]
                });
                all[head].add(kernel, slope, success - usual[who]);
                if who == worker {
                    own[head].add(kernel, slope, success);
                }
            }
        }

        let (mut chance, mut by) = (0.0, [0.0; VIEWS]);
        for head in 0..HEADS {
            let (own, all) = (&own[head], &all[head]);
            let (own_mass, all_mass) = (own.mass + shrinkage, all.mass + shrinkage);
            let difficulty = sharing * all.value / all_mass;
            let estimate = (own.value + shrinkage * (usual[worker] + difficulty)) / own_mass;
            chance += weights[head] * estimate.clamp(0.0, 1.0);
            if !(0.0..=1.0).contains(&estimate) {
                continue;
            }
            for (view, by) in by.iter_mut().enumerate() {
                let moved = sharing
                    * (all.by_value[view] - all.value / all_mass * all.by_mass[view])
                    / all_mass;
                let slope = (own.by_value[view] + shrinkage * moved - estimate * own.by_mass[view])
                    / own_mass;
                *by += weights[head] * slope;
            }
        }
        (chance, by)
    }
}

/// Sums of kernels and of what they weigh, with their derivatives.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    mass: f64,
    value: f64,
    by_mass: [f64; VIEWS],
    by_value: [f64; VIEWS],
}

impl Sums {
    fn add(&mut self, kernel: f64, slope: [f64; VIEWS], value: f64) {
        self.mass += kernel;
        self.value += kernel * value;
        for (view, slope) in slope.into_iter().enumerate() {
            self.by_mass[view] += slope;
            self.by_value[view] += slope * value;
        }
    }
}

/// As the heads' own, in double precision: a gradient that is compared with differences needs it.
fn kernels(decay: f64, [area, text, numbers]: [f64; VIEWS]) -> [f64; HEADS] {
    let near = numbers.powi(4);
    [
        decay,
        decay * area,
        decay * text,
        decay * text.powf(0.25),
        decay * numbers,
        decay * near,
        decay * area * text * numbers,
        decay * area * near,
    ]
}
