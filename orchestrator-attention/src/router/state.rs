//! A router written down: everything that it goes on with.

use orchestrator_core::Payload;
use serde::{Deserialize, Serialize};

use super::config::{RouterConfig, RouterConfigError};
use super::heads::Losses;
use super::memory::Memory;
use crate::embed::{DocumentFrequencies, Embedder, EmbedderError};

/// The format of a written router.
const STATE_VERSION: u32 = 1;

/// A router's settings (with what was learned of them), memory, and what its heads and its embedder have learned, to be written down
/// with serde. Loaded, it goes on with the same bytes.
///
/// ```
/// use orchestrator_attention::{AttentionRouter, RouterConfig, RouterState};
/// let router = AttentionRouter::new(RouterConfig::default())?;
/// let text = serde_json::to_string(&router.save())?;
/// let state: RouterState = serde_json::from_str(&text)?;
/// let again = AttentionRouter::load(state)?;
/// assert_eq!(serde_json::to_string(&again.save())?, text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouterState {
    version: u32,
    pub(super) config: RouterConfig,
    pub(super) memory: Memory,
    pub(super) areas: DocumentFrequencies,
    pub(super) losses: Losses,
    embedder: String,
    embedded: Payload,
}

impl RouterState {
    pub(super) fn of(
        config: RouterConfig,
        memory: Memory,
        areas: DocumentFrequencies,
        losses: Losses,
        embedder: &dyn Embedder,
    ) -> RouterState {
        let (version, embedded) = (STATE_VERSION, embedder.save());
        let embedder = embedder.name().to_owned();
        RouterState { version, config, memory, areas, losses, embedder, embedded }
    }

    /// The settings it was saved with.
    pub fn config(&self) -> &RouterConfig {
        &self.config
    }

    /// Refuses what another version or embedder has written, and gives the embedder its state back.
    pub(super) fn restore(&self, embedder: &mut dyn Embedder) -> Result<(), RouterConfigError> {
        if self.version != STATE_VERSION {
            let (found, known) = (self.version, STATE_VERSION);
            return Err(RouterConfigError::Version { what: "router", found, known });
        }
        if !self.losses.are_numbers() {
            let reason = "a head's loss is not a number from 0 on".to_owned();
            return Err(RouterConfigError::Torn { what: "router", reason });
        }
        if embedder.name() != self.embedder {
            let (found, known) = (self.embedder.clone(), embedder.name().to_owned());
            return Err(EmbedderError::Other { found, known }.into());
        }
        Ok(embedder.load(&self.embedded)?)
    }
}
