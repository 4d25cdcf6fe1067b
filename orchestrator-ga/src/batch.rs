//! Candidates in one contiguous block, row by row, so that breeding touches memory in order and nothing is allocated twice.

use serde::{Deserialize, Serialize};

/// Points of one space, row by row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Batch {
    dimension: usize,
    points: Vec<f64>,
}

impl Batch {
    /// An empty batch of points with so many coordinates (at least 1).
    pub fn new(dimension: usize) -> Batch {
        Batch { dimension: dimension.max(1), points: Vec::new() }
    }

    /// The same, with room for `count` points.
    pub fn with_capacity(dimension: usize, count: usize) -> Batch {
        Batch { points: Vec::with_capacity(dimension * count), ..Batch::new(dimension) }
    }

    /// How many coordinates a point has.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.points.len() / self.dimension
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// A point.
    ///
    /// # Panics
    /// When `index` is not below [`Batch::len`].
    #[inline]
    pub fn point(&self, index: usize) -> &[f64] {
        &self.points[index * self.dimension..(index + 1) * self.dimension]
    }

    /// A point, to be changed.
    ///
    /// # Panics
    /// When `index` is not below [`Batch::len`].
    #[inline]
    pub fn point_mut(&mut self, index: usize) -> &mut [f64] {
        &mut self.points[index * self.dimension..(index + 1) * self.dimension]
    }

    /// All points, in order.
    pub fn points(&self) -> std::slice::ChunksExact<'_, f64> {
        self.points.chunks_exact(self.dimension)
    }

    /// All coordinates, row by row.
    pub fn as_slice(&self) -> &[f64] {
        &self.points
    }

    /// Adds a copy of the point, and gives it to be changed.
    ///
    /// # Panics
    /// When the point has another number of coordinates.
    #[inline]
    pub fn push(&mut self, point: &[f64]) -> &mut [f64] {
        assert_eq!(point.len(), self.dimension, "a point of another dimension");
        let start = self.points.len();
        self.points.extend_from_slice(point);
        &mut self.points[start..]
    }

    /// Two neighbouring points, the first at `index`, to be changed.
    #[inline]
    pub(crate) fn pair_mut(&mut self, index: usize) -> (&mut [f64], &mut [f64]) {
        let pair = &mut self.points[index * self.dimension..(index + 2) * self.dimension];
        pair.split_at_mut(self.dimension)
    }

    /// Takes a point out; the last one moves to its place.
    pub(crate) fn remove_moving_last(&mut self, index: usize) {
        let last = self.len() - 1;
        self.points.copy_within(last * self.dimension.., index * self.dimension);
        self.truncate(last);
    }

    /// Adds `count` points of zeros, and gives their coordinates to be written, row by row.
    pub fn append(&mut self, count: usize) -> &mut [f64] {
        let start = self.points.len();
        self.points.resize(start + count * self.dimension, 0.0);
        &mut self.points[start..]
    }

    /// Keeps the first `count` points.
    pub fn truncate(&mut self, count: usize) {
        self.points.truncate(count * self.dimension);
    }

    /// Takes a point out; the last one takes its place.
    ///
    /// # Panics
    /// When `index` is not below [`Batch::len`].
    pub fn swap_remove(&mut self, index: usize) {
        let last = self.len() - 1;
        let (dimension, to) = (self.dimension, index * self.dimension);
        self.points.copy_within(last * dimension.., to);
        self.truncate(last);
    }

    /// Forgets all points, and keeps the memory.
    pub fn clear(&mut self) {
        self.points.clear();
    }
}

/// A batch as it is read, before it is checked.
#[derive(Deserialize)]
struct Written {
    dimension: usize,
    points: Vec<f64>,
}

impl TryFrom<Written> for Batch {
    type Error = &'static str;

    fn try_from(Written { dimension, points }: Written) -> Result<Batch, Self::Error> {
        if dimension == 0 || points.len() % dimension != 0 {
            return Err("a batch is damaged: its coordinates make no whole number of points");
        }
        Ok(Batch { dimension, points })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_read_as_it_was_written_and_a_torn_one_is_refused() {
        let mut batch = Batch::new(2);
        batch.push(&[1.0, 2.0]);
        let text = serde_json::to_string(&batch).unwrap();
        assert_eq!(serde_json::from_str::<Batch>(&text).unwrap(), batch);
        for torn in [r#"{"dimension":0,"points":[]}"#, r#"{"dimension":2,"points":[1.0]}"#] {
            assert!(serde_json::from_str::<Batch>(torn).is_err(), "{torn}");
        }
    }
}
