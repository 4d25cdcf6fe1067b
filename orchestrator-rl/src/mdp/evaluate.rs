//! The exact value of a policy, class by class of its course, each by a linear solve where it is small and by sweeps where it is not.
//!
//! Classes are taken from the ends backwards, so every system has only the states of one class as unknowns. At γ 1 a class that is
//! never left has no finite value unless nothing is ever paid in it; it is found here and never iterated on.

use super::classes::classes;
use super::error::MdpError;
use super::solve::{SWEEPS_MAX, check_gamma};
use super::{Policy, TableMdp};

/// Classes of at most so many states are solved by elimination: a second's work.
const ELIMINATED_MAX: usize = 1_500;
/// Sweeps end when none changes a value by more than this share of the greatest one.
const REST: f64 = 1e-14;

/// What a policy is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// What each state is worth; −∞ (or ∞) where at γ 1 costs (or gains) never end.
    pub values: Vec<f64>,
    /// What an episode is worth from its beginning: the mean over the initial states.
    pub start_value: f64,
}

/// One state's mean reward and ways under a policy; ways into the end are left out.
struct Course {
    reward: f64,
    ways: Vec<(usize, f64)>,
    ends: bool,
    /// The least and the greatest reward that can come.
    least: f64,
    most: f64,
}

impl TableMdp {
    /// The exact value of a policy.
    ///
    /// # Errors
    /// When γ is not within [0, 1], the policy is for another table, or at γ 1 rewards of both signs never end
    /// ([`MdpError::Undefined`]).
    pub fn evaluate(&self, policy: &Policy, gamma: f64) -> Result<Evaluation, MdpError> {
        check_gamma(gamma)?;
        if (policy.states(), policy.actions()) != (self.states(), self.actions()) {
            return Err(MdpError::Policy {
                what: format!(
                    "it is for {} states and {} actions, the table has {} and {}",
                    policy.states(),
                    policy.actions(),
                    self.states(),
                    self.actions()
                ),
            });
        }
        let courses: Vec<Course> =
            (0..self.states()).map(|state| self.course(policy, state)).collect();
        let class = classes(self.states(), |state| {
            courses[state].ways.iter().map(|&(next, _)| next).collect()
        });
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (state, &class) in class.iter().enumerate() {
            if members.len() <= class {
                members.resize_with(class + 1, Vec::new);
            }
            members[class].push(state);
        }
        let mut values = vec![0.0; self.states()];
        for (number, members) in members.iter().enumerate() {
            if gamma == 1.0 && endless(members, &courses, &class, number, &mut values)? {
                continue;
            }
            of_class(members, &courses, &class, gamma, &mut values)?;
        }
        let start_value = self.start_value(&values);
        if start_value.is_nan() {
            let (state, _) = self.initial().next().expect("a table has an initial state");
            return Err(MdpError::Undefined { state });
        }
        Ok(Evaluation { values, start_value })
    }

    fn course(&self, policy: &Policy, state: usize) -> Course {
        let mut course =
            Course { reward: 0.0, ways: Vec::new(), ends: false, least: 0.0, most: 0.0 };
        for (action, &chosen) in policy.probabilities(state).iter().enumerate() {
            if chosen == 0.0 {
                continue;
            }
            for outcome in self.outcomes(state, action) {
                let probability = chosen * outcome.probability;
                course.reward += probability * outcome.reward;
                course.least = course.least.min(outcome.reward);
                course.most = course.most.max(outcome.reward);
                if outcome.terminal {
                    course.ends = true;
                    continue;
                }
                let next = outcome.next as usize;
                match course.ways.iter_mut().find(|(known, _)| *known == next) {
                    Some((_, sum)) => *sum += probability,
                    None => course.ways.push((next, probability)),
                }
            }
        }
        course
    }
}

/// Whether a class is never left; its values are set then.
fn endless(
    members: &[usize],
    courses: &[Course],
    class: &[usize],
    number: usize,
    values: &mut [f64],
) -> Result<bool, MdpError> {
    let left = |state: &usize| {
        let course = &courses[*state];
        course.ends || course.ways.iter().any(|&(next, _)| class[next] != number)
    };
    if members.iter().any(left) {
        return Ok(false);
    }
    let least = members.iter().fold(0.0_f64, |least, &state| least.min(courses[state].least));
    let most = members.iter().fold(0.0_f64, |most, &state| most.max(courses[state].most));
    let value = match (least < 0.0, most > 0.0) {
        (false, false) => 0.0,
        (true, false) => f64::NEG_INFINITY,
        (false, true) => f64::INFINITY,
        (true, true) => return Err(MdpError::Undefined { state: members[0] }),
    };
    members.iter().for_each(|&state| values[state] = value);
    Ok(true)
}

/// The values of a class, those of all classes that it leads into being known.
fn of_class(
    members: &[usize],
    courses: &[Course],
    class: &[usize],
    gamma: f64,
    values: &mut [f64],
) -> Result<(), MdpError> {
    let number = class[members[0]];
    // What comes from outside the class, and at once.
    let mut known = Vec::with_capacity(members.len());
    for &state in members {
        let outside = courses[state].ways.iter().filter(|&&(next, _)| class[next] != number);
        let mut sum = courses[state].reward;
        for &(next, probability) in outside {
            // 0 · ∞ at γ 0 is nothing.
            sum += if gamma == 0.0 { 0.0 } else { gamma * probability * values[next] };
        }
        if sum.is_nan() {
            return Err(MdpError::Undefined { state });
        }
        known.push(sum);
    }
    // One state that leads to an endless cost is reached from all of its class.
    if let Some(&endless) = known.iter().find(|sum| sum.is_infinite()) {
        if known.iter().any(|sum| sum.is_infinite() && *sum != endless) {
            return Err(MdpError::Undefined { state: members[0] });
        }
        members.iter().for_each(|&state| values[state] = endless);
        return Ok(());
    }
    let mut place = std::collections::BTreeMap::new();
    members.iter().enumerate().for_each(|(at, &state)| {
        place.insert(state, at);
    });
    let inside = |state: usize| {
        let ways = courses[state].ways.iter();
        ways.filter_map(|&(next, p)| place.get(&next).map(|&at| (at, gamma * p)))
    };
    let solved = if members.len() <= ELIMINATED_MAX {
        let mut matrix = vec![0.0; members.len() * members.len()];
        for (at, &state) in members.iter().enumerate() {
            matrix[at * members.len() + at] = 1.0;
            inside(state).for_each(|(to, share)| matrix[at * members.len() + to] -= share);
        }
        eliminate(matrix, known)
    } else {
        let ways: Vec<Vec<(usize, f64)>> =
            members.iter().map(|&state| inside(state).collect()).collect();
        iterate(&ways, &known)?
    };
    members.iter().zip(solved).for_each(|(&state, value)| values[state] = value);
    Ok(())
}

/// Gaussian elimination with row pivoting. The matrix is I − γP of a class that is left or discounted, so it is not singular.
fn eliminate(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Vec<f64> {
    let count = right.len();
    for column in 0..count {
        let size = |row: &usize| matrix[row * count + column].abs();
        let pivot = (column..count).max_by(|a, b| size(a).total_cmp(&size(b))).unwrap_or(column);
        if pivot != column {
            for at in column..count {
                matrix.swap(pivot * count + at, column * count + at);
            }
            right.swap(pivot, column);
        }
        let (upper, lower) = matrix.split_at_mut((column + 1) * count);
        let pivot_row = &upper[column * count..];
        for (below, row) in lower.chunks_mut(count).enumerate() {
            let factor = row[column] / pivot_row[column];
            if factor != 0.0 {
                row[column..]
                    .iter_mut()
                    .zip(&pivot_row[column..])
                    .for_each(|(a, b)| *a -= factor * b);
                right[column + 1 + below] -= factor * right[column];
            }
        }
    }
    for row in (0..count).rev() {
        let solved: f64 = (row + 1..count).map(|at| matrix[row * count + at] * right[at]).sum();
        right[row] = (right[row] - solved) / matrix[row * count + row];
    }
    right
}

/// Sweeps in place, for classes too large for elimination.
fn iterate(ways: &[Vec<(usize, f64)>], known: &[f64]) -> Result<Vec<f64>, MdpError> {
    let mut values = known.to_vec();
    let mut residual = f64::INFINITY;
    for _ in 0..SWEEPS_MAX {
        residual = 0.0;
        let mut scale = 0.0_f64;
        for at in 0..values.len() {
            let ahead: f64 = ways[at].iter().map(|&(to, share)| share * values[to]).sum();
            let value = known[at] + ahead;
            residual = f64::max(residual, (value - values[at]).abs());
            scale = scale.max(value.abs());
            values[at] = value;
        }
        if residual <= REST * scale {
            return Ok(values);
        }
    }
    Err(MdpError::Unsettled { sweeps: SWEEPS_MAX, residual })
}
