//! Tabular reinforcement learning with seeded exploration.
//!
//! Q-learning over any [`Environment`] with discrete states and actions, and the environment that the pipeline needs: tuning the
//! parameters of a [`ParameterSpace`](orchestrator_core::ParameterSpace) inside a region, by small moves, without ever making
//! the result worse than the start.
//!
//! Choosing and learning are pure steps ([`QLearning::choose`], [`QLearning::learn`]) with [`Training`] over them. All chance comes
//! from a [`Seed`](orchestrator_core::Seed): exploration, the environment's dice, and the breaking of ties. Ties are broken at
//! random always, because an agent that takes the first of equal actions never leaves the start of a world whose rewards are far away.
//!
//! ```
//! use orchestrator_core::{ParameterSpace, Seed};
//! use orchestrator_rl::{QConfig, Training, TuneEnvironment, tune};
//!
//! let space = ParameterSpace::uniform(2, 0.0, 1.0)?;
//! let region = space.around(&[0.5, 0.5], 0.4)?;
//! let objective = |x: &[f64]| -(x[0] - 0.6).abs() - (x[1] - 0.45).abs();
//!
//! let mut environment = TuneEnvironment::new(&space, &region, &[0.5, 0.5], objective)?;
//! let mut training = Training::new(QConfig::documents(), environment.action_count(), Seed(1))?;
//! let tuned = tune(&mut environment, &mut training)?;
//! assert!(tuned.objective_end > tuned.objective_start);
//! assert!(region.check(&tuned.best).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The [`QTable`] is what outlives a run: saved with a version, pruned within a bound, merged with those of other runs.
//! [`verify`] is the documents' checklist with the measured numbers, [`diagnose`] their troubleshooting, [`RlWorker`] the
//! adapter to orchestrator-core.

mod check;
mod config;
mod diagnosis;
mod environment;
mod error;
mod learner;
mod outcome;
mod reward;
mod table;
mod training;
mod tune;
mod worker;

/// Core's word for a line of a checklist, as [`verify`] gives them.
pub use orchestrator_core::Check;

pub use check::verify;
pub use config::{CONVERGENCE_WINDOW, EPISODES_MAX, QConfig, STEPS_MAX};
pub use diagnosis::{Finding, diagnose};
pub use environment::{Environment, Rewarded, Step};
pub use error::RlError;
pub use learner::{Choice, Motive, QLearning};
pub use outcome::{StopReason, TuneResult};
pub use reward::{DocumentReward, OwnReward, RewardContext, RewardFn, Transition, reward_fn};
pub use table::{Prune, Pruned, QTable, TABLE_ENTRIES_MAX};
pub use training::{Episode, Training};
pub use tune::{TuneConfig, TuneEnvironment, TuneState, tune};
pub use worker::{RlOutput, RlRequest, RlWorker};
