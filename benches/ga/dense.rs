//! The loops that one would write by hand for one task, its sizes known when it is compiled: the yardsticks. They keep no history, count no
//! failures, know no constraints and cannot be saved.

use std::ops::Range;

use orchestrator_ai::core::{FastStream, Seed};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::task::{Task, hypervolume, rastrigin, sphere, zdt1};
use super::{CROSSOVER_RATE, DIMENSION, MUTATION_RATE, MUTATION_STEP, POPULATION, TOURNAMENT};

pub(crate) fn search_chacha8(task: Task, generations: usize, seed: u64) -> f64 {
    search(task, generations, &mut ChaCha8Rng::seed_from_u64(seed))
}

pub(crate) fn search_fast(task: Task, generations: usize, seed: u64) -> f64 {
    search(task, generations, &mut Seed(seed).fast_stream())
}

fn search(task: Task, generations: usize, chance: &mut impl Chance) -> f64 {
    match task {
        Task::Sphere => genetic(|x| sphere(x.iter().copied()), task, generations, chance),
        Task::Rastrigin => genetic(|x| rastrigin(x.iter().copied()), task, generations, chance),
        Task::Zdt1 => nsga2(generations, chance),
    }
}

/// What the loops draw.
trait Chance {
    fn bits(&mut self) -> u64;
    /// In [0, 1).
    fn share(&mut self) -> f64;
    /// In 0..count.
    fn place(&mut self, count: u32) -> usize;
    fn deviate(&mut self) -> f64;
    /// How many genes stay before one is mutated.
    fn gap(&mut self) -> usize;
}

impl Chance for ChaCha8Rng {
    #[inline]
    fn bits(&mut self) -> u64 {
        self.next_u64()
    }
    #[inline]
    fn share(&mut self) -> f64 {
        self.random()
    }
    #[inline]
    fn place(&mut self, count: u32) -> usize {
        self.random_range(0..count) as usize
    }
    #[inline]
    fn deviate(&mut self) -> f64 {
        StandardNormal.sample(self)
    }
    #[inline]
    fn gap(&mut self) -> usize {
        // Of 1 - u, which is never 0.
        ((1.0 - self.share()).ln() / GAP) as usize
    }
}

impl Chance for FastStream {
    #[inline]
    fn bits(&mut self) -> u64 {
        self.word()
    }
    #[inline]
    fn share(&mut self) -> f64 {
        self.unit()
    }
    #[inline]
    fn place(&mut self, count: u32) -> usize {
        self.below(count as usize)
    }
    #[inline]
    fn deviate(&mut self) -> f64 {
        self.normal()
    }
    #[inline]
    fn gap(&mut self) -> usize {
        (self.exponential() / -GAP) as usize
    }
}

/// ln(1 - 0.15).
const GAP: f64 = -0.162_518_929_497_774_9;
const _: () = assert!(MUTATION_RATE == 0.15);

/// A generational algorithm with one elite, in two blocks of memory that change roles.
fn genetic(
    cost: impl Fn(&[f64]) -> f64,
    task: Task,
    generations: usize,
    chance: &mut impl Chance,
) -> f64 {
    let (min, max) = task.bounds();
    let mut points = vec![0.0; POPULATION * DIMENSION];
    points.fill_with(|| min + (max - min) * chance.share());
    let mut costs: Vec<f64> = points.chunks_exact(DIMENSION).map(&cost).collect();
    let (mut next, mut next_costs) = (points.clone(), costs.clone());
    for _ in 0..generations {
        let best = (0..POPULATION).min_by(|&a, &b| costs[a].total_cmp(&costs[b]));
        let best = best.expect("a hundred candidates");
        next[..DIMENSION].copy_from_slice(&points[row(best)]);
        next_costs[0] = costs[best];
        let mut at = 1;
        while at < POPULATION {
            let (mother, father) = (tournament(&costs, chance), tournament(&costs, chance));
            let (first, rest) = next[at * DIMENSION..].split_at_mut(DIMENSION);
            let mut spare = [0.0; DIMENSION];
            let second = rest.get_mut(..DIMENSION).unwrap_or(&mut spare);
            first.copy_from_slice(&points[row(mother)]);
            second.copy_from_slice(&points[row(father)]);
            if chance.share() < CROSSOVER_RATE {
                let bits = chance.bits();
                for gene in 0..DIMENSION {
                    if bits >> gene & 1 == 1 {
                        std::mem::swap(&mut first[gene], &mut second[gene]);
                    }
                }
            }
            for child in [&mut *first, &mut *second] {
                let mut gene = chance.gap();
                while gene < DIMENSION {
                    child[gene] = (child[gene] + MUTATION_STEP * chance.deviate()).clamp(min, max);
                    gene += 1 + chance.gap();
                }
            }
            next_costs[at] = cost(first);
            if at + 1 < POPULATION {
                next_costs[at + 1] = cost(second);
            }
            at += 2;
        }
        std::mem::swap(&mut points, &mut next);
        std::mem::swap(&mut costs, &mut next_costs);
    }
    costs.into_iter().fold(f64::INFINITY, f64::min)
}

#[inline]
fn row(at: usize) -> Range<usize> {
    at * DIMENSION..(at + 1) * DIMENSION
}

#[inline]
fn tournament(costs: &[f64], chance: &mut impl Chance) -> usize {
    let mut winner = chance.place(POPULATION as u32);
    for _ in 1..TOURNAMENT {
        let rival = chance.place(POPULATION as u32);
        if costs[rival] < costs[winner] {
            winner = rival;
        }
    }
    winner
}

/// NSGA-II (Deb et al., 2002) for two objectives in [0, 1]: bounded SBX (index 15, rate 0.9) and polynomial mutation (index 20, rate 1/30),
/// fronts by one sorted sweep.
fn nsga2(generations: usize, chance: &mut impl Chance) -> f64 {
    let mut points = vec![0.0; 2 * POPULATION * DIMENSION];
    let mut costs = vec![[0.0; 2]; 2 * POPULATION];
    points[..POPULATION * DIMENSION].fill_with(|| chance.share());
    for at in 0..POPULATION {
        costs[at] = zdt1(points[row(at)].iter().copied());
    }
    let (mut next, mut next_costs) = (points.clone(), costs.clone());
    let (mut rank, mut crowding) = (vec![0; 2 * POPULATION], vec![0.0; 2 * POPULATION]);
    sort(&costs[..POPULATION], &mut rank, &mut crowding);
    for _ in 1..generations {
        for at in (0..POPULATION).step_by(2) {
            let mut parent = || {
                let (a, b) = (chance.place(POPULATION as u32), chance.place(POPULATION as u32));
                let a_wins = rank[a] < rank[b] || (rank[a] == rank[b] && crowding[a] > crowding[b]);
                if a_wins { a } else { b }
            };
            let (mother, father) = (parent(), parent());
            let (parents, children) = points.split_at_mut(POPULATION * DIMENSION);
            let (first, rest) = children[at * DIMENSION..].split_at_mut(DIMENSION);
            let second = &mut rest[..DIMENSION];
            first.copy_from_slice(&parents[row(mother)]);
            second.copy_from_slice(&parents[row(father)]);
            if chance.share() < 0.9 {
                simulated_binary(first, second, chance);
            }
            polynomial(first, chance);
            polynomial(second, chance);
            costs[POPULATION + at] = zdt1(first.iter().copied());
            costs[POPULATION + at + 1] = zdt1(second.iter().copied());
        }
        let fronts = sort(&costs, &mut rank, &mut crowding);
        let mut kept = Vec::with_capacity(POPULATION);
        for mut front in fronts {
            if kept.len() + front.len() > POPULATION {
                front.sort_by(|&a, &b| crowding[b].total_cmp(&crowding[a]));
                front.truncate(POPULATION - kept.len());
            }
            kept.extend(front);
            if kept.len() == POPULATION {
                break;
            }
        }
        for (to, &from) in kept.iter().enumerate() {
            next[row(to)].copy_from_slice(&points[row(from)]);
            next_costs[to] = costs[from];
        }
        std::mem::swap(&mut points, &mut next);
        std::mem::swap(&mut costs, &mut next_costs);
        sort(&costs[..POPULATION], &mut rank, &mut crowding);
    }
    hypervolume(costs[..POPULATION].iter().copied())
}

/// The fronts, with the rank and the crowding distance of everybody.
fn sort(costs: &[[f64; 2]], rank: &mut [usize], crowding: &mut [f64]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by(|&a, &b| {
        costs[a][0].total_cmp(&costs[b][0]).then(costs[a][1].total_cmp(&costs[b][1]))
    });
    let mut fronts: Vec<Vec<usize>> = Vec::new();
    for at in order {
        // Within a front the second objective falls, so its last is the one that might dominate.
        let place = fronts.partition_point(|front| {
            let last = costs[*front.last().expect("no front is empty")];
            last[1] <= costs[at][1] && last != costs[at]
        });
        if place == fronts.len() {
            fronts.push(Vec::new());
        }
        fronts[place].push(at);
        rank[at] = place;
    }
    for front in &fronts {
        let (first, last) = (front[0], front[front.len() - 1]);
        let width = (costs[last][0] - costs[first][0]).max(1e-300);
        let height = (costs[first][1] - costs[last][1]).max(1e-300);
        crowding[first] = f64::INFINITY;
        crowding[last] = f64::INFINITY;
        for three in front.windows(3) {
            let (before, after) = (costs[three[0]], costs[three[2]]);
            crowding[three[1]] = (after[0] - before[0]) / width + (before[1] - after[1]) / height;
        }
    }
    fronts
}

fn simulated_binary(first: &mut [f64], second: &mut [f64], chance: &mut impl Chance) {
    const POWER: f64 = 15.0 + 1.0;
    for (a, b) in first.iter_mut().zip(second) {
        let (low, high) = (a.min(*b), a.max(*b));
        if chance.share() > 0.5 || high - low < 1e-14 {
            continue;
        }
        let share = chance.share();
        let spread = |room: f64| {
            let beta = 1.0 + 2.0 * room / (high - low);
            let alpha = 2.0 - beta.powf(-POWER);
            let base =
                if share <= 1.0 / alpha { share * alpha } else { 1.0 / (2.0 - share * alpha) };
            base.powf(1.0 / POWER)
        };
        let middle = low + high;
        let lower = (0.5 * (middle - spread(low) * (high - low))).clamp(0.0, 1.0);
        let upper = (0.5 * (middle + spread(1.0 - high) * (high - low))).clamp(0.0, 1.0);
        (*a, *b) = if chance.share() < 0.5 { (upper, lower) } else { (lower, upper) };
    }
}

fn polynomial(child: &mut [f64], chance: &mut impl Chance) {
    const POWER: f64 = 20.0 + 1.0;
    for value in child {
        if chance.share() >= 1.0 / DIMENSION as f64 {
            continue;
        }
        let share = chance.share();
        let moved = if share < 0.5 {
            let room = (1.0 - *value).powf(POWER);
            (2.0 * share + (1.0 - 2.0 * share) * room).powf(1.0 / POWER) - 1.0
        } else {
            let room = value.powf(POWER);
            1.0 - (2.0 * (1.0 - share) + 2.0 * (share - 0.5) * room).powf(1.0 / POWER)
        };
        *value = (*value + moved).clamp(0.0, 1.0);
    }
}
