//! What is searched, and who searches it.

use std::f64::consts::TAU;

use super::{DIMENSION, dense, genetic_algorithm, genetic_algorithms, moors, ours, radiate};

/// How often every contender runs, in turn with the others.
pub const ROUNDS: usize = 15;

/// A task, all in 30 dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// The sum of the squares in ±5.12: the fitness costs next to nothing, so that the figure is the method's own.
    Sphere,
    /// Rastrigin's function in ±5.12: thirty cosines, as a cheap fitness of use has.
    Rastrigin,
    /// ZDT1 (Zitzler, Deb and Thiele, "Comparison of multiobjective evolutionary algorithms", 2000) by NSGA-II.
    Zdt1,
}

impl Task {
    /// All of them.
    pub const ALL: [Task; 3] = [Task::Sphere, Task::Rastrigin, Task::Zdt1];

    /// Its name in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Task::Sphere => "sphere",
            Task::Rastrigin => "rastrigin",
            Task::Zdt1 => "zdt1",
        }
    }

    /// How many generations of 100 a run has. ZDT1 has its 25,000 evaluations; radiate, which breeds half as many children in a
    /// generation there, has as many generations.
    pub fn generations(self) -> usize {
        match self {
            Task::Sphere => 2_000,
            Task::Rastrigin => 1_000,
            Task::Zdt1 => 250,
        }
    }

    pub(crate) fn bounds(self) -> (f64, f64) {
        match self {
            Task::Sphere | Task::Rastrigin => (-5.12, 5.12),
            Task::Zdt1 => (0.0, 1.0),
        }
    }

    /// What is minimised.
    ///
    /// # Panics
    /// For ZDT1, which has two values.
    #[inline]
    pub(crate) fn cost(self, x: impl Iterator<Item = f64>) -> f64 {
        match self {
            Task::Sphere => sphere(x),
            Task::Rastrigin => rastrigin(x),
            Task::Zdt1 => unreachable!("two objectives"),
        }
    }

    /// What a run must have reached, lest it be one that does not search: half of what a random point costs. For ZDT1 this
    /// is the hypervolume to (1.1, 1.1), of which .8716 is all there is.
    fn is_reached(self, found: f64) -> bool {
        match self {
            Task::Sphere => found < 130.0,
            Task::Rastrigin => found < 280.0,
            Task::Zdt1 => found > 0.6,
        }
    }
}

#[inline]
pub(crate) fn sphere(x: impl Iterator<Item = f64>) -> f64 {
    x.map(|v| v * v).sum()
}

#[inline]
pub(crate) fn rastrigin(x: impl Iterator<Item = f64>) -> f64 {
    x.map(|v| 10.0 + v * v - 10.0 * (TAU * v).cos()).sum()
}

#[inline]
pub(crate) fn zdt1(mut x: impl Iterator<Item = f64>) -> [f64; 2] {
    let first = x.next().expect("thirty values");
    let g = 1.0 + 9.0 * x.sum::<f64>() / (DIMENSION - 1) as f64;
    [first, g * (1.0 - (first / g).max(0.0).sqrt())]
}

/// The area between the points and (1.1, 1.1).
pub(crate) fn hypervolume(points: impl Iterator<Item = [f64; 2]>) -> f64 {
    const REFERENCE: f64 = 1.1;
    let mut points: Vec<[f64; 2]> =
        points.filter(|p| p.iter().all(|&value| value < REFERENCE)).collect();
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let (mut area, mut ceiling) = (0.0, REFERENCE);
    for [x, y] in points {
        if y < ceiling {
            area += (REFERENCE - x) * (ceiling - y);
            ceiling = y;
        }
    }
    area
}

/// Someone who searches.
#[derive(Debug, Clone, Copy)]
pub struct Contender {
    /// The name in tables.
    pub name: &'static str,
    /// What it is to ours.
    pub role: Role,
    /// Searches a task for so many generations; gives the best cost, or the hypervolume.
    search: Searching,
}

type Searching = fn(Task, usize, u64) -> f64;

/// What a contender is to ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Ours.
    Ours,
    /// A loop written by hand.
    Baseline,
    /// A library.
    Peer,
}

impl Contender {
    /// One run.
    ///
    /// # Panics
    /// When it did not search.
    pub fn run(&self, task: Task, generations: usize, seed: u64) {
        let found = (self.search)(task, generations, seed);
        assert!(task.is_reached(found), "{} reached {found} on {}", self.name, task.name());
    }
}

/// All who can do the task.
pub fn contenders(task: Task) -> Vec<Contender> {
    let contender = |name, role, search| Contender { name, role, search };
    let mut all = vec![
        contender("ours", Role::Ours, ours::search as Searching),
        contender("dense_chacha8", Role::Baseline, dense::search_chacha8),
        contender("dense_fast", Role::Baseline, dense::search_fast),
        contender("genetic_algorithms", Role::Peer, genetic_algorithms::search),
        contender("radiate", Role::Peer, radiate::search),
        contender("moors", Role::Peer, moors::search),
    ];
    // It has one objective.
    if task != Task::Zdt1 {
        all.push(contender("genetic_algorithm", Role::Peer, genetic_algorithm::search));
    }
    all
}
