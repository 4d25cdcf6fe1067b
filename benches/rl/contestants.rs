//! Q-learning on the lake, four times: the loop that one would write by hand for this one world, ours over known states, ours over states
//! that are hashed, and rurel, which explores at random and cannot be seeded. α 0.1, γ 0.95, ε 0.1; ties are broken at random (not by
//! rurel, which never chooses by value).

use std::hint::black_box;

use orchestrator_core::{FastStream, Seed};
use orchestrator_rl::{Method, RlConfig, Training};
use rurel::AgentTrainer;
use rurel::mdp::{Agent, State};
use rurel::strategy::explore::RandomExploration;
use rurel::strategy::learn::QLearning;
use rurel::strategy::terminate::TerminationStrategy;

use crate::lake::{ACTIONS, Lake, Landing, STATES};

const ALPHA: f64 = 0.1;
const GAMMA: f64 = 0.95;
const EPSILON: f64 = 0.1;

/// The yardstick: a flat array, no names, no counts, no checks, no measurements.
pub(crate) fn by_hand(steps: u64) {
    let mut q = [0.0_f64; STATES * ACTIONS];
    let (mut agent, mut world) =
        (Seed(1).derive("agent").fast_stream(), Seed(1).derive("world").fast_stream());
    let mut lake = Lake::new();
    let mut state = 0;
    for _ in 0..steps {
        let action = if agent.chance(EPSILON) {
            agent.below(ACTIONS)
        } else {
            greedy(&q[state * ACTIONS..][..ACTIONS], &mut agent)
        };
        let Landing { next, reward, terminal } = lake.slide(action, &mut world);
        let ahead = if terminal {
            0.0
        } else {
            let row = &q[next * ACTIONS..][..ACTIONS];
            row.iter()
                .fold(f64::NEG_INFINITY, |best, &value| if value > best { value } else { best })
        };
        let cell = &mut q[state * ACTIONS + action];
        *cell += ALPHA * (reward + GAMMA * ahead - *cell);
        state = next;
        if terminal {
            lake.at = 0;
            state = 0;
        }
    }
    black_box(q);
}

fn greedy(row: &[f64], stream: &mut FastStream) -> usize {
    let (mut at, mut best, mut ties) = (0, row[0], 1);
    for (action, &value) in row.iter().enumerate().skip(1) {
        if value > best {
            (at, best, ties) = (action, value, 1);
        } else if value == best {
            ties += 1;
        }
    }
    if ties == 1 {
        return at;
    }
    let which = stream.below(ties);
    let mut equals = (0..row.len()).filter(|&action| row[action] == best);
    equals.nth(which).unwrap_or(0)
}

fn config() -> RlConfig {
    RlConfig::textbook(Method::QLearning, ALPHA, EPSILON, GAMMA)
}

pub(crate) fn dense(steps: u64) {
    let mut training =
        Training::dense(config(), STATES, ACTIONS, Seed(1)).expect("the settings are sound");
    training.run_steps(&mut Lake::new(), steps).expect("the lake pays finite rewards");
    black_box(training.into_table());
}

pub(crate) fn hashed(steps: u64) {
    let mut training =
        Training::hashed(config(), ACTIONS, Seed(1)).expect("the settings are sound");
    training.run_steps(&mut Lake::new(), steps).expect("the lake pays finite rewards");
    black_box(training.into_table());
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Cell(usize);

impl State for Cell {
    type A = usize;

    fn reward(&self) -> f64 {
        if self.0 == STATES - 1 { 1.0 } else { 0.0 }
    }

    fn actions(&self) -> Vec<usize> {
        (0..ACTIONS).collect()
    }
}

/// Walks on after an end from the start, because rurel knows no episodes.
struct Walker {
    lake: Lake,
    cell: Cell,
    ended: bool,
    stream: FastStream,
}

impl Agent<Cell> for Walker {
    fn current_state(&self) -> &Cell {
        &self.cell
    }

    fn take_action(&mut self, action: &usize) {
        if self.ended {
            self.lake.at = 0;
        }
        let landing = self.lake.slide(*action, &mut self.stream);
        self.cell = Cell(landing.next);
        self.ended = landing.terminal;
    }
}

struct Steps(u64);

impl TerminationStrategy<Cell> for Steps {
    fn should_stop(&mut self, _: &Cell) -> bool {
        self.0 -= 1;
        self.0 == 0
    }
}

pub(crate) fn rurel(steps: u64) {
    let mut walker =
        Walker { lake: Lake::new(), cell: Cell(0), ended: false, stream: Seed(1).fast_stream() };
    let mut trainer = AgentTrainer::new();
    let rule = QLearning::new(ALPHA, GAMMA, 0.0);
    trainer.train(&mut walker, &rule, &mut Steps(steps), &RandomExploration::new());
    black_box(trainer.learned_values());
}
