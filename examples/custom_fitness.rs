//! Your own function, maximised: where to put three warehouses so that forty customers have the shortest way.
//!
//! ```text
//! cargo run --release --example custom_fitness
//! ```

use orchestrator_ai::core::{ParameterSpace, Seed};
use orchestrator_ai::ga::{Evaluation, FitnessError, FitnessFn, Ga, GaConfig};

/// Customers on a map of 100 by 100 kilometres. The fitness is minus the mean way to the nearest warehouse.
struct Warehouses {
    customers: Vec<(f64, f64)>,
}

impl FitnessFn for Warehouses {
    fn evaluate(&self, sites: &[f64], _: &Evaluation) -> Result<f64, FitnessError> {
        let way = |&(x, y): &(f64, f64)| {
            sites.chunks(2).map(|s| (x - s[0]).hypot(y - s[1])).fold(f64::INFINITY, f64::min)
        };
        if self.customers.is_empty() {
            return Err(FitnessError::failed("there are no customers"));
        }
        Ok(-self.customers.iter().map(way).sum::<f64>() / self.customers.len() as f64)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut dice = Seed(11).derive("customers").stream();
    let customers = (0..40).map(|_| (dice.between(0.0, 100.0), dice.between(0.0, 100.0)));
    let fitness = Warehouses { customers: customers.collect() };

    let space = ParameterSpace::uniform(6, 0.0, 100.0)?; // x and y of three warehouses
    let config = GaConfig { population: 40, generations: 60, ..GaConfig::documents() };
    let found = Ga::search(space, config, Seed(7))?.run(&fitness)?;

    for (number, site) in found.best.chunks(2).enumerate() {
        println!("warehouse {}: {:.1} km east, {:.1} km north", number + 1, site[0], site[1]);
    }
    let (first, last) = (-found.fitness_history[0], -found.final_fitness);
    println!(
        "mean way {last:.2} km, {first:.2} km in the first generation; {} evaluations",
        found.evaluations
    );
    Ok(())
}
