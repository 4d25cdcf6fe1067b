//! A genetic search finds a region, and learning refines the result inside it: small moves of weights, biases and the
//! temperature.
//!
//! ```text
//! cargo run --release --example tune_within_region
//! ```
//!
//! What is tuned is a score for support tickets, (Σ weight · feature + bias of the queue) / temperature, whose logistic is to be
//! the probability that a ticket is urgent. The objective is the mean log-likelihood of 600 tickets, so a coin has −0.693.

use orchestrator_ai::core::{ParameterSpace, Parameters, Seed};
use orchestrator_ai::ga::{Ga, GaConfig};
use orchestrator_ai::rl::{
    RlConfig, Scaling, Training, TuneEnvironment, diagnose, tune_scaled, verify,
};

const FEATURES: [&str; 3] = ["age", "replies", "size"];
const QUEUES: [&str; 2] = ["billing", "outage"];

struct Ticket {
    features: [f64; 3],
    queue: usize,
    urgent: bool,
}

/// A point is three weights, two biases and a temperature, in this order.
fn probability(point: &[f64], ticket: &Ticket) -> f64 {
    let weighted: f64 = point.iter().zip(ticket.features).map(|(weight, x)| weight * x).sum();
    let score = (weighted + point[3 + ticket.queue]) / point[5];
    1.0 / (1.0 + (-score).exp())
}

fn likelihood(point: &[f64], tickets: &[Ticket]) -> f64 {
    let of = |ticket: &Ticket| {
        let p = probability(point, ticket);
        if ticket.urgent { p.ln() } else { (1.0 - p).ln() }
    };
    tickets.iter().map(of).sum::<f64>() / tickets.len() as f64
}

/// Tickets as these parameters would have them.
fn tickets(truth: &[f64]) -> Vec<Ticket> {
    let mut dice = Seed(5).derive("tickets").fast_stream();
    let mut draw = || {
        let features = std::array::from_fn(|_| dice.normal());
        let mut ticket = Ticket { features, queue: dice.below(QUEUES.len()), urgent: false };
        ticket.urgent = dice.chance(probability(truth, &ticket));
        ticket
    };
    (0..600).map(|_| draw()).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let space: ParameterSpace = Parameters::space(FEATURES, QUEUES);
    let tickets = tickets(&[1.6, 0.4, 0.9, -0.3, 0.4, 0.7]);
    let objective = |point: &[f64]| likelihood(point, &tickets);

    let search = GaConfig { population: 20, generations: 10, ..GaConfig::documents() };
    let found = Ga::search(space.clone(), search, Seed(1))?.run(&objective)?;
    println!("searched: {:.6} after {} evaluations", found.final_fitness, found.evaluations);

    // Every episode begins at the best point so far; the budget is 1,000 of them, and most are not needed.
    let config = RlConfig { episodes_max: 1_000, converged_td: None, ..RlConfig::documents() };
    let mut environment = TuneEnvironment::new(&space, &found.region, &found.best, objective)?;
    let mut training = Training::hashed(config.clone(), environment.action_count(), Seed(2))?;
    let tuned = tune_scaled(&mut environment, &mut training, Scaling::default())?;
    println!(
        "learned:  {:.6} after {} episodes of 3 steps, because the run has {:?}\n",
        tuned.objective_end, tuned.episodes, tuned.stop
    );

    println!("{:16} {:>9} {:>9}   within the region", "", "searched", "learned");
    for (at, (name, bounds)) in space.names().iter().zip(found.region.bounds()).enumerate() {
        let (before, after) = (found.best[at], tuned.best[at]);
        println!("{name:16} {before:9.4} {after:9.4}   {:.4} to {:.4}", bounds.min, bounds.max);
    }
    println!("\nepisodes  reward of one  error   policy changed  actions tried");
    for round in &tuned.rounds {
        let churn = round.churn.map_or("-".to_owned(), |share| format!("{:.1}%", 100.0 * share));
        let (reward, error, tried) = (round.reward, round.td_error, 100.0 * round.coverage);
        println!("{:8}  {reward:13.6}  {error:.5} {churn:>14}  {tried:12.1}%", round.episodes);
    }
    println!();
    for check in verify(&tuned, &found.region) {
        println!("[{}] {}: {}", if check.passed { "x" } else { " " }, check.name, check.detail);
    }
    diagnose(&tuned, &config).iter().for_each(|advice| println!("- {advice}"));
    Ok(())
}
