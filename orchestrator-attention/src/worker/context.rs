//! The documents' Attention_Router: Q is the current layer, K and V are what the layers before gave.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use nalgebra::DMatrix;
use orchestrator_core::{
    Context, Payload, Seed, Task, TaskError, TaskOutput, Worker, async_trait, yield_now,
};

use super::refused::ContextRefused;
use super::shape::{ContextEntry, ContextInput, ContextOutput, EntryContent, Flow, WEIGHTS_MAX};
use crate::embed::{Feature, FeatureHasher, LayerQuery, embed, embed_layers};
use crate::error::AttentionError;
use crate::kernel::{Attended, Mask, Returns, Statistics};
use crate::layer::{AttentionConfig, Dimensions, MultiHeadAttention};

/// Fixed, so that a context means the same to the next layer, in whichever step, run or process that is.
const NAMES_SEED: Seed = Seed(0x636f_6e74_6578);

/// How much of a text is read: a bound on the time of one entry.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Lets layers attend to what came before them, and hands on a context for the next.
///
/// Its input is a [`ContextInput`], its output a [`ContextOutput`]; [`ContextWorker::of_layer`] takes what it needs from the steps before
/// it instead. Input that cannot be attended is a terminal failure with the code `attention`, or `payload` if it has another shape.
/// It says its progress before every head of every layer, and can be cancelled there.
///
/// A step that attends to the steps before it:
///
/// ```
/// use orchestrator_attention::{AttentionConfig, ContextEntry, ContextOutput, ContextWorker};
/// use orchestrator_core::{Orchestrator, Role, Step, Workflow, typed_worker};
///
/// let layer = ContextEntry::text("code", "parse the table and fill its gaps");
/// let router = ContextWorker::of_layer(AttentionConfig::default(), layer)?;
/// let mut hub = Orchestrator::new();
/// hub.register_worker("outline", Role::ANALYST, typed_worker(async |_: String, _| Ok("parse the table")))?;
/// hub.register_worker("colours", Role::PLANNER, typed_worker(async |_: String, _| Ok("blue and green")))?;
/// hub.register_worker("attention", Role::GENERIC, router)?;
/// let workflow = Workflow::builder("layers")
///     .step(Step::task("outline", Role::ANALYST))
///     .step(Step::task("colours", Role::PLANNER))
///     .step(Step::task("context", Role::GENERIC).after_all(["outline", "colours"]))
///     .build()?;
/// hub.register_workflow(workflow)?;
/// let report = futures::executor::block_on(hub.execute("layers", "clean data"))?;
/// let context: ContextOutput = report.output()?.to()?;
/// assert!(context.routes["code"]["outline"] > context.routes["code"]["colours"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ContextWorker {
    attention: MultiHeadAttention,
    layer: Option<ContextEntry>,
    names: Seed,
}

impl ContextWorker {
    /// A worker that attends over the entries as they are: what is alike attends to what is alike.
    ///
    /// # Errors
    /// When the config does not check.
    pub fn new(config: AttentionConfig) -> Result<Self, AttentionError> {
        ContextWorker::with_attention(MultiHeadAttention::identity(config)?)
    }

    /// A worker with the projections of this attention: drawn, trained, or the host's. If it has positions, a layer stands with the last of
    /// its sources.
    ///
    /// # Errors
    /// When what comes in and goes out is not `embed_dim` wide everywhere: a context could not be the source of another layer.
    pub fn with_attention(attention: MultiHeadAttention) -> Result<Self, AttentionError> {
        let Dimensions { query, key, value, output, .. } = attention.dimensions();
        for (matrix, axis, found) in
            [("W^K", "rows", key), ("W^V", "rows", value), ("W^O", "columns", output)]
        {
            if found != query {
                let fits = "embed_dim, as a context that travels from layer to layer";
                return Err(AttentionError::Shape { matrix, axis, wanted: query, found, fits });
            }
        }
        let attention = attention.with_returns(Returns::Weights);
        Ok(ContextWorker { attention, layer: None, names: NAMES_SEED })
    }

    /// A worker for one layer, which does not look at its input: it attends over the outputs of the steps that its task can see.
    ///
    /// An output that is a text is attended to as such, a list of `embed_dim` numbers as a vector, a [`ContextOutput`] as the vectors
    /// of its layers, null not at all, and whatever else there is as the text of its JSON.
    ///
    /// # Errors
    /// When the config does not check.
    pub fn of_layer(config: AttentionConfig, layer: ContextEntry) -> Result<Self, AttentionError> {
        Ok(ContextWorker::new(config)?.for_layer(layer))
    }

    /// The same worker for one layer, as [`ContextWorker::of_layer`].
    #[must_use]
    pub fn for_layer(self, layer: ContextEntry) -> Self {
        ContextWorker { layer: Some(layer), ..self }
    }

    /// The same worker with other directions for the names of features. Contexts of different seeds do not understand each other.
    #[must_use]
    pub fn with_names_seed(self, names: Seed) -> Self {
        ContextWorker { names, ..self }
    }

    /// What the task asks for, with what it can see in place of a `previous` that was left out.
    fn read(&self, task: &Task) -> Result<(ContextInput, Vec<ContextEntry>), TaskError> {
        let mut input = match &self.layer {
            Some(layer) => ContextInput { layers: vec![layer.clone()], ..ContextInput::default() },
            None => task.input().to()?,
        };
        let previous = match input.previous.take() {
            Some(previous) => previous,
            None => outputs(task.context()),
        };
        Ok((input, previous))
    }

    /// Rows for entries. Features are known by the names of all `features`.
    fn rows(
        &self,
        list: &'static str,
        entries: &[ContextEntry],
        features: &[Feature],
    ) -> Result<DMatrix<f64>, ContextRefused> {
        let width = self.attention.config().embed_dim;
        let hasher = FeatureHasher::new(width)?;
        let length = (width as f64).sqrt();
        let mut rows = DMatrix::zeros(entries.len(), width);
        for (at, ContextEntry { name, content }) in entries.iter().enumerate() {
            let row = match content {
                EntryContent::Vector(vector) if vector.len() == width => {
                    DMatrix::from_row_slice(1, width, vector)
                }
                EntryContent::Vector(vector) => {
                    let (name, found) = (name.clone(), vector.len());
                    return Err(ContextRefused::Width { list, name, found, wanted: width });
                }
                EntryContent::Text(text) => {
                    let words = hasher.text(start(text, TEXT_BYTES_MAX));
                    DMatrix::from_row_slice(1, width, &words) * length
                }
                EntryContent::Value(value) => {
                    embed(&[Feature::new(name.as_str(), *value)], width, self.names)?
                }
                EntryContent::Interests(interests) => {
                    let layer = LayerQuery { name: name.clone(), interests: interests.clone() };
                    embed_layers(&[layer], features, width, self.names)?
                }
            };
            rows.row_mut(at).copy_from(&row);
        }
        Ok(rows)
    }

    /// `None` when it was cancelled.
    async fn attend(
        &self,
        task: &Task,
        input: &ContextInput,
        previous: &[ContextEntry],
    ) -> Result<Option<ContextOutput>, ContextRefused> {
        let heads = self.attention.config().heads;
        let layers = &input.layers;
        let chained = input.flow == Flow::Chained;
        check(layers, previous, input.flow, heads)?;
        let features = features(layers, previous);
        let queries = self.rows("layers", layers, &features)?;
        let mut keys = self.rows("previous", previous, &features)?;
        let mut gathered = Gathered::default();
        for (at, layer) in layers.iter().enumerate() {
            let before_head = |head: usize| {
                if task.cancellation().is_cancelled() {
                    return ControlFlow::Break(());
                }
                let done = (at * heads + head) as f64 / (layers.len() * heads) as f64;
                task.progress(done, format!("{}: head {} of {heads}", layer.name, head + 1));
                ControlFlow::Continue(())
            };
            let query = queries.rows(at, 1).into_owned();
            let attended =
                self.attention.attend_while(&query, &keys, &keys, &Mask::None, before_head)?;
            let Some(attended) = attended else { return Ok(None) };
            if chained {
                let last = keys.nrows();
                keys = keys.insert_row(last, 0.0);
                keys.row_mut(last).copy_from(&attended.output.row(0));
            }
            gathered.add(attended);
            // A layer is a good moment for whoever shares the thread.
            yield_now().await;
        }
        let names = |entries: &[ContextEntry]| entries.iter().map(|e| e.name.clone()).collect();
        let (layers, mut sources): (Vec<String>, Vec<String>) = (names(layers), names(previous));
        if chained {
            sources.extend(layers.iter().cloned());
        }
        let attended = gathered.whole(sources.len());
        Ok(Some(describe(&self.attention, &attended, layers, sources, previous.len())))
    }
}

#[async_trait]
impl Worker for ContextWorker {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let (input, previous) = self.read(&task)?;
        let output = self.attend(&task, &input, &previous).await;
        let output = output
            .map_err(|refused| TaskError::terminal("attention", refused.to_string()))?
            .ok_or_else(TaskError::cancelled)?;
        task.progress(1.0, "attended");
        Ok(Payload::of(&output)?.into())
    }
}

fn check(
    layers: &[ContextEntry],
    previous: &[ContextEntry],
    flow: Flow,
    heads: usize,
) -> Result<(), ContextRefused> {
    if layers.is_empty() {
        return Err(ContextRefused::NoLayer);
    }
    if previous.is_empty() {
        return Err(ContextRefused::NothingBefore);
    }
    let mut sources = previous.len();
    each_named_once("`layers`", layers.iter())?;
    each_named_once("`previous`", previous.iter())?;
    if flow == Flow::Chained {
        sources = sources.saturating_add(layers.len());
        each_named_once("`layers` with `previous`", layers.iter().chain(previous))?;
    }
    let count = heads.saturating_mul(layers.len()).saturating_mul(sources);
    if count > WEIGHTS_MAX {
        let (layers, max) = (layers.len(), WEIGHTS_MAX);
        return Err(ContextRefused::TooMany { heads, layers, sources, count, max });
    }
    Ok(())
}

fn each_named_once<'a>(
    list: &'static str,
    mut entries: impl Iterator<Item = &'a ContextEntry>,
) -> Result<(), ContextRefused> {
    let mut seen = BTreeSet::new();
    match entries.find(|entry| !seen.insert(&entry.name)) {
        Some(entry) => Err(ContextRefused::NameTwice { list, name: entry.name.clone() }),
        None => Ok(()),
    }
}

/// Every entry with a value, once: what interests may name.
fn features(layers: &[ContextEntry], previous: &[ContextEntry]) -> Vec<Feature> {
    let mut seen = BTreeSet::new();
    let mut features = Vec::new();
    for ContextEntry { name, content } in previous.iter().chain(layers) {
        if let EntryContent::Value(value) = content
            && seen.insert(name)
        {
            features.push(Feature::new(name.as_str(), *value));
        }
    }
    features
}

/// The outputs that can be seen, by the names of their steps.
fn outputs(context: &Context) -> Vec<ContextEntry> {
    let visible = context.visible().into_iter();
    let outputs = visible.filter_map(|step| context.payload(&step).map(|output| (step, output)));
    outputs.flat_map(|(step, output)| entries_of(step, &output)).collect()
}

fn entries_of(step: String, output: &Payload) -> Vec<ContextEntry> {
    if output.is_null() {
        return Vec::new();
    }
    if let Ok(text) = output.to::<String>() {
        return vec![ContextEntry::text(step, text)];
    }
    if let Ok(vector) = output.to::<Vec<f64>>() {
        return vec![ContextEntry::vector(step, vector)];
    }
    match output.to::<ContextOutput>() {
        Ok(ContextOutput { layers, attended_output, .. }) if layers.len() == 1 => {
            attended_output.into_iter().map(|row| ContextEntry::vector(step.clone(), row)).collect()
        }
        Ok(ContextOutput { layers, attended_output, .. }) => {
            let rows = layers.into_iter().zip(attended_output);
            rows.map(|(layer, row)| ContextEntry::vector(format!("{step}.{layer}"), row)).collect()
        }
        Err(_) => vec![ContextEntry::text(step, output.as_json())],
    }
}

/// One layer after the other.
#[derive(Default)]
struct Gathered(Vec<Attended>);

impl Gathered {
    fn add(&mut self, attended: Attended) {
        self.0.push(attended);
    }

    /// All layers as one, with weight 0 for what a layer did not see.
    fn whole(self, sources: usize) -> Attended {
        let rows = self.0.len();
        let statistic = |of: fn(&Statistics) -> &DMatrix<f64>| {
            stack(self.0.iter().map(|one| of(one.statistics.as_ref().expect(ASKED))))
        };
        let statistics = Statistics {
            entropy: statistic(|s| &s.entropy),
            log_sum_exp: statistic(|s| &s.log_sum_exp),
            visible: self
                .0
                .iter()
                .map(|one| one.statistics.as_ref().expect(ASKED).visible[0])
                .collect(),
        };
        let heads = self.0.first().map_or(0, |one| one.weights.as_ref().expect(ASKED).len());
        let weights = (0..heads).map(|head| {
            let mut whole = DMatrix::zeros(rows, sources);
            for (row, one) in self.0.iter().enumerate() {
                let seen = &one.weights.as_ref().expect(ASKED)[head];
                whole.view_mut((row, 0), (1, seen.ncols())).copy_from(seen);
            }
            whole
        });
        Attended {
            weights: Some(weights.collect()),
            output: stack(self.0.iter().map(|one| &one.output)),
            statistics: Some(statistics),
        }
    }
}

const ASKED: &str = "the weights were asked for, and they bring the statistics";

fn stack<'a>(rows: impl Iterator<Item = &'a DMatrix<f64>>) -> DMatrix<f64> {
    let rows: Vec<_> = rows.map(|row| row.row(0)).collect();
    DMatrix::from_rows(&rows)
}

fn describe(
    attention: &MultiHeadAttention,
    attended: &Attended,
    layers: Vec<String>,
    sources: Vec<String>,
    previous: usize,
) -> ContextOutput {
    let statistics = attended.statistics.as_ref().expect(ASKED);
    let mean = attended.mean_weights().expect(ASKED);
    let mut origins = DMatrix::zeros(layers.len(), previous);
    for row in 0..layers.len() {
        let mut reached = mean.view((row, 0), (1, previous)).into_owned();
        for earlier in 0..row.min(sources.len() - previous) {
            let through: DMatrix<f64> = origins.rows(earlier, 1) * mean[(row, previous + earlier)];
            reached += through;
        }
        origins.row_mut(row).copy_from(&reached);
    }
    let seen = |row: usize| statistics.visible[row];
    ContextOutput {
        attended_output: to_rows(&attended.output),
        attention_weights: attended.weights.iter().flatten().map(to_rows).collect(),
        attention_entropy: to_rows(&statistics.entropy),
        entropy_share: statistics.mean_relative_entropy(),
        routes: by_name(&layers, &sources, &mean, seen),
        origins: by_name(&layers, &sources, &origins, |_| previous),
        checks: attention.verify(attended, layers.len()),
        diagnosis: attention.diagnose(attended).iter().map(ToString::to_string).collect(),
        layers,
        sources,
    }
}

/// The first columns of each row, by name.
fn by_name(
    rows: &[String],
    columns: &[String],
    matrix: &DMatrix<f64>,
    count: impl Fn(usize) -> usize,
) -> BTreeMap<String, BTreeMap<String, f64>> {
    let row = |(at, name): (usize, &String)| {
        let columns = columns.iter().take(count(at)).enumerate();
        (name.clone(), columns.map(|(column, name)| (name.clone(), matrix[(at, column)])).collect())
    };
    rows.iter().enumerate().map(row).collect()
}

fn to_rows(matrix: &DMatrix<f64>) -> Vec<Vec<f64>> {
    matrix.row_iter().map(|row| row.iter().copied().collect()).collect()
}

/// The beginning of a text, cut between characters.
fn start(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
