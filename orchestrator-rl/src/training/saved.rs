//! The form in which a training is written down, and the checks when it is read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{HISTORY_KEPT, History, Training};
use crate::config::RlConfig;
use crate::error::RlError;
use crate::index::StateIndex;
use crate::learner::{Learner, Rule};
use crate::outcome::StopReason;
use crate::table::{Cell, QTable, Values};
use orchestrator_core::FastStream;

/// The format that this version writes and reads.
const VERSION: u32 = 1;

/// All of a training. Unlike a saved table it keeps every number of a state, met and not yet learned from, because the learner's memory
/// goes by these numbers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved<I, C, V, L, R, H> {
    version: u32,
    config: C,
    index: I,
    actions: usize,
    initial: f64,
    values: V,
    widths: Vec<u32>,
    learner: L,
    rule: R,
    world: FastStream,
    place: Option<usize>,
    history: H,
    reward_scale: f64,
    stop: Option<StopReason>,
}

impl<X: StateIndex + Serialize> Serialize for Training<X> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        let (cells, widths) = self.table.values.parts();
        let values: Vec<(f64, u64)> = cells.iter().map(|cell| (cell.value, cell.visits)).collect();
        let saved = Saved {
            version: VERSION,
            config: &self.config,
            index: &self.table.index,
            actions: self.table.actions(),
            initial: self.table.initial(),
            values,
            widths: widths.to_vec(),
            learner: &self.learner,
            rule: &self.rule,
            world: self.world.clone(),
            place: self.place,
            history: &self.history,
            reward_scale: self.reward_scale,
            stop: self.stop,
        };
        saved.serialize(serializer)
    }
}

impl<'de, X: StateIndex + Deserialize<'de>> Deserialize<'de> for Training<X> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        type Read<X> = Saved<X, RlConfig, Vec<(f64, u64)>, Learner, Rule, History>;
        checked(Read::<X>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

fn checked<X: StateIndex>(
    saved: Saved<X, RlConfig, Vec<(f64, u64)>, Learner, Rule, History>,
) -> Result<Training<X>, RlError> {
    if saved.version != VERSION {
        return Err(RlError::Version { found: saved.version, known: VERSION });
    }
    saved.config.check()?;
    let cells = saved.values.iter().map(|&(value, visits)| Cell { value, visits }).collect();
    let values = Values::from_parts(saved.actions, saved.initial, cells, saved.widths)
        .ok_or(RlError::Damaged { what: "the values" })?;
    let states = saved.index.len();
    let decided = saved.rule.decided;
    let sound = [
        ("the values of the states", values.states() == states),
        ("the place", saved.place.is_none_or(|place| place < states)),
        ("the learner's memory", saved.learner.fits(states, saved.actions)),
        ("the history", saved.history.episodes.len() <= 2 * HISTORY_KEPT),
        (
            "the action decided on",
            decided.is_none_or(|(state, choice)| {
                state < states && choice.action < values.width(state)
            }),
        ),
    ];
    if let Some((what, _)) = sound.into_iter().find(|(_, sound)| !sound) {
        return Err(RlError::Damaged { what });
    }
    Ok(Training {
        config: saved.config,
        table: QTable { index: saved.index, values },
        learner: saved.learner,
        rule: saved.rule,
        world: saved.world,
        place: saved.place,
        history: saved.history,
        reward_scale: saved.reward_scale,
        stop: saved.stop,
    })
}
