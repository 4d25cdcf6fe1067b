//! NSGA-II on ZDT1 written by hand for that one problem, as a mark to time ours against: dense arrays, the same generator, no
//! errors, no constraints, no history, no search around it.

use orchestrator_ai::core::{FastStream, Seed};

const POPULATION: usize = 100;
const DIMENSION: usize = 30;

/// Costs, ranks and crowding distances of parents and children.
struct Pool {
    points: Vec<f64>,
    costs: Vec<[f64; 2]>,
    ranks: Vec<usize>,
    crowding: Vec<f64>,
}

/// Runs so many generations after the first; gives the final costs.
pub(crate) fn run(generations: usize, seed: Seed) -> Vec<[f64; 2]> {
    let stream = &mut seed.fast_stream();
    let mut pool = Pool {
        points: (0..2 * POPULATION * DIMENSION).map(|_| stream.unit()).collect(),
        costs: vec![[0.0; 2]; 2 * POPULATION],
        ranks: vec![0; 2 * POPULATION],
        crowding: vec![0.0; 2 * POPULATION],
    };
    for at in 0..POPULATION {
        pool.costs[at] = zdt1(&pool.points[at * DIMENSION..(at + 1) * DIMENSION]);
    }
    let mut next = pool.points.clone();
    let mut next_costs = pool.costs.clone();
    fronts(&mut pool, POPULATION);
    for _ in 0..generations {
        for child in (0..POPULATION).step_by(2) {
            let parents = [tournament(&pool, stream), tournament(&pool, stream)];
            let (old, new) = pool.points.split_at_mut(POPULATION * DIMENSION);
            let (a, rest) = new[child * DIMENSION..].split_at_mut(DIMENSION);
            let b = &mut rest[..DIMENSION];
            a.copy_from_slice(&old[parents[0] * DIMENSION..][..DIMENSION]);
            b.copy_from_slice(&old[parents[1] * DIMENSION..][..DIMENSION]);
            if stream.unit() < 0.9 {
                cross(a, b, stream);
            }
            mutate(a, stream);
            mutate(b, stream);
            pool.costs[POPULATION + child] = zdt1(a);
            pool.costs[POPULATION + child + 1] = zdt1(b);
        }
        let mut chosen: Vec<usize> = Vec::with_capacity(POPULATION);
        for mut front in fronts(&mut pool, 2 * POPULATION) {
            let room = POPULATION - chosen.len();
            if front.len() > room {
                front.sort_by(|&a, &b| pool.crowding[b].total_cmp(&pool.crowding[a]));
                front.truncate(room);
            }
            chosen.extend(front);
            if chosen.len() == POPULATION {
                break;
            }
        }
        for (to, &from) in chosen.iter().enumerate() {
            next[to * DIMENSION..][..DIMENSION]
                .copy_from_slice(&pool.points[from * DIMENSION..][..DIMENSION]);
            next_costs[to] = pool.costs[from];
        }
        std::mem::swap(&mut pool.points, &mut next);
        std::mem::swap(&mut pool.costs, &mut next_costs);
        fronts(&mut pool, POPULATION);
    }
    pool.costs.truncate(POPULATION);
    pool.costs
}

fn zdt1(x: &[f64]) -> [f64; 2] {
    let g = 1.0 + 9.0 * x[1..].iter().sum::<f64>() / (x.len() - 1) as f64;
    [x[0], g * (1.0 - (x[0] / g).sqrt())]
}

fn tournament(pool: &Pool, stream: &mut FastStream) -> usize {
    let (a, b) = (stream.below(POPULATION), stream.below(POPULATION));
    let lonelier = pool.ranks[a] == pool.ranks[b] && pool.crowding[a] > pool.crowding[b];
    if pool.ranks[a] < pool.ranks[b] || lonelier { a } else { b }
}

/// Bounded simulated binary crossover, η = 15.
fn cross(a: &mut [f64], b: &mut [f64], stream: &mut FastStream) {
    const EXPONENT: f64 = 16.0;
    for (a, b) in a.iter_mut().zip(b) {
        if stream.unit() > 0.5 {
            continue;
        }
        let (low, high) = (a.min(*b), a.max(*b));
        let gap = high - low;
        if gap < 1e-14 {
            continue;
        }
        let unit = stream.unit();
        let spread = |beta: f64| {
            let alpha = 2.0 - beta.powf(-EXPONENT);
            let t = if unit <= 1.0 / alpha { unit * alpha } else { 1.0 / (2.0 - unit * alpha) };
            t.powf(1.0 / EXPONENT)
        };
        let below = spread(1.0 + 2.0 * low / gap);
        let above = spread(1.0 + 2.0 * (1.0 - high) / gap);
        let lower = (0.5 * (low + high - below * gap)).clamp(0.0, 1.0);
        let upper = (0.5 * (low + high + above * gap)).clamp(0.0, 1.0);
        (*a, *b) = if stream.unit() < 0.5 { (upper, lower) } else { (lower, upper) };
    }
}

/// Bounded polynomial mutation, η = 20, one parameter in the mean.
fn mutate(point: &mut [f64], stream: &mut FastStream) {
    const EXPONENT: f64 = 21.0;
    for value in point {
        if stream.unit() >= 1.0 / DIMENSION as f64 {
            continue;
        }
        let unit = stream.unit();
        let step = if unit < 0.5 {
            let room = (1.0 - *value).powf(EXPONENT);
            (2.0 * unit + (1.0 - 2.0 * unit) * room).powf(1.0 / EXPONENT) - 1.0
        } else {
            let room = value.powf(EXPONENT);
            1.0 - (2.0 * (1.0 - unit) + 2.0 * (unit - 0.5) * room).powf(1.0 / EXPONENT)
        };
        *value = (*value + step).clamp(0.0, 1.0);
    }
}

/// The fronts of the first `count`, by a sweep and binary search; ranks and crowding distances as they are found.
fn fronts(pool: &mut Pool, count: usize) -> Vec<Vec<usize>> {
    let Pool { costs, ranks, crowding, .. } = pool;
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| {
        costs[a][0].total_cmp(&costs[b][0]).then(costs[a][1].total_cmp(&costs[b][1]))
    });
    let mut fronts: Vec<Vec<usize>> = Vec::new();
    for &at in &order {
        let rank = fronts.partition_point(|front| {
            let last = front[front.len() - 1];
            costs[last][1] <= costs[at][1] && costs[last] != costs[at]
        });
        if rank == fronts.len() {
            fronts.push(Vec::new());
        }
        fronts[rank].push(at);
        ranks[at] = rank;
    }
    for front in &fronts {
        let (first, last) = (front[0], front[front.len() - 1]);
        let width = (costs[last][0] - costs[first][0]).max(1e-300);
        let height = (costs[first][1] - costs[last][1]).max(1e-300);
        for (place, &at) in front.iter().enumerate() {
            crowding[at] = if place == 0 || place + 1 == front.len() {
                f64::INFINITY
            } else {
                let (before, after) = (costs[front[place - 1]], costs[front[place + 1]]);
                (after[0] - before[0]) / width + (before[1] - after[1]) / height
            };
        }
    }
    fronts
}
