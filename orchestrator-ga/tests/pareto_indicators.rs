//! Hypervolume and distances are those of closed forms and of brute force.

use orchestrator_ga::pareto::{
    HYPERVOLUME_OBJECTIVES_MAX, Hypervolume, IndicatorError, hypervolume, igd, igd_plus,
};
use proptest::prelude::*;

/// The volume of a union of boxes by inclusion and exclusion over all sets of points.
fn by_inclusion_and_exclusion(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    (1..1_u32 << points.len())
        .map(|set| {
            let corner = |objective: usize| {
                let members = (0..points.len()).filter(|&at| set >> at & 1 == 1);
                members.map(|at| points[at][objective]).fold(f64::NEG_INFINITY, f64::max)
            };
            let sides = reference.iter().enumerate().map(|(at, end)| (end - corner(at)).max(0.0));
            let volume: f64 = sides.product();
            if set.count_ones() % 2 == 1 { volume } else { -volume }
        })
        .sum()
}

fn points() -> impl Strategy<Value = Vec<Vec<f64>>> {
    (2..7_usize).prop_flat_map(|objectives| {
        let value = prop_oneof![(0..5_i8).prop_map(f64::from), 0.0..4.5_f64];
        prop::collection::vec(prop::collection::vec(value, objectives), 0..9)
    })
}

proptest! {
    #[test]
    fn hypervolume_is_that_of_brute_force(points in points()) {
        let objectives = points.first().map_or(2, Vec::len);
        let reference = vec![4.0; objectives];
        let found = hypervolume(&points, &reference).unwrap();
        let wanted = by_inclusion_and_exclusion(&points, &reference);
        prop_assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{found} is not {wanted}");
    }

    #[test]
    fn more_points_never_make_it_less_and_their_order_does_not_matter(points in points(), seed: u64) {
        let objectives = points.first().map_or(2, Vec::len);
        let reference = vec![4.0; objectives];
        let whole = hypervolume(&points, &reference).unwrap();
        let mut shuffled = points.clone();
        orchestrator_core::Seed(seed).fast_stream().shuffle(&mut shuffled);
        let other = hypervolume(&shuffled, &reference).unwrap();
        prop_assert!((whole - other).abs() <= 1e-9 * whole.max(1.0));
        for count in 0..points.len() {
            prop_assert!(hypervolume(&points[..count], &reference).unwrap() <= whole + 1e-9 * whole.max(1.0));
        }
    }

    #[test]
    fn a_front_that_dominates_has_the_lesser_igd_plus(points in points(), step in 0.0..1.0_f64) {
        prop_assume!(!points.is_empty());
        let truth = vec![vec![0.0; points[0].len()], vec![1.0; points[0].len()]];
        let worse: Vec<Vec<f64>> = points.iter().map(|p| p.iter().map(|v| v + step).collect()).collect();
        prop_assert!(igd_plus(&points, &truth).unwrap() <= igd_plus(&worse, &truth).unwrap());
        prop_assert!(igd_plus(&points, &truth).unwrap() <= igd(&points, &truth).unwrap());
    }
}

#[test]
fn stairs_have_the_volume_of_their_closed_form() {
    // n steps of 1/n below the diagonal of a square: (n − 1) n / 2 small squares of n².
    for n in [1, 2, 10, 100] {
        let n = f64::from(n);
        let steps = (1..n as u32).map(|at| [f64::from(at) / n, 1.0 - f64::from(at) / n]);
        let found = hypervolume(&steps.collect::<Vec<_>>(), &[1.0, 1.0]).unwrap();
        assert!((found - (n - 1.0) / (2.0 * n)).abs() < 1e-12, "{n}: {found}");
    }
}

#[test]
fn corners_of_the_cube_have_the_volume_of_their_closed_form() {
    // Each of d points is 0 in one objective and 1 − s in the others: the boxes overlap in the cube of side s alone.
    for d in 2..=HYPERVOLUME_OBJECTIVES_MAX {
        let s = 0.25_f64;
        let points: Vec<Vec<f64>> = (0..d)
            .map(|axis| (0..d).map(|at| if at == axis { 0.0 } else { 1.0 - s }).collect())
            .collect();
        let exponent = i32::try_from(d).unwrap();
        let wanted =
            f64::from(exponent) * (s.powi(exponent - 1) - s.powi(exponent)) + s.powi(exponent);
        let found = hypervolume(&points, &vec![1.0; d]).unwrap();
        assert!((found / wanted - 1.0).abs() < 1e-9, "{d}: {found} is not {wanted}");
    }
}

#[test]
fn a_sphere_in_three_objectives_is_approached_from_below() {
    let n = 60;
    let mut points = Vec::new();
    for i in 0..=n {
        for j in 0..=n {
            let (a, b) = (f64::from(i) / f64::from(n), f64::from(j) / f64::from(n));
            let (a, b) = (a * std::f64::consts::FRAC_PI_2, b * std::f64::consts::FRAC_PI_2);
            points.push([a.cos() * b.cos(), a.cos() * b.sin(), a.sin()]);
        }
    }
    let whole = 1.1_f64.powi(3) - std::f64::consts::PI / 6.0;
    let found = hypervolume(&points, &[1.1; 3]).unwrap();
    assert!(found < whole && found > whole - 0.03, "{found} of {whole}");
}

#[test]
fn what_is_beyond_the_reference_or_not_finite_adds_nothing() {
    let inside = [0.5, 0.5];
    for outside in [[1.0, 0.0], [2.0, -5.0], [f64::NAN, 0.0], [f64::NEG_INFINITY, 0.0]] {
        assert_eq!(hypervolume(&[inside, outside], &[1.0, 1.0]).unwrap(), 0.25);
    }
    let mut measure = Hypervolume::new(&[1.0, 1.0]).unwrap();
    assert_eq!(measure.of([]), 0.0);
    assert_eq!(measure.of([&inside[..]]), 0.25);
    assert_eq!(measure.of([&[0.0, 0.0][..]]), 1.0);
}

#[test]
fn what_cannot_be_measured_is_an_error() {
    let none: [[f64; 2]; 0] = [];
    assert_eq!(hypervolume(&none, &[1.0]).unwrap_err(), IndicatorError::Reference { found: 1 });
    assert!(hypervolume(&none, &[1.0, f64::NAN]).is_err());
    assert!(hypervolume(&none, &[1.0; HYPERVOLUME_OBJECTIVES_MAX + 1]).is_err());
    let error = hypervolume(&[vec![0.0, 0.0], vec![0.0]], &[1.0, 1.0]).unwrap_err();
    assert_eq!(error.to_string(), "point 1 has 1 objectives, not 2");
    assert_eq!(igd(&none, &[[0.0, 0.0]]).unwrap_err(), IndicatorError::Empty);
    assert_eq!(igd(&[[0.0, 0.0]], &none).unwrap_err(), IndicatorError::Empty);
    assert!(igd(&[[0.0, 0.0]], &[[0.0, 0.0, 0.0]]).is_err());
}

#[test]
fn distances_are_those_of_their_closed_forms() {
    let truth = [[0.0, 1.0], [1.0, 0.0]];
    assert_eq!(igd(&truth, &truth).unwrap(), 0.0);
    // (0, 0) is better than the truth: only the plain distance holds that against it.
    assert_eq!(igd(&[[0.0, 0.0]], &truth).unwrap(), 1.0);
    assert_eq!(igd_plus(&[[0.0, 0.0]], &truth).unwrap(), 0.0);
    assert_eq!(igd(&[[3.0, 5.0]], &[[0.0, 1.0]]).unwrap(), 5.0);
    assert_eq!(igd_plus(&[[3.0, -7.0]], &[[0.0, 1.0]]).unwrap(), 3.0);
}
