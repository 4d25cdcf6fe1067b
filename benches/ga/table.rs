//! Ours beside each of the others: `ours | peer | ratio`, and whether the goal is met.

use super::rounds::Figures;
use super::task::{Role, Task};

/// Ours may take at most this share of the time of the fastest peer: at least 1.5 times its speed.
const OF_FASTEST_PEER: f64 = 1.0 / 1.5;
/// And this of the hand-written loop's.
const OF_BASELINE: f64 = 1.3;

/// Ours beside another, in processor time. Less is better.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// What was searched.
    pub task: Task,
    /// The other.
    pub peer: &'static str,
    /// Ours: microseconds a generation; for ZDT1 milliseconds a run.
    pub ours: f64,
    /// The other's, in the same unit.
    pub theirs: f64,
    /// What `ours / theirs` may be at most, if there is a goal.
    pub goal: Option<f64>,
}

impl Comparison {
    /// `ours / theirs`.
    pub fn ratio(&self) -> f64 {
        self.ours / self.theirs
    }

    /// Whether the goal is met, if there is one.
    pub fn is_met(&self) -> bool {
        self.goal.is_none_or(|goal| self.ratio() <= goal)
    }

    /// The unit of both figures.
    pub fn unit(&self) -> &'static str {
        match self.task {
            Task::Sphere | Task::Rastrigin => "µs",
            Task::Zdt1 => "ms",
        }
    }
}

/// Ours beside each of the others, the hand-written loops first and then the peers, the fastest of them first. Empty when ours has not run.
pub fn comparisons(task: Task, figures: &Figures) -> Vec<Comparison> {
    let scale = match task {
        Task::Sphere | Task::Rastrigin => 1e3 * task.generations() as f64,
        Task::Zdt1 => 1e6,
    };
    let of = |role| {
        figures
            .medians()
            .filter(move |(one, _)| one.role == role)
            .map(|(one, time)| (one.name, time))
    };
    let Some((_, ours)) = of(Role::Ours).next() else {
        return Vec::new();
    };
    let mut peers: Vec<_> = of(Role::Peer).collect();
    peers.sort_by(|a, b| a.1.total_cmp(&b.1));
    let baselines = of(Role::Baseline).map(|(name, time)| (name, time, Some(OF_BASELINE)));
    // Who is faster than 1.5 times the fastest is so against all.
    let goals = std::iter::once(Some(OF_FASTEST_PEER)).chain(std::iter::repeat(None));
    let peers = peers.into_iter().zip(goals).map(|((name, time), goal)| (name, time, goal));
    let row = |(peer, time, goal): (_, f64, _)| Comparison {
        task,
        peer,
        ours: ours / scale,
        theirs: time / scale,
        goal,
    };
    baselines.chain(peers).map(row).collect()
}

/// Prints the table.
pub fn print(rows: &[Comparison]) {
    println!("\n| what | ours | peer | ratio | goal | met |");
    println!("|---|---:|---:|---:|---:|---|");
    for row in rows {
        let (task, peer, unit) = (row.task.name(), row.peer, row.unit());
        let (goal, met) = match row.goal {
            None => (String::new(), ""),
            Some(goal) => (format!("≤ {goal:.3}"), if row.is_met() { "yes" } else { "NO" }),
        };
        let (ours, theirs, ratio) = (row.ours, row.theirs, row.ratio());
        println!(
            "| {task}: ours, {peer} | {ours:.2} {unit} | {theirs:.2} {unit} | {ratio:.3} | {goal} | {met} |"
        );
    }
}
