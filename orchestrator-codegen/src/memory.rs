//! What a generator remembers from call to call: what was rendered, what was found in pieces of Python, and what in a layer of the
//! same bytes that had to be parsed as a whole.
//!
//! Nothing here changes what is generated, only how long it takes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::python::{Pieces, PythonSource};
use crate::quality::Quality;
use crate::request::GenerateRequest;
use crate::template::{BlockDecision, Fault, Inputs, Layer, Rendering, Template};
use crate::validate::{Diagnostic, is_valid};

/// So many renderings are kept, the last ones: a search has one, a batch over files or templates some. One of the built-in
/// templates takes half a megabyte.
const RENDERINGS_MAX: usize = 8;

/// So many layers are remembered, the last ones of those that are not judged by their pieces: they have findings. What is kept
/// of one is its quality, some ten kilobytes.
const LAYERS_MAX: usize = 64;

/// What is found in a layer; its quality only where it is valid.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) quality: Option<Quality>,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Memory {
    renderings: Mutex<Vec<Rendered>>,
    pieces: Pieces,
    layers: Mutex<Layers>,
}

struct Rendered {
    template: Template,
    /// The inputs, the features, and the decisions where the template asks for them; as text, since −0 equals 0, and is written
    /// otherwise.
    key: String,
    rendering: Arc<Rendering>,
}

/// By digest, and the digests in the order in which they came.
#[derive(Default)]
struct Layers {
    known: BTreeMap<String, Judged>,
    order: VecDeque<String>,
}

impl Memory {
    /// The rendering for a request; the inputs have been checked. Its tokens have the weights of whichever request came first.
    pub(crate) fn rendering(
        &self,
        template: &Template,
        inputs: &Inputs,
        request: &GenerateRequest,
        decisions: &[BlockDecision],
    ) -> Result<Arc<Rendering>, Fault> {
        let kept: Vec<bool> = match template.asks_decisions() {
            true => decisions.iter().map(|decision| decision.kept).collect(),
            false => Vec::new(),
        };
        let key = format!("{inputs:?} {:?} {kept:?}", request.features);
        let same = |known: &Rendered| known.key == key && known.template.is(template);
        if let Some(known) = open(&self.renderings).iter().find(|known| same(known)) {
            return Ok(Arc::clone(&known.rendering));
        }
        // Not under the lock: rendering takes its time.
        let rendering = Arc::new(Rendering::new(template, inputs.clone(), request, decisions)?);
        let mut renderings = open(&self.renderings);
        if renderings.len() == RENDERINGS_MAX {
            renderings.remove(0);
        }
        renderings.push(Rendered {
            template: template.clone(),
            key,
            rendering: Arc::clone(&rendering),
        });
        Ok(rendering)
    }

    /// What our own validator and analyzer say of a layer in Python.
    pub(crate) fn judged(&self, layer: &Layer) -> Judged {
        if let Some(known) = open(&self.layers).known.get(&layer.sha256) {
            return known.clone();
        }
        if let Some(quality) = self.pieces.quality(&layer.source, &layer.sections) {
            return Judged { diagnostics: Vec::new(), quality: Some(quality) };
        }
        let judged = judged(PythonSource::parse(&layer.source));
        let mut layers = open(&self.layers);
        if layers.known.insert(layer.sha256.clone(), judged.clone()).is_none() {
            layers.order.push_back(layer.sha256.clone());
        }
        if layers.order.len() > LAYERS_MAX
            && let Some(oldest) = layers.order.pop_front()
        {
            layers.known.remove(&oldest);
        }
        judged
    }
}

#[cfg(test)]
impl Memory {
    pub(crate) fn judged_as_a_whole(&self) -> usize {
        open(&self.layers).order.len()
    }
}

fn judged(parsed: PythonSource) -> Judged {
    let (diagnostics, quality) = parsed.into_parts();
    let quality = is_valid(&diagnostics).then_some(quality);
    Judged { diagnostics, quality }
}

/// What a panic elsewhere left behind is whole: entries are put in whole.
fn open<T>(memory: &Mutex<T>) -> MutexGuard<'_, T> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}
