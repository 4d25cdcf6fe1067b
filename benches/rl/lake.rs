//! FrozenLake 8x8 as one would write it for speed: where each action and slip leads, in one array. All contestants walk on it.

use orchestrator_core::FastStream;
use orchestrator_rl::worlds::{Ice, LAKE_8X8, frozen_lake};
use orchestrator_rl::{Environment, Step};

pub(crate) const STATES: usize = 64;
pub(crate) const ACTIONS: usize = 4;

#[derive(Clone, Copy)]
pub(crate) struct Landing {
    pub(crate) next: usize,
    pub(crate) reward: f64,
    pub(crate) terminal: bool,
}

#[derive(Clone)]
pub(crate) struct Lake {
    ways: [Landing; STATES * ACTIONS * 3],
    pub(crate) at: usize,
}

impl Lake {
    pub(crate) fn new() -> Lake {
        let nowhere = Landing { next: 0, reward: 0.0, terminal: true };
        let mut ways = [nowhere; STATES * ACTIONS * 3];
        let mut taken = [0; STATES * ACTIONS];
        for row in frozen_lake(&LAKE_8X8, Ice::Slippery).rows() {
            let pair = row.state * ACTIONS + row.action;
            ways[pair * 3 + taken[pair]] =
                Landing { next: row.next, reward: row.reward, terminal: row.terminal };
            taken[pair] += 1;
        }
        Lake { ways, at: 0 }
    }

    #[inline]
    pub(crate) fn slide(&mut self, action: usize, stream: &mut FastStream) -> Landing {
        let landing = self.ways[(self.at * ACTIONS + action) * 3 + stream.below(3)];
        self.at = landing.next;
        landing
    }
}

impl Environment for Lake {
    type State = usize;

    fn actions(&self) -> usize {
        ACTIONS
    }

    #[inline]
    fn reset(&mut self, _: &mut FastStream) -> usize {
        self.at = 0;
        0
    }

    #[inline]
    fn step(&mut self, action: usize, stream: &mut FastStream) -> Step<usize> {
        let Landing { next, reward, terminal } = self.slide(action, stream);
        Step { next, reward, terminal }
    }
}
