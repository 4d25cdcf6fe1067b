//! Running over an environment: by steps, by episodes, or until the settings say that it is enough.

use orchestrator_core::FastStream;

use super::agent::{Agent, PlainQ};
use super::{Episode, History, Training};
use crate::config::CONVERGENCE_WINDOW;
use crate::environment::Environment;
use crate::error::RlError;
use crate::explore::Motive;
use crate::index::StateIndex;
use crate::learner::{Rule, Seen};
use crate::outcome::StopReason;
use crate::table::QTable;

impl<X: StateIndex> Training<X> {
    /// So many steps, over as many episodes as they come to, whatever the settings say of an end. The last episode may be under way
    /// when they are done; the next call goes on with it. So give it the same environment again, as it was left: to go over to another, or to one
    /// that was reset, call [`end_episode`](Training::end_episode) first, or the training takes the jump from one to the other for a step.
    ///
    /// # Errors
    /// When the environment has another number of actions than the table, a state that cannot be one, or a reward is not finite. What was
    /// learned before stays learned; the episode is not counted.
    pub fn run_steps<E>(&mut self, environment: &mut E, steps: u64) -> Result<(), RlError>
    where
        E: Environment<State = X::State> + ?Sized,
    {
        self.check_actions(environment.actions())?;
        if steps == 0 { Ok(()) } else { self.walk(environment, Until::Steps(steps)) }
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
        self.walk(environment, Until::EpisodeEnds)?;
        self.stop = self.stop_reason();
        Ok(self.history.episodes.last().expect("an episode has just ended"))
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

    /// So many steps, or those of one episode.
    fn walk<E>(&mut self, environment: &mut E, until: Until) -> Result<(), RlError>
    where
        E: Environment<State = X::State> + ?Sized,
    {
        let plain = PlainQ::standing_for(&self.learner, &self.rule);
        let walk = Walk {
            table: &mut self.table,
            rule: &mut self.rule,
            world: &mut self.world,
            history: &mut self.history,
            reward_scale: &mut self.reward_scale,
            place: &mut self.place,
            steps_max: self.config.steps,
        };
        let walked = match plain {
            Some(mut plain) => walk.on(environment, until, &mut plain),
            None => walk.on(environment, until, &mut self.learner),
        };
        if walked.is_err() {
            self.end_episode();
        }
        walked
    }

    fn stop_reason(&self) -> Option<StopReason> {
        let kept = self.history.episodes.len();
        if self.history.ended >= self.config.episodes_min
            && kept >= CONVERGENCE_WINDOW
            && self.reward_scale > 0.0
            && let Some(share) = self.config.converged_td
        {
            let late = &self.history.episodes[kept - CONVERGENCE_WINDOW..];
            let mean = late.iter().map(|row| row.td_error).sum::<f64>() / late.len() as f64;
            if mean <= share * self.reward_scale {
                return Some(StopReason::Converged);
            }
        }
        (self.history.ended >= self.config.episodes_max).then_some(StopReason::EpisodesUsedUp)
    }
}

/// When a walk is over.
#[derive(Debug, Clone, Copy)]
enum Until {
    /// After so many steps, at least 1.
    Steps(u64),
    /// After the episode.
    EpisodeEnds,
}

/// What changes while a training is run.
struct Walk<'a, X> {
    table: &'a mut QTable<X>,
    rule: &'a mut Rule,
    world: &'a mut FastStream,
    history: &'a mut History,
    reward_scale: &'a mut f64,
    /// Where an episode under way is.
    place: &'a mut Option<usize>,
    steps_max: u32,
}

impl<X: StateIndex> Walk<'_, X> {
    /// What changes with every step is copied, so that it can stay in registers, and put back afterwards.
    #[inline(always)]
    fn on<E, A>(self, environment: &mut E, until: Until, agent: &mut A) -> Result<(), RlError>
    where
        E: Environment<State = X::State> + ?Sized,
        A: Agent,
    {
        let (mut rule, mut world) = (self.rule.clone(), self.world.clone());
        let (mut row, mut reward_scale) = (self.history.row, *self.reward_scale);
        let mut place = *self.place;
        let mut left = match until {
            Until::Steps(steps) => steps,
            Until::EpisodeEnds => u64::MAX,
        };
        let walked = loop {
            let mut state = match place.take() {
                Some(state) => state,
                None => {
                    row = Episode { index: self.history.ended, ..Episode::default() };
                    let state = environment.reset(&mut world);
                    match meet(self.table, environment, &state) {
                        Ok(state) => state,
                        Err(error) => break Err(error),
                    }
                }
            };
            agent.arrive(&self.table.values, state);
            // The rest of the episode, or as much of it as is left. One count serves for all that goes up by 1 a step.
            let room = self.steps_max.saturating_sub(row.steps).max(1);
            let most = left.min(u64::from(room));
            let mut to_go = most;
            let parted = loop {
                let choice = agent.choose(&self.table.values, &mut rule, state);
                let taken = environment.step(choice.action, &mut world);
                let next = if taken.terminal {
                    None
                } else {
                    match meet(self.table, environment, &taken.next) {
                        Ok(next) => Some(next),
                        Err(error) => break Err(error),
                    }
                };
                let (action, reward) = (choice.action, taken.reward);
                let seen = Seen { state, action, reward, next };
                let Some(error) = agent.learn(&mut self.table.values, &mut rule, &seen) else {
                    break Err(RlError::Reward { action, reward });
                };
                if A::READS_CLOCK {
                    rule.clock += 1;
                }
                if reward.abs() > reward_scale {
                    reward_scale = reward.abs();
                }
                row.reward += reward;
                row.td_error += error.abs();
                if choice.motive == Motive::Exploring {
                    row.explored += 1;
                    row.reward_exploring += reward;
                }
                to_go -= 1;
                match next {
                    None => break Ok(None),
                    Some(next) => state = next,
                }
                if to_go == 0 {
                    break Ok(Some(state));
                }
            };
            let steps = most - to_go;
            left -= steps;
            row.steps += steps as u32; // At most `steps_max`.
            if !A::READS_CLOCK {
                rule.clock += steps;
            }
            match parted {
                Err(error) => break Err(error),
                Ok(Some(state)) if row.steps < self.steps_max => {
                    place = Some(state);
                    break Ok(());
                }
                Ok(_) => {}
            }
            agent.end_episode(&mut self.table.values, &mut rule);
            rule.decided = None;
            self.history.close(row);
            if left == 0 || matches!(until, Until::EpisodeEnds) {
                break Ok(());
            }
        };
        (*self.rule, *self.world) = (rule, world);
        (self.history.row, *self.reward_scale, *self.place) = (row, reward_scale, place);
        walked
    }
}

/// The number of a state. Where it has fewer actions than others, its row is made narrower.
#[inline(always)]
fn meet<X: StateIndex, E>(
    table: &mut QTable<X>,
    environment: &E,
    state: &X::State,
) -> Result<usize, RlError>
where
    E: Environment<State = X::State> + ?Sized,
{
    let number = table.intern(state)?;
    let available = environment.available(state);
    if available != table.values.width(number) {
        table.values.narrow(number, available);
    }
    Ok(number)
}
