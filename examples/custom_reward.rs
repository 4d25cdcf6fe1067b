//! Your own reward: the same lake, the same learner, and an agent that is in a hurry.
//!
//! ```text
//! cargo run --release --example custom_reward
//! ```
//!
//! The lake itself pays 1 at the goal and nothing else, so with little discounting an agent takes all the time in the world to be
//! safe. A price for every step, said in a `RewardFn`, makes it dare more, and at last prefer a hole, which ends the walk as well. The
//! world is not touched.

use orchestrator_ai::core::Seed;
use orchestrator_ai::rl::mdp::{Policy, TableMdp};
use orchestrator_ai::rl::worlds::{Ice, LAKE_4X4, frozen_lake};
use orchestrator_ai::rl::{
    Environment, RewardFn, Rewarded, RlConfig, RlError, Training, Transition, reward_fn,
};

/// What the lake pays, less the price of every step.
struct Hurry {
    price: f64,
}

impl RewardFn<usize> for Hurry {
    fn reward(&self, transition: &Transition<'_, usize>) -> f64 {
        transition.context.own - self.price
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lake = frozen_lake(&LAKE_4X4, Ice::Slippery);
    // A closure is a reward as well.
    let fed_up = reward_fn(|step: &Transition<'_, usize>| step.context.own - 0.05);
    let agents = [
        ("patient", learned(lake.environment())?),
        ("in a hurry", learned(Rewarded::new(lake.environment(), Hurry { price: 0.01 }))?),
        ("in a great hurry", learned(Rewarded::new(lake.environment(), Hurry { price: 0.02 }))?),
        ("fed up", learned(Rewarded::new(lake.environment(), fed_up))?),
    ];
    println!("{:18} {:>16} {:>16}", "agent", "reaches the goal", "steps an episode");
    for (name, policy) in agents {
        let (reached, steps) =
            (lake.evaluate(&policy, 1.0)?, counting(&lake)?.evaluate(&policy, 1.0)?);
        println!("{name:18} {:15.1}% {:16.1}", 100.0 * reached.start_value, steps.start_value);
    }
    Ok(())
}

fn learned(
    mut world: impl Environment<State = usize>,
) -> Result<Policy, Box<dyn std::error::Error>> {
    let config = RlConfig { gamma: 0.999, ..RlConfig::default() };
    let mut training = Training::dense(config, 16, world.actions(), Seed(7))?;
    training.run_steps(&mut world, 100_000).map_err(|error: RlError| error.to_string())?;
    let table = training.settled();
    Ok(Policy::of_ties(16, 4, |state| table.best_known(&state))?)
}

/// The lake with 1 for every step: what a policy is worth there is how long its episodes are.
fn counting(lake: &TableMdp) -> Result<TableMdp, Box<dyn std::error::Error>> {
    let rows = lake.rows().map(|mut row| {
        let over = row.terminal && row.next == row.state;
        row.reward = if over { 0.0 } else { 1.0 };
        row
    });
    Ok(TableMdp::new(lake.states(), lake.actions(), lake.initial(), rows)?)
}
