//! The learners: from one step that was taken to changed values. They know states by their numbers, call no environment, and draw from the
//! agent's own stream only.

mod double_q;
mod dyna;
mod model;
mod monte_carlo;
mod n_step;
mod one_step;
mod queue;
mod sweeping;
mod trace;

use orchestrator_core::FastStream;
use serde::{Deserialize, Serialize};

use crate::explore::{Choice, Exploration};
use crate::method::Method;
use crate::schedule::Schedule;
use crate::table::Values;

/// A step that was taken. `next` is `None` where the episode ended, which is worth nothing more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) state: usize,
    pub(crate) action: usize,
    pub(crate) reward: f64,
    pub(crate) next: Option<usize>,
}

/// What all learners share: how far, how far ahead, how to choose, and the agent's chance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) alpha: Schedule,
    pub(crate) gamma: f64,
    pub(crate) exploration: Exploration,
    pub(crate) stream: FastStream,
    /// How many steps were learned from.
    pub(crate) clock: u64,
    /// What an on-policy learner has decided to do in the state it got to.
    pub(crate) decided: Option<(usize, Choice)>,
}

impl Rule {
    /// Decides now what will be done in a state.
    fn decide(&mut self, values: &Values, state: usize) -> Choice {
        let choice = self.exploration.choose(values.row(state), self.clock, &mut self.stream);
        self.decided = Some((state, choice));
        choice
    }

    /// Moves a value towards a target, counts the visit, and gives the error; `None` if a value would not be finite.
    #[inline(always)]
    fn towards(&self, values: &mut Values, seen: &Seen, target: f64) -> Option<f64> {
        let cell = values.cell_mut(seen.state, seen.action);
        let visits = cell.visits + 1;
        let error = target - cell.value;
        let value = cell.value + self.alpha.at(self.clock, visits) * error;
        // A value is finite only if the error was.
        if !value.is_finite() {
            return None;
        }
        (cell.value, cell.visits) = (value, visits);
        Some(error)
    }
}

/// What was decided on in a state, or what is decided now if nothing was.
#[inline]
fn decided(values: &Values, rule: &mut Rule, state: usize) -> Choice {
    match rule.decided.take() {
        Some((of, choice)) if of == state => choice,
        _ => rule.exploration.choose(values.row(state), rule.clock, &mut rule.stream),
    }
}

/// What a learner remembers beside the values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Learner {
    QLearning,
    Sarsa,
    ExpectedSarsa,
    DoubleQ(double_q::DoubleQ),
    NStep(n_step::NStep),
    QLambda(trace::Traces),
    MonteCarlo(monte_carlo::MonteCarlo),
    DynaQ(dyna::Dyna),
    Sweeping(Box<sweeping::Sweeping>),
}

impl Learner {
    pub(crate) fn new(method: &Method, actions: usize) -> Learner {
        match *method {
            Method::QLearning => Learner::QLearning,
            Method::Sarsa => Learner::Sarsa,
            Method::ExpectedSarsa => Learner::ExpectedSarsa,
            Method::DoubleQ => Learner::DoubleQ(double_q::DoubleQ::default()),
            Method::NStep { n } => Learner::NStep(n_step::NStep::new(n)),
            Method::QLambda { lambda, trace } => {
                Learner::QLambda(trace::Traces::new(lambda, trace))
            }
            Method::MonteCarlo { visit } => {
                Learner::MonteCarlo(monte_carlo::MonteCarlo::new(visit))
            }
            Method::DynaQ { planning } => Learner::DynaQ(dyna::Dyna::new(planning, actions)),
            Method::PrioritizedSweeping { backups, threshold, optimism } => Learner::Sweeping(
                Box::new(sweeping::Sweeping::new(backups, threshold, optimism, actions)),
            ),
        }
    }

    /// What to do in a state.
    #[inline]
    pub(crate) fn choose(&mut self, values: &Values, rule: &mut Rule, state: usize) -> Choice {
        match self {
            Learner::QLearning | Learner::ExpectedSarsa | Learner::DynaQ(_) => {}
            Learner::DoubleQ(_) | Learner::MonteCarlo(_) => {}
            Learner::Sarsa | Learner::NStep(_) | Learner::QLambda(_) => {
                return decided(values, rule, state);
            }
            Learner::Sweeping(sweeping) => {
                if let Some(choice) = sweeping.choose(values, rule, state) {
                    return choice;
                }
            }
        }
        rule.exploration.choose(values.row(state), rule.clock, &mut rule.stream)
    }

    /// Learns from a step, and gives the temporal difference error; `None` if a value would not be finite. Nothing is learned then.
    #[inline]
    pub(crate) fn learn(
        &mut self,
        values: &mut Values,
        rule: &mut Rule,
        seen: &Seen,
    ) -> Option<f64> {
        match self {
            Learner::QLearning => one_step::q_learning(values, rule, seen),
            Learner::Sarsa => one_step::sarsa(values, rule, seen),
            Learner::ExpectedSarsa => one_step::expected_sarsa(values, rule, seen),
            Learner::DoubleQ(learner) => learner.learn(values, rule, seen),
            Learner::NStep(learner) => learner.learn(values, rule, seen),
            Learner::QLambda(learner) => learner.learn(values, rule, seen),
            Learner::MonteCarlo(learner) => learner.learn(values, rule, seen),
            Learner::DynaQ(learner) => learner.learn(values, rule, seen),
            Learner::Sweeping(learner) => learner.learn(values, rule, seen),
        }
    }

    /// The episode is over, or was cut off: what was held back is learned.
    pub(crate) fn end_episode(&mut self, values: &mut Values, rule: &mut Rule) {
        rule.decided = None;
        match self {
            Learner::QLearning | Learner::Sarsa | Learner::ExpectedSarsa => {}
            Learner::DoubleQ(_) | Learner::DynaQ(_) | Learner::Sweeping(_) => {}
            Learner::NStep(learner) => learner.end_episode(values, rule),
            Learner::QLambda(learner) => learner.end_episode(),
            Learner::MonteCarlo(learner) => learner.end_episode(values, rule),
        }
    }

    /// The values that what was learned comes to: where there is a model, its solution.
    pub(crate) fn settled(&self, values: &Values, rule: &Rule) -> Option<Values> {
        match self {
            Learner::Sweeping(learner) => Some(learner.settled(values, rule.gamma)),
            Learner::QLearning | Learner::Sarsa | Learner::ExpectedSarsa => None,
            Learner::DoubleQ(_) | Learner::NStep(_) | Learner::QLambda(_) => None,
            Learner::MonteCarlo(_) | Learner::DynaQ(_) => None,
        }
    }

    /// Whether what was read back fits a table of so many states and actions.
    pub(crate) fn fits(&self, states: usize, actions: usize) -> bool {
        let within = |state: usize, action: usize| state < states && action < actions;
        match self {
            Learner::QLearning | Learner::Sarsa | Learner::ExpectedSarsa => true,
            Learner::DoubleQ(learner) => learner.fits(states * actions),
            Learner::NStep(learner) => learner.fits(within),
            Learner::QLambda(learner) => learner.fits(within),
            Learner::MonteCarlo(learner) => learner.fits(within),
            Learner::DynaQ(learner) => learner.fits(states, actions),
            Learner::Sweeping(learner) => learner.fits(states, actions),
        }
    }
}
