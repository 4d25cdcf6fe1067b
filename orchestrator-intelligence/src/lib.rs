//! What is learnt from every run: records, analytics, adaptive routing, and improvements that are measured before they are proposed.
//!
//! An [`ExecutionTracker`] keeps what happened, [`Analytics`] reads it with intervals instead of bare rates, an [`AdaptiveRouter`]
//! chooses by it and learns from what it is told, and an [`Improver`] proposes settings out of the [`Knowledge`] of earlier runs. Every
//! number it gives was measured on the records it was handed; where they are too few it says so and stays with the default.
//!
//! Nothing here reads a clock or draws randomness of its own: times come from a given `Clock`, choices from the request's seed.
//! Files are touched in two places only, [`JsonlStore`] and [`Knowledge`], and only when asked.
//!
//! ```
//! use orchestrator_intelligence::{Analytics, ExecutionOutcome, ExecutionRecord, ExecutionTracker};
//! use orchestrator_core::{Role, WorkerName};
//!
//! let tracker = ExecutionTracker::new(1_000);
//! for (task, usd) in [("t1", 0.38), ("t2", 0.12)] {
//!     let worker = WorkerName::parse("sonnet")?;
//!     tracker.record(ExecutionRecord {
//!         area: "core".into(),
//!         usd,
//!         duration_ms: 450_500,
//!         ..ExecutionRecord::new(task, Role::IMPLEMENTER, worker, ExecutionOutcome::Success)
//!     });
//! }
//! let summary = Analytics::new(tracker.records()).summary();
//! assert_eq!((summary.tasks, summary.success_rate), (2, 1.0));
//! assert_eq!(summary.usd_mean, 0.25);
//! assert!(summary.success_interval.0 < 0.4); // two successes prove little
//! # Ok::<(), orchestrator_core::NameError>(())
//! ```

mod analytics;
mod bandit;
mod config;
mod improve;
mod knowledge;
mod metrics;
mod pattern;
mod profile;
mod record;
mod router;
mod statistics;
mod store;
mod tracker;
mod troubleshoot;
mod worker;

pub use orchestrator_core::Router;

pub use analytics::{Analytics, Dimension, Metric, Opportunity, Summary};
pub use bandit::{Bandit, Choice, ThompsonSampling, Ucb1};
pub use config::{BanditKind, LearningConfig, LearningConfigError, RoutingStrategy};
pub use improve::{Improver, Mechanism, Suggestion};
pub use knowledge::{
    BestParameters, FailureCase, KNOWLEDGE_FILE, KNOWLEDGE_VERSION, Knowledge, KnowledgeError,
    RunSummary,
};
pub use metrics::RunMetrics;
pub use pattern::{FailurePattern, failure_patterns};
pub use profile::TaskProfile;
pub use record::{
    Complexity, ErrorRecord, ExecutionOutcome, ExecutionRecord, RECORD_VERSION, Risk,
};
pub use router::{AdaptiveRouter, LearningSummary};
pub use statistics::{difference_interval, wilson_interval};
pub use store::{JsonlStore, Loaded, StoreError, Torn};
pub use tracker::ExecutionTracker;
pub use troubleshoot::{Remedy, troubleshoot};
pub use worker::{Improvement, ImproverWorker, TrackedWorker};
