//! What a layer learns: three maps into the heads, and one out of them.

use orchestrator_core::Seed;
use serde::{Deserialize, Serialize};

use crate::error::{AttentionError, check_columns, check_rows};
use crate::layer::config::AttentionConfig;
use crate::layer::linear::Linear;
use crate::real::Real;

/// The widths of what comes in, of what the heads compare and mix, and of what goes out. [`AttentionConfig::dimensions`] has them all
/// alike; change what differs:
///
/// ```
/// use orchestrator_attention::{AttentionConfig, Dimensions, Mask, MultiHeadAttention, Projections, nalgebra::DMatrix};
/// use orchestrator_core::Seed;
/// let config = AttentionConfig::default();
/// // torch: nn.MultiheadAttention(16, 4, kdim=24, vdim=8, bias=True)
/// let dimensions = Dimensions { key: 24, value: 8, ..config.dimensions()? };
/// let projections = Projections::of_dimensions(&dimensions, Seed(1)).with_biases();
/// let attention: MultiHeadAttention = MultiHeadAttention::new(config, projections)?;
/// let (queries, keys, values) = (DMatrix::zeros(2, 16), DMatrix::zeros(5, 24), DMatrix::zeros(5, 8));
/// assert_eq!(attention.attend(&queries, &keys, &values, &Mask::None)?.output.shape(), (2, 16));
/// # Ok::<(), orchestrator_attention::AttentionError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dimensions {
    /// How many heads there are.
    pub heads: usize,
    /// The width of a query that comes in; the config's `embed_dim`.
    pub query: usize,
    /// The width of a key that comes in; torch's `kdim`.
    pub key: usize,
    /// The width of a value that comes in; torch's `vdim`.
    pub value: usize,
    /// The width in which one head compares queries and keys, d_k.
    pub head: usize,
    /// The width of what one head mixes, d_v.
    pub value_head: usize,
    /// The width of what goes out.
    pub output: usize,
}

impl AttentionConfig {
    /// All widths as the paper has them: `embed_dim` comes in and goes out, and each head has its share of it.
    ///
    /// # Errors
    /// As [`AttentionConfig::check`].
    pub fn dimensions(&self) -> Result<Dimensions, AttentionError> {
        let head = self.head_dim()?;
        let AttentionConfig { embed_dim, heads } = *self;
        Ok(Dimensions {
            heads,
            query: embed_dim,
            key: embed_dim,
            value: embed_dim,
            head,
            value_head: head,
            output: embed_dim,
        })
    }
}

/// The four projections. Head h owns the columns h·d to (h + 1)·d of what the first two give, and likewise its share of the third's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "T: Real", deny_unknown_fields)]
pub struct Projections<T: Real = f64> {
    /// W^Q, query width × heads·d.
    pub query: Linear<T>,
    /// W^K, key width × heads·d.
    pub key: Linear<T>,
    /// W^V, value width × heads·w for any w.
    pub value: Linear<T>,
    /// W^O, heads·w × output width.
    pub output: Linear<T>,
}

impl<T: Real> Projections<T> {
    /// Four identities: attention over the rows as they are.
    pub fn identity(embed_dim: usize) -> Self {
        let eye = Linear::identity(embed_dim);
        Projections { query: eye.clone(), key: eye.clone(), value: eye.clone(), output: eye }
    }

    /// Drawn by [`Linear::seeded`], all `embed_dim` wide, each from a seed of its own.
    pub fn seeded(embed_dim: usize, seed: Seed) -> Self {
        Self::drawn([(embed_dim, embed_dim); 4], seed)
    }

    /// Drawn by [`Linear::seeded`] for these dimensions, each from a seed of its own.
    pub fn of_dimensions(dimensions: &Dimensions, seed: Seed) -> Self {
        let Dimensions { heads, query, key, value, head, value_head, output } = *dimensions;
        let (compared, mixed) = (heads.saturating_mul(head), heads.saturating_mul(value_head));
        Self::drawn([(query, compared), (key, compared), (value, mixed), (mixed, output)], seed)
    }

    /// The same projections, each with a bias; zeros where there was none.
    #[must_use]
    pub fn with_biases(self) -> Self {
        Projections {
            query: self.query.with_bias(),
            key: self.key.with_bias(),
            value: self.value.with_bias(),
            output: self.output.with_bias(),
        }
    }

    /// How many numbers there are to learn.
    pub fn parameters(&self) -> usize {
        self.named().iter().map(|(_, linear)| linear.parameters()).sum()
    }

    /// The four in their order, with the names that their parameters begin with.
    pub(crate) fn named(&self) -> [(&'static str, &Linear<T>); 4] {
        let Projections { query, key, value, output } = self;
        [("query", query), ("key", key), ("value", value), ("output", output)]
    }

    /// All numbers as they are stored, map by map, each weight before its bias.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &[T]> {
        self.named().into_iter().flat_map(|(_, linear)| {
            let bias = linear.bias.iter().map(|bias| bias.as_slice());
            std::iter::once(linear.weight.as_slice()).chain(bias)
        })
    }

    /// As [`Projections::stored`], to be changed.
    pub(crate) fn stored_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        let Projections { query, key, value, output } = self;
        [query, key, value, output].into_iter().flat_map(|linear| {
            let bias = linear.bias.iter_mut().map(|bias| bias.as_mut_slice());
            std::iter::once(linear.weight.as_mut_slice()).chain(bias)
        })
    }

    /// Whether they fit one another and so many heads.
    pub(super) fn check(&self, config: &AttentionConfig) -> Result<(), AttentionError> {
        let Projections { query, key, value, output } = self;
        query.check("W^Q", "b^Q")?;
        key.check("W^K", "b^K")?;
        value.check("W^V", "b^V")?;
        output.check("W^O", "b^O")?;
        check_rows("W^Q", &query.weight, config.embed_dim, "embed_dim")?;
        shared("W^Q", query, config.heads)?;
        shared("W^V", value, config.heads)?;
        check_columns("W^K", &key.weight, query.outputs(), "W^Q")?;
        check_rows("W^O", &output.weight, value.outputs(), "W^V")
    }

    fn drawn(shapes: [(usize, usize); 4], seed: Seed) -> Self {
        let [query, key, value, output] = shapes;
        let draw =
            |part: &str, (inputs, outputs)| Linear::seeded(inputs, outputs, seed.derive(part));
        Projections {
            query: draw("query", query),
            key: draw("key", key),
            value: draw("value", value),
            output: draw("output", output),
        }
    }
}

/// Refuses a map whose outputs the heads do not share evenly, or that leaves them nothing.
fn shared<T: Real>(
    matrix: &'static str,
    linear: &Linear<T>,
    heads: usize,
) -> Result<(), AttentionError> {
    let found = linear.outputs();
    if found > 0 && found.is_multiple_of(heads) {
        return Ok(());
    }
    let wanted = found.next_multiple_of(heads).max(heads);
    Err(AttentionError::Shape { matrix, axis: "columns", wanted, found, fits: "the heads" })
}
