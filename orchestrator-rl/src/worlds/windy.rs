//! The windy gridworld (Sutton and Barto, 2018, example 6.5).

use super::grid::moved;
use crate::mdp::{Row, TableMdp};

const SIZE: (usize, usize) = (7, 10);
const START: usize = 30;
const GOAL: usize = 37;
/// By how many rows the wind of a column carries upwards who leaves it.
const WIND: [isize; 10] = [0, 0, 0, 1, 1, 1, 2, 2, 1, 0];
/// Up, right, down, left.
const WAYS: [(isize, isize); 4] = [(-1, 0), (0, 1), (1, 0), (0, -1)];

/// How the wind blows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wind {
    /// Always alike: example 6.5, in which the goal is 15 steps away.
    Steady,
    /// Where it blows, a third of the time a row more, a third a row less: exercise 6.10.
    Gusty,
}

/// Seven rows of ten cells; a step costs 1, and in the middle columns a wind carries upwards. A state is row · 10 + column; the actions
/// are up, right, down and left.
pub fn windy_gridworld(wind: Wind) -> TableMdp {
    let mut rows = Vec::new();
    for state in 0..SIZE.0 * SIZE.1 {
        let (row, column) = (state / SIZE.1, state % SIZE.1);
        let gusts: &[isize] = match wind {
            Wind::Gusty if WIND[column] > 0 => &[-1, 0, 1],
            _ => &[0],
        };
        for (action, &(down, right)) in WAYS.iter().enumerate() {
            for gust in gusts {
                let way = (down - WIND[column] - gust, right);
                let (row, column) = moved((row, column), way, SIZE);
                let next = row * SIZE.1 + column;
                let probability = 1.0 / gusts.len() as f64;
                let terminal = next == GOAL;
                rows.push(Row { state, action, probability, next, reward: -1.0, terminal });
            }
        }
    }
    TableMdp::new(SIZE.0 * SIZE.1, WAYS.len(), [(START, 1.0)], rows)
        .expect("every cell has every action, and thirds sum to 1")
}
