//! Searches the parameters of a generated script by what the script measurably does to the user's data, and compares what was found with
//! the defaults on rows that it was not tuned on.
//!
//! ```text
//! cargo run --release --example measured_search                               # the bundled penguins
//! cargo run --release --example measured_search -- --data mine.csv --trials 10 --weight nulls=5 --out search.svg
//! ```
//!
//! Each trial draws another sample and searches anew. The drawing shows the first trial: the best score of each generation on the sample.
//! Exit codes: 0 done, 2 the arguments or the data are not usable.

use std::fmt::Write as _;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use orchestrator_ai::codegen::{
    DEFAULT_TEMPLATE, FitnessWeights, GenerateRequest, Generator, Interpreter, Limits,
    MeasuredFitness, Measurement, Measurer, Profile, Sampling, Template,
};
use orchestrator_ai::core::{Parameters, Seed};
use orchestrator_ai::ga::{Ga, GaConfig, batch_fn};

#[derive(Parser)]
struct Arguments {
    /// A text table in UTF-8
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/penguins-raw.csv"), hide_default_value = true)]
    data: PathBuf,
    /// Where the drawing goes
    #[arg(long, value_name = "SVG", default_value = "measured_search.svg")]
    out: PathBuf,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Searches, each on another sample of the data
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    trials: u64,
    /// Individuals of the search
    #[arg(long, default_value_t = 20)]
    population: usize,
    #[arg(long, default_value_t = 15)]
    generations: u32,
    /// The most rows of the sample, and of what is held out
    #[arg(long, default_value_t = 500)]
    rows: usize,
    /// Scripts that run at the same time
    #[arg(long, default_value = "2")]
    threads: NonZeroUsize,
    /// Seconds that a script may take
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    time_limit: u64,
    /// The weight of a term, such as nulls=5; may be given several times
    #[arg(long, value_name = "TERM=NUMBER")]
    weight: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("measured_search: {}", error.to_string().replace(['\n', '\r'], " "));
            ExitCode::from(2)
        }
    }
}

type Failure = Box<dyn std::error::Error>;

/// What a trial found.
struct Trial {
    /// The best score of each generation, on the sample.
    history: Vec<f64>,
    default_sample: f64,
    default_held_out: (f64, Measurement),
    found_held_out: (f64, Measurement),
    runs: u64,
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let weights = weights(&arguments.weight)?;
    let profile = Profile::of_path(&arguments.data)?;
    let bytes = fs::read(&arguments.data)
        .map_err(|error| format!("{}: {error}", arguments.data.display()))?;
    let interpreter = Interpreter::find()?;
    let mut trials = Vec::new();
    for trial in 0..arguments.trials {
        let seed = Seed(arguments.seed).index(trial);
        let found = search(arguments, weights, &profile, &bytes, &interpreter, seed)?;
        if trial == 0 {
            tell(&found);
        }
        trials.push(found);
    }
    compare(&trials);
    let out = &arguments.out;
    out.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(out, drawing(&trials[0], &profile.file)))
        .map_err(|error| format!("{} cannot be written: {error}", out.display()))?;
    println!("drawn in {}", out.display());
    Ok(())
}

fn search(
    arguments: &Arguments,
    weights: FitnessWeights,
    profile: &Profile,
    bytes: &[u8],
    interpreter: &Interpreter,
    seed: Seed,
) -> Result<Trial, Failure> {
    let sampling = Sampling { rows_max: arguments.rows, ..Sampling::default() };
    let parts = sampling.split(&profile.file, bytes, seed)?;
    let template = Template::builtin(DEFAULT_TEMPLATE)?;
    let defaults = template.neutral_parameters();
    let request = GenerateRequest::for_profile(DEFAULT_TEMPLATE, profile, defaults.clone());
    let limits = Limits { time: Duration::from_secs(arguments.time_limit), ..Limits::default() };
    let measurer = Measurer::new(interpreter, limits);
    let fitness = MeasuredFitness::new(Generator::new(), measurer, request)
        .with_weights(weights)?
        .with_threads(arguments.threads);
    let layers = template.layer_names().into_iter().map(str::to_owned);
    let space = Parameters::space(profile.features.keys().cloned(), layers);
    let measured = batch_fn(|candidates| {
        let rows = candidates.as_slice().chunks_exact(candidates.dimension());
        let thetas: Option<Vec<Parameters>> =
            rows.map(|row| Parameters::from_vector(&space, row).ok()).collect();
        let scores = thetas.and_then(|thetas| fitness.scores(&thetas, &parts.tuning).ok());
        scores.map_or(vec![f64::NAN; candidates.len()], |scores| {
            scores.into_iter().map(|score| score.unwrap_or(f64::NAN)).collect()
        })
    });
    // Before the search: a machine on which nothing can be run says so here.
    let default_sample = fitness.score(&defaults, &parts.tuning)?;
    let config = GaConfig {
        population: arguments.population,
        generations: arguments.generations,
        ..GaConfig::documents()
    };
    let found = Ga::search(space.clone(), config, seed)?.run(&measured)?;
    let best = Parameters::from_vector(&space, &found.best)?;
    let judged = |theta: &Parameters| -> Result<(f64, Measurement), Failure> {
        let measurement = fitness.measure(theta, &parts.held_out)?;
        Ok((weights.score(&measurement)?, measurement))
    };
    Ok(Trial {
        history: found.fitness_history,
        default_sample,
        default_held_out: judged(&defaults)?,
        found_held_out: judged(&best)?,
        runs: fitness.measurer().runs(),
    })
}

fn tell(trial: &Trial) {
    let (first, last) = (trial.history[0], trial.history[trial.history.len() - 1]);
    println!("on the sample    default {:.4}, found {first:.4} to {last:.4}", trial.default_sample);
    let (default, found) = (&trial.default_held_out, &trial.found_held_out);
    println!("on held-out rows default {:.4}, found {:.4}", default.0, found.0);
    for ((name, default), (_, found)) in default.1.terms().into_iter().zip(found.1.terms()) {
        if name != "run_time" {
            println!("  {name:<10} default {default:.4}, found {found:.4}");
        }
    }
    println!("{} scripts were run", trial.runs);
}

/// The sign test: were both equally good, each of the trials that differ would be won with one chance in two.
fn compare(trials: &[Trial]) {
    let gains: Vec<f64> =
        trials.iter().map(|trial| trial.found_held_out.0 - trial.default_held_out.0).collect();
    let wins = gains.iter().filter(|gain| **gain > 0.0).count();
    let losses = gains.iter().filter(|gain| **gain < 0.0).count();
    let mean = gains.iter().sum::<f64>() / gains.len() as f64;
    let worst = gains.iter().copied().fold(f64::INFINITY, f64::min);
    println!(
        "{} trials on held-out rows: {wins} better, {losses} worse, {} equal; mean gain {mean:+.4}, least {worst:+.4}; sign test p = {:.4}",
        gains.len(),
        gains.len() - wins - losses,
        sign_test(wins, wins + losses)
    );
}

/// The chance of so many wins or more among so many fair coins.
fn sign_test(wins: usize, games: usize) -> f64 {
    let (mut chance, mut sum) = (0.5_f64.powi(games as i32), 0.0);
    for won in 0..=games {
        if won >= wins {
            sum += chance;
        }
        chance *= (games - won) as f64 / (won + 1) as f64;
    }
    sum
}

fn weights(given: &[String]) -> Result<FitnessWeights, Failure> {
    let mut weights = FitnessWeights::default();
    for text in given {
        let (term, value) = text.split_once('=').ok_or("a weight reads TERM=NUMBER")?;
        let value = value.parse().map_err(|_| format!("{text}: {value:?} is no number"))?;
        let weight = match term {
            "rows_kept" => &mut weights.rows_kept,
            "nulls" => &mut weights.nulls,
            "types" => &mut weights.types,
            "errors" => &mut weights.errors,
            "run_time" => &mut weights.run_time,
            "size" => &mut weights.size,
            "complexity" => &mut weights.complexity,
            _ => return Err(format!("there is no term {term:?}; there are rows_kept, nulls, types, errors, run_time, size and complexity").into()),
        };
        *weight = value;
    }
    weights.check()?;
    Ok(weights)
}

/// The plot and the margin around it, in pixels.
const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 300.0;
const MARGIN: f64 = 64.0;

/// An SVG of the scores: what was found by generation as a line, the defaults as a dashed one.
fn drawing(trial: &Trial, file: &str) -> String {
    let scores = || trial.history.iter().chain([&trial.default_sample]);
    let lowest = scores().copied().fold(f64::INFINITY, f64::min);
    let highest = scores().copied().fold(f64::NEG_INFINITY, f64::max);
    let room = ((highest - lowest) * 0.1).max(0.005);
    let (bottom, top) = (lowest - room, highest + room);
    let last = (trial.history.len() - 1).max(1);
    let right = |generation: f64| MARGIN + WIDTH * generation / last as f64;
    let down = |score: f64| MARGIN + HEIGHT * (top - score) / (top - bottom);
    let (width, height) = (WIDTH + 2.0 * MARGIN, HEIGHT + 2.0 * MARGIN);
    let (low, end) = (MARGIN + HEIGHT, MARGIN + WIDTH);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <path d=\"M{MARGIN} {MARGIN}V{low}H{end}\" fill=\"none\" stroke=\"black\"/>\n"
    );
    let mut draw = |part: String| svg.write_str(&part).expect("a text takes more text");
    for tick in 0..=4 {
        let score = bottom + (top - bottom) * f64::from(tick) / 4.0;
        let y = down(score);
        draw(format!(
            "<path d=\"M{MARGIN} {y:.1}h-6\" stroke=\"black\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{score:.3}</text>\n",
            MARGIN - 10.0,
            y + 4.0
        ));
    }
    for generation in (0..=last).step_by(last.div_ceil(10)) {
        let x = right(generation as f64);
        draw(format!(
            "<path d=\"M{x:.1} {low}v6\" stroke=\"black\"/>\n\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{generation}</text>\n",
            low + 20.0
        ));
    }
    let points: Vec<String> = trial
        .history
        .iter()
        .enumerate()
        .map(|(at, score)| format!("{:.1},{:.1}", right(at as f64), down(*score)))
        .collect();
    let default = down(trial.default_sample);
    let file = file.replace('&', "&amp;").replace('<', "&lt;");
    draw(format!(
        "<path d=\"M{MARGIN} {default:.1}H{end}\" stroke=\"#c60\" stroke-dasharray=\"6 4\"/>\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#06c\" stroke-width=\"2\"/>\n\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">generation</text>\n\
         <text x=\"{:.1}\" y=\"30\" text-anchor=\"middle\">{file}: the best score on the sample (line), and the defaults (dashed)</text>\n\
         </svg>\n",
        points.join(" "),
        MARGIN + WIDTH / 2.0,
        low + 45.0,
        MARGIN + WIDTH / 2.0
    ));
    svg
}
