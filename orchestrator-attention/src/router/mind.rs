//! What a router knows, and what it makes of it under its lock.

use std::fmt::Write;

use orchestrator_core::{Candidate, Outcome, Request};

use super::attend::{Attention, Focus};
use super::config::{Forgetting, RouterConfig, RouterConfigError};
use super::explain::{self, Explanation, HeadWeight, Weighed};
use super::features::{Draft, Layout};
use super::heads::{Head, Losses, Value};
use super::learn::Learned;
use super::memory::{Memory, Slot};
use super::predict::{
    Difficulty, Expected, Listened, Overall, Prediction, expect, foretell, shares,
};
use crate::embed::DocumentFrequencies;

/// How many past tasks a rationale or a prediction names.
const NAMED_MAX: usize = 3;

/// How many past tasks an explanation shows.
const SHOWN_MAX: usize = 10;

/// Scores nearer than this are a tie.
const TIE: f64 = 1e-12;

/// The head at area, text and numbers at once, by which tasks are a crowd.
const WHOLE: usize = Head::Whole as usize;

pub(super) struct Mind {
    pub(super) config: RouterConfig,
    pub(super) layout: Layout,
    pub(super) memory: Memory,
    /// How common roles, steps and labels are.
    pub(super) areas: DocumentFrequencies,
    pub(super) losses: Losses,
    pub(super) draft: Draft,
    attention: Attention,
    /// What is expected of those who are able, and the numbers of their workers.
    expected: Vec<Expected>,
    numbers: Vec<Option<usize>>,
}

impl Mind {
    pub(super) fn new(config: RouterConfig, text: usize) -> Result<Mind, RouterConfigError> {
        config.check()?;
        if text == 0 {
            let (setting, range) = ("dimensions of the embedder", "at least 1");
            return Err(RouterConfigError::Setting { setting, value: 0.0, range });
        }
        let half = config.dimensions.div_ceil(2);
        let layout = Layout { area: half, text, numbers: half };
        Ok(Mind {
            memory: Memory::new(config.memory_max, layout.width()),
            layout,
            config,
            areas: DocumentFrequencies::new(),
            losses: Losses::default(),
            draft: Draft::default(),
            attention: Attention::default(),
            expected: Vec::new(),
            numbers: Vec::new(),
        })
    }

    /// Takes another memory over.
    pub(super) fn recall(&mut self, memory: Memory) -> Result<(), RouterConfigError> {
        let wanted = self.layout.width();
        if memory.width() != wanted {
            return Err(RouterConfigError::Features { found: memory.width(), wanted });
        }
        self.memory = memory.with_capacity(self.config.memory_max);
        Ok(())
    }

    /// Makes the key of a request whose text is embedded.
    pub(super) fn look(&mut self, request: &Request, text: &[f32]) {
        self.draft.make(self.layout, request, text, &self.areas);
    }

    fn focus(&self) -> Focus {
        let RouterConfig { temperature, area_weight, text_weight, number_weight, .. } = self.config;
        let sharpness =
            [area_weight, text_weight, number_weight].map(|weight| (weight / temperature) as f32);
        Focus { sharpness, half_life: self.config.half_life }
    }

    fn attend(&mut self) {
        let focus = self.focus();
        self.attention.attend(&self.memory, self.layout, &self.draft.key, focus);
    }

    /// Attends with the key that was made, and writes down what is expected; `fits` is empty, or has one for each that is able.
    pub(super) fn expect(&mut self, candidates: &[Candidate], able: &[usize], fits: &[f64]) {
        self.attend();
        self.numbers.clear();
        self.numbers.extend(able.iter().map(|&at| self.memory.number(&candidates[at].worker)));
        let listened = Listened::of(&self.losses);
        let weight = self.config.capability_weight;
        let fit = |at: usize| weight * fits.get(at).copied().unwrap_or(0.0);
        let able = self.numbers.iter().enumerate().map(|(at, number)| (*number, fit(at)));
        expect(&self.config, &self.attention.sums, &listened, able, &mut self.expected);
    }

    /// The best of those who are able, and among how many equals it was drawn.
    pub(super) fn choose(&self, request: &Request) -> Option<(usize, usize)> {
        let best = self.expected.iter().map(|e| e.score).fold(f64::NEG_INFINITY, f64::max);
        let ties = || {
            let each = self.expected.iter().enumerate();
            each.filter(|(_, expected)| expected.score >= best - TIE).map(|(at, _)| at)
        };
        let equals = ties().count();
        let drawn = match equals {
            0 => return None,
            1 => 0,
            _ => request.seed.derive("attention_router").stream().below(equals),
        };
        ties().nth(drawn).map(|at| (at, equals))
    }

    pub(super) fn confidence(&self, chosen: usize) -> f64 {
        let samples = self.expected[chosen].samples;
        samples / (samples + self.config.prior_weight)
    }

    /// The tasks of a worker that weigh most, with their shares, the weightiest first.
    fn weighed(&self, number: Option<usize>, count: usize) -> Vec<(usize, f32)> {
        let Some(number) = number else { return Vec::new() };
        let listened = Listened::of(&self.losses);
        let shares = shares(&self.config, &listened, &self.attention.sums[number]);
        let mut most: Vec<(usize, f32)> = Vec::with_capacity(count + 1);
        for (at, slot) in self.memory.slots().iter().enumerate() {
            if slot.worker as usize != number {
                continue;
            }
            let kernels = self.attention.kernels(at);
            let share: f32 = kernels.iter().zip(shares).map(|(kernel, share)| kernel * share).sum();
            if most.len() == count && share <= most[count - 1].1 {
                continue;
            }
            let place = most.partition_point(|&(_, other)| other >= share);
            most.insert(place, (at, share));
            most.truncate(count);
        }
        most
    }

    pub(super) fn rationale(&self, chosen: usize, equals: usize) -> String {
        let mut text = String::with_capacity(200);
        let weighed = self.weighed(self.numbers[chosen], NAMED_MAX);
        if weighed.is_empty() {
            text.push_str(explain::UNKNOWN);
            explain::tie(&mut text, equals).expect(INTO_A_STRING);
            return text;
        }
        let Expected { success, usd, ms, samples, .. } = self.expected[chosen];
        explain::numbers(&mut text, [success, usd, ms, samples]).expect(INTO_A_STRING);
        explain::tie(&mut text, equals).expect(INTO_A_STRING);
        for (place, (at, share)) in weighed.into_iter().enumerate() {
            text.push_str(if place == 0 { "; weighed most: " } else { ", " });
            let label = &self.memory.slots()[at].label;
            write!(text, "{label} ({:.0} %)", 100.0 * share).expect(INTO_A_STRING);
        }
        text
    }

    /// What is expected, in full.
    pub(super) fn predictions(&self, candidates: &[Candidate], able: &[usize]) -> Vec<Prediction> {
        let each = able.iter().zip(&self.expected).zip(&self.numbers);
        each.map(|((&at, expected), number)| Prediction {
            worker: candidates[at].worker.clone(),
            success: expected.success,
            usd: expected.usd,
            duration_ms: expected.ms,
            effective_samples: expected.samples,
            score: expected.score,
            weighed: self
                .weighed(*number, NAMED_MAX)
                .into_iter()
                .map(|(at, share)| (self.memory.slots()[at].label.clone(), f64::from(share)))
                .collect(),
        })
        .collect()
    }

    pub(super) fn explanation(
        &self,
        candidates: &[Candidate],
        able: &[usize],
        chosen: usize,
        equals: usize,
    ) -> Explanation {
        let listened = Listened::of(&self.losses);
        let head = |(at, head): (usize, &Head)| HeadWeight {
            head: *head,
            success: listened.success[at],
            cost: listened.usd[at],
            duration: listened.ms[at],
        };
        let show = |(at, share): (usize, f32)| {
            let [area, text, numbers] = self.attention.views(at).map(f64::from);
            Weighed { task: self.memory.task(at), share: f64::from(share), area, text, numbers }
        };
        let own = self.numbers[chosen].map(|number| self.attention.sums[number]);
        let own_share: f64 = own.map_or(0.0, |own| {
            let shares = shares(&self.config, &listened, &own);
            shares.iter().zip(own.mass).map(|(share, mass)| f64::from(share * mass)).sum()
        });
        Explanation {
            chosen: candidates[able[chosen]].worker.clone(),
            equals,
            predictions: self.predictions(candidates, able),
            heads: Head::ALL.iter().enumerate().map(head).collect(),
            weighed: self.weighed(self.numbers[chosen], SHOWN_MAX).into_iter().map(show).collect(),
            prior_share: 1.0 - own_share,
        }
    }

    /// Lets the heads be judged by an outcome, and remembers it.
    pub(super) fn observe(&mut self, outcome: &Outcome, success: f64, text: &[f32]) {
        let request = &outcome.request;
        let usd = if outcome.usage.usd.is_finite() { outcome.usage.usd.max(0.0) } else { 0.0 };
        let ms = outcome.duration_ms as f64;
        self.look(request, text);
        self.attend();
        let number = self.memory.number(&outcome.worker);
        if let Some(number) = number {
            self.judge(number, success, usd, ms);
        }
        let given_up = self.make_room();
        let crowd = self.join_crowd(number, given_up);
        let slot = Slot {
            label: format!("{}:{}:{}", request.run, request.path, request.attempt),
            worker: 0,
            success: success as f32,
            usd,
            duration_ms: ms,
            at: 0,
            crowd,
        };
        self.memory.remember(given_up, &outcome.worker, slot, &self.draft.key);
        self.areas.observe(&mut self.draft.area);
    }

    /// Holds what the heads foretold against what came. Costs and durations count in parts of the dearest and slowest worker's mean.
    fn judge(&mut self, number: usize, success: f64, usd: f64, ms: f64) {
        let sums = &self.attention.sums;
        let difficulty = Difficulty::of(&self.config, sums);
        let overall = Overall::of(&self.config, Some(&sums[number]), 0.0);
        let [Some(usd_mean), Some(ms_mean)] = [overall.usd, overall.ms] else { return };
        let foretold =
            foretell(&self.config, &sums[number], &overall, &difficulty, [usd_mean, ms_mean]);
        let most = |mean: fn(&Overall) -> Option<f64>| {
            let means =
                sums.iter().filter_map(|own| mean(&Overall::of(&self.config, Some(own), 0.0)));
            means.fold(0.0, f64::max)
        };
        let (usd_most, ms_most) = (most(|overall| overall.usd), most(|overall| overall.ms));
        let fade = (-std::f64::consts::LN_2 / self.config.half_life).exp();
        self.losses.add(Value::Success, foretold.success, success, fade);
        if usd_most > 0.0 {
            let part = foretold.usd.map(|foretold| foretold / usd_most);
            self.losses.add(Value::Cost, part, usd / usd_most, fade);
        }
        if ms_most > 0.0 {
            let part = foretold.ms.map(|foretold| foretold / ms_most);
            self.losses.add(Value::Duration, part, ms / ms_most, fade);
        }
    }

    /// Says which slot is given up, and takes it out of the crowds it was in.
    fn make_room(&mut self) -> Option<usize> {
        let Forgetting::LeastImportant = self.config.forgetting else {
            return self.memory.next_forgotten(Forgetting::Oldest, self.config.half_life);
        };
        let gone = self.memory.next_forgotten(Forgetting::LeastImportant, self.config.half_life)?;
        let worker = self.memory.slots()[gone].worker;
        let mut among = Attention::default();
        let focus = Focus { half_life: f64::INFINITY, ..self.focus() };
        among.compare(&self.memory, self.layout, self.memory.key(gone), focus);
        for at in 0..self.memory.len() {
            if at != gone && self.memory.slots()[at].worker == worker {
                let crowd = self.memory.crowd(at);
                *crowd = (*crowd - among.kernels(at)[WHOLE]).max(0.0);
            }
        }
        Some(gone)
    }

    /// Counts the task at hand to the crowd of each that is like it, and says how large its own is.
    fn join_crowd(&mut self, number: Option<usize>, given_up: Option<usize>) -> f32 {
        let (Forgetting::LeastImportant, Some(number)) = (self.config.forgetting, number) else {
            return 0.0;
        };
        let mut own = 0.0;
        for at in 0..self.memory.len() {
            if Some(at) != given_up && self.memory.slots()[at].worker as usize == number {
                let [area, text, numbers] = self.attention.views(at);
                let like = area * text * numbers;
                *self.memory.crowd(at) += like;
                own += like;
            }
        }
        own
    }

    /// Takes over what was learned.
    pub(super) fn adopt(&mut self, learned: &Learned) {
        self.config.temperature = learned.temperature;
        self.config.area_weight = learned.area_weight;
        self.config.text_weight = learned.text_weight;
        self.config.number_weight = learned.number_weight;
    }
}

const INTO_A_STRING: &str = "writing into a string does not fail";
