//! What a generator remembers from call to call: what was rendered, and what was found in a layer of the same bytes.
//!
//! Nothing here changes what is generated, only how long it takes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::generate::is_valid;
use crate::python::PythonSource;
use crate::quality::Quality;
use crate::request::GenerateRequest;
use crate::template::{BlockDecision, Fault, Inputs, Layer, Rendering, Template};
use crate::validate::Diagnostic;

/// So many renderings are kept, the last ones: a search has one, a batch over files or templates some. One of the built-in
/// templates takes half a megabyte.
const RENDERINGS_MAX: usize = 8;

/// So many layers are remembered, the last ones: the sets of blocks that a search comes back to. What is kept of one is its
/// quality, some ten kilobytes.
const LAYERS_MAX: usize = 512;

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
        if let Some((around, carried)) = &layer.around
            && let Some(parsed) = PythonSource::parse_around(around, carried)
        {
            // It writes another layer: its plan holds θ, so it will hardly come again.
            return judged(parsed);
        }
        if let Some(known) = open(&self.layers).known.get(&layer.sha256) {
            return known.clone();
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

fn judged(parsed: PythonSource) -> Judged {
    let (diagnostics, quality) = parsed.into_parts();
    let quality = is_valid(&diagnostics).then_some(quality);
    Judged { diagnostics, quality }
}

/// What a panic elsewhere left behind is whole: entries are put in whole.
fn open<T>(memory: &Mutex<T>) -> MutexGuard<'_, T> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}
