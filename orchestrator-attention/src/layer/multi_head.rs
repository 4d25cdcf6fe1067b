//! Several heads side by side: every head attends in its own part of the projected dimensions, and W^O mixes what they found.

use std::ops::ControlFlow;

use nalgebra::DMatrix;
use orchestrator_core::{Seed, Stream};

use crate::error::{AttentionError, check_columns, check_finite, check_rows};
use crate::kernel::{Attended, Mask, Returns, ScaledDotProduct};
use crate::layer::config::AttentionConfig;
use crate::real::Real;

/// The four projections, each embed_dim × embed_dim; a row is projected as x·W. Head h owns the columns h·d to (h+1)·d.
#[derive(Debug, Clone, PartialEq)]
pub struct Projections<T: Real = f64> {
    /// W^Q.
    pub query: DMatrix<T>,
    /// W^K.
    pub key: DMatrix<T>,
    /// W^V.
    pub value: DMatrix<T>,
    /// W^O.
    pub output: DMatrix<T>,
}

impl<T: Real> Projections<T> {
    /// Four identities: attention over the rows as they are.
    pub fn identity(embed_dim: usize) -> Self {
        let eye = DMatrix::identity(embed_dim, embed_dim);
        Projections { query: eye.clone(), key: eye.clone(), value: eye.clone(), output: eye }
    }

    /// Uniform in ±√(6 / (fan in + fan out)) (Glorot and Bengio, "Understanding the difficulty of training deep feedforward
    /// neural networks", 2010), each matrix from a seed of its own.
    pub fn seeded(embed_dim: usize, seed: Seed) -> Self {
        let draw = |part: &str| glorot(embed_dim, &mut seed.derive(part).stream());
        Projections {
            query: draw("query"),
            key: draw("key"),
            value: draw("value"),
            output: draw("output"),
        }
    }
}

fn glorot<T: Real>(dim: usize, stream: &mut Stream) -> DMatrix<T> {
    let reach = (6.0 / (dim + dim) as f64).sqrt();
    DMatrix::from_fn(dim, dim, |_, _| T::of(stream.between(-reach, reach)))
}

/// Multi-head scaled dot-product attention (Vaswani et al., 2017, section 3.2). Immutable; one value serves any number of threads.
#[derive(Debug, Clone, PartialEq)]
pub struct MultiHeadAttention<T: Real = f64> {
    config: AttentionConfig,
    projections: Projections<T>,
    returns: Returns,
}

impl<T: Real> MultiHeadAttention<T> {
    /// Heads over the rows as they are.
    ///
    /// # Errors
    /// When the config does not check.
    pub fn identity(config: AttentionConfig) -> Result<Self, AttentionError> {
        Self::new(config, Projections::identity(config.embed_dim))
    }

    /// Heads over projections drawn from a seed.
    ///
    /// # Errors
    /// When the config does not check.
    pub fn seeded(config: AttentionConfig, seed: Seed) -> Result<Self, AttentionError> {
        Self::new(config, Projections::seeded(config.embed_dim, seed))
    }

    /// Heads over the caller's projections.
    ///
    /// # Errors
    /// When the config does not check, or a projection has another shape or is not finite.
    pub fn new(
        config: AttentionConfig,
        projections: Projections<T>,
    ) -> Result<Self, AttentionError> {
        config.check()?;
        for (name, matrix) in [
            ("W^Q", &projections.query),
            ("W^K", &projections.key),
            ("W^V", &projections.value),
            ("W^O", &projections.output),
        ] {
            check_rows(name, matrix, config.embed_dim, "embed_dim")?;
            check_columns(name, matrix, config.embed_dim, "embed_dim")?;
            check_finite(name, matrix)?;
        }
        Ok(MultiHeadAttention { config, projections, returns: Returns::default() })
    }

    /// The same attention, which gives back more or less beside its output.
    #[must_use]
    pub fn with_returns(self, returns: Returns) -> Self {
        MultiHeadAttention { returns, ..self }
    }

    /// The shape.
    pub fn config(&self) -> AttentionConfig {
        self.config
    }

    /// The projections.
    pub fn projections(&self) -> &Projections<T> {
        &self.projections
    }

    /// Every row attends over all rows.
    ///
    /// ```
    /// use orchestrator_attention::{AttentionConfig, Mask, MultiHeadAttention, Returns, nalgebra::DMatrix};
    /// use orchestrator_core::Seed;
    /// let attention = MultiHeadAttention::seeded(AttentionConfig::default(), Seed(1))?.with_returns(Returns::Statistics);
    /// let rows = DMatrix::from_fn(5, 16, |row, column| ((row * 16 + column) as f64).sin());
    /// let attended = attention.attend_self(&rows, &Mask::Causal)?;
    /// assert_eq!(attended.output.shape(), (5, 16));
    /// assert_eq!(attended.statistics.unwrap().entropy[(0, 0)], 0.0); // the first row sees itself alone
    /// # Ok::<(), orchestrator_attention::AttentionError>(())
    /// ```
    ///
    /// # Errors
    /// As [`MultiHeadAttention::attend`].
    pub fn attend_self(
        &self,
        rows: &DMatrix<T>,
        mask: &Mask<T>,
    ) -> Result<Attended<T>, AttentionError> {
        self.attend(rows, rows, rows, mask)
    }

    /// The queries attend over the keys and get back a mix of the values; all have `embed_dim` columns, and each key has a value.
    ///
    /// # Errors
    /// When shapes do not fit, something is not finite (the matrix, row and column are named), or a logit overflows.
    pub fn attend(
        &self,
        queries: &DMatrix<T>,
        keys: &DMatrix<T>,
        values: &DMatrix<T>,
        mask: &Mask<T>,
    ) -> Result<Attended<T>, AttentionError> {
        let attended =
            self.attend_while(queries, keys, values, mask, |_| ControlFlow::Continue(()))?;
        Ok(attended.expect("nobody stopped it"))
    }

    /// As [`MultiHeadAttention::attend`], asking before every head whether to go on; `None` when it was stopped.
    ///
    /// # Errors
    /// As [`MultiHeadAttention::attend`].
    pub fn attend_while(
        &self,
        queries: &DMatrix<T>,
        keys: &DMatrix<T>,
        values: &DMatrix<T>,
        mask: &Mask<T>,
        before_head: impl FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Attended<T>>, AttentionError> {
        let AttentionConfig { embed_dim, heads } = self.config;
        for (name, matrix) in [("queries", queries), ("keys", keys), ("values", values)] {
            check_columns(name, matrix, embed_dim, "embed_dim")?;
            check_finite(name, matrix)?;
        }
        check_rows("values", values, keys.nrows(), "the keys")?;
        let attention = ScaledDotProduct {
            heads,
            mask: mask.clone(),
            returns: self.returns,
            ..Default::default()
        };
        let attended = attention.attend_while(
            &(queries * &self.projections.query),
            &(keys * &self.projections.key),
            &(values * &self.projections.value),
            before_head,
        )?;
        Ok(attended.map(|attended| Attended {
            output: attended.output * &self.projections.output,
            ..attended
        }))
    }
}
