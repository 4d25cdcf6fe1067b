//! What went wrong with attention, in words, and only from what was measured.

use std::fmt;

use nalgebra::DMatrix;

use super::check::FOCUS_MARGIN;
use super::config::AttentionConfig;
use crate::kernel::Statistics;
use crate::real::Real;

/// The embedding dimension that the documents advise when the weights are uniform.
pub const UNIFORM_EMBED_DIM: usize = 32;

/// Heads do the same when on average no more than this share of a query's attention would move from one to the other: at one per cent
/// the second tells nothing that the first does not.
pub const SAME_WEIGHTS: f64 = 0.01;

/// Something that was measured and can be mended. Its `Display` is the advice. Heads are counted from 0.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// The weights of these heads are uniform, because the embeddings are not differentiated.
    Uniform {
        /// The heads.
        heads: Vec<usize>,
        /// How many heads there are.
        of: usize,
        /// Their mean entropy as a share of its maximum, the ln of the keys that a query sees.
        entropy_share: f64,
        /// The width of a row.
        embed_dim: usize,
    },
    /// These heads attend alike and not evenly: all but one of them are dead weight.
    Alike {
        /// The heads, two or more.
        heads: Vec<usize>,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Uniform { heads, of, entropy_share, embed_dim } => {
                let all = heads.len() == *of;
                write!(f, "the attention weights ")?;
                if !all {
                    write!(f, "of {} (of {of}) ", named(heads))?;
                }
                write!(
                    f,
                    "are uniform (mean entropy {:.1} % of the ln of the keys seen), because ",
                    100.0 * entropy_share
                )?;
                if !all {
                    write!(f, "these heads tell nothing apart: ")?;
                    write!(f, "train or seed their projections anew, or use fewer heads")
                } else if *embed_dim < UNIFORM_EMBED_DIM {
                    write!(f, "the embeddings are not differentiated: ")?;
                    write!(
                        f,
                        "raise the embedding dimension from {embed_dim} to {UNIFORM_EMBED_DIM}"
                    )
                } else {
                    write!(f, "the embeddings are not differentiated: ")?;
                    write!(
                        f,
                        "give the layers different interests, or the features different values"
                    )
                }
            }
            Finding::Alike { heads } => {
                write!(f, "{} attend alike: ", named(heads))?;
                write!(f, "train or seed their projections anew, or use fewer heads")
            }
        }
    }
}

fn named(heads: &[usize]) -> String {
    let list = |heads: &[usize]| heads.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    match heads {
        [one] => format!("head {one}"),
        [first @ .., last] => format!("heads {} and {last}", list(first)),
        [] => "no head".to_owned(),
    }
}

/// Which heads are uniform: those whose mean entropy, over the queries that have a choice of two keys or more, comes within
/// [`FOCUS_MARGIN`] of its maximum. Empty when all are focused, or no query has a choice.
///
/// ```
/// use orchestrator_attention::{AttentionConfig, Mask, MultiHeadAttention, Returns, diagnose, nalgebra::DMatrix};
/// let config = AttentionConfig::default();
/// let attention = MultiHeadAttention::identity(config)?.with_returns(Returns::Statistics);
/// // The rows differ only in the columns of heads 0 and 1.
/// let rows = DMatrix::from_fn(5, 16, |row, column| if row == column { 6.0 } else { 0.0 });
/// let attended = attention.attend_self(&rows, &Mask::None)?;
/// let findings = diagnose(attended.statistics.as_ref().unwrap(), &config);
/// assert!(findings[0].to_string().starts_with("the attention weights of heads 2 and 3 (of 4) are uniform"));
/// # Ok::<(), orchestrator_attention::AttentionError>(())
/// ```
pub fn diagnose<T: Real>(statistics: &Statistics<T>, config: &AttentionConfig) -> Vec<Finding> {
    let shares = uniform(statistics);
    if shares.is_empty() {
        return Vec::new();
    }
    let entropy_share = shares.iter().map(|(_, share)| share).sum::<f64>() / shares.len() as f64;
    vec![Finding::Uniform {
        heads: shares.into_iter().map(|(head, _)| head).collect(),
        of: statistics.entropy.ncols(),
        entropy_share,
        embed_dim: config.embed_dim,
    }]
}

/// Which heads, among those that are not uniform, do the same.
pub(super) fn diagnose_weights<T: Real>(
    weights: &[DMatrix<T>],
    statistics: &Statistics<T>,
) -> Vec<Finding> {
    let even: Vec<usize> = uniform(statistics).into_iter().map(|(head, _)| head).collect();
    let mut left: Vec<usize> = (0..weights.len()).filter(|head| !even.contains(head)).collect();
    let mut findings = Vec::new();
    while let Some((&first, others)) = left.split_first() {
        let same = |head: &usize| {
            let moved = moved(&weights[first], &weights[*head], &statistics.visible);
            moved.is_some_and(|moved| moved <= SAME_WEIGHTS)
        };
        let (alike, rest): (Vec<usize>, Vec<usize>) = others.iter().partition(|head| same(head));
        if !alike.is_empty() {
            let heads = [first].into_iter().chain(alike).collect();
            findings.push(Finding::Alike { heads });
        }
        left = rest;
    }
    findings
}

/// The uniform heads, with the share that their mean entropy is of its maximum.
fn uniform<T: Real>(statistics: &Statistics<T>) -> Vec<(usize, f64)> {
    let queries: Vec<usize> = choosing(&statistics.visible).collect();
    let share = |head: usize| {
        let share = |&query: &usize| {
            let entropy_max = (statistics.visible[query] as f64).ln();
            statistics.entropy[(query, head)].double() / entropy_max
        };
        queries.iter().map(share).sum::<f64>() / queries.len() as f64
    };
    let shares = (0..statistics.entropy.ncols()).map(|head| (head, share(head)));
    // Without a query that chooses, the share is NaN and above nothing.
    shares.filter(|(_, share)| *share > 1.0 - FOCUS_MARGIN).collect()
}

/// The share of a query's attention, averaged over the queries that have a choice, that is elsewhere in the other head: half the
/// sum of the differences. `None` when no query has a choice.
fn moved<T: Real>(one: &DMatrix<T>, other: &DMatrix<T>, visible: &[usize]) -> Option<f64> {
    let of_query = |query: usize| {
        let difference = (one.row(query) - other.row(query)).abs();
        0.5 * difference.iter().map(|share| share.double()).sum::<f64>()
    };
    let queries = choosing(visible).count();
    let sum = choosing(visible).map(of_query).sum::<f64>();
    (queries > 0).then(|| sum / queries as f64)
}

/// The queries that see two keys or more.
fn choosing(visible: &[usize]) -> impl Iterator<Item = usize> {
    visible.iter().enumerate().filter(|(_, visible)| **visible >= 2).map(|(query, _)| query)
}
