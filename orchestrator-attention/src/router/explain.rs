//! Why somebody was chosen: the predictions, the heads, and the past tasks that weighed most.

use std::fmt;

use orchestrator_core::WorkerName;
use serde::{Deserialize, Serialize};

use super::heads::Head;
use super::memory::PastTask;
use super::predict::Prediction;

/// How much a head is listened to, for each quantity; over all heads each sums to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadWeight {
    /// The head.
    pub head: Head,
    /// For the success.
    pub success: f64,
    /// For the cost.
    pub cost: f64,
    /// For the duration.
    pub duration: f64,
}

/// A past task, and what it had to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Weighed {
    /// The task.
    pub task: PastTask,
    /// Its share in the expected success.
    pub share: f64,
    /// How alike the areas are by kernel: 1 when equal, towards 0 when not.
    pub area: f64,
    /// The same for the texts.
    pub text: f64,
    /// The same for the numbers.
    pub numbers: f64,
}

/// Why a router would choose whom; see [`AttentionRouter::explain`](crate::AttentionRouter::explain).
///
/// ```
/// use orchestrator_attention::{AttentionRouter, Explanation, Head, RouterConfig};
/// # use orchestrator_core::{Candidate, Path, Payload, Request, Role, RunId, Seed, WorkerName};
/// # let request = Request {
/// #     run: RunId::parse("r")?, path: Path::parse("work")?, role: Role::CODER, attempt: 1, tried: Vec::new(),
/// #     input: Payload::null(), goal: "fix the parser".into(), seed: Seed(1),
/// # };
/// # let candidates = [Candidate { worker: WorkerName::parse("ada")?, capabilities: Vec::new() }];
/// let router = AttentionRouter::new(RouterConfig::default())?;
/// let why: Explanation = router.explain(&request, &candidates)?;
/// assert_eq!(why.chosen.as_str(), "ada");
/// assert_eq!(why.heads.len(), Head::ALL.len());
/// assert!(why.to_string().starts_with("ada: nothing is known about it yet"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Who is chosen.
    pub chosen: WorkerName,
    /// Among how many of equal score it was drawn.
    pub equals: usize,
    /// What is expected of every candidate that came into question, in their order.
    pub predictions: Vec<Prediction>,
    /// How much each head is listened to.
    pub heads: Vec<HeadWeight>,
    /// The tasks of the chosen that weighed most, the weightiest first.
    pub weighed: Vec<Weighed>,
    /// The share in the expected success of the prior, which is the worker's usual success and what the others say of such tasks.
    pub prior_share: f64,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen = self.predictions.iter().find(|expected| expected.worker == self.chosen);
        write!(f, "{}: ", self.chosen)?;
        match chosen {
            Some(expected) if !self.weighed.is_empty() => {
                sentence(f, expected)?;
                tie(f, self.equals)?;
                writeln!(f)?;
                for Weighed { task, share, area, text, numbers } in &self.weighed {
                    writeln!(
                        f,
                        "  {:5.1} % {}: success {:.2} at {:.4} USD, {} tasks ago; alike in area {area:.2}, text {text:.2}, numbers {numbers:.2}",
                        100.0 * share,
                        task.label,
                        task.success,
                        task.usd,
                        task.age,
                    )?;
                }
                let named: f64 = self.weighed.iter().map(|weighed| weighed.share).sum();
                writeln!(
                    f,
                    "  {:5.1} % its other tasks, {:.1} % what is usual",
                    100.0 * (1.0 - named - self.prior_share).max(0.0),
                    100.0 * self.prior_share,
                )?;
            }
            _ => {
                f.write_str(UNKNOWN)?;
                tie(f, self.equals)?;
                writeln!(f)?;
            }
        }
        for expected in &self.predictions {
            write!(f, "  {} scores {:.3}: ", expected.worker, expected.score)?;
            sentence(f, expected)?;
            writeln!(f)?;
        }
        let mut heads: Vec<&HeadWeight> = self.heads.iter().collect();
        heads.sort_by(|a, b| b.success.total_cmp(&a.success));
        f.write_str("  listened to, for success and cost:")?;
        for (at, weight) in heads.into_iter().enumerate() {
            let comma = if at > 0 { ";" } else { "" };
            write!(f, "{comma} {} {:.2} {:.2}", weight.head, weight.success, weight.cost)?;
        }
        Ok(())
    }
}

/// What is said of somebody without past tasks.
pub(super) const UNKNOWN: &str = "nothing is known about it yet, so it is tried";

/// What is expected, in a sentence.
pub(super) fn sentence(f: &mut dyn fmt::Write, expected: &Prediction) -> fmt::Result {
    numbers(f, [expected.success, expected.usd, expected.duration_ms, expected.effective_samples])
}

/// The same, of success, dollars, milliseconds and samples.
pub(super) fn numbers(
    f: &mut dyn fmt::Write,
    [success, usd, ms, samples]: [f64; 4],
) -> fmt::Result {
    write!(
        f,
        "expected success {success:.2} at {usd:.4} USD in {ms:.0} ms from {samples:.1} effective past tasks"
    )
}

/// That there were equals.
pub(super) fn tie(f: &mut dyn fmt::Write, equals: usize) -> fmt::Result {
    if equals > 1 { write!(f, ", drawn among {equals} equals") } else { Ok(()) }
}
