//! The taxi (Dietterich, "Hierarchical reinforcement learning with the MAXQ value function decomposition", 2000), numbered as Gymnasium
//! does.

use crate::mdp::{Row, TableMdp};

const MAP: [&[u8]; 5] = [b"R: | : :G", b" : | : : ", b" : : : : ", b" | : | : ", b"Y| : |B: "];
/// The four places, by row and column.
const PLACES: [(usize, usize); 4] = [(0, 0), (0, 4), (4, 0), (4, 3)];
/// Where a passenger is who is in the taxi.
const ABOARD: usize = 4;
const STATES: usize = 500;

/// A taxi in a town of five by five cells fetches a passenger at one of four places and sets them down at another. A step costs 1, picking up or
/// setting down where that cannot be done 10, and the passenger pays 20 at the end. A state is ((row · 5 + column) · 5 + passenger) · 4 +
/// destination; the actions are south, north, east, west, pick up and set down. Episodes begin in any of the 300 states in which the
/// passenger waits away from the destination.
pub fn taxi() -> TableMdp {
    let mut rows = Vec::with_capacity(STATES * 6);
    let mut initial = Vec::new();
    for state in 0..STATES {
        let (destination, passenger) = (state % 4, state / 4 % 5);
        let (column, row) = (state / 20 % 5, state / 100);
        if passenger < ABOARD && passenger != destination {
            initial.push((state, 1.0 / 300.0));
        }
        for action in 0..6 {
            let (mut row, mut column, mut passenger) = (row, column, passenger);
            let (mut reward, mut terminal) = (-1.0, false);
            let here = PLACES.iter().position(|&place| place == (row, column));
            match action {
                0 => row = (row + 1).min(4),
                1 => row = row.saturating_sub(1),
                2 if column < 4 && MAP[row][2 * column + 1] == b':' => column += 1,
                3 if column > 0 && MAP[row][2 * column - 1] == b':' => column -= 1,
                4 if passenger < ABOARD && here == Some(passenger) => passenger = ABOARD,
                5 if passenger == ABOARD && here == Some(destination) => {
                    (passenger, reward, terminal) = (destination, 20.0, true);
                }
                5 if passenger == ABOARD && here.is_some() => passenger = here.unwrap_or(ABOARD),
                4 | 5 => reward = -10.0,
                _ => {}
            }
            let next = ((row * 5 + column) * 5 + passenger) * 4 + destination;
            rows.push(Row { state, action, probability: 1.0, next, reward, terminal });
        }
    }
    TableMdp::new(STATES, 6, initial, rows).expect("every state has every action")
}
