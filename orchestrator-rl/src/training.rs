//! Episodes over an environment, until the values have converged or the episodes are used up.
//!
//! Episode `e` draws from streams of (seed, e) alone: one for the agent, one for the world.

use orchestrator_core::Seed;
use serde::{Deserialize, Serialize};

use crate::config::{CONVERGENCE_WINDOW, QConfig};
use crate::environment::Environment;
use crate::error::RlError;
use crate::learner::{Motive, QLearning};
use crate::outcome::StopReason;
use crate::table::QTable;

/// What was measured of an episode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Which one, counted from 0.
    pub index: u32,
    /// The sum of its rewards, not discounted.
    pub reward: f64,
    /// The mean size of the temporal difference error over its steps.
    pub td_error: f64,
    /// How many steps it had.
    pub steps: u32,
    /// How many of them explored.
    pub explored: u32,
    /// The part of the reward that exploring steps brought.
    pub reward_exploring: f64,
}

/// A training: [`episode`](Training::episode) by episode until [`finished`](Training::finished), or [`run`](Training::run).
#[derive(Debug, Clone, PartialEq)]
pub struct Training<S> {
    config: QConfig,
    rule: QLearning,
    table: QTable<S>,
    seed: Seed,
    episodes: Vec<Episode>,
    reward_scale: f64,
    stop: Option<StopReason>,
}

impl<S: Ord + Clone> Training<S> {
    /// A training over so many actions, knowing nothing.
    ///
    /// # Errors
    /// When a setting is out of its range, or there is no action.
    pub fn new(config: QConfig, actions: usize, seed: Seed) -> Result<Training<S>, RlError> {
        crate::error::check_ranges(&[("actions", actions as f64, 1.0, f64::MAX)])?;
        Training::from_table(config, QTable::new(actions), seed)
    }

    /// A training that goes on from what was learned before.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn from_table(
        config: QConfig,
        table: QTable<S>,
        seed: Seed,
    ) -> Result<Training<S>, RlError> {
        config.check()?;
        Ok(Training {
            rule: QLearning { alpha: config.alpha, gamma: config.gamma, epsilon: config.epsilon },
            config,
            table,
            seed,
            episodes: Vec::new(),
            reward_scale: 0.0,
            stop: None,
        })
    }

    /// One episode.
    ///
    /// # Errors
    /// When the training has ended, the environment has another number of actions than the table, or a reward is not finite.
    /// What was learned before a bad reward stays learned; the episode does not count.
    pub fn episode<E>(&mut self, environment: &mut E) -> Result<&Episode, RlError>
    where
        E: Environment<State = S> + ?Sized,
    {
        if self.finished() {
            return Err(RlError::Ended);
        }
        if environment.actions() != self.table.actions() {
            return Err(RlError::Actions {
                wanted: self.table.actions(),
                found: environment.actions(),
            });
        }
        let index = self.episodes.len() as u32;
        let seed = self.seed.derive("episode").index(u64::from(index));
        let (mut agent, mut world) = (seed.derive("agent").stream(), seed.derive("world").stream());
        let mut row = Episode {
            index,
            reward: 0.0,
            td_error: 0.0,
            steps: 0,
            explored: 0,
            reward_exploring: 0.0,
        };
        let mut state = environment.reset(&mut world);
        while row.steps < self.config.steps {
            let choice = self.rule.choose(&self.table, &state, &mut agent);
            let taken = environment.step(choice.action, &mut world);
            let error = self.rule.learn(
                &mut self.table,
                &state,
                choice.action,
                taken.reward,
                (!taken.terminal).then_some(&taken.next),
            )?;
            row.steps += 1;
            row.reward += taken.reward;
            row.td_error += (error.abs() - row.td_error) / f64::from(row.steps);
            if choice.motive == Motive::Exploring {
                row.explored += 1;
                row.reward_exploring += taken.reward;
            }
            self.reward_scale = self.reward_scale.max(taken.reward.abs());
            state = taken.next;
            if taken.terminal {
                break;
            }
        }
        tracing::debug!(episode = index, reward = row.reward, "episode ended");
        self.episodes.push(row);
        self.stop = self.stop_reason();
        Ok(self.episodes.last().expect("an episode was just added"))
    }

    /// All episodes that are left, and why they ended.
    ///
    /// # Errors
    /// As [`Training::episode`].
    pub fn run<E>(&mut self, environment: &mut E) -> Result<StopReason, RlError>
    where
        E: Environment<State = S> + ?Sized,
    {
        while !self.finished() {
            self.episode(environment)?;
        }
        Ok(self.stop())
    }

    /// Whether the training has ended.
    pub fn finished(&self) -> bool {
        self.stop.is_some()
    }

    /// Why it ended.
    pub fn stop(&self) -> StopReason {
        self.stop.unwrap_or(StopReason::Interrupted)
    }

    /// What was measured so far, a row an episode.
    pub fn episodes(&self) -> &[Episode] {
        &self.episodes
    }

    /// The size of the greatest reward met so far.
    pub fn reward_scale(&self) -> f64 {
        self.reward_scale
    }

    /// The settings.
    pub fn config(&self) -> &QConfig {
        &self.config
    }

    /// What was learned so far.
    pub fn table(&self) -> &QTable<S> {
        &self.table
    }

    /// What was learned.
    pub fn into_table(self) -> QTable<S> {
        self.table
    }

    fn stop_reason(&self) -> Option<StopReason> {
        let count = self.episodes.len();
        if count >= self.config.episodes_min as usize
            && count >= CONVERGENCE_WINDOW
            && self.reward_scale > 0.0
            && let Some(share) = self.config.converged_td
        {
            let late = &self.episodes[count - CONVERGENCE_WINDOW..];
            let mean = late.iter().map(|row| row.td_error).sum::<f64>() / late.len() as f64;
            if mean <= share * self.reward_scale {
                return Some(StopReason::Converged);
            }
        }
        (count >= self.config.episodes_max as usize).then_some(StopReason::EpisodesUsedUp)
    }
}
