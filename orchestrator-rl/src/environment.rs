//! The world that an agent learns in: states and actions that can be counted.

use std::fmt::Debug;
use std::hash::Hash;

use orchestrator_core::FastStream;

use crate::reward::{RewardContext, RewardFn, Transition};

/// Where an action led.
#[derive(Debug, Clone, PartialEq)]
pub struct Step<S> {
    /// The state after it.
    pub next: S,
    /// What it was worth, a finite number.
    pub reward: f64,
    /// Whether the episode ends there: nothing is expected of a terminal state.
    pub terminal: bool,
}

/// A world with discrete states and actions.
///
/// It draws all its chance from the stream that it is given, and then is reproducible.
///
/// ```
/// use orchestrator_core::{FastStream, Seed};
/// use orchestrator_rl::{Environment, RlConfig, Step, Training};
///
/// /// A corridor of five cells, with a prize at the right end.
/// struct Corridor { at: u8 }
///
/// impl Environment for Corridor {
///     type State = u8;
///     fn actions(&self) -> usize { 2 }
///     fn reset(&mut self, _: &mut FastStream) -> u8 { self.at = 0; self.at }
///     fn step(&mut self, action: usize, _: &mut FastStream) -> Step<u8> {
///         self.at = if action == 1 { self.at + 1 } else { self.at.saturating_sub(1) };
///         let terminal = self.at == 4;
///         Step { next: self.at, reward: if terminal { 1.0 } else { 0.0 }, terminal }
///     }
/// }
///
/// let mut training = Training::hashed(RlConfig::default(), 2, Seed(1))?;
/// training.run_steps(&mut Corridor { at: 0 }, 200)?;
/// let learned = training.settled();
/// assert!((0..4).all(|cell| learned.best_known(&cell) == [1]));
/// # Ok::<(), orchestrator_rl::RlError>(())
/// ```
pub trait Environment {
    /// A state. Where states are the numbers below a bound, take `usize` and a dense table.
    type State: Clone + Eq + Hash + Debug;

    /// How many actions there are; an action is a number below this.
    fn actions(&self) -> usize;

    /// How many of them, the first ones, there are in a state: at least 1, and always the same. All, unless you say otherwise.
    fn available(&self, _state: &Self::State) -> usize {
        self.actions()
    }

    /// Begins an episode, and says in which state.
    fn reset(&mut self, stream: &mut FastStream) -> Self::State;

    /// Does an action. Called with an action below [`Environment::available`], after a reset and not after a terminal step.
    fn step(&mut self, action: usize, stream: &mut FastStream) -> Step<Self::State>;
}

/// An environment with another reward.
#[derive(Debug, Clone)]
pub struct Rewarded<E: Environment, R> {
    environment: E,
    reward: R,
    place: Option<(E::State, u32)>,
}

impl<E: Environment, R: RewardFn<E::State>> Rewarded<E, R> {
    /// The environment, its rewards replaced by those of `reward`.
    pub fn new(environment: E, reward: R) -> Rewarded<E, R> {
        Rewarded { environment, reward, place: None }
    }

    /// The environment inside.
    pub fn inner(&self) -> &E {
        &self.environment
    }
}

impl<E: Environment, R: RewardFn<E::State>> Environment for Rewarded<E, R> {
    type State = E::State;

    fn actions(&self) -> usize {
        self.environment.actions()
    }

    fn available(&self, state: &E::State) -> usize {
        self.environment.available(state)
    }

    fn reset(&mut self, stream: &mut FastStream) -> E::State {
        let state = self.environment.reset(stream);
        self.place = Some((state.clone(), 0));
        state
    }

    fn step(&mut self, action: usize, stream: &mut FastStream) -> Step<E::State> {
        let mut taken = self.environment.step(action, stream);
        // Without a reset there is no state to reward a step from; the environment's own reward stands then.
        if let Some((state, step)) = &mut self.place {
            taken.reward = self.reward.reward(&Transition {
                state,
                action,
                next: &taken.next,
                terminal: taken.terminal,
                context: RewardContext { step: *step, own: taken.reward },
            });
            *state = taken.next.clone();
            *step = step.saturating_add(1);
        }
        taken
    }
}
