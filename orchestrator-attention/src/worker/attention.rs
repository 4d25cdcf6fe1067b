//! Attention as a worker: rows, or features and layers, in; the attended output, its weights and its checklist out.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use nalgebra::DMatrix;
use orchestrator_core::{Check, Payload, Seed, Task, TaskError, TaskOutput, Worker, async_trait};
use serde::{Deserialize, Serialize};

use crate::embed::{Feature, LayerQuery, embed, embed_layers};
use crate::error::AttentionError;
use crate::kernel::{Attended, Mask, Returns};
use crate::layer::{AttentionConfig, MultiHeadAttention, diagnose, verify};

/// What to attend over: either `rows` (self-attention), or `features` with `layers` that query them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttentionInput {
    /// Rows of `embed_dim` numbers, that attend over each other.
    pub rows: Vec<Vec<f64>>,
    /// Named features, the keys and values.
    pub features: Vec<Feature>,
    /// Layers, the queries.
    pub layers: Vec<LayerQuery>,
    /// Whether a row sees the rows before it only; for `rows`.
    pub causal: bool,
}

/// What came of it. Matrices are lists of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttentionOutput {
    /// A row for each query.
    pub attended_output: Vec<Vec<f64>>,
    /// For each head, for each query, a weight for each key.
    pub attention_weights: Vec<Vec<Vec<f64>>>,
    /// For each query, the entropy of each head, in nats.
    pub attention_entropy: Vec<Vec<f64>>,
    /// For each layer, how much it attends to each feature, averaged over the heads; empty for `rows`.
    pub feature_weights: BTreeMap<String, BTreeMap<String, f64>>,
    /// The verification checklist.
    pub checks: Vec<Check>,
    /// Advice in words; empty when the measurements say nothing.
    pub diagnosis: Vec<String>,
}

/// Which projections the worker attends through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectionKind {
    /// The rows as they are: what is alike attends to what is alike.
    #[default]
    Identity,
    /// Drawn from the task's seed.
    Seeded,
}

/// Attends. Invalid input is a terminal failure with the code `attention`.
///
/// ```
/// use orchestrator_attention::{AttentionConfig, AttentionOutput, AttentionWorker};
/// use orchestrator_core::{Payload, Seed, Task, Worker};
/// let worker = AttentionWorker::new(AttentionConfig::default())?;
/// let input = Payload::parse(r#"{
///     "features": [{"name": "nulls", "value": 0.9}, {"name": "size", "value": 0.1}],
///     "layers": [{"name": "layer_2", "interests": {"nulls": 1.0}}]
/// }"#).unwrap();
/// let output = futures::executor::block_on(worker.execute(Task::detached(input, Seed(7)))).unwrap();
/// let output: AttentionOutput = output.payload.to().unwrap();
/// let weights = &output.feature_weights["layer_2"];
/// assert!(weights["nulls"] > weights["size"]);
/// assert!(output.checks.iter().all(|check| check.passed));
/// # Ok::<(), orchestrator_attention::AttentionError>(())
/// ```
#[derive(Debug, Clone)]
pub struct AttentionWorker {
    config: AttentionConfig,
    projections: ProjectionKind,
}

impl AttentionWorker {
    /// A worker of this shape, with identity projections.
    ///
    /// # Errors
    /// When the config does not check.
    pub fn new(config: AttentionConfig) -> Result<Self, AttentionError> {
        config.check()?;
        Ok(AttentionWorker { config, projections: ProjectionKind::default() })
    }

    /// The same worker with other projections.
    #[must_use]
    pub fn with_projections(self, projections: ProjectionKind) -> Self {
        AttentionWorker { projections, ..self }
    }

    fn attend(
        &self,
        input: &AttentionInput,
        seed: Seed,
        before_head: impl FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<AttentionOutput>, AttentionError> {
        let config = self.config;
        let attention = match self.projections {
            ProjectionKind::Identity => MultiHeadAttention::identity(config)?,
            ProjectionKind::Seeded => {
                MultiHeadAttention::seeded(config, seed.derive("projections"))?
            }
        };
        let (queries, keys) = if input.rows.is_empty() {
            let seed = seed.derive("embedding");
            let keys = embed(&input.features, config.embed_dim, seed)?;
            let queries = embed_layers(&input.layers, &input.features, config.embed_dim, seed)?;
            (queries, keys)
        } else {
            let rows = from_rows(&input.rows, config.embed_dim)?;
            (rows.clone(), rows)
        };
        for (what, matrix) in [("query", &queries), ("key", &keys)] {
            if matrix.nrows() == 0 {
                return Err(AttentionError::Zero { what });
            }
        }
        let mask = if input.causal { Mask::Causal } else { Mask::None };
        let attention = attention.with_returns(Returns::Weights);
        let attended = attention.attend_while(&queries, &keys, &keys, &mask, before_head)?;
        Ok(attended.map(|attended| describe(&attended, &config, input, queries.nrows())))
    }
}

fn describe(
    attended: &Attended,
    config: &AttentionConfig,
    input: &AttentionInput,
    queries: usize,
) -> AttentionOutput {
    let mut feature_weights = BTreeMap::new();
    let asked = "the weights were asked for";
    let statistics = attended.statistics.as_ref().expect(asked);
    if input.rows.is_empty() {
        let mean = attended.mean_weights().expect(asked);
        for (row, layer) in input.layers.iter().enumerate() {
            let weights = input.features.iter().enumerate();
            let weights = weights.map(|(column, f)| (f.name.clone(), mean[(row, column)]));
            feature_weights.insert(layer.name.clone(), weights.collect());
        }
    }
    AttentionOutput {
        attended_output: to_rows(&attended.output),
        attention_weights: attended.weights.iter().flatten().map(to_rows).collect(),
        attention_entropy: to_rows(&statistics.entropy),
        feature_weights,
        checks: verify(attended, config, queries),
        diagnosis: diagnose(statistics, config).iter().map(ToString::to_string).collect(),
    }
}

fn from_rows(rows: &[Vec<f64>], width: usize) -> Result<DMatrix<f64>, AttentionError> {
    if let Some(row) = rows.iter().find(|row| row.len() != width) {
        return Err(AttentionError::Shape {
            matrix: "rows",
            axis: "columns",
            wanted: width,
            found: row.len(),
            fits: "embed_dim",
        });
    }
    let numbers = rows.iter().flatten().copied();
    Ok(DMatrix::from_row_iterator(rows.len(), width, numbers))
}

fn to_rows(matrix: &DMatrix<f64>) -> Vec<Vec<f64>> {
    matrix.row_iter().map(|row| row.iter().copied().collect()).collect()
}

#[async_trait]
impl Worker for AttentionWorker {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let input: AttentionInput = task.input().to()?;
        let both = !input.rows.is_empty() && !input.features.is_empty();
        if both || (input.causal && input.rows.is_empty()) {
            let message = "give either `rows` (with `causal` if wanted) or `features` and `layers`";
            return Err(TaskError::terminal("attention", message));
        }
        let heads = self.config.heads;
        let output = self.attend(&input, task.seed(), |head| {
            if task.cancellation().is_cancelled() {
                return ControlFlow::Break(());
            }
            task.progress(head as f64 / heads as f64, format!("head {} of {heads}", head + 1));
            ControlFlow::Continue(())
        });
        let output = output
            .map_err(|error| TaskError::terminal("attention", error.to_string()))?
            .ok_or_else(TaskError::cancelled)?;
        task.progress(1.0, "attended");
        Ok(Payload::of(&output)?.into())
    }
}
