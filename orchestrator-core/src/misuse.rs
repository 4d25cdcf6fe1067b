//! What the types do not let anybody write. Each example stands beside its twin, which differs in the one line that is wrong and compiles:
//! a refusal for another reason would show there.
//!
//! A workflow that was not checked cannot be run:
//! ```
//! use orchestrator_core::{Role, Run, RunOptions, Step, Workflow};
//! let builder = Workflow::builder("one").step(Step::task("a", Role::GENERIC));
//! Run::new(builder.build().unwrap(), RunOptions::new("run-1", "").unwrap());
//! ```
//! ```compile_fail,E0308
//! use orchestrator_core::{Role, Run, RunOptions, Step, Workflow};
//! let builder = Workflow::builder("one").step(Step::task("a", Role::GENERIC));
//! Run::new(builder, RunOptions::new("run-1", "").unwrap());
//! ```
//!
//! A name of one kind is none of another:
//! ```
//! use orchestrator_core::{Capability, Role, Step};
//! Step::task("a", Role::parse("coder").unwrap()).requires(Capability::parse("rust").unwrap());
//! ```
//! ```compile_fail,E0308
//! use orchestrator_core::{Capability, Role, Step};
//! Step::task("a", Role::parse("coder").unwrap()).requires(Role::parse("rust").unwrap());
//! ```
//!
//! A worker that cannot travel between threads cannot be registered:
//! ```
//! use orchestrator_core::{Orchestrator, Payload, Role, Task, worker_fn};
//! let shared = std::sync::Arc::new(1);
//! let worker = worker_fn(move |_: Task| { let n = *shared; async move { Ok(Payload::of(&n)?.into()) } });
//! Orchestrator::new().register_worker("ada", Role::CODER, worker).unwrap();
//! ```
//! ```compile_fail,E0277
//! use orchestrator_core::{Orchestrator, Payload, Role, Task, worker_fn};
//! let shared = std::rc::Rc::new(1);
//! let worker = worker_fn(move |_: Task| { let n = *shared; async move { Ok(Payload::of(&n)?.into()) } });
//! Orchestrator::new().register_worker("ada", Role::CODER, worker).unwrap();
//! ```
//!
//! A condition with state that is not shared safely is none:
//! ```
//! use orchestrator_core::{Condition, condition_fn};
//! let seen = std::sync::atomic::AtomicBool::new(false);
//! let condition = condition_fn("seen", 1, move |_| Ok(seen.load(std::sync::atomic::Ordering::Relaxed)));
//! fn takes(_: impl Condition) {}
//! takes(condition);
//! ```
//! ```compile_fail,E0277
//! use orchestrator_core::{Condition, condition_fn};
//! let seen = std::cell::Cell::new(false);
//! let condition = condition_fn("seen", 1, move |_| Ok(seen.get()));
//! fn takes(_: impl Condition) {}
//! takes(condition);
//! ```
//!
//! What cancels does so once:
//! ```
//! let (canceller, _cancellation) = orchestrator_core::Cancellation::new();
//! canceller.cancel();
//! ```
//! ```compile_fail,E0382
//! let (canceller, _cancellation) = orchestrator_core::Cancellation::new();
//! canceller.cancel();
//! canceller.cancel();
//! ```
//!
//! A host is ready for commands that do not exist yet:
//! ```
//! fn carry_out(command: orchestrator_core::Command) -> &'static str {
//!     match command {
//!         orchestrator_core::Command::Execute { .. } => "work",
//!         _ => "something else",
//!     }
//! }
//! ```
//! ```compile_fail,E0004
//! fn carry_out(command: orchestrator_core::Command) -> &'static str {
//!     match command {
//!         orchestrator_core::Command::Execute { .. } => "work",
//!         orchestrator_core::Command::Route { .. } => "choice",
//!         orchestrator_core::Command::Cancel { .. } => "wish",
//!         orchestrator_core::Command::Decide { .. } => "question",
//!         orchestrator_core::Command::Withdraw { .. } => "no question",
//!     }
//! }
//! ```
//!
//! An instant is not a duration:
//! ```
//! let rest = std::time::Duration::from_millis(5);
//! orchestrator_core::Step::wait_for("rest", rest);
//! ```
//! ```compile_fail,E0308
//! let rest = orchestrator_core::Timestamp(5);
//! orchestrator_core::Step::wait_for("rest", rest);
//! ```
