//! Who chooses and learns on a walk. The walk is compiled for each kind, so that the most usual one has no call in its loop.

use crate::explore::{Choice, Exploration, Motive, Sight};
use crate::learner::{Learner, Rule, Seen};
use crate::schedule::Schedule;
use crate::table::Values;

/// What a walk asks of who learns.
pub(super) trait Agent {
    /// Whether it reads the clock, which must go by single steps then.
    const READS_CLOCK: bool;

    /// The walk begins or goes on in a state: what was known of where one is holds no longer.
    fn arrive(&mut self, values: &Values, state: usize);

    /// What to do in the state that was arrived in, or that the last step learned from led to.
    fn choose(&mut self, values: &Values, rule: &mut Rule, state: usize) -> Choice;

    /// Learns from a step and gives its error; `None` if a value would not be finite.
    fn learn(&mut self, values: &mut Values, rule: &mut Rule, seen: &Seen) -> Option<f64>;

    /// The episode is over, or was cut off.
    fn end_episode(&mut self, values: &mut Values, rule: &mut Rule);
}

impl Agent for Learner {
    const READS_CLOCK: bool = true;

    fn arrive(&mut self, _: &Values, _: usize) {}

    #[inline]
    fn choose(&mut self, values: &Values, rule: &mut Rule, state: usize) -> Choice {
        Learner::choose(self, values, rule, state)
    }

    #[inline]
    fn learn(&mut self, values: &mut Values, rule: &mut Rule, seen: &Seen) -> Option<f64> {
        Learner::learn(self, values, rule, seen)
    }

    fn end_episode(&mut self, values: &mut Values, rule: &mut Rule) {
        Learner::end_episode(self, values, rule);
    }
}

/// Q-learning, ε-greedy, both constant: does to the last bit what the learner of that name does. It looks at each row once: the best of
/// the next state is what the step is learned from, and what is chosen there.
pub(super) struct PlainQ {
    alpha: f64,
    gamma: f64,
    epsilon: f64,
    /// What was seen of the state that one is in.
    sight: Sight,
}

impl PlainQ {
    /// An agent that stands for this learner, if its rule is as plain as that.
    pub(super) fn standing_for(learner: &Learner, rule: &Rule) -> Option<PlainQ> {
        match (learner, rule.exploration, rule.alpha) {
            (
                Learner::QLearning,
                Exploration::EpsilonGreedy { epsilon: Schedule::Constant(epsilon) },
                Schedule::Constant(alpha),
            ) => Some(PlainQ { alpha, gamma: rule.gamma, epsilon, sight: Sight::default() }),
            _ => None,
        }
    }
}

// A call in here would keep the streams in memory.
impl Agent for PlainQ {
    const READS_CLOCK: bool = false;

    #[inline(always)]
    fn arrive(&mut self, values: &Values, state: usize) {
        self.sight = Sight::of(values.row(state));
    }

    #[inline(always)]
    fn choose(&mut self, values: &Values, rule: &mut Rule, state: usize) -> Choice {
        if rule.stream.chance(self.epsilon) {
            let action = rule.stream.below(values.width(state));
            return Choice { action, motive: Motive::Exploring };
        }
        let action = self.sight.pick(|| values.row(state), &mut rule.stream);
        Choice { action, motive: Motive::Greedy }
    }

    #[inline(always)]
    fn learn(&mut self, values: &mut Values, _: &mut Rule, seen: &Seen) -> Option<f64> {
        let ahead = match seen.next {
            None => 0.0,
            Some(next) => {
                self.sight = Sight::of(values.row(next));
                self.sight.best
            }
        };
        let cell = values.cell_mut(seen.state, seen.action);
        let error = seen.reward + self.gamma * ahead - cell.value;
        let value = cell.value + self.alpha * error;
        // A value is finite only if the error was.
        if !value.is_finite() {
            return None;
        }
        (cell.value, cell.visits) = (value, cell.visits + 1);
        if seen.next == Some(seen.state) {
            self.sight = Sight::of(values.row(seen.state));
        }
        Some(error)
    }

    #[inline(always)]
    fn end_episode(&mut self, _: &mut Values, _: &mut Rule) {}
}
