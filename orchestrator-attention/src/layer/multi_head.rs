//! Several heads side by side: every head attends in its own part of the projected dimensions, and W^O mixes what they found.

use std::borrow::Cow;
use std::ops::ControlFlow;

use nalgebra::DMatrix;
use orchestrator_core::{Check, Seed};

use crate::embed::{Positions, rotary_width, rotate, sinusoidal};
use crate::error::{AttentionError, check_columns, check_finite, check_rows};
use crate::kernel::{Attended, Mask, Returns, ScaledDotProduct};
use crate::layer::check::verify_width;
use crate::layer::config::AttentionConfig;
use crate::layer::diagnosis::{Finding, diagnose, diagnose_weights};
use crate::layer::projections::{Dimensions, Projections};
use crate::real::Real;

/// Multi-head scaled dot-product attention (Vaswani et al., 2017, section 3.2): the heads attend over x·W^Q + b^Q, y·W^K + b^K and
/// z·W^V + b^V, and what they find side by side goes through W^O and b^O, as in torch's `nn.MultiheadAttention` (see
/// [`Linear`](crate::Linear) for its weights). There is no dropout.
///
/// Attending changes nothing; one value serves any number of threads. [`MultiHeadAttention::trace`] remembers what the gradients
/// need. As data it is its version, heads, scale, positions and projections, all checked when read; what it [`Returns`] is not part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct MultiHeadAttention<T: Real = f64> {
    config: AttentionConfig,
    projections: Projections<T>,
    scale: Option<T>,
    positions: Positions,
    returns: Returns,
}

impl<T: Real> MultiHeadAttention<T> {
    /// Heads over the rows as they are.
    ///
    /// # Errors
    /// When the config does not check.
    pub fn identity(config: AttentionConfig) -> Result<Self, AttentionError> {
        config.check()?;
        Self::new(config, Projections::identity(config.embed_dim))
    }

    /// Heads over projections drawn from a seed, without biases.
    ///
    /// # Errors
    /// When the config does not check.
    pub fn seeded(config: AttentionConfig, seed: Seed) -> Result<Self, AttentionError> {
        config.check()?;
        Self::new(config, Projections::seeded(config.embed_dim, seed))
    }

    /// Heads over the caller's projections, which may differ in width: see [`Dimensions`].
    ///
    /// # Errors
    /// When the config does not check, the projections do not fit it, one another or the heads, or something is not finite.
    pub fn new(
        config: AttentionConfig,
        projections: Projections<T>,
    ) -> Result<Self, AttentionError> {
        if config.heads == 0 {
            return Err(AttentionError::Zero { what: "head" });
        }
        if config.embed_dim == 0 {
            return Err(AttentionError::Zero { what: "dimension" });
        }
        projections.check(&config)?;
        let (scale, positions, returns) = (None, Positions::None, Returns::default());
        Ok(MultiHeadAttention { config, projections, scale, positions, returns })
    }

    /// The same attention, which gives back more or less beside its output.
    #[must_use]
    pub fn with_returns(self, returns: Returns) -> Self {
        MultiHeadAttention { returns, ..self }
    }

    /// The same attention, whose products are multiplied by this instead of 1/√d, d the width of a head.
    ///
    /// # Errors
    /// When the scale is not finite.
    pub fn with_scale(self, scale: T) -> Result<Self, AttentionError> {
        if !scale.is_finite() {
            return Err(AttentionError::Scale { scale: scale.double() });
        }
        Ok(MultiHeadAttention { scale: Some(scale), ..self })
    }

    /// The same attention, which tells its rows where they stand.
    ///
    /// ```
    /// use orchestrator_attention::{AttentionConfig, Mask, MultiHeadAttention, Positions, nalgebra::DMatrix};
    /// let alike = DMatrix::from_fn(4, 16, |_, column| (column as f64).sin());
    /// let attention = MultiHeadAttention::identity(AttentionConfig::default())?;
    /// let placed = attention.clone().with_positions(Positions::Sinusoidal)?;
    /// let distance = |attention: &MultiHeadAttention| {
    ///     let output = attention.attend_self(&alike, &Mask::None).unwrap().output;
    ///     (output.row(0) - output.row(3)).norm()
    /// };
    /// assert!(distance(&attention) < 1e-12); // Without positions, equal rows get equal answers.
    /// assert!(distance(&placed) > 0.1);
    /// # Ok::<(), orchestrator_attention::AttentionError>(())
    /// ```
    ///
    /// # Errors
    /// When they are rotary, and the width of a head is odd or the base is not a finite number above 0.
    pub fn with_positions(self, positions: Positions) -> Result<Self, AttentionError> {
        if let Positions::Rotary { base } = positions {
            rotary_width(self.projections.query.outputs(), self.config.heads, base)?;
        }
        Ok(MultiHeadAttention { positions, ..self })
    }

    /// The shape: the width of the queries that come in, and the number of heads.
    pub fn config(&self) -> AttentionConfig {
        self.config
    }

    /// All widths.
    pub fn dimensions(&self) -> Dimensions {
        let heads = self.config.heads;
        let Projections { query, key, value, output } = &self.projections;
        Dimensions {
            heads,
            query: query.inputs(),
            key: key.inputs(),
            value: value.inputs(),
            head: query.outputs() / heads,
            value_head: value.outputs() / heads,
            output: output.outputs(),
        }
    }

    /// The projections.
    pub fn projections(&self) -> &Projections<T> {
        &self.projections
    }

    /// What the products are multiplied by.
    pub fn scale(&self) -> T {
        self.scale.unwrap_or_else(|| T::of(1.0 / (self.dimensions().head as f64).sqrt()))
    }

    /// The scale, where it is not 1/√d.
    pub fn custom_scale(&self) -> Option<T> {
        self.scale
    }

    /// How rows are told where they stand.
    pub fn positions(&self) -> Positions {
        self.positions
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

    /// The queries attend over the keys and get back a mix of the values; each key has a value, and the widths are those of
    /// [`MultiHeadAttention::dimensions`]. A query that sees no key gets the bias of W^O, 0 without one.
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
        let [q, k, v] = self.project(&self.placed(queries, keys, values)?);
        let attended = self.kernel(mask, self.returns).attend_while(&q, &k, &v, before_head)?;
        let Some(attended) = attended else { return Ok(None) };
        let output = self.projections.output.apply(&attended.output);
        check_finite("the output", &output)?;
        Ok(Some(Attended { output, ..attended }))
    }

    /// The checklist of [`verify`](crate::verify) for what this layer gave back, whose output may have another width than its input.
    /// `queries` is the number of rows that went in.
    pub fn verify(&self, attended: &Attended<T>, queries: usize) -> Vec<Check> {
        verify_width(attended, &self.config, queries, self.projections.output.outputs())
    }

    /// What the measurements say of the heads, as far as they were asked for: with [`Returns::Statistics`] which are uniform, with
    /// [`Returns::Weights`] also which do what another does already. Empty when nothing needs mending.
    pub fn diagnose(&self, attended: &Attended<T>) -> Vec<Finding> {
        let Some(statistics) = &attended.statistics else { return Vec::new() };
        let mut findings = diagnose(statistics, &self.config);
        if let Some(weights) = &attended.weights {
            findings.extend(diagnose_weights(weights, statistics));
        }
        findings
    }

    /// What comes in, checked, with positions added where they are.
    pub(crate) fn placed<'a>(
        &self,
        queries: &'a DMatrix<T>,
        keys: &'a DMatrix<T>,
        values: &'a DMatrix<T>,
    ) -> Result<[Cow<'a, DMatrix<T>>; 3], AttentionError> {
        let Dimensions { query, key, value, .. } = self.dimensions();
        for (name, matrix, width, fits) in [
            ("queries", queries, query, "embed_dim"),
            ("keys", keys, key, "W^K"),
            ("values", values, value, "W^V"),
        ] {
            check_columns(name, matrix, width, fits)?;
            check_finite(name, matrix)?;
        }
        check_rows("values", values, keys.nrows(), "the keys")?;
        let placed = |rows: &'a DMatrix<T>, first: usize| match self.positions {
            Positions::None | Positions::Rotary { .. } => Cow::Borrowed(rows),
            Positions::Sinusoidal => {
                Cow::Owned(rows + sinusoidal(first..first + rows.nrows(), rows.ncols()))
            }
        };
        let (first_query, first_key) = firsts(queries.nrows(), keys.nrows());
        Ok([placed(queries, first_query), placed(keys, first_key), placed(values, first_key)])
    }

    /// What the heads attend over.
    pub(crate) fn project(&self, placed: &[Cow<'_, DMatrix<T>>; 3]) -> [DMatrix<T>; 3] {
        let [queries, keys, values] = placed;
        let Projections { query, key, value, .. } = &self.projections;
        let (mut q, mut k) = (query.apply(queries), key.apply(keys));
        if let Positions::Rotary { base } = self.positions {
            let (first_query, first_key) = firsts(q.nrows(), k.nrows());
            let even = "the layer took rotary positions";
            rotate(&mut q, self.config.heads, first_query, base).expect(even);
            rotate(&mut k, self.config.heads, first_key, base).expect(even);
        }
        [q, k, value.apply(values)]
    }

    /// The attention of the heads alone.
    pub(crate) fn kernel(&self, mask: &Mask<T>, returns: Returns) -> ScaledDotProduct<T> {
        let (heads, scale, mask) = (self.config.heads, self.scale, mask.clone());
        ScaledDotProduct { heads, scale, mask, returns }
    }

    /// The same layer with other numbers in its projections.
    pub(crate) fn refilled(&self, numbers: Vec<T>) -> Result<Self, AttentionError> {
        let projections = self.projections.refilled(numbers);
        projections.check(&self.config)?;
        Ok(MultiHeadAttention { projections, ..*self })
    }

    /// The projections, to be given other finite numbers.
    pub(crate) fn projections_mut(&mut self) -> &mut Projections<T> {
        &mut self.projections
    }
}

/// The positions of the first query and the first key: the last ones stand at the same place.
pub(crate) fn firsts(queries: usize, keys: usize) -> (usize, usize) {
    (keys.saturating_sub(queries), queries.saturating_sub(keys))
}
