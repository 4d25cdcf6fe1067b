//! How long it takes to make scripts, without running them: `cargo bench -p orchestrator-codegen --bench speed`.
//!
//! Three figures, of the three layers of `etl-python` for a table with every kind of trouble. Every set and every candidate is rendered,
//! all its layers are validated by the Python parser, and its [`Quality`](orchestrator_codegen::Quality) is measured; nothing is
//! executed.
//!
//! *A set* is made by a [`Generator`] that has made nothing: it has no rendering, and knows no piece of any layer. What it has is what a
//! process has once: the built-in templates, read and compiled. Within the set, a piece of text that stands in two layers is parsed once.
//!
//! *A set for another project* is made by a generator in use: the inputs are others each time, so that everything is rendered anew, and all
//! that holds the inputs is parsed anew; the rest it has met.
//!
//! *Candidates* are those of a search: one generator, and θ drawn evenly from its bounds. The generator remembers the rendering, which
//! does not depend on θ, and what the parser said of pieces that it met before: definitions and the lines between them. Each candidate is
//! assembled and digested, what is new in it is parsed, and the counts of all its pieces are put together. Three series: all that were
//! drawn; of them those whose choice of blocks is like none before; and the latter, each by a generator that has made nothing, which is
//! what a search without memory would pay.
//!
//! Besides criterion's wall time the processor time of the thread is printed, where the system tells it (Unix), and the time of a fixed
//! piece of work, for machines that do other things at the same time.
#![allow(missing_docs)]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use orchestrator_codegen::{
    GenerateRequest, GeneratedScripts, Generator, Profile, PythonValidator, Template, Validator,
};
use orchestrator_core::Seed;

/// So many different θ are drawn.
const DRAWN: usize = 4000;

/// So many of them make up the first series, what an optimiser would try.
const CANDIDATES: usize = 1000;

/// A single piece of work is timed so often, for its median, and for its best, which others on the machine disturbed least.
const TIMES: usize = 301;

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
    (0..DRAWN).map(draw).collect()
}

fn main() {
    let profile = profile();
    let candidates = candidates(&profile);
    let theta = Template::builtin("etl-python").expect("it is built in").neutral_parameters();
    let request = GenerateRequest::for_profile("etl-python", &profile, theta);
    let fixed = made(&Generator::new(), &request).code_samples["layer_2.py"].clone();

    let mut criterion = Criterion::default().configure_from_args().sample_size(30);
    criterion.bench_function("codegen/a set by a generator that has made nothing", |bencher| {
        bencher.iter(|| made(&Generator::new(), black_box(&request)));
    });
    let generator = Generator::new();
    let mut projects = 0_u64;
    let another = "codegen/a set for another project by a generator in use";
    criterion.bench_function(another, |bencher| {
        bencher.iter(|| {
            projects += 1;
            made(&generator, &request.clone().with("project", format!("project {projects}")))
        });
    });
    criterion.bench_function("codegen/fixed work: layer 2 validated as a whole", |bencher| {
        bencher.iter(|| PythonValidator.validate(black_box(&fixed)));
    });
    let mut group = criterion.benchmark_group("codegen");
    group.throughput(Throughput::Elements(1));
    let generator = Generator::new();
    let mut next = candidates.iter().cycle();
    group.bench_function("candidate of a search", |bencher| {
        bencher.iter(|| made(&generator, next.next().expect("it is a cycle")));
    });
    group.finish();
    criterion.final_summary();
    // Not when the time is for a profiler, or when only the code is to be tried.
    if std::env::args().any(|argument| argument == "--bench")
        && std::env::args().all(|argument| argument != "--profile-time")
    {
        print(&candidates, &request, &fixed);
    }
}

fn print(candidates: &[GenerateRequest], request: &GenerateRequest, fixed: &str) {
    println!("processor time of {TIMES} runs each:");
    timed("a set by a generator that has made nothing", || {
        black_box(made(&Generator::new(), request));
    });
    timed(&format!("fixed work: {} bytes of layer 2 validated as a whole", fixed.len()), || {
        black_box(PythonValidator.validate(fixed));
    });
    search("drawn evenly", &candidates[..CANDIDATES]);
    let differing = differing(candidates);
    search("that all decide otherwise", &differing);
    let mut each: Vec<Duration> = Vec::new();
    for candidate in &differing {
        let generator = Generator::new();
        let begin = Clocks::now();
        black_box(made(&generator, candidate));
        each.push(begin.passed().1);
    }
    each.sort();
    println!(
        "the same, each by a generator that has made nothing: a median of {:.2} ms of processor time",
        milliseconds(each[each.len() / 2])
    );
}

fn made(generator: &Generator, request: &GenerateRequest) -> GeneratedScripts {
    generator.generate(request).expect("it generates")
}

fn kept(scripts: &GeneratedScripts) -> Vec<bool> {
    scripts.blocks.iter().map(|block| block.kept).collect()
}

/// Those of the candidates that keep other blocks than all before them.
fn differing(candidates: &[GenerateRequest]) -> Vec<GenerateRequest> {
    let generator = Generator::new();
    let mut sets = BTreeSet::new();
    let mut differs = |request: &&GenerateRequest| sets.insert(kept(&made(&generator, request)));
    candidates.iter().filter(|request| differs(request)).cloned().collect()
}

/// A search by a generator that has made nothing yet.
fn search(which: &str, candidates: &[GenerateRequest]) {
    let generator = Generator::new();
    let begin = Clocks::now();
    let (mut bytes, mut score, mut sets) = (0, 0.0, BTreeSet::new());
    for candidate in candidates {
        let scripts = made(&generator, candidate);
        bytes += scripts.code_samples.values().map(String::len).sum::<usize>();
        score += scripts.quality_score();
        sets.insert(kept(&scripts));
    }
    let (wall, processor) = begin.passed();
    let count = candidates.len() as f64;
    println!(
        "{count} candidates {which}, {} sets of blocks, on one thread: {:.0} a second, {:.0} a second of processor time; {:.0} bytes and score {:.3} on average",
        sets.len(),
        count / wall.as_secs_f64(),
        count / processor.as_secs_f64(),
        bytes as f64 / count,
        score / count,
    );
}

fn timed(what: &str, mut work: impl FnMut()) {
    let times = (0..TIMES).map(|_| {
        let begin = Clocks::now();
        work();
        begin.passed().1
    });
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    let (median, best) = (milliseconds(times[TIMES / 2]), milliseconds(times[0]));
    println!("  {what}: a median of {median:.2} ms, {best:.2} ms at best");
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Wall time and the processor time of this thread; where the system does not tell the latter, wall time twice.
struct Clocks {
    wall: Instant,
    processor: Option<Duration>,
}

impl Clocks {
    fn now() -> Clocks {
        Clocks { wall: Instant::now(), processor: processor_time() }
    }

    fn passed(&self) -> (Duration, Duration) {
        let wall = self.wall.elapsed();
        let processor = self.processor.and_then(|begin| Some(processor_time()? - begin));
        (wall, processor.unwrap_or(wall))
    }
}

#[cfg(unix)]
fn processor_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.try_into().ok()
}

#[cfg(not(unix))]
fn processor_time() -> Option<Duration> {
    None
}
