//! The log replayed as if it happened now: of every query only the outcome of the chosen model is seen.

use orchestrator_attention::RouterConfig;
use orchestrator_core::Seed;

use crate::log::Log;
use crate::policies::{Always, AreaOracle, Attention, EpsilonGreedy, LinUcb, Policy};

/// How many queries a replay has, if there are as many.
pub(crate) const STEPS: usize = 3_000;

/// How many seeds the goals are for, and how many are run to know the noise.
pub(crate) const SEEDS: usize = 5;
pub(crate) const MORE_SEEDS: usize = 20;

/// Mean rewards of a policy.
pub(crate) struct Result {
    pub(crate) what: String,
    /// By seed.
    pub(crate) rewards: Vec<f64>,
}

impl Result {
    pub(crate) fn mean(&self, seeds: usize) -> f64 {
        self.rewards[..seeds].iter().sum::<f64>() / seeds as f64
    }

    /// The standard error of the mean over all seeds.
    pub(crate) fn error(&self) -> f64 {
        let count = self.rewards.len() as f64;
        let mean = self.mean(self.rewards.len());
        let squares: f64 = self.rewards.iter().map(|reward| (reward - mean).powi(2)).sum();
        (squares / (count - 1.0) / count).sqrt()
    }

    pub(crate) fn least(&self) -> f64 {
        self.rewards.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// One policy on one order of the queries: the mean reward.
pub(crate) fn replay(log: &Log, lambda: f64, seed: Seed, policy: &mut dyn Policy) -> f64 {
    let mut order: Vec<usize> = (0..log.queries.len()).collect();
    seed.derive("order").fast_stream().shuffle(&mut order);
    order.truncate(STEPS);
    let mut sum = 0.0;
    for (step, &at) in order.iter().enumerate() {
        let query = &log.queries[at];
        let model = policy.choose(query, step as u64);
        sum += log.reward(query, model, lambda);
        policy.learn(query, step as u64, model, query.correct[model], query.usd[model]);
    }
    sum / order.len() as f64
}

/// All policies over all seeds, the router last.
pub(crate) fn contest(log: &Log, lambda: f64, first: u64) -> Vec<Result> {
    let over = |what: String, make: &dyn Fn(Seed) -> Box<dyn Policy>| {
        let reward = |seed: u64| {
            let seed = Seed(first + seed);
            replay(log, lambda, seed, make(seed).as_mut())
        };
        Result { what, rewards: (0..MORE_SEEDS as u64).map(reward).collect() }
    };
    let mut results: Vec<Result> = (0..log.models.len())
        .map(|model| over(format!("always {}", log.models[model]), &|_| Box::new(Always(model))))
        .collect();
    results
        .push(over("random".into(), &|seed| Box::new(EpsilonGreedy::new(1.0, log, lambda, seed))));
    results.push(over("ε-greedy .1, no context".into(), &|seed| {
        Box::new(EpsilonGreedy::new(0.1, log, lambda, seed))
    }));
    for alpha in [0.1, 1.0] {
        results.push(over(format!("LinUCB, α {alpha}"), &|_| {
            Box::new(LinUcb::new(alpha, log, lambda))
        }));
    }
    results.push(over("best of each area, foreknown".into(), &|_| {
        Box::new(AreaOracle::of(log, lambda))
    }));
    results.push(over(ROUTER.into(), &|seed| {
        let config = RouterConfig { cost_weight: lambda, ..RouterConfig::default() };
        Box::new(Attention::new(config, log.models.len(), seed))
    }));
    results
}

/// The name of our own row.
pub(crate) const ROUTER: &str = "AttentionRouter";
