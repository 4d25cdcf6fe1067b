//! Whether what a search found is better than the defaults, on rows that it was not tuned on.

use orchestrator_core::Parameters;
use serde::{Deserialize, Serialize};

use crate::sandbox::Isolation;
use crate::sha256;

use super::sample::DataParts;
use super::score::Measurement;
use super::search::{MeasuredFitness, MeasuredFitnessError};

/// A candidate stands where it wins more than so many times what it loses, in parts of the score.
///
/// With less, a script that fills gaps of one cell in two thousand stands as often as not where the next rows have none.
pub const KEPT_MARGIN: f64 = 4.0;

/// Which parameters stand at the end of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// What was found: clearly better than the defaults on the rows that it was tuned on, and on those of the validation.
    Found,
    /// The defaults, because nothing that was found is clearly better than they are on both.
    Defaults,
}

/// What measuring scripts found: on the rows that it was tuned on, on those that decided whether it stands, and on others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredSearch {
    /// Rows that were tuned on.
    pub tuning_rows: usize,
    /// Rows that decided whether what was found stands.
    pub validation_rows: usize,
    /// Rows that were held out from both.
    pub held_out_rows: usize,
    /// Whether what was found stands. If not, all that is called `found` here is that of the defaults.
    pub kept: Kept,
    /// The score of the best that was found on the rows of the validation, whether or not it stands.
    pub searched_validation: f64,
    /// The script of the default parameters, on the rows that were tuned on.
    pub default_tuning: MeasuredScore,
    /// The script of the parameters that stand, on the same.
    pub found_tuning: MeasuredScore,
    /// The script of the default parameters, on the rows of the validation.
    pub default_validation: MeasuredScore,
    /// The script of the parameters that stand, on the same.
    pub found_validation: MeasuredScore,
    /// The script of the default parameters, on the rows that were held out.
    pub default_held_out: MeasuredScore,
    /// The script of the parameters that stand, on the same.
    pub found_held_out: MeasuredScore,
    /// SHA-256 of the script that stands, in hexadecimal.
    pub script_sha256: String,
    /// The share of the statements of the script that stands that a run on the rows of the tuning executes, in [0, 1]; none where
    /// the script failed.
    pub covered: Option<f64>,
    /// How many scripts were run for it.
    pub scripts_run: u64,
    /// What was held back from them.
    pub isolation: Isolation,
}

/// One script on one part of the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredScore {
    /// In [0, 1], by the weights of the fitness.
    pub score: f64,
    /// What it is made of.
    #[serde(flatten)]
    pub measurement: Measurement,
}

impl MeasuredFitness {
    /// Decides between what a search found and the defaults, and measures both on rows that had no part in it. The first candidate
    /// stands that is clearly better than the defaults on the rows of the tuning and on those of the validation, both times on the
    /// very same rows; where there is none, the defaults stand. The rows that are held out decide nothing.
    ///
    /// Clearly better: the terms that it wins bring more than [`KEPT_MARGIN`] times what it loses by the others. So a script that is only
    /// shorter stands; one that is longer must mend much more than its lines cost, because how much there is to mend differs
    /// from rows to rows, and what the lines cost does not. What chance is left is that of both parts and the margin together: a loss on rows that
    /// were held out is possible, and is reported as what it is.
    ///
    /// # Errors
    /// When parameters make no script, or nothing can be run.
    pub fn judge(
        &self,
        candidates: &[Parameters],
        defaults: &Parameters,
        parts: &DataParts,
    ) -> Result<(Parameters, MeasuredSearch), MeasuredFitnessError> {
        let part = |theta: &Parameters, data| -> Result<MeasuredScore, MeasuredFitnessError> {
            let measurement = self.measure(theta, data)?;
            Ok(MeasuredScore { score: self.weights().score(&measurement)?, measurement })
        };
        let default_tuning = part(defaults, &parts.tuning)?;
        let default_validation = part(defaults, &parts.validation)?;
        let (mut standing, mut searched_validation) = (None, None);
        for candidate in candidates {
            let tuning = part(candidate, &parts.tuning)?;
            let validation = part(candidate, &parts.validation)?;
            searched_validation.get_or_insert(validation.score);
            if self.is_clearly_better(&tuning, &default_tuning)
                && self.is_clearly_better(&validation, &default_validation)
            {
                standing = Some((candidate, tuning, validation));
                break;
            }
        }
        let kept = if standing.is_some() { Kept::Found } else { Kept::Defaults };
        let (stands, found_tuning, found_validation) = standing
            .unwrap_or_else(|| (defaults, default_tuning.clone(), default_validation.clone()));
        let search = MeasuredSearch {
            tuning_rows: parts.tuning_rows,
            validation_rows: parts.validation_rows,
            held_out_rows: parts.held_out_rows,
            kept,
            searched_validation: searched_validation.unwrap_or(default_validation.score),
            found_tuning,
            found_validation,
            default_tuning,
            default_validation,
            default_held_out: part(defaults, &parts.held_out)?,
            found_held_out: part(stands, &parts.held_out)?,
            script_sha256: sha256::hex(self.script(stands)?.as_bytes()),
            covered: self.coverage(stands, &parts.tuning)?,
            scripts_run: self.measurer().runs(),
            isolation: self.measurer().sandbox().isolation(),
        };
        Ok((stands.clone(), search))
    }

    fn is_clearly_better(&self, found: &MeasuredScore, default: &MeasuredScore) -> bool {
        let (ours, theirs) = (&found.measurement, &default.measurement);
        if !(ours.succeeded && theirs.succeeded) {
            return ours.succeeded;
        }
        let (ours, theirs) = (self.weights().parts(ours), self.weights().parts(theirs));
        let gains = || ours.iter().zip(&theirs).map(|(ours, theirs)| ours - theirs);
        let won: f64 = gains().filter(|gain| *gain > 0.0).sum();
        let lost: f64 = gains().filter(|gain| *gain < 0.0).sum();
        won > KEPT_MARGIN * -lost
    }
}
