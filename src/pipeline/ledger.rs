//! What a run used up, against its budget.

use orchestrator_core::{Check, Usage};
use serde::{Deserialize, Serialize};

use super::settings::Budget;

/// Counts of what was used up. Seconds are in the report's timings, because they differ from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// What was allowed.
    pub budget: Budget,
    /// Calls of the fitness, by search and learning together.
    pub evaluations: u64,
    /// Episodes of the learning step.
    pub episodes: u64,
    /// Tokens of the generated scripts.
    pub script_tokens: u64,
    /// Tokens of paid workers.
    pub model_tokens: u64,
    /// Dollars for paid workers.
    pub usd: f64,
    /// Bytes of the population, the Q-table, the scripts and the data, estimated from their sizes; not measured at the allocator.
    pub memory_bytes: u64,
}

impl Ledger {
    /// An empty ledger.
    pub fn of(budget: Budget) -> Ledger {
        Ledger {
            budget,
            evaluations: 0,
            episodes: 0,
            script_tokens: 0,
            model_tokens: 0,
            usd: 0.0,
            memory_bytes: 0,
        }
    }

    /// Adds what workers report of themselves.
    pub fn charge(&mut self, usage: Usage) {
        self.model_tokens = self.model_tokens.saturating_add(usage.tokens);
        self.usd += usage.usd;
    }

    /// Script tokens and model tokens together: what the token budget is about.
    pub fn tokens(&self) -> u64 {
        self.script_tokens.saturating_add(self.model_tokens)
    }

    /// Whether the run kept to its budget.
    pub fn checks(&self) -> Vec<Check> {
        let Budget { tokens, memory_bytes, usd_cents, .. } = self.budget;
        vec![
            Check::new(
                "tokens within budget",
                self.tokens() <= tokens,
                format!("{} of {tokens}", self.tokens()),
            ),
            Check::new(
                "memory within budget",
                self.memory_bytes <= memory_bytes,
                format!("{} of {memory_bytes} bytes", self.memory_bytes),
            ),
            Check::new(
                "dollars within budget",
                100.0 * self.usd <= usd_cents as f64,
                format!("{:.2} of {:.2}", self.usd, usd_cents as f64 / 100.0),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_budget_fails_its_check() {
        let mut ledger = Ledger::of(Budget::default());
        assert!(ledger.checks().iter().all(|check| check.passed));
        ledger.script_tokens = 65_000;
        ledger.charge(Usage { tokens: 1, usd: 0.01, seconds: 1.0 });
        let failed: Vec<String> =
            ledger.checks().into_iter().filter(|c| !c.passed).map(|c| c.name).collect();
        assert_eq!(failed, ["tokens within budget", "dollars within budget"]);
    }
}
