//! Cliff walking (Sutton and Barto, "Reinforcement learning", 2018, example 6.6), numbered as Gymnasium does.

use super::grid::moved;
use crate::mdp::{Row, TableMdp};

const SIZE: (usize, usize) = (4, 12);
const START: usize = 36;
const GOAL: usize = 47;
/// Up, right, down, left.
const WAYS: [(isize, isize); 4] = [(-1, 0), (0, 1), (1, 0), (0, -1)];

/// Four rows of twelve cells; between start and goal along the lowest row there is a cliff. A step costs 1; who steps off the cliff
/// pays 100 and is back at the start. A state is row · 12 + column; the actions are up, right, down and left.
pub fn cliff_walking() -> TableMdp {
    let rows = (0..SIZE.0 * SIZE.1).flat_map(|state| {
        WAYS.iter().enumerate().map(move |(action, &way)| {
            let (row, column) = moved((state / SIZE.1, state % SIZE.1), way, SIZE);
            let to = row * SIZE.1 + column;
            let (next, reward) = if START < to && to < GOAL { (START, -100.0) } else { (to, -1.0) };
            Row { state, action, probability: 1.0, next, reward, terminal: next == GOAL }
        })
    });
    TableMdp::new(SIZE.0 * SIZE.1, WAYS.len(), [(START, 1.0)], rows)
        .expect("every cell has every action")
}
