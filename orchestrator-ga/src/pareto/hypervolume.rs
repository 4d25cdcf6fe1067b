//! The hypervolume: how much of the space below a reference point a front dominates (Zitzler and Thiele, "Multiobjective
//! optimization using evolutionary algorithms: a comparative case study", 1998). Exact.
//!
//! Two objectives are swept in O(n log n), three in O(n²) at worst with a small constant. More are sliced along the last objective
//! by exclusive volumes (WFG: While, Bradstreet and Barone, "A fast way of calculating exact hypervolumes", 2012), whose time grows
//! steeply with the number of objectives; hence [`HYPERVOLUME_OBJECTIVES_MAX`].

use super::dominance::dominates;

/// The most objectives of a hypervolume. A hundred points take milliseconds with five objectives, and may take minutes with more than ten.
pub const HYPERVOLUME_OBJECTIVES_MAX: usize = 10;

/// Why a front has no such measure.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IndicatorError {
    /// Give a finite reference point with from 2 to [`HYPERVOLUME_OBJECTIVES_MAX`] objectives.
    #[error(
        "a reference point of {found} objectives; there must be from 2 to {HYPERVOLUME_OBJECTIVES_MAX}, all finite"
    )]
    Reference {
        /// How many there are.
        found: usize,
    },
    /// All points must have the same number of objectives.
    #[error("point {index} has {found} objectives, not {wanted}")]
    Length {
        /// Which point.
        index: usize,
        /// How many it has.
        found: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// The distance to a front is defined between two fronts that have points.
    #[error("a front without points has no distance")]
    Empty,
}

/// The hypervolume that the points dominate below the reference point. All objectives are minimised; points that are not finite or
/// not below the reference point in every objective add nothing.
///
/// ```
/// use orchestrator_ga::pareto::hypervolume;
/// assert_eq!(hypervolume(&[[1.0, 2.0], [2.0, 1.0]], &[3.0, 3.0])?, 3.0);
/// # Ok::<(), orchestrator_ga::pareto::IndicatorError>(())
/// ```
///
/// # Errors
/// When the reference point is none, or a point has another number of objectives.
pub fn hypervolume<P: AsRef<[f64]>>(
    points: &[P],
    reference: &[f64],
) -> Result<f64, IndicatorError> {
    let mut measure = Hypervolume::new(reference)?;
    check_lengths(points, reference.len())?;
    Ok(measure.of(points.iter().map(AsRef::as_ref)))
}

/// The first point of another length is an error.
pub(super) fn check_lengths<P: AsRef<[f64]>>(
    points: &[P],
    wanted: usize,
) -> Result<(), IndicatorError> {
    for (index, point) in points.iter().enumerate() {
        let found = point.as_ref().len();
        if found != wanted {
            return Err(IndicatorError::Length { index, found, wanted });
        }
    }
    Ok(())
}

/// The hypervolume below one reference point, again and again in the same memory.
#[derive(Debug, Clone)]
pub struct Hypervolume {
    reference: Vec<f64>,
    /// The points, then what is left of them by each slice: one level for each objective above the second.
    levels: Vec<Level>,
}

#[derive(Debug, Clone, Default)]
struct Level {
    /// Row by row.
    points: Vec<f64>,
    order: Vec<u32>,
    stairs: Vec<[f64; 2]>,
}

impl Hypervolume {
    /// The measure below this point.
    ///
    /// # Errors
    /// When it has fewer than 2 or more than [`HYPERVOLUME_OBJECTIVES_MAX`] objectives, or is not finite.
    pub fn new(reference: &[f64]) -> Result<Hypervolume, IndicatorError> {
        if !(2..=HYPERVOLUME_OBJECTIVES_MAX).contains(&reference.len())
            || reference.iter().any(|value| !value.is_finite())
        {
            return Err(IndicatorError::Reference { found: reference.len() });
        }
        Ok(Hypervolume {
            reference: reference.to_vec(),
            levels: vec![Level::default(); reference.len()],
        })
    }

    /// The point below which is measured.
    pub fn reference(&self) -> &[f64] {
        &self.reference
    }

    /// Makes room for so many points, so that no front of at most that size asks for memory.
    pub(super) fn reserve(&mut self, count: usize) {
        let objectives = self.reference.len();
        for level in &mut self.levels {
            if level.order.capacity() < count {
                level.points = Vec::with_capacity(count * objectives);
                level.order = Vec::with_capacity(count);
                level.stairs = Vec::with_capacity(count);
            }
        }
    }

    /// The hypervolume that the points dominate, as [`hypervolume`] has it.
    ///
    /// # Panics
    /// When a point has another number of objectives.
    pub fn of<'a>(&mut self, points: impl IntoIterator<Item = &'a [f64]>) -> f64 {
        let Hypervolume { reference, levels } = self;
        levels[0].points.clear();
        for point in points {
            assert_eq!(point.len(), reference.len(), "a point of another number of objectives");
            let inside =
                point.iter().zip(&*reference).all(|(value, end)| value.is_finite() && value < end);
            if inside {
                levels[0].points.extend_from_slice(point);
            }
        }
        volume(levels, reference)
    }
}

/// What the points of the first level dominate.
fn volume(levels: &mut [Level], reference: &[f64]) -> f64 {
    match reference {
        [_, _] => area(&mut levels[0], reference),
        [_, _, _] => sweep(&mut levels[0], reference),
        _ => slices(levels, reference),
    }
}

impl Level {
    /// Sorts the points by one of their objectives.
    fn sort_by(&mut self, objectives: usize, objective: usize) {
        let Level { points, order, .. } = self;
        let value = |at: u32| points[at as usize * objectives + objective];
        order.clear();
        order.extend(0..(points.len() / objectives) as u32);
        order.sort_unstable_by(|&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
    }
}

/// Two objectives: from left to right, each point adds what lies below all before it.
fn area(level: &mut Level, reference: &[f64]) -> f64 {
    level.sort_by(2, 0);
    let (mut sum, mut lowest) = (0.0, reference[1]);
    for &at in &level.order {
        let at = 2 * at as usize;
        let (x, y) = (level.points[at], level.points[at + 1]);
        if y < lowest {
            sum += (reference[0] - x) * (lowest - y);
            lowest = y;
        }
    }
    sum
}

/// Three objectives: upwards in the third, keeping the stairs that the first two make.
fn sweep(level: &mut Level, reference: &[f64]) -> f64 {
    level.sort_by(3, 2);
    let Level { points, order, stairs } = level;
    stairs.clear();
    let (mut sum, mut area, mut height) = (0.0, 0.0, 0.0);
    for &at in &*order {
        let at = 3 * at as usize;
        let [x, y, z] = [points[at], points[at + 1], points[at + 2]];
        if area > 0.0 {
            sum += area * (z - height);
        }
        height = z;
        area += add_stair(stairs, [x, y], reference);
    }
    if area > 0.0 { sum + area * (reference[2] - height) } else { sum }
}

/// Adds a point to the stairs (x rising, y falling); gives the area that it adds.
fn add_stair(stairs: &mut Vec<[f64; 2]>, [x, y]: [f64; 2], reference: &[f64]) -> f64 {
    let place = stairs.partition_point(|stair| stair[0] <= x);
    let mut above = place.checked_sub(1).map_or(reference[1], |before| stairs[before][1]);
    if above <= y {
        return 0.0;
    }
    let (mut added, mut from, mut end) = (0.0, x, place);
    while let Some(&[next, lower]) = stairs.get(end) {
        added += (next - from) * (above - y);
        (from, above) = (next, lower);
        if lower < y {
            break;
        }
        end += 1;
    }
    if end == stairs.len() {
        added += (reference[0] - from) * (above - y);
    }
    // One that stands at the same x is hidden as well.
    let start = if place > 0 && stairs[place - 1][0] == x { place - 1 } else { place };
    stairs.splice(start..end, [[x, y]]);
    added
}

/// More objectives: from the worst value of the last one on, each point adds what it dominates alone among those that are better
/// there; seen from the point, these all have its last value, so that one objective less is left.
fn slices(levels: &mut [Level], reference: &[f64]) -> f64 {
    let objectives = reference.len();
    let (last, rest) = (objectives - 1, &reference[..objectives - 1]);
    let [level, below @ ..] = levels else { return 0.0 };
    level.sort_by(objectives, last);
    let row = |at: u32| &level.points[at as usize * objectives..(at as usize + 1) * objectives];
    let mut sum = 0.0;
    for (better, &at) in level.order.iter().enumerate() {
        let point = row(at);
        below[0].points.clear();
        for &other in &level.order[..better] {
            limit(&mut below[0].points, &point[..last], row(other));
        }
        let alone = point.iter().zip(rest).map(|(value, end)| end - value).product::<f64>();
        sum += (reference[last] - point[last]) * (alone - volume(below, rest)).max(0.0);
    }
    sum
}

/// Adds the part of another point's region that lies in this point's, unless it lies in one that is there already; takes away
/// those that lie in it.
fn limit(points: &mut Vec<f64>, point: &[f64], other: &[f64]) {
    let size = point.len();
    let start = points.len();
    points.extend(point.iter().zip(other).map(|(a, b)| a.max(*b)));
    let mut at = 0;
    let mut end = start;
    while at < end {
        let (before, new) = points.split_at(end);
        let (known, new) = (&before[at..at + size], &new[..size]);
        if known == new || dominates(known, new) {
            points.truncate(end);
            return;
        }
        if dominates(new, known) {
            // The last one takes its place, and the new one that of the last.
            points.copy_within(end - size..end, at);
            points.copy_within(end..end + size, end - size);
            end -= size;
            points.truncate(end + size);
        } else {
            at += size;
        }
    }
}
