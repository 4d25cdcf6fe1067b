//! Prioritized sweeping, optimistic where little was seen.
//!
//! Two values are kept of each pair: the plain one, which is what the counts say, and a hope, by which actions are chosen. The hope adds
//! to each backup what the plain value may be wrong by: the deviation of what came of the pair over the root of its visits,
//! and the range of values over its visits (the two terms of Bernstein's inequality). What was never tried is hoped to be as good as
//! anything can be. So everything is tried once wherever it may matter, what is certain is not tried again, and what is chancy is tried
//! the more the more depends on it. The scale of rewards cancels out.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::model::{END, Model};
use super::queue::Queue;
use super::{Rule, Seen};
use crate::explore::{Choice, Motive, pick};
use crate::table::Values;

/// A model, what is hoped of its pairs, and which states are to be looked at again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sweeping {
    backups: u32,
    threshold: f64,
    optimism: f64,
    actions: usize,
    model: Model,
    /// What is hoped of each pair, and of each state.
    hopes: Vec<f64>,
    hope: Vec<f64>,
    /// The plain value of each state.
    worth: Vec<f64>,
    /// From where, by which action, each state was reached.
    before: Vec<Vec<(u32, u32)>>,
    queue: Queue,
    /// The least and the greatest reward, once there was one.
    rewards: Option<(f64, f64)>,
    scale: Scale,
    /// After so many more steps the scale is measured again.
    measured_in: u64,
}

/// The solution of a model is looked for with at most so many sweeps.
const SETTLING_MAX: u32 = 20_000;
/// It is found when a sweep changes no value by more than this share of the greatest.
const SETTLED: f64 = 1e-13;
/// Without discounting, ways that never end would be as good as those that do: a reward in ten thousand steps is worth a third.
const GAMMA_MAX: f64 = 0.9999;
/// Hopes are added up along the way; further ahead than this they would drown everything.
const HOPE_GAMMA_MAX: f64 = 0.99;
/// The best that was not seen yet may be so many times better than what was.
const CAP: f64 = 2.0;

impl Sweeping {
    pub(super) fn new(backups: u32, threshold: f64, optimism: f64, actions: usize) -> Sweeping {
        Sweeping {
            backups,
            threshold,
            optimism,
            actions,
            model: Model::new(actions),
            hopes: Vec::new(),
            hope: Vec::new(),
            worth: Vec::new(),
            before: Vec::new(),
            queue: Queue::default(),
            rewards: None,
            scale: Scale { range: 1.0, cap: 1.0 },
            measured_in: 0,
        }
    }

    /// The most hopeful action; `None` where there is no optimism and exploration is another's.
    pub(super) fn choose(&self, values: &Values, rule: &mut Rule, state: usize) -> Option<Choice> {
        if self.optimism == 0.0 {
            return None;
        }
        let row = values.row(state);
        let Some(hopes) = self.hopes.get(state * self.actions..) else {
            // A state that was reached and never left has been nowhere yet.
            return Some(Choice {
                action: rule.stream.below(row.len()),
                motive: Motive::Exploring,
            });
        };
        if hopes.is_empty() {
            return Some(Choice {
                action: rule.stream.below(row.len()),
                motive: Motive::Exploring,
            });
        }
        let action = pick(row.len(), |action| hopes[action], &mut rule.stream);
        let greedy = row[action].visits > 0 && row[action].value >= self.worth[state];
        Some(Choice { action, motive: if greedy { Motive::Greedy } else { Motive::Exploring } })
    }

    pub(super) fn learn(
        &mut self,
        values: &mut Values,
        rule: &mut Rule,
        seen: &Seen,
    ) -> Option<f64> {
        let ahead = seen.next.map_or(0.0, |next| self.worth.get(next).copied().unwrap_or(0.0));
        let error = seen.reward + rule.gamma * ahead - values.cell(seen.state, seen.action).value;
        if !error.is_finite() {
            return None;
        }
        if self.model.states() < values.states() {
            self.grow(values);
        }
        let (low, high) = self.rewards.unwrap_or((seen.reward, seen.reward));
        self.rewards = Some((low.min(seen.reward), high.max(seen.reward)));

        let Seen { state, action, reward, next } = *seen;
        let to = next.map_or(END, |next| next as u32);
        if self.model.record(state, action, reward, to)
            && let Some(next) = next
        {
            self.before[next].push((state as u32, action as u32));
        }
        values.cell_mut(state, action).visits += 1;
        self.measure(values, rule.gamma);
        self.back_up(values, rule.gamma, state, action..action + 1);
        for _ in 0..self.backups {
            let Some(state) = self.queue.pop() else {
                break;
            };
            self.back_up(values, rule.gamma, state, 0..values.width(state));
        }
        Some(error)
    }

    /// Works out some actions of a state again, and passes on by how much the state changed.
    fn back_up(&mut self, values: &mut Values, gamma: f64, state: usize, actions: Range<usize>) {
        let scale = self.scale;
        let (gamma, hope_gamma) = (gamma.min(GAMMA_MAX), gamma.min(HOPE_GAMMA_MAX));
        for action in actions {
            let pair = self.model.pair(state, action);
            if pair.visits == 0 {
                // What an earlier run knows of it is hoped for like anything that was seen as often.
                let cell = values.cell(state, action);
                let known = cell.value + self.optimism * scale.range / cell.visits.max(1) as f64;
                let hope = if cell.visits > 0 { known.min(scale.cap) } else { scale.cap };
                self.hopes[state * self.actions + action] = hope;
                continue;
            }
            let n = pair.visits as f64;
            let (mut mean, mut square, mut hope) = (0.0, 0.0, 0.0);
            for outcome in &pair.outcomes {
                let share = outcome.count as f64 / n;
                let (worth, hoped) = match outcome.next {
                    END => (0.0, 0.0),
                    next => (self.worth[next as usize], self.hope[next as usize].min(scale.cap)),
                };
                let value = outcome.reward + gamma * worth;
                mean += share * value;
                square += share * value * value + outcome.spread / n;
                hope += share * (outcome.reward + hope_gamma * hoped);
            }
            let variance = (square - mean * mean).max(0.0);
            let bonus = self.optimism * ((variance / n).sqrt() + scale.range / n);
            self.hopes[state * self.actions + action] = (hope + bonus).min(scale.cap);
            values.cell_mut(state, action).value = mean;
        }
        let row = values.row(state);
        let hopes = &self.hopes[state * self.actions..][..row.len()];
        let hope = hopes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let hope = hope.min(scale.cap);
        let worth = worth_of(values, state);
        let hope_before = self.hope[state].min(scale.cap);
        let change = (hope - hope_before).abs().max((worth - self.worth[state]).abs());
        (self.hope[state], self.worth[state]) = (hope, worth);
        if change <= self.threshold * scale.range {
            return;
        }
        for &(from, action) in &self.before[state] {
            let pair = self.model.pair(from as usize, action as usize);
            let outcome = pair.outcomes.iter().find(|outcome| outcome.next as usize == state);
            let share = outcome.map_or(0.0, |outcome| outcome.count as f64 / pair.visits as f64);
            let urgency = gamma * share * change;
            if urgency > self.threshold * scale.range {
                self.queue.raise(from as usize, urgency);
            }
        }
    }

    /// Looks at all states once in as many steps as there are, so that it costs little a step.
    fn measure(&mut self, values: &Values, gamma: f64) {
        let Some((least, most)) = self.rewards else {
            return;
        };
        if self.measured_in > 0 {
            self.measured_in -= 1;
            return;
        }
        self.measured_in = self.model.states() as u64;
        // The end is worth nothing, and so is what goes on for ever at no reward.
        let (mut low, mut high) = (least.min(0.0), most.max(0.0));
        for state in (0..self.model.states()).filter(|&state| values.is_known(state)) {
            low = low.min(self.worth[state]);
            high = high.max(self.worth[state]);
        }
        // Where all is equal any scale will do.
        let range = if high > low { high - low } else { 1.0 };
        let for_ever = most.max(0.0) / (1.0 - gamma.min(HOPE_GAMMA_MAX));
        self.scale = Scale { range, cap: CAP * (for_ever + range) };
    }

    #[cold]
    fn grow(&mut self, values: &Values) {
        let (known, states) = (self.model.states(), values.states());
        self.model.grow(states);
        self.queue.grow(states);
        self.before.resize_with(states, Vec::new);
        for state in known..states {
            // Nothing was seen of it, so anything may be hoped; an earlier run's table says what it is worth.
            self.hopes.resize((state + 1) * self.actions, f64::MAX);
            self.hope.push(f64::MAX);
            self.worth.push(worth_of(values, state));
        }
    }

    /// The plain values, solved: what the counts say when everything is thought through.
    pub(super) fn settled(&self, values: &Values, gamma: f64) -> Values {
        let gamma = gamma.min(GAMMA_MAX);
        let mut settled = values.clone();
        let mut worth = self.worth.clone();
        for _ in 0..SETTLING_MAX {
            let (mut residual, mut scale) = (0.0_f64, 0.0_f64);
            for state in 0..self.model.states() {
                for action in 0..values.width(state) {
                    let pair = self.model.pair(state, action);
                    if pair.visits > 0 {
                        let backup = pair.outcomes.iter().map(|outcome| {
                            let ahead = match outcome.next {
                                END => 0.0,
                                next => gamma * worth[next as usize],
                            };
                            outcome.count as f64 * (outcome.reward + ahead)
                        });
                        settled.cell_mut(state, action).value =
                            backup.sum::<f64>() / pair.visits as f64;
                    }
                }
                let best = worth_of(&settled, state);
                residual = residual.max((best - worth[state]).abs());
                scale = scale.max(best.abs());
                worth[state] = best;
            }
            if residual <= SETTLED * scale {
                break;
            }
        }
        settled
    }

    pub(super) fn fits(&self, states: usize, actions: usize) -> bool {
        let known = self.model.states();
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        let before =
            |&(state, action): &(u32, u32)| (state as usize) < known && (action as usize) < actions;
        self.actions == actions
            && self.model.fits(states, actions)
            && self.hopes.len() == known * actions
            && [self.hope.len(), self.worth.len(), self.before.len()] == [known; 3]
            && finite(&self.hopes)
            && finite(&self.hope)
            && finite(&self.worth)
            && self.before.iter().flatten().all(before)
            && self.queue.fits(known)
            && [self.scale.range, self.scale.cap].iter().all(|size| size.is_finite() && *size > 0.0)
            && self
                .rewards
                .is_none_or(|(low, high)| low.is_finite() && low <= high && high.is_finite())
    }
}

/// How large values are, judged by what was seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Scale {
    /// Between the least and the greatest value that a step came to, or reward that it brought; greater than 0.
    range: f64,
    /// Nothing is hoped to be worth more.
    cap: f64,
}

/// The best of what was tried in a state, the initial value where nothing was.
fn worth_of(values: &Values, state: usize) -> f64 {
    let tried = values.row(state).iter().filter(|cell| cell.visits > 0).map(|cell| cell.value);
    tried.reduce(f64::max).unwrap_or(values.initial())
}
