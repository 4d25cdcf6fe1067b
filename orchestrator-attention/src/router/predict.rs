//! What is expected of every candidate, from the sums of the heads.
//!
//! A head's estimate is drawn towards a prior as if that had been seen `shrinkage` times. The prior is the worker's mean over all its
//! tasks, moved by what all workers' tasks of this kind say of its difficulty: a kind at which one worker fails is taken to be harder for another who has not done it.
//! So a worker's strangeness to a kind of task is no advantage over one who has shown how hard it is.

use serde::{Deserialize, Serialize};

use orchestrator_core::WorkerName;

use super::attend::Sums;
use super::config::RouterConfig;
use super::heads::{HEADS, Losses, Value};

/// What is expected of one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The candidate.
    pub worker: WorkerName,
    /// Chance of success, from 0 to 1.
    pub success: f64,
    /// Dollars; for a stranger the mean of the others.
    pub usd: f64,
    /// Milliseconds; for a stranger the mean of the others.
    pub duration_ms: f64,
    /// How many past tasks like this one spoke: the sum of their weights before normalisation, where a fresh and equal one weighs 1, averaged
    /// over the heads. Kish's (Σw)²/Σw² would count a crowd of unlike tasks as full evidence.
    pub effective_samples: f64,
    /// What it is chosen by: success less weighted cost and duration, with the bonus for not knowing.
    pub score: f64,
    /// The past tasks that weighed most, with their share in the expected success; the rest is the worker's other tasks and the prior.
    pub weighed: Vec<(String, f64)>,
}

/// The numbers of a [`Prediction`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Expected {
    pub(super) success: f64,
    pub(super) usd: f64,
    pub(super) ms: f64,
    pub(super) samples: f64,
    pub(super) score: f64,
}

/// What every head foretells of one worker.
pub(super) struct Foretold {
    pub(super) success: [f64; HEADS],
    pub(super) usd: [f64; HEADS],
    pub(super) ms: [f64; HEADS],
}

/// How many tasks of the same kind a worker's mean cost is worth: costs vary less than successes.
const COST_SHRINKAGE: f64 = 1.0;

/// The variance of the mean success of a worker with one task, at worst.
const VARIANCE_MAX: f64 = 0.25;

/// Means over all tasks of a worker.
#[derive(Clone, Copy)]
pub(super) struct Overall {
    mass: f64,
    success: f64,
    /// None for a stranger.
    pub(super) usd: Option<f64>,
    pub(super) ms: Option<f64>,
}

impl Overall {
    /// Of the sums of a worker; `fit` moves the prior of who has no experience, fading as it comes.
    pub(super) fn of(config: &RouterConfig, sums: Option<&Sums>, fit: f64) -> Overall {
        let RouterConfig { prior_success, prior_weight, .. } = *config;
        let sums = sums.copied().unwrap_or_default();
        let mass = f64::from(sums.mass[0]);
        let prior = (prior_success + fit).clamp(0.0, 1.0);
        let success = (f64::from(sums.success[0]) + prior_weight * prior) / (mass + prior_weight);
        let mean = |sum: f32| (mass > 0.0).then(|| f64::from(sum) / mass);
        Overall { mass, success, usd: mean(sums.usd[0]), ms: mean(sums.ms[0]) }
    }
}

/// What all workers' tasks say of the task at hand: how much better than usual it goes, and how many times as much as usual it costs.
pub(super) struct Difficulty {
    success: [f64; HEADS],
    usd: [f64; HEADS],
    ms: [f64; HEADS],
}

impl Difficulty {
    pub(super) fn of(config: &RouterConfig, sums: &[Sums]) -> Difficulty {
        let mut mass = [0.0; HEADS];
        let mut success = [0.0; HEADS];
        let mut usd = [COST_SHRINKAGE; HEADS];
        let mut ms = [COST_SHRINKAGE; HEADS];
        for sums in sums {
            let overall = Overall::of(config, Some(sums), 0.0);
            let ratio = |sum: f32, mean: Option<f64>, mass: f64| match mean {
                Some(mean) if mean > 0.0 => f64::from(sum) / mean,
                _ => mass,
            };
            for head in 0..HEADS {
                let own = f64::from(sums.mass[head]);
                mass[head] += own;
                success[head] += f64::from(sums.success[head]) - overall.success * own;
                usd[head] += ratio(sums.usd[head], overall.usd, own);
                ms[head] += ratio(sums.ms[head], overall.ms, own);
            }
        }
        for head in 0..HEADS {
            success[head] *= config.sharing / (mass[head] + config.shrinkage);
            usd[head] /= mass[head] + COST_SHRINKAGE;
            ms[head] /= mass[head] + COST_SHRINKAGE;
        }
        Difficulty { success, usd, ms }
    }
}

/// What the heads foretell of a worker, whose mean costs are given.
pub(super) fn foretell(
    config: &RouterConfig,
    sums: &Sums,
    overall: &Overall,
    difficulty: &Difficulty,
    [usd, ms]: [f64; 2],
) -> Foretold {
    let cost = |sum: f32, mass: f32, prior: f64| {
        (f64::from(sum) + COST_SHRINKAGE * prior) / (f64::from(mass) + COST_SHRINKAGE)
    };
    let shrinkage = config.shrinkage;
    Foretold {
        success: std::array::from_fn(|head| {
            let prior = overall.success + difficulty.success[head];
            let seen = f64::from(sums.success[head]) + shrinkage * prior;
            (seen / (f64::from(sums.mass[head]) + shrinkage)).clamp(0.0, 1.0)
        }),
        usd: std::array::from_fn(|head| {
            cost(sums.usd[head], sums.mass[head], usd * difficulty.usd[head])
        }),
        ms: std::array::from_fn(|head| {
            cost(sums.ms[head], sums.mass[head], ms * difficulty.ms[head])
        }),
    }
}

/// How much the heads are listened to, for each quantity.
pub(super) struct Listened {
    pub(super) success: [f64; HEADS],
    pub(super) usd: [f64; HEADS],
    pub(super) ms: [f64; HEADS],
}

impl Listened {
    pub(super) fn of(losses: &Losses) -> Listened {
        Listened {
            success: losses.weights(Value::Success),
            usd: losses.weights(Value::Cost),
            ms: losses.weights(Value::Duration),
        }
    }
}

/// Writes what is expected of every candidate, given as the number of its worker and the fit of its capabilities.
pub(super) fn expect(
    config: &RouterConfig,
    sums: &[Sums],
    listened: &Listened,
    candidates: impl Iterator<Item = (Option<usize>, f64)>,
    expected: &mut Vec<Expected>,
) {
    let difficulty = Difficulty::of(config, sums);
    let known: Vec<(Option<&Sums>, Overall)> = candidates
        .map(|(number, fit)| {
            let own = number.map(|number| &sums[number]);
            (own, Overall::of(config, own, fit))
        })
        .collect();
    let spread = |mean: &dyn Fn(&Overall) -> Option<f64>| {
        let means = known.iter().filter_map(|(_, overall)| mean(overall));
        let (count, sum, most) = means
            .fold((0.0, 0.0, 0.0_f64), |(count, sum, most), x| (count + 1.0, sum + x, most.max(x)));
        (if count > 0.0 { sum / count } else { 0.0 }, most)
    };
    let (usd_mean, usd_most) = spread(&|overall| overall.usd);
    let (ms_mean, ms_most) = spread(&|overall| overall.ms);
    let share = |part: f64, most: f64| if most > 0.0 { part / most } else { 0.0 };
    let strange = Sums::default();
    expected.clear();
    expected.extend(known.iter().map(|(own, overall)| {
        let own = own.unwrap_or(&strange);
        let means = [overall.usd.unwrap_or(usd_mean), overall.ms.unwrap_or(ms_mean)];
        let foretold = foretell(config, own, overall, &difficulty, means);
        let success = dot(&listened.success, &foretold.success);
        let usd = dot(&listened.usd, &foretold.usd);
        let ms = dot(&listened.ms, &foretold.ms);
        let samples = dot(&listened.success, &own.mass.map(f64::from));
        let local = config.local_exploration.powi(2)
            * success.clamp(0.05, 0.95)
            * (1.0 - success.clamp(0.05, 0.95))
            / (samples + config.shrinkage);
        let global = config.exploration.powi(2) * VARIANCE_MAX / (1.0 + overall.mass);
        let score = success
            - config.cost_weight * share(usd, usd_most)
            - config.duration_weight * share(ms, ms_most)
            + (local + global).sqrt();
        Expected { success, usd, ms, samples, score }
    }));
}

/// The share of each past task's kernels in the expected success of its worker.
pub(super) fn shares(config: &RouterConfig, listened: &Listened, own: &Sums) -> [f32; HEADS] {
    std::array::from_fn(|head| {
        (listened.success[head] / (f64::from(own.mass[head]) + config.shrinkage)) as f32
    })
}

pub(super) fn dot(a: &[f64; HEADS], b: &[f64; HEADS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
