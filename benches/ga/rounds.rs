//! Takes the figures: everybody in turn, again and again, so that a neighbour on the machine disturbs all alike.

use super::task::{Contender, Task};
use crate::cpu_time;

/// What was measured: by contender, the processor time of a run in nanoseconds, a sample a round.
#[derive(Debug, Clone, Default)]
pub struct Figures(Vec<(Contender, Vec<f64>)>);

impl Figures {
    /// The contenders with the medians of their samples.
    pub fn medians(&self) -> impl Iterator<Item = (&Contender, f64)> {
        self.0.iter().map(|(contender, samples)| (contender, median(samples)))
    }
}

/// Runs all contenders in turn, after a first round that is not counted.
pub fn rounds(task: Task, contenders: &[Contender], rounds: usize) -> Figures {
    let mut figures = Figures(contenders.iter().map(|c| (*c, Vec::new())).collect());
    for round in 0..=rounds {
        for (contender, samples) in &mut figures.0 {
            let began = cpu_time();
            contender.run(task, task.generations(), round as u64);
            let took = cpu_time().saturating_sub(began);
            if round > 0 {
                samples.push(took.as_nanos() as f64);
            }
        }
    }
    figures
}

pub(crate) fn median(samples: &[f64]) -> f64 {
    let mut samples = samples.to_vec();
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
