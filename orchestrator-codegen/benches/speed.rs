//! How long it takes to make scripts, without running them: `cargo bench -p orchestrator-codegen --bench speed`.
#![allow(missing_docs)]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use orchestrator_codegen::{GenerateRequest, Generator, Profile, Template};
use orchestrator_core::Seed;

/// So many different θ are tried: what an optimiser would do.
const CANDIDATES: usize = 1000;

fn profile() -> Profile {
    let row = |at: usize| match at % 8 {
        0 => format!("{at},,n  {at},true,2020-01-02,\n"),
        1 => format!("{at},900{at}.5,N,yes,2020-02-03,x\n"),
        2 => "1,1.5,name,no,2020-03-04,y\n1,1.5,NAME,no,2020-03-04,y\n".to_owned(),
        3 => format!("{at},oops,q{at},true,2020-05-06\n"),
        _ => format!("{at},{}.5,r{at},false,2020-06-07 10:11,z\n", at % 5),
    };
    let rows: String = (0..400).map(row).collect();
    let text = "id,value,name,flag,when,rest\n".to_owned() + &rows;
    Profile::of_bytes("troubled.csv", text.as_bytes()).expect("it is a table")
}

/// θ drawn evenly from its bounds, so that the blocks differ from candidate to candidate.
fn candidates(profile: &Profile) -> Vec<GenerateRequest> {
    let template = Template::builtin("etl-python").expect("it is built in");
    let draw = |index: usize| {
        let mut stream = Seed(7).index(index as u64).fast_stream();
        let mut theta = template.neutral_parameters();
        theta.weights.values_mut().for_each(|weight| *weight = stream.between(0.1, 2.0));
        theta.biases.values_mut().for_each(|bias| *bias = stream.between(-0.5, 0.5));
        theta.temperature = stream.between(0.5, 2.0);
        GenerateRequest::for_profile("etl-python", profile, theta).with("project", "bench")
    };
    (0..CANDIDATES).map(draw).collect()
}

fn main() {
    let profile = profile();
    let candidates = candidates(&profile);
    let generator = Generator::new();
    let mut criterion = Criterion::default().configure_from_args().sample_size(30);

    let theta = Template::builtin("etl-python").expect("it is built in").neutral_parameters();
    let everything = GenerateRequest::for_profile("etl-python", &profile, theta);
    criterion.bench_function("codegen/three layers: render, validate, measure", |bencher| {
        // A generator that has made nothing yet: one that has remembers what it rendered and parsed.
        bencher.iter(|| Generator::new().generate(black_box(&everything)).expect("it generates"));
    });
    let mut group = criterion.benchmark_group("codegen");
    group.throughput(Throughput::Elements(1));
    let mut next = candidates.iter().cycle();
    group.bench_function("candidate", |bencher| {
        bencher.iter(|| {
            generator.generate(next.next().expect("it is a cycle")).expect("it generates")
        });
    });
    group.finish();
    criterion.final_summary();

    search("drawn evenly", &candidates);
    search("that all decide otherwise", &differing(&candidates));
}

/// Those of the candidates that keep other blocks than all before them: nothing that was found in an innermost layer helps.
fn differing(candidates: &[GenerateRequest]) -> Vec<GenerateRequest> {
    let generator = Generator::new();
    let mut kept = BTreeSet::new();
    let mut differs = |request: &&GenerateRequest| {
        let scripts = generator.generate(request).expect("it generates");
        kept.insert(scripts.blocks.iter().map(|block| block.kept).collect::<Vec<bool>>())
    };
    candidates.iter().filter(|request| differs(request)).cloned().collect()
}

/// A search of a generator that has made nothing yet.
fn search(which: &str, candidates: &[GenerateRequest]) {
    let generator = Generator::new();
    let begin = Instant::now();
    let (mut bytes, mut score, mut kept) = (0, 0.0, BTreeSet::new());
    for candidate in candidates {
        let scripts = generator.generate(candidate).expect("it generates");
        bytes += scripts.code_samples.values().map(String::len).sum::<usize>();
        score += scripts.quality_score();
        kept.insert(scripts.blocks.iter().map(|block| block.kept).collect::<Vec<bool>>());
    }
    let seconds = begin.elapsed().as_secs_f64();
    let count = candidates.len();
    println!(
        "{count} candidates {which}, {} sets of blocks, in {seconds:.3} s on one thread: {:.0} a second, {:.0} bytes and score {:.3} on average",
        kept.len(),
        count as f64 / seconds,
        bytes as f64 / count as f64,
        score / count as f64,
    );
}
