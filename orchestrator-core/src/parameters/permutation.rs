//! Orders as coordinates: whether they are one, and the nearest one.

/// How many words of marks fit the stack: orders of up to 1,024 things are checked without allocating.
const WORDS: usize = 16;

/// The first value that occurs twice. All are whole numbers from 0 to below their count.
pub(super) fn repeated(order: &[f64]) -> Option<usize> {
    let (mut few, mut many);
    let seen: &mut [u64] = if order.len() <= 64 * WORDS {
        few = [0; WORDS];
        &mut few
    } else {
        many = vec![0; order.len().div_ceil(64)];
        &mut many
    };
    order.iter().map(|&value| value as usize).find(|&value| {
        let (word, mark) = (&mut seen[value / 64], 1 << (value % 64));
        let twice = *word & mark != 0;
        *word |= mark;
        twice
    })
}

/// Whether the coordinates hold each of 0, 1, … once.
pub(super) fn is_one(order: &[f64]) -> bool {
    let within = |value: &f64| *value >= 0.0 && *value < order.len() as f64;
    order.iter().all(|value| within(value) && value.fract() == 0.0) && repeated(order).is_none()
}

/// Replaces every value by its rank, equals in the order of their places and NaN last: what is an order already stays it, and
/// what is larger stays later. Allocates only when the values are no order.
pub(super) fn repair(values: &mut [f64]) {
    if is_one(values) {
        // A negative zero is no other value than zero, and should have no other bytes.
        values.iter_mut().for_each(|value| *value += 0.0);
        return;
    }
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by(|&a, &b| {
        let (a, b) = (values[a], values[b]);
        a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
    });
    for (rank, &place) in places.iter().enumerate() {
        values[place] = rank as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], repaired: &[f64]) {
        let mut values = values.to_vec();
        repair(&mut values);
        assert_eq!(values, repaired);
        assert!(is_one(&values) && values.iter().all(|value| value.is_sign_positive()));
    }

    #[test]
    fn a_repair_ranks_the_values_and_leaves_an_order_as_it_is() {
        check(&[2.0, 0.0, 1.0], &[2.0, 0.0, 1.0]);
        check(&[1.0, -0.0], &[1.0, 0.0]);
        check(&[0.4, -3.0, 0.4], &[1.0, 0.0, 2.0]);
        check(&[f64::NAN, f64::INFINITY, 0.0, f64::NAN], &[2.0, 1.0, 0.0, 3.0]);
        check(&[7.0], &[0.0]);
        let many: Vec<f64> = (0..3000).rev().map(f64::from).collect();
        check(&many, &many);
        assert_eq!(repeated(&[vec![1.0], many].concat()), Some(1));
    }
}
