//! A training: an agent with its values, and how far it is. Choosing and learning are pure steps; running is a loop over them.
//!
//! Sans-IO: [`choose`](Training::choose) an action, do it wherever it is done, [`learn`](Training::learn) from what came of it,
//! [`end_episode`](Training::end_episode) where an episode is cut off. Nothing here calls an environment unless it is given one
//! ([`run`](Training::run), [`run_steps`](Training::run_steps), [`episode`](Training::episode)).
//!
//! ```
//! use orchestrator_core::Seed;
//! use orchestrator_rl::{RlConfig, Training};
//!
//! // Two slot machines, played by hand.
//! let mut training = Training::hashed(RlConfig::documents(), 2, Seed(1))?;
//! for _ in 0..200 {
//!     let choice = training.choose(&"casino")?;
//!     let reward = if choice.action == 1 { 1.0 } else { 0.2 };
//!     training.learn(&"casino", choice.action, reward, None)?; // the end of the episode
//! }
//! assert_eq!(training.table().greedy(&"casino"), [1]);
//! # Ok::<(), orchestrator_rl::RlError>(())
//! ```

mod agent;
mod run;
mod saved;

use std::fmt::Debug;
use std::hash::Hash;

use orchestrator_core::{FastStream, Seed};
use serde::{Deserialize, Serialize};

use crate::config::RlConfig;
use crate::error::{RlError, check_ranges};
use crate::explore::Choice;
use crate::index::{Dense, Hashed, StateIndex};
use crate::learner::{Learner, Rule, Seen};
use crate::outcome::StopReason;
use crate::table::{ACTIONS_MAX, QTable};

/// What was measured of an episode.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
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

/// At least so many of the last episodes are kept; a training of fewer keeps all.
pub const HISTORY_KEPT: usize = 16_384;

/// The last episodes, and the one under way.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct History {
    row: Episode,
    episodes: Vec<Episode>,
    /// How many have ended, those that are no longer kept included.
    ended: u32,
}

impl History {
    /// Keeps an episode that has ended; its error is a sum until now.
    fn close(&mut self, mut row: Episode) {
        row.td_error /= f64::from(row.steps);
        tracing::debug!(episode = row.index, reward = row.reward, "episode ended");
        if self.episodes.len() == 2 * HISTORY_KEPT {
            self.episodes.drain(..HISTORY_KEPT);
        }
        self.episodes.push(row);
        self.ended = self.ended.saturating_add(1);
    }
}

/// The whole state of a learning agent, random state included: saved, loaded and gone on with, it does what it would have done.
///
/// The kinds of calls: `choose` and `learn` in turn, with `end_episode` where an episode ends other than by a terminal step; or the
/// calls that run over an environment. Both can be mixed between episodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Training<X: StateIndex> {
    config: RlConfig,
    table: QTable<X>,
    learner: Learner,
    rule: Rule,
    /// What the world draws from when it is run.
    world: FastStream,
    /// Where an episode under way is, when it is run.
    place: Option<usize>,
    history: History,
    reward_scale: f64,
    stop: Option<StopReason>,
}

impl Training<Dense> {
    /// A training over states that are the numbers below `states`, knowing nothing.
    ///
    /// # Errors
    /// When a setting is out of its range, or there is no state or no action.
    pub fn dense(
        config: RlConfig,
        states: usize,
        actions: usize,
        seed: Seed,
    ) -> Result<Training<Dense>, RlError> {
        let table = QTable::dense(states, actions)?.with_initial(config.initial);
        Training::from_table(config, table, seed)
    }
}

impl<S: Clone + Eq + Hash + Debug> Training<Hashed<S>> {
    /// A training over so many actions and whatever states will be met, knowing nothing.
    ///
    /// # Errors
    /// When a setting is out of its range, or there is no action.
    pub fn hashed(
        config: RlConfig,
        actions: usize,
        seed: Seed,
    ) -> Result<Training<Hashed<S>>, RlError> {
        check_ranges(&[("actions", actions as f64, 1.0, ACTIONS_MAX as f64)])?;
        let table = QTable::hashed(actions).with_initial(config.initial);
        Training::from_table(config, table, seed)
    }
}

impl<X: StateIndex> Training<X> {
    /// A training that goes on from what was learned before. What the table does not know is worth what the table says.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn from_table(
        config: RlConfig,
        table: QTable<X>,
        seed: Seed,
    ) -> Result<Training<X>, RlError> {
        config.check()?;
        let rule = Rule {
            alpha: config.alpha,
            gamma: config.gamma,
            exploration: config.exploration,
            stream: seed.derive("agent").fast_stream(),
            clock: 0,
            decided: None,
        };
        Ok(Training {
            learner: Learner::new(&config.method, table.actions()),
            config,
            table,
            rule,
            world: seed.derive("world").fast_stream(),
            place: None,
            history: History::default(),
            reward_scale: 0.0,
            stop: None,
        })
    }

    /// An action for a state.
    ///
    /// # Errors
    /// When the state cannot be one.
    pub fn choose(&mut self, state: &X::State) -> Result<Choice, RlError> {
        let state = self.table.intern(state)?;
        Ok(self.learner.choose(&self.table.values, &mut self.rule, state))
    }

    /// Learns from a step: what was done in a state, its reward, and where it led; `None` where the episode has ended, which is worth
    /// nothing more. Gives the temporal difference error.
    ///
    /// # Errors
    /// When there is no such action or state, or a value would not be finite. Nothing is learned then.
    pub fn learn(
        &mut self,
        state: &X::State,
        action: usize,
        reward: f64,
        next: Option<&X::State>,
    ) -> Result<f64, RlError> {
        let state = self.table.intern(state)?;
        let count = self.table.values.width(state);
        if action >= count {
            return Err(RlError::NoAction { action, count });
        }
        let next = next.map(|next| self.table.intern(next)).transpose()?;
        let error = self.learn_step(&Seen { state, action, reward, next })?;
        if next.is_none() {
            self.end_episode();
        }
        Ok(error)
    }

    /// The episode is over although its last step was not terminal: it was cut off.
    pub fn end_episode(&mut self) {
        self.learner.end_episode(&mut self.table.values, &mut self.rule);
        self.place = None;
    }

    /// Only the first `count` actions exist in a state (at least one does). To be said before the state is learned from.
    ///
    /// # Errors
    /// When the state cannot be one.
    pub fn limit(&mut self, state: &X::State, count: usize) -> Result<(), RlError> {
        let state = self.table.intern(state)?;
        self.table.values.narrow(state, count);
        Ok(())
    }

    /// How many steps were learned from.
    pub fn steps(&self) -> u64 {
        self.rule.clock
    }

    /// Whether the training has ended by its settings.
    pub fn finished(&self) -> bool {
        self.stop.is_some()
    }

    /// Why it ended.
    pub fn stop(&self) -> StopReason {
        self.stop.unwrap_or(StopReason::Interrupted)
    }

    /// What was measured so far, a row for each of the last episodes: at least [`HISTORY_KEPT`] of them.
    pub fn episodes(&self) -> &[Episode] {
        &self.history.episodes
    }

    /// The size of the greatest reward met so far.
    pub fn reward_scale(&self) -> f64 {
        self.reward_scale
    }

    /// The settings.
    pub fn config(&self) -> &RlConfig {
        &self.config
    }

    /// What was learned so far.
    pub fn table(&self) -> &QTable<X> {
        &self.table
    }

    /// What was learned.
    pub fn into_table(self) -> QTable<X> {
        self.table
    }

    /// What was learned, thought through to the end: where the method has a model, the model's solution, which may take longer than many
    /// steps; else the table as it is. The training goes on as if this had not been asked.
    #[must_use]
    pub fn settled(&self) -> QTable<X> {
        let mut table = self.table.clone();
        if let Some(values) = self.learner.settled(&table.values, &self.rule) {
            table.values = values;
        }
        table
    }

    #[inline]
    fn learn_step(&mut self, seen: &Seen) -> Result<f64, RlError> {
        let learned = self.learner.learn(&mut self.table.values, &mut self.rule, seen);
        let Some(error) = learned else {
            return Err(RlError::Reward { action: seen.action, reward: seen.reward });
        };
        self.rule.clock += 1;
        self.reward_scale = self.reward_scale.max(seen.reward.abs());
        Ok(error)
    }
}
