//! Dynamic scaling: a training goes on while it still finds something, and stops when it does not.
//!
//! The budget is [`RlConfig::episodes_max`](crate::RlConfig::episodes_max). Within it a run is extended round by round, until
//! neither the best point nor the policy has changed for some rounds; [`RlConfig::converged_td`](crate::RlConfig::converged_td)
//! may end it before, by its errors.

use serde::{Deserialize, Serialize};

use crate::error::{RlError, check_ranges};
use crate::index::StateIndex;
use crate::monitor::{Monitor, Round};
use crate::outcome::StopReason;
use crate::training::Training;

/// When a run has come to rest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scaling {
    /// The episodes of a round, 1 to 1,000,000. After each of them it is decided whether there will be another.
    pub round: u32,
    /// So many rounds in a row must be calm, 1 to 1,000. At the documents' exploration a few calm rounds are often luck.
    pub calm_rounds: u32,
    /// A round is calm when nothing better was found in it and at most this share of the policy changed, in [0, 1].
    pub churn_max: f64,
}

impl Default for Scaling {
    /// Ten calm rounds of ten episodes. Measured with the documents' settings over six parameters and 20 seeds (budget 1,000): from a
    /// near start 140 episodes in the median; from a far one, for which 100 are too few, 300, and all seeds end within 0.011 of where
    /// 1,000 end, of a way of 3.3. With three calm rounds it is 70 and 200, but 3 of the 20 stop up to 0.26 short.
    fn default() -> Self {
        Scaling { round: 10, calm_rounds: 10, churn_max: 0.1 }
    }
}

impl Scaling {
    /// Whether a run can be scaled by these settings.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), RlError> {
        check_ranges(&[
            ("round", f64::from(self.round), 1.0, 1e6),
            ("calm_rounds", f64::from(self.calm_rounds), 1.0, 1e3),
            ("churn_max", self.churn_max, 0.0, 1.0),
        ])
    }
}

/// Decides after every episode whether there will be another. [`tune_scaled`](crate::tune_scaled) is the loop around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    scaling: Scaling,
    monitor: Monitor,
    /// The first episode of the round under way.
    since: u32,
    best: f64,
    calm: u32,
}

impl Pace {
    /// A pace for a run whose best value so far is `best`.
    ///
    /// # Errors
    /// As [`Scaling::check`].
    pub fn new(scaling: Scaling, best: f64) -> Result<Pace, RlError> {
        scaling.check()?;
        Ok(Pace { scaling, monitor: Monitor::new(), since: 0, best, calm: 0 })
    }

    /// To be asked after every episode, with the best value met so far: why the training should end, if it should. At the end of
    /// a round it is looked at; the training's own end comes first, and its
    /// [`RlConfig::episodes_min`](crate::RlConfig::episodes_min) are left to it.
    pub fn after_episode<X: StateIndex>(
        &mut self,
        training: &Training<X>,
        best: f64,
    ) -> Option<StopReason> {
        let ended = training.episodes().last().map_or(0, |row| row.index.saturating_add(1));
        let over = training.finished();
        if over || ended.saturating_sub(self.since) >= self.scaling.round {
            self.since = ended;
            if let Some(round) = self.monitor.look(training) {
                // The first round has no policy to be compared with.
                let still = round.churn.is_some_and(|churn| churn <= self.scaling.churn_max);
                self.calm = if still && best <= self.best { self.calm + 1 } else { 0 };
                self.best = self.best.max(best);
            }
        }
        if over {
            return Some(training.stop());
        }
        let enough = self.calm >= self.scaling.calm_rounds;
        (enough && ended >= training.config().episodes_min).then_some(StopReason::Settled)
    }

    /// What was measured of the rounds.
    pub fn rounds(&self) -> &[Round] {
        self.monitor.rounds()
    }

    /// The same, when the run is over.
    pub fn into_rounds(self) -> Vec<Round> {
        self.monitor.into_rounds()
    }
}
