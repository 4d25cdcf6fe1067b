//! The world that an agent learns in: states and actions that can be counted.

use orchestrator_core::Stream;

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
/// use orchestrator_core::{Seed, Stream};
/// use orchestrator_rl::{Environment, QConfig, Step, Training};
///
/// /// A corridor of five cells, with a prize at the right end.
/// struct Corridor { at: u8 }
///
/// impl Environment for Corridor {
///     type State = u8;
///     fn actions(&self) -> usize { 2 }
///     fn reset(&mut self, _: &mut Stream) -> u8 { self.at = 0; self.at }
///     fn step(&mut self, action: usize, _: &mut Stream) -> Step<u8> {
///         self.at = if action == 1 { self.at + 1 } else { self.at.saturating_sub(1) };
///         let terminal = self.at == 4;
///         Step { next: self.at, reward: if terminal { 1.0 } else { 0.0 }, terminal }
///     }
/// }
///
/// let config = QConfig { episodes_max: 60, steps: 100, converged_td: None, ..QConfig::documents() };
/// let mut training = Training::new(config, 2, Seed(1))?;
/// training.run(&mut Corridor { at: 0 })?;
/// assert!((0..4).all(|cell| training.table().greedy(&cell) == [1]));
/// # Ok::<(), orchestrator_rl::RlError>(())
/// ```
pub trait Environment {
    /// A state; its order is the order of the table.
    type State: Clone + Ord;

    /// How many actions there are, the same in every state; an action is a number below this.
    fn actions(&self) -> usize;

    /// Begins an episode, and says in which state.
    fn reset(&mut self, stream: &mut Stream) -> Self::State;

    /// Does an action. Called with an action below [`Environment::actions`], after a reset and not after a terminal step.
    fn step(&mut self, action: usize, stream: &mut Stream) -> Step<Self::State>;
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

    fn reset(&mut self, stream: &mut Stream) -> E::State {
        let state = self.environment.reset(stream);
        self.place = Some((state.clone(), 0));
        state
    }

    fn step(&mut self, action: usize, stream: &mut Stream) -> Step<E::State> {
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
