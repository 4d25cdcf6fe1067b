//! Points become states: each in exactly one cell of every grid, with the errors of what has none.

use std::collections::BTreeSet;

use orchestrator_core::{INTEGER_MAX, ParameterSpace, Seed};
use orchestrator_rl::{
    BINS_MAX, DiscretiseError, Environment, Grid, RlConfig, RlError, Step, Tiles, Training,
    TuneEnvironment,
};
use proptest::prelude::*;

fn mixed() -> ParameterSpace {
    ParameterSpace::builder()
        .real("x", -1.0, 1.0)
        .integer("n", -3, 10)
        .boolean("b")
        .categorical("c", ["red", "green", "blue"])
        .build()
        .unwrap()
}

/// In each parameter the cells of all states follow each other without gap or overlap, and the state's own is the one that holds
/// the point: from its lower bound to below its upper one, the last one to the end of the space.
#[track_caller]
fn lies_in_one_cell(grid: &Grid, point: &[f64]) {
    let all: Vec<_> =
        (0..grid.states().unwrap()).map(|state| grid.bounds(state).unwrap().0).collect();
    let own = &all[grid.state(point, 0).unwrap()];
    for (at, whole) in grid.space().bounds().iter().enumerate() {
        let mut cells: Vec<(f64, f64)> =
            all.iter().map(|bounds| (bounds[at].min, bounds[at].max)).collect();
        cells.sort_by(|a, b| a.partial_cmp(b).unwrap());
        cells.dedup();
        assert_eq!(cells.len(), grid.cells()[at]);
        assert_eq!((cells[0].0, cells[cells.len() - 1].1), (whole.min, whole.max));
        assert!(cells.windows(2).all(|pair| pair[0].1 == pair[1].0), "{cells:?}");
        let last = cells.len() - 1;
        let holds = |n: usize| point[at] >= cells[n].0 && (n == last || point[at] < cells[n].1);
        let held: Vec<usize> = (0..cells.len()).filter(|&n| holds(n)).collect();
        assert_eq!(held.len(), 1, "{point:?} in {cells:?}");
        assert_eq!(cells[held[0]], (own[at].min, own[at].max), "{point:?}");
    }
}

#[test]
fn edges_belong_to_the_cell_above_and_the_upper_end_to_the_last() {
    let space = ParameterSpace::uniform(1, -1.0, 1.0).unwrap();
    let grid = Grid::uniform(&space, 4).unwrap();
    let states: Vec<usize> = [-1.0, -0.5 - 1e-12, -0.5, 0.0 - 1e-12, 0.0, 0.5, 1.0 - 1e-12, 1.0]
        .iter()
        .map(|x| grid.state(&[*x], 0).unwrap())
        .collect();
    assert_eq!(states, [0, 0, 1, 1, 2, 3, 3, 3]);
    for x in [-1.0, -0.5, 0.0, 0.25, 1.0] {
        lies_in_one_cell(&grid, &[x]);
    }
}

#[test]
fn what_is_counted_has_a_cell_for_each_value_or_groups_of_equal_size() {
    let each = Grid::uniform(&mixed(), 14).unwrap();
    assert_eq!(each.cells(), [14, 14, 2, 3]);
    let numbers: BTreeSet<usize> =
        (-3..=10).map(|n| each.state(&[0.0, f64::from(n), 0.0, 0.0], 0).unwrap()).collect();
    assert_eq!(numbers.len(), 14);
    let labels: BTreeSet<usize> =
        (0..3).map(|c| each.state(&[0.0, 0.0, 1.0, f64::from(c)], 0).unwrap()).collect();
    assert_eq!(labels.len(), 3);

    let grouped = Grid::uniform(&mixed(), 7).unwrap();
    assert_eq!(grouped.cells(), [7, 7, 2, 3]);
    let mut sizes = [0; 7];
    for n in -3..=10 {
        let key = grouped.key(&[0.0, f64::from(n), 0.0, 0.0], 0).unwrap();
        sizes[usize::from(key.cells[1])] += 1;
    }
    assert_eq!(sizes, [2; 7]);
    // No number of groups leaves one empty, or another more than one number larger.
    let pairs = (1..40_i64).flat_map(|count| (1..45_usize).map(move |bins| (count, bins)));
    for (count, bins) in pairs {
        let space = ParameterSpace::builder().integer("n", 5, 4 + count).build().unwrap();
        let grid = Grid::uniform(&space, bins).unwrap();
        let mut sizes = vec![0; bins.min(count as usize)];
        (5..5 + count).for_each(|n| sizes[grid.state(&[n as f64], 0).unwrap()] += 1);
        let (least, most) = (*sizes.iter().min().unwrap(), *sizes.iter().max().unwrap());
        assert!(least >= 1 && most <= least + 1, "{count} in {bins}: {sizes:?}");
    }
}

#[test]
fn quantiles_hold_equal_numbers_of_samples() {
    let space = ParameterSpace::uniform(2, 0.0, 1.0).unwrap();
    let mut stream = Seed(5).stream();
    let samples: Vec<Vec<f64>> =
        (0..600).map(|_| space.sample(&mut stream).iter().map(|x| x.powi(5)).collect()).collect();
    let grid = Grid::quantile(&space, samples.iter().map(|x| &x[..]), 6).unwrap();
    for at in 0..2 {
        let mut counts = [0; 6];
        for sample in &samples {
            counts[usize::from(grid.key(sample, 0).unwrap().cells[at])] += 1;
        }
        assert_eq!(counts, [100; 6]);
    }
    // Equal samples make fewer cells, none of them empty.
    let same = [[0.3, 0.3], [0.3, 0.3], [0.3, 1.0], [0.3, 1.0]];
    let grid = Grid::quantile(&space, same.iter().map(|x| &x[..]), 4).unwrap();
    assert_eq!(grid.cells(), [2, 3]);
    assert_eq!(grid.key(&[0.2, 0.99], 0).unwrap().cells, [0, 1]);
    assert_eq!(grid.key(&[0.3, 1.0], 0).unwrap().cells, [1, 2]);
}

#[test]
fn contexts_share_no_state() {
    let grid = Grid::uniform(&mixed(), 5).unwrap().with_contexts(3).unwrap();
    let cells = 5 * 5 * 2 * 3;
    assert_eq!(grid.states(), Ok(3 * cells));
    let point = [0.1, 4.0, 1.0, 2.0];
    let states: Vec<usize> = (0..3).map(|at| grid.state(&point, at).unwrap()).collect();
    assert_eq!(states, [states[0], states[0] + cells, states[0] + 2 * cells]);
    assert_eq!(grid.bounds(states[2]).unwrap().1, 2);
    assert_eq!(grid.bounds(3 * cells), None);
    assert_eq!(grid.state(&point, 3), Err(DiscretiseError::Context { context: 3, count: 3 }));
    assert_ne!(grid.key(&point, 7), grid.key(&point, u64::MAX));
    assert!(grid.with_contexts(0).is_err());
}

#[test]
fn what_has_no_cells_is_refused_in_words() {
    let order = ParameterSpace::builder().real("x", 0.0, 1.0).permutation("route", 3).build();
    let refused = Grid::uniform(&order.clone().unwrap(), 4).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "parameter \"route\" is a permutation, which has no cells; leave it out of the space"
    );
    assert!(matches!(
        Tiles::new(&order.unwrap(), 4, 4),
        Err(DiscretiseError::Permutation { name }) if name == "route"
    ));
    let space = mixed();
    assert!(matches!(Grid::uniform(&space, 0), Err(DiscretiseError::Count { count: 0, .. })));
    assert!(Grid::uniform(&space, BINS_MAX).is_ok());
    assert!(Grid::uniform(&space, BINS_MAX + 1).is_err());
    assert!(Tiles::new(&space, 0, 4).is_err() && Tiles::new(&space, 5000, 4).is_err());
    assert_eq!(Grid::quantile(&space, [], 3), Err(DiscretiseError::NoSamples));
    let bad = [&[0.0, 0.0, 0.0, 0.0][..], &[0.0, 0.5, 0.0, 0.0]];
    let error = Grid::quantile(&space, bad, 3).unwrap_err().to_string();
    assert_eq!(error, "sample 1: parameter \"n\": 0.5 is no whole number");
    let grid = Grid::uniform(&space, 3).unwrap();
    for point in [&[2.0, 0.0, 0.0, 0.0][..], &[f64::NAN, 0.0, 0.0, 0.0], &[0.0]] {
        assert!(matches!(grid.state(point, 0), Err(DiscretiseError::Point(_))), "{point:?}");
        assert!(matches!(grid.key(point, 0), Err(DiscretiseError::Point(_))), "{point:?}");
    }
}

#[test]
fn more_states_than_numbers_are_an_error_and_keys_still_work() {
    let space = ParameterSpace::uniform(20, 0.0, 1.0).unwrap();
    let grid = Grid::uniform(&space, 100).unwrap();
    let error = grid.state(&[0.5; 20], 0).unwrap_err();
    assert_eq!(Err(error.clone()), grid.states());
    assert!(error.to_string().contains("take fewer bins, or keys and a hashed table"));
    assert_eq!(grid.key(&[0.5; 20], 1).unwrap().cells, [50; 20]);
    assert!(matches!(Tiles::new(&space, 8, 100), Err(DiscretiseError::TooManyStates { .. })));
    // 2^31 states are the most, and one context more is too many.
    let most = Grid::uniform(&ParameterSpace::uniform(2, 0.0, 1.0).unwrap(), 1 << 15).unwrap();
    assert_eq!(most.clone().with_contexts(2).unwrap().states(), Ok(1 << 31));
    assert!(most.with_contexts(3).unwrap().states().is_err());
}

#[test]
fn the_widest_and_the_narrowest_parameters_have_their_cells() {
    let space = ParameterSpace::builder()
        .real("wide", -8e307, 8e307)
        .real("point", 0.25, 0.25)
        .integer("n", -INTEGER_MAX, INTEGER_MAX)
        .build()
        .unwrap();
    let grid = Grid::uniform(&space, 8).unwrap();
    assert_eq!(grid.cells(), [8, 1, 8]);
    let ends = [[-8e307, 0.25, -(INTEGER_MAX as f64)], [8e307, 0.25, INTEGER_MAX as f64]];
    assert_eq!(grid.key(&ends[0], 0).unwrap().cells, [0, 0, 0]);
    assert_eq!(grid.key(&ends[1], 0).unwrap().cells, [7, 0, 7]);
}

#[test]
fn tilings_are_shifted_by_odd_multiples_and_cross_in_the_finest_grid() {
    let space = ParameterSpace::uniform(2, 0.0, 1.0).unwrap();
    let tiles = Tiles::new(&space, 4, 5).unwrap();
    assert_eq!(tiles.tilings().len(), 4);
    // Unshifted the first, and a row and a column more in the others.
    assert_eq!(tiles.count(), 5 * 5 + 3 * 6 * 6);
    // A quarter of a tile each: tiling 1 by (1, 3) quarters.
    let (bounds, _) = tiles.tilings()[1].bounds(0).unwrap();
    assert!((bounds[0].max - 0.15).abs() < 1e-12 && (bounds[1].max - 0.05).abs() < 1e-12);
    assert_eq!(tiles.crossing().cells(), [20, 20]);
    // Labels and the like are the same in every tiling.
    let tiles = Tiles::new(&mixed(), 4, 3).unwrap();
    assert!(tiles.tilings().iter().all(|grid| grid.cells()[2..] == [2, 3]));
}

#[test]
fn grids_and_tiles_are_saved_and_read_and_what_is_damaged_is_refused() {
    let samples = [[0.1, 1.0, 0.0, 0.0], [0.7, 3.0, 0.0, 0.0]];
    let grid = Grid::quantile(&mixed(), samples.iter().map(|x| &x[..]), 2).unwrap();
    let grid = grid.with_contexts(2).unwrap();
    let text = serde_json::to_string(&grid).unwrap();
    assert_eq!(serde_json::from_str::<Grid>(&text).unwrap(), grid);
    let tiles = Tiles::new(&mixed(), 4, 3).unwrap();
    let tiled = serde_json::to_string(&tiles).unwrap();
    assert_eq!(serde_json::from_str::<Tiles>(&tiled).unwrap(), tiles);

    for (from, to, part) in [
        ("\"version\":1", "\"version\":2", "format 2"),
        ("[0.7]", "[0.7,0.1]", "edges of \"x\""),
        ("[0.7]", "[1.5]", "edges of \"x\""),
        ("[0.7],", "", "edges of 3 parameters"),
        ("\"contexts\":2", "\"contexts\":0", "contexts are 0"),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        let error = serde_json::from_str::<Grid>(&text.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let error = serde_json::from_str::<Tiles>(&tiled.replace("\"tilings\":4", "\"tilings\":0"));
    assert!(error.unwrap_err().to_string().contains("the tilings are 0"));
}

/// A point that walks along a line in steps of 0.1, with a prize at the upper end.
struct Line {
    grid: Grid,
    x: f64,
}

impl Environment for Line {
    type State = usize;
    fn actions(&self) -> usize {
        2
    }
    fn reset(&mut self, _: &mut orchestrator_core::FastStream) -> usize {
        self.x = 0.05;
        self.grid.state(&[self.x], 0).unwrap()
    }
    fn step(&mut self, action: usize, _: &mut orchestrator_core::FastStream) -> Step<usize> {
        self.x = (self.x + if action == 1 { 0.1 } else { -0.1 }).clamp(0.0, 1.0);
        let terminal = self.x > 0.9;
        let reward = if terminal { 1.0 } else { 0.0 };
        Step { next: self.grid.state(&[self.x], 0).unwrap(), reward, terminal }
    }
}

#[test]
fn an_agent_learns_over_the_numbers_of_a_grid_and_of_crossed_tilings() {
    let space = ParameterSpace::uniform(1, 0.0, 1.0).unwrap();
    let crossing = Tiles::new(&space, 2, 5).unwrap().crossing().clone();
    for grid in [Grid::uniform(&space, 10).unwrap(), crossing] {
        let states = grid.states().unwrap();
        let mut training = Training::dense(RlConfig::default(), states, 2, Seed(3)).unwrap();
        training.run_steps(&mut Line { grid: grid.clone(), x: 0.0 }, 500).unwrap();
        let learned = training.settled();
        for step in 0..9 {
            let state = grid.state(&[0.05 + 0.1 * f64::from(step)], 0).unwrap();
            assert_eq!(learned.best_known(&state), [1], "step {step}");
        }
    }
}

#[test]
fn tuning_sees_points_through_a_grid_of_its_own_space_only() {
    let space = ParameterSpace::uniform(2, 0.0, 1.0).unwrap();
    let region = space.around(&[0.5, 0.5], 0.4).unwrap();
    let environment = || TuneEnvironment::new(&space, &region, &[0.5, 0.5], |x: &[f64]| x[0]);
    let samples = [[0.4, 0.4], [0.5, 0.5], [0.6, 0.6]];
    let grid = Grid::quantile(&space, samples.iter().map(|x| &x[..]), 3).unwrap();
    let seen = environment().unwrap().discretised_by(grid.clone()).unwrap();
    assert_eq!(seen.encode(&[0.55, 0.61]).cells, [1, 2]);
    assert_eq!(seen.encode(&[0.55, 0.61]), grid.key(&[0.55, 0.61], 0).unwrap());
    let other = Grid::uniform(&region, 3).unwrap();
    assert!(matches!(environment().unwrap().discretised_by(other), Err(RlError::Grid)));
}

fn space_strategy() -> impl Strategy<Value = ParameterSpace> {
    (-5.0..5.0_f64, 0.0..9.0_f64, -20_i64..20, 0_i64..30, 1_usize..5).prop_map(
        |(low, width, least, count, labels)| {
            ParameterSpace::builder()
                .real("x", low, low + width)
                .integer("n", least, least + count)
                .boolean("b")
                .categorical("c", (0..labels).map(|at| at.to_string()))
                .build()
                .unwrap()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_point_lies_in_exactly_one_cell_of_every_tiling_edges_included(
        space in space_strategy(), seed: u64, bins in 1_usize..7, tilings in 1_usize..6,
    ) {
        let tiles = Tiles::new(&space, tilings, bins).unwrap();
        let mut stream = Seed(seed).stream();
        let mut points: Vec<Vec<f64>> = (0..4).map(|_| space.sample(&mut stream)).collect();
        let ends = space.bounds();
        points.push(ends.iter().map(|b| b.min).collect());
        points.push(ends.iter().map(|b| b.max).collect());
        // A point on an edge of some tiling.
        let grid = &tiles.tilings()[tilings - 1];
        let on_edge = grid.bounds(grid.states().unwrap() - 1).unwrap().0;
        points.push(on_edge.iter().map(|b| b.min).collect());
        let samples: Vec<Vec<f64>> = (0..9).map(|_| space.sample(&mut stream)).collect();
        let quantile = Grid::quantile(&space, samples.iter().map(|x| &x[..]), bins).unwrap();
        for point in &points {
            space.check(point).unwrap();
            tiles.tilings().iter().chain([&quantile]).for_each(|grid| lies_in_one_cell(grid, point));
            let numbers = tiles.tiles(point).unwrap();
            prop_assert_eq!(numbers.len(), tilings);
            prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(numbers[tilings - 1] < tiles.count());
        }
        // The same crossing means all tiles shared, and the other way round.
        for (a, b) in points.iter().flat_map(|a| points.iter().map(move |b| (a, b))) {
            let same = tiles.crossing().key(a, 0) == tiles.crossing().key(b, 0);
            prop_assert_eq!(same, tiles.tiles(a) == tiles.tiles(b));
        }
        // Different states have different keys.
        for (a, b) in points.iter().flat_map(|a| points.iter().map(move |b| (a, b))) {
            let same = quantile.state(a, 0) == quantile.state(b, 0);
            prop_assert_eq!(same, quantile.key(a, 0) == quantile.key(b, 0));
        }
    }
}
