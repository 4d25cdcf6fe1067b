//! Running over an environment: by steps, by episodes, or until the settings say that it is enough.

use super::{Episode, HISTORY_KEPT, Training};
use crate::config::CONVERGENCE_WINDOW;
use crate::environment::Environment;
use crate::error::RlError;
use crate::explore::Motive;
use crate::index::StateIndex;
use crate::learner::Seen;
use crate::outcome::StopReason;

impl<X: StateIndex> Training<X> {
    /// So many steps, over as many episodes as they come to, whatever the settings say of an end. The last episode may be under way
    /// when they are done; the next call goes on with it.
    ///
    /// # Errors
    /// When the environment has another number of actions than the table, a state that cannot be one, or a reward is not finite. What was
    /// learned before stays learned; the episode is not counted.
    pub fn run_steps<E>(&mut self, environment: &mut E, steps: u64) -> Result<(), RlError>
    where
        E: Environment<State = X::State> + ?Sized,
    {
        self.check_actions(environment.actions())?;
        for _ in 0..steps {
            self.step(environment)?;
        }
        Ok(())
    }

    /// One episode to its end (one that is under way is ended).
    ///
    /// # Errors
    /// When the training has ended, and as [`Training::run_steps`].
    pub fn episode<E>(&mut self, environment: &mut E) -> Result<&Episode, RlError>
    where
        E: Environment<State = X::State> + ?Sized,
    {
        if self.finished() {
            return Err(RlError::Ended);
        }
        self.check_actions(environment.actions())?;
        while !self.step(environment)? {}
        self.stop = self.stop_reason();
        Ok(self.episodes.last().expect("an episode has just ended"))
    }

    /// All episodes that are left, and why they ended.
    ///
    /// # Errors
    /// As [`Training::episode`].
    pub fn run<E>(&mut self, environment: &mut E) -> Result<StopReason, RlError>
    where
        E: Environment<State = X::State> + ?Sized,
    {
        while !self.finished() {
            self.episode(environment)?;
        }
        Ok(self.stop())
    }

    fn check_actions(&self, found: usize) -> Result<(), RlError> {
        let wanted = self.table.actions();
        if found == wanted { Ok(()) } else { Err(RlError::Actions { wanted, found }) }
    }

    /// One step, and whether the episode ended with it.
    #[inline]
    fn step<E>(&mut self, environment: &mut E) -> Result<bool, RlError>
    where
        E: Environment<State = X::State> + ?Sized,
    {
        let state = match self.place {
            Some(state) => state,
            None => self.begin(environment)?,
        };
        let choice = self.learner.choose(&self.table.values, &mut self.rule, state);
        let taken = environment.step(choice.action, &mut self.world);
        let next = if taken.terminal { None } else { Some(self.meet(environment, &taken.next)?) };
        let seen = Seen { state, action: choice.action, reward: taken.reward, next };
        let error = match self.learn_step(&seen) {
            Ok(error) => error,
            Err(error) => {
                self.end_episode();
                return Err(error);
            }
        };
        self.row.steps += 1;
        self.row.reward += taken.reward;
        self.row.td_error += error.abs();
        if choice.motive == Motive::Exploring {
            self.row.explored += 1;
            self.row.reward_exploring += taken.reward;
        }
        self.place = next;
        let ended = next.is_none() || self.row.steps >= self.config.steps;
        if ended {
            self.close();
        }
        Ok(ended)
    }

    fn begin<E>(&mut self, environment: &mut E) -> Result<usize, RlError>
    where
        E: Environment<State = X::State> + ?Sized,
    {
        self.row = Episode { index: self.ended, ..Episode::default() };
        let state = environment.reset(&mut self.world);
        self.meet(environment, &state)
    }

    /// The number of a state; of one that is new, how many actions it has is asked.
    #[inline]
    fn meet<E>(&mut self, environment: &E, state: &X::State) -> Result<usize, RlError>
    where
        E: Environment<State = X::State> + ?Sized,
    {
        let number = self.table.intern(state)?;
        let available = environment.available(state);
        if available != self.table.values.width(number) {
            self.table.values.narrow(number, available);
        }
        Ok(number)
    }

    fn close(&mut self) {
        self.end_episode();
        self.row.td_error /= f64::from(self.row.steps);
        tracing::debug!(episode = self.row.index, reward = self.row.reward, "episode ended");
        if self.episodes.len() == 2 * HISTORY_KEPT {
            self.episodes.drain(..HISTORY_KEPT);
        }
        self.episodes.push(self.row);
        self.ended = self.ended.saturating_add(1);
    }

    fn stop_reason(&self) -> Option<StopReason> {
        let kept = self.episodes.len();
        if self.ended >= self.config.episodes_min
            && kept >= CONVERGENCE_WINDOW
            && self.reward_scale > 0.0
            && let Some(share) = self.config.converged_td
        {
            let late = &self.episodes[kept - CONVERGENCE_WINDOW..];
            let mean = late.iter().map(|row| row.td_error).sum::<f64>() / late.len() as f64;
            if mean <= share * self.reward_scale {
                return Some(StopReason::Converged);
            }
        }
        (self.ended >= self.config.episodes_max).then_some(StopReason::EpisodesUsedUp)
    }
}
