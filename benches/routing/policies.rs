//! Who chooses: the router through its door, and what it is held against.

use std::collections::BTreeMap;

use orchestrator_attention::{AttentionRouter, RouterConfig};
use orchestrator_core::{
    Candidate, FastStream, Outcome, Path, Payload, Request, Role, Router, RunId, Seed, Usage,
    WorkerName,
};

use crate::log::{Log, Query};

/// Chooses a model for a query, and is told how that one did.
pub(crate) trait Policy {
    fn choose(&mut self, query: &Query, step: u64) -> usize;
    fn learn(&mut self, query: &Query, step: u64, model: usize, correct: f64, usd: f64);
}

/// Always the same.
pub(crate) struct Always(pub(crate) usize);

impl Policy for Always {
    fn choose(&mut self, _: &Query, _: u64) -> usize {
        self.0
    }
    fn learn(&mut self, _: &Query, _: u64, _: usize, _: f64, _: f64) {}
}

/// The best of each area, with all outcomes known beforehand: no policy that learns, but a bound for those that see areas only.
pub(crate) struct AreaOracle(BTreeMap<String, usize>);

impl AreaOracle {
    pub(crate) fn of(log: &Log, lambda: f64) -> AreaOracle {
        let mut sums: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for query in &log.queries {
            let sums = sums.entry(query.area.clone()).or_insert(vec![0.0; log.models.len()]);
            for (model, sum) in sums.iter_mut().enumerate() {
                *sum += log.reward(query, model, lambda);
            }
        }
        AreaOracle(sums.into_iter().map(|(area, sums)| (area, best(&sums))).collect())
    }
}

impl Policy for AreaOracle {
    fn choose(&mut self, query: &Query, _: u64) -> usize {
        self.0[&query.area]
    }
    fn learn(&mut self, _: &Query, _: u64, _: usize, _: f64, _: f64) {}
}

/// ε-greedy over mean rewards, without looking at the query; 1 is random.
pub(crate) struct EpsilonGreedy {
    epsilon: f64,
    /// λ over the reference cost: who is not the router is told the latter.
    price: f64,
    sums: Vec<(f64, f64)>,
    stream: FastStream,
}

impl EpsilonGreedy {
    pub(crate) fn new(epsilon: f64, log: &Log, lambda: f64, seed: Seed) -> EpsilonGreedy {
        EpsilonGreedy {
            epsilon,
            price: lambda / log.usd_reference,
            sums: vec![(0.0, 0.0); log.models.len()],
            stream: seed.derive("epsilon").fast_stream(),
        }
    }
}

impl Policy for EpsilonGreedy {
    fn choose(&mut self, _: &Query, _: u64) -> usize {
        if self.stream.chance(self.epsilon) {
            return self.stream.below(self.sums.len());
        }
        let mean = |&(sum, count): &(f64, f64)| if count > 0.0 { sum / count } else { f64::MAX };
        best(&self.sums.iter().map(mean).collect::<Vec<f64>>())
    }
    fn learn(&mut self, _: &Query, _: u64, model: usize, correct: f64, usd: f64) {
        self.sums[model].0 += correct - self.price * usd;
        self.sums[model].1 += 1.0;
    }
}

/// LinUCB with a model of its own for each arm (Li, Chu, Langford and Schapire, "A contextual-bandit approach to personalized news article
/// recommendation", 2010, algorithm 1): areas one-hot, the logarithm of the length, and one.
pub(crate) struct LinUcb {
    alpha: f64,
    price: f64,
    areas: BTreeMap<String, usize>,
    arms: Vec<Arm>,
}

struct Arm {
    /// The inverse of A, kept by Sherman and Morrison's formula.
    inverse: Vec<f64>,
    b: Vec<f64>,
}

impl LinUcb {
    pub(crate) fn new(alpha: f64, log: &Log, lambda: f64) -> LinUcb {
        let mut areas: BTreeMap<String, usize> =
            log.queries.iter().map(|query| (query.area.clone(), 0)).collect();
        areas.values_mut().enumerate().for_each(|(at, place)| *place = at);
        let width = areas.len() + 2;
        let arm = |_| {
            let mut inverse = vec![0.0; width * width];
            (0..width).for_each(|at| inverse[at * width + at] = 1.0);
            Arm { inverse, b: vec![0.0; width] }
        };
        let arms = (0..log.models.len()).map(arm).collect();
        LinUcb { alpha, price: lambda / log.usd_reference, areas, arms }
    }

    fn context(&self, query: &Query) -> Vec<f64> {
        let mut context = vec![0.0; self.areas.len() + 2];
        context[self.areas[&query.area]] = 1.0;
        context[self.areas.len()] = (query.prompt_chars as f64).ln_1p() / 10.0;
        context[self.areas.len() + 1] = 1.0;
        context
    }
}

impl Arm {
    fn times(&self, x: &[f64]) -> Vec<f64> {
        self.inverse.chunks_exact(x.len()).map(|row| dot(row, x)).collect()
    }
}

impl Policy for LinUcb {
    fn choose(&mut self, query: &Query, _: u64) -> usize {
        let x = self.context(query);
        let score = |arm: &Arm| {
            let ax = arm.times(&x);
            dot(&ax, &arm.b) + self.alpha * dot(&ax, &x).max(0.0).sqrt()
        };
        best(&self.arms.iter().map(score).collect::<Vec<f64>>())
    }
    fn learn(&mut self, query: &Query, _: u64, model: usize, correct: f64, usd: f64) {
        let x = self.context(query);
        let reward = correct - self.price * usd;
        let arm = &mut self.arms[model];
        let ax = arm.times(&x);
        let scale = 1.0 / (1.0 + dot(&ax, &x));
        for (row, a) in arm.inverse.chunks_exact_mut(x.len()).zip(&ax) {
            row.iter_mut().zip(&ax).for_each(|(cell, b)| *cell -= scale * a * b);
        }
        arm.b.iter_mut().zip(&x).for_each(|(b, x)| *b += reward * x);
    }
}

/// The router through its door: area and length are fields of the input, λ is its cost weight, all else its default.
pub(crate) struct Attention {
    pub(crate) router: AttentionRouter,
    candidates: Vec<Candidate>,
    seed: Seed,
}

impl Attention {
    pub(crate) fn new(config: RouterConfig, models: usize, seed: Seed) -> Attention {
        let candidate = |model: usize| Candidate {
            worker: WorkerName::parse(format!("model{model}")).expect("a valid name"),
            capabilities: Vec::new(),
        };
        Attention {
            router: AttentionRouter::new(config).expect("settings in their ranges"),
            candidates: (0..models).map(candidate).collect(),
            seed: seed.derive("router"),
        }
    }

    fn request(&self, query: &Query, step: u64) -> Request {
        let input = BTreeMap::from([
            ("area", Payload::text(&query.area)),
            ("prompt_chars", Payload::of(&query.prompt_chars).expect("a whole number")),
        ]);
        Request {
            run: RunId::parse(format!("q{step}")).expect("a valid name"),
            path: Path::parse("answer").expect("a valid path"),
            role: Role::GENERIC,
            attempt: 1,
            tried: Vec::new(),
            input: Payload::of(&input).expect("a text and a number"),
            goal: String::new(),
            seed: self.seed.index(step),
        }
    }
}

impl Policy for Attention {
    fn choose(&mut self, query: &Query, step: u64) -> usize {
        let decision = self.router.route(&self.request(query, step), &self.candidates);
        let worker = decision.expect("there are candidates").worker;
        let place = self.candidates.iter().position(|candidate| candidate.worker == worker);
        place.expect("one of the candidates")
    }
    fn learn(&mut self, query: &Query, step: u64, model: usize, correct: f64, usd: f64) {
        let outcome = Outcome {
            request: self.request(query, step),
            worker: self.candidates[model].worker.clone(),
            usage: Usage { usd, ..Usage::default() },
            duration_ms: 0,
            error: None,
        };
        // What is right by half is neither a success nor a failure.
        self.router.observe_quality(&outcome, correct);
    }
}

/// The first of the largest.
pub(crate) fn best(values: &[f64]) -> usize {
    let mut best = 0;
    for at in 1..values.len() {
        if values[at] > values[best] {
            best = at;
        }
    }
    best
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
