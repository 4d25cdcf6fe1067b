//! Processor time of a decision and of an observation of the router of orchestrator-attention.
//!
//! ```text
//! cargo bench -p benches --bench routing
//! ```

mod decision;

use criterion::{Criterion, criterion_group, criterion_main};
use orchestrator_core::{Outcome, Router, Usage};

fn routing(criterion: &mut Criterion) {
    let (router, candidates, asked) = decision::scene();
    let mut group = criterion.benchmark_group("routing");
    let mut turn = asked.iter().cycle();
    let mut next = || turn.next().expect("a cycle has no end");
    group.bench_function("decision_1000_tasks_24_candidates", |bencher| {
        bencher.iter(|| router.route(next(), &candidates).expect("candidates"));
    });
    group.bench_function("features", |bencher| bencher.iter(|| router.features(next())));
    group.bench_function("observation", |bencher| {
        bencher.iter(|| {
            let worker = candidates[0].worker.clone();
            let (request, usage) = (next().clone(), Usage::default());
            router.observe(&Outcome { request, worker, usage, duration_ms: 1, error: None });
        });
    });
    group.finish();
}

criterion_group!(benches, routing);
criterion_main!(benches);
