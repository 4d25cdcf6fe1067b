//! Tabular reinforcement learning that reaches the optimum, with seeded exploration.
//!
//! One default for every world: it learns a model of what it sees and solves it, is optimistic where it has seen little, and
//! needs no tuning.
//!
//! ```
//! use orchestrator_core::Seed;
//! use orchestrator_rl::mdp::Policy;
//! use orchestrator_rl::{RlConfig, Training, worlds};
//!
//! let cliff = worlds::cliff_walking();
//! let mut training = Training::dense(RlConfig::default(), cliff.states(), cliff.actions(), Seed(1))?;
//! training.run_steps(&mut cliff.environment(), 3_000)?;
//!
//! // The exact value of what was learned, beside the best there is.
//! let learned = training.settled();
//! let policy = Policy::of_ties(cliff.states(), cliff.actions(), |state| learned.best_known(&state))?;
//! let (found, best) = (cliff.evaluate(&policy, 0.95)?, cliff.solve(0.95)?);
//! assert!((found.start_value - best.start_value).abs() < 1e-9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Any other method is a setting ([`Method`]): Q-learning, double Q, SARSA, expected SARSA, n-step, Q(λ), Monte Carlo, Dyna-Q.
//! Choosing and learning are pure steps ([`Training::choose`], [`Training::learn`]) with loops over them. All chance comes from a
//! [`Seed`](orchestrator_core::Seed): exploration, the world's dice, and the breaking of ties. Ties are broken at random always,
//! because an agent that takes the first of equal actions never leaves the start of a world whose rewards are far away.
//!
//! | module | what it is |
//! |---|---|
//! | [`mdp`] | a Markov decision process as a table: read, checked, solved, walked in |
//! | [`worlds`] | such tables of the literature |
//! | `environment`, `reward` | a world to act in, and what a step in it is worth |
//! | `discretise` | points of a parameter space as states: grids of one width, of quantiles, tile coding |
//! | `index` | states as numbers, given beforehand or by hashing |
//! | `table` | values and visits by these numbers: saved, pruned, merged, transferred |
//! | `schedule`, `explore`, `method`, `config` | settings, each with its ranges |
//! | `learner` | from a step to changed values, a file for each family of methods |
//! | `training` | the whole agent, by steps or over an environment, saved at any time |
//! | `tune` | fine-tuning of parameters inside a region, as an environment |
//! | `scaling` | how long to go on: while something is found, within the budget |
//! | `monitor`, `check`, `diagnosis`, `outcome` | what was measured, and what it says |
//! | `worker` | the adapter to orchestrator-core |
//!
//! Fine-tuning, as the pipeline does it, never makes a result worse:
//!
//! ```
//! use orchestrator_core::{ParameterSpace, Seed};
//! use orchestrator_rl::{RlConfig, Training, TuneEnvironment, tune};
//!
//! let space = ParameterSpace::uniform(2, 0.0, 1.0)?;
//! let region = space.around(&[0.5, 0.5], 0.4)?;
//! let objective = |x: &[f64]| -(x[0] - 0.6).abs() - (x[1] - 0.45).abs();
//!
//! let mut environment = TuneEnvironment::new(&space, &region, &[0.5, 0.5], objective)?;
//! let mut training = Training::hashed(RlConfig::documents(), environment.action_count(), Seed(1))?;
//! let tuned = tune(&mut environment, &mut training)?;
//! assert!(tuned.objective_end > tuned.objective_start);
//! assert!(region.check(&tuned.best).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! How long to tune need not be known: [`tune_scaled`] goes on while it finds something, within a budget. Points of any
//! [`ParameterSpace`](orchestrator_core::ParameterSpace) become states by a [`Grid`] or by [`Tiles`]. What a training does is
//! measured by a [`Monitor`]; [`verify_training`] judges it line by line, and [`diagnose_training`] says what ails it, only where
//! a cause was measured.

mod check;
mod config;
mod diagnosis;
mod discretise;
mod environment;
mod error;
mod explore;
mod index;
mod learner;
pub mod mdp;
mod method;
mod monitor;
mod outcome;
mod reward;
mod scaling;
mod schedule;
mod table;
mod training;
mod tune;
mod worker;
pub mod worlds;

/// Core's word for a line of a checklist, as [`verify`] gives them.
pub use orchestrator_core::Check;

pub use check::{verify, verify_training};
pub use config::{CONVERGENCE_WINDOW, EPISODES_MAX, RlConfig, STEPS_MAX};
pub use diagnosis::{Finding, diagnose, diagnose_training};
pub use discretise::{BINS_MAX, DiscretiseError, Grid, TILINGS_MAX, Tiles, TuneState};
pub use environment::{Environment, Rewarded, Step};
pub use error::RlError;
pub use explore::{Choice, Exploration, Motive};
pub use index::{Dense, FoldHasher, Hashed, STATES_MAX, StateIndex};
pub use method::{Method, N_MAX, PLANNING_MAX, Trace, Visit};
pub use monitor::{Monitor, ROUNDS_KEPT, Round, TIE, WATCHED_MAX};
pub use outcome::{StopReason, TuneResult};
pub use reward::{DocumentReward, OwnReward, RewardContext, RewardFn, Transition, reward_fn};
pub use scaling::{Pace, Scaling};
pub use schedule::Schedule;
pub use table::{
    ACTIONS_MAX, DenseTable, HashedTable, Prune, Pruned, QTable, SavedIndex, TABLE_ENTRIES_MAX,
};
pub use training::{Episode, HISTORY_KEPT, Training};
pub use tune::{TuneConfig, TuneEnvironment, tune, tune_scaled};
pub use worker::{RlOutput, RlRequest, RlWorker};
