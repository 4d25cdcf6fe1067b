//! The frozen lake of Gymnasium: find the way to the goal over ice with holes, on which one slips.

use super::grid::moved;
use crate::mdp::{Row, TableMdp};

/// The map of 4 by 4 cells: start, frozen, hole, goal.
pub const LAKE_4X4: [&str; 4] = ["SFFF", "FHFH", "FFFH", "HFFG"];
/// The map of 8 by 8 cells.
pub const LAKE_8X8: [&str; 8] = [
    "SFFFFFFF", "FFFFFFFF", "FFFHFFFF", "FFFFFHFF", "FFFHFFFF", "FHHFFFHF", "FHFFHFHF", "FFFHFFFG",
];

/// What is underfoot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ice {
    /// One goes where one wants, or to either side of it, a third each.
    Slippery,
    /// One goes where one wants.
    Rough,
}

/// Left, down, right, up.
const WAYS: [(isize, isize); 4] = [(0, -1), (1, 0), (0, 1), (-1, 0)];

/// The lake of a map: `S` is the start, `H` a hole, `G` the goal, anything else is frozen. A state is row · columns + column; the actions are
/// left, down, right and up. Reaching the goal pays 1, all else 0; goal and holes end the episode.
///
/// ```
/// use orchestrator_rl::worlds::{Ice, LAKE_8X8, frozen_lake};
/// let optimum = frozen_lake(&LAKE_8X8, Ice::Slippery).solve(0.95)?.start_value;
/// assert!((optimum - 0.0482502041).abs() < 1e-10);
/// # Ok::<(), orchestrator_rl::mdp::MdpError>(())
/// ```
///
/// # Panics
/// When the rows are not of one length, or there is no start.
pub fn frozen_lake(map: &[&str], ice: Ice) -> TableMdp {
    let columns = map.first().map_or(0, |row| row.len());
    assert!(map.iter().all(|row| row.len() == columns), "the rows of a map are of one length");
    let size = (map.len(), columns);
    let tile = |(row, column): (usize, usize)| map[row].as_bytes()[column];
    let cells = (0..size.0).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let cells: Vec<(usize, usize)> = cells.collect();
    let number = |(row, column): (usize, usize)| row * columns + column;
    let mut rows = Vec::with_capacity(cells.len() * 12);
    for &cell in &cells {
        for action in 0..4 {
            if matches!(tile(cell), b'G' | b'H') {
                let state = number(cell);
                let row = Row {
                    state,
                    action,
                    probability: 1.0,
                    next: state,
                    reward: 0.0,
                    terminal: true,
                };
                rows.push(row);
                continue;
            }
            let turns: &[usize] = match ice {
                Ice::Slippery => &[3, 0, 1],
                Ice::Rough => &[0],
            };
            for turn in turns {
                let next = moved(cell, WAYS[(action + turn) % 4], size);
                rows.push(Row {
                    state: number(cell),
                    action,
                    probability: 1.0 / turns.len() as f64,
                    next: number(next),
                    reward: if tile(next) == b'G' { 1.0 } else { 0.0 },
                    terminal: matches!(tile(next), b'G' | b'H'),
                });
            }
        }
    }
    let starts: Vec<usize> =
        cells.iter().filter(|&&cell| tile(cell) == b'S').map(|&cell| number(cell)).collect();
    assert!(!starts.is_empty(), "a map has a start");
    let share = 1.0 / starts.len() as f64;
    TableMdp::new(cells.len(), 4, starts.into_iter().map(|state| (state, share)), rows)
        .expect("every cell has every action, and thirds sum to 1")
}
