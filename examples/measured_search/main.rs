//! Searches the parameters of a generated script by what the script measurably does to the user's data, and compares what was found with
//! the defaults on rows that had no part in the search.
//!
//! ```text
//! cargo run --release --example measured_search                               # the bundled penguins
//! cargo run --release --example measured_search -- --data mine.csv --trials 10 --weight nulls=5 --out search.svg
//! cargo run --release --example measured_search -- --data a.csv --data b.json --data c.jsonl --trials 3
//! ```
//!
//! Each trial parts the data anew, searches on one part, lets what was found stand only where it is better than the defaults on a second
//! one, and compares both on the third. The drawing shows the first trial of the first file: the score of the best script of each
//! generation, on the rows that it was tuned on and on those that were held out, beside that of the defaults.
//! Exit codes: 0 done, 2 the arguments or the data are not usable.

mod svg;

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use orchestrator_ai::codegen::{
    DEFAULT_TEMPLATE, FitnessWeights, GenerateRequest, Generator, Interpreter, Kept, Limits,
    MeasuredFitness, MeasuredSearch, Measurer, Profile, Sampling, Template,
};
use orchestrator_ai::core::{Parameters, Seed};
use orchestrator_ai::ga::{FitnessError, Ga, GaConfig};

#[derive(Parser)]
struct Arguments {
    /// A table: delimited text in UTF-8, JSON or JSON lines; may be given several times
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/penguins-raw.csv"), hide_default_value = true)]
    data: Vec<PathBuf>,
    /// Where the drawing goes
    #[arg(long, value_name = "SVG", default_value = "measured_search.svg")]
    out: PathBuf,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Searches for each file, each on another sample of the data
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    trials: u64,
    /// Individuals of the search
    #[arg(long, default_value_t = 20)]
    population: usize,
    #[arg(long, default_value_t = 15)]
    generations: u32,
    /// The most rows of each of the three parts
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
    /// The score of the best script of each generation, on the rows that it was tuned on.
    tuning: Vec<f64>,
    /// The same scripts on the rows that were held out.
    held_out: Vec<f64>,
    judged: MeasuredSearch,
}

impl Trial {
    fn gain(&self) -> f64 {
        self.judged.found_held_out.score - self.judged.default_held_out.score
    }

    /// The same, had what was found stood without a validation.
    fn gain_unjudged(&self) -> f64 {
        self.held_out[self.held_out.len() - 1] - self.judged.default_held_out.score
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let weights = weights(&arguments.weight)?;
    let interpreter = Interpreter::find()?;
    let (mut all, mut drawn) = (Vec::new(), None);
    for path in &arguments.data {
        let profile = Profile::of_path(path)?;
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut trials = Vec::new();
        for trial in 0..arguments.trials {
            let seed = Seed(arguments.seed).index(trial);
            trials.push(search(arguments, weights, &profile, &bytes, &interpreter, seed)?);
        }
        if drawn.is_none() {
            tell(&trials[0].judged);
            drawn = Some(svg::drawing(&trials[0], &profile.file));
        }
        println!("{}: {}", profile.file, compare(&trials));
        all.extend(trials);
    }
    if arguments.data.len() > 1 {
        println!("all {} files: {}", arguments.data.len(), compare(&all));
    }
    if let Some(drawn) = drawn {
        write(&arguments.out, &drawn)?;
        println!("drawn in {}", arguments.out.display());
    }
    Ok(())
}

fn write(out: &Path, text: &str) -> Result<(), Failure> {
    let folder = out.parent().map_or(Ok(()), fs::create_dir_all);
    let written = folder.and_then(|()| fs::write(out, text));
    Ok(written.map_err(|error| format!("{} cannot be written: {error}", out.display()))?)
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
    let fitness =
        MeasuredFitness::new(Generator::new(), Measurer::new(interpreter, limits), request)
            .with_weights(weights)?
            .with_threads(arguments.threads);
    let layers = template.layer_names().into_iter().map(str::to_owned);
    let space = Parameters::space(profile.features.keys().cloned(), layers);
    let config = GaConfig {
        population: arguments.population,
        generations: arguments.generations,
        ..GaConfig::documents()
    };
    let mut search = Ga::search(space.clone(), config, seed)?;
    let starts = fitness.starts(&defaults)?;
    let first = starts.iter().take(arguments.population / 2).map(Parameters::to_vector);
    search.start_from(&first.collect::<Vec<_>>())?;
    let mut best: Vec<Parameters> = Vec::new();
    while !search.finished() {
        let thetas: Result<Vec<Parameters>, _> =
            search.ask().map(|at| Parameters::from_vector(&space, at.point)).collect();
        let scores = fitness.scores(&thetas?, &parts.tuning)?;
        let failed =
            |error: &dyn std::error::Error| FitnessError::Failed { reason: error.to_string() };
        search.tell(scores.into_iter().map(|score| score.map_err(|error| failed(&error))))?;
        let (point, _) = search.best().ok_or("no script could be made")?;
        best.push(Parameters::from_vector(&space, point)?);
    }
    let scores = |data| -> Result<Vec<f64>, Failure> {
        let scores = fitness.scores(&best, data)?.into_iter();
        Ok(scores.collect::<Result<_, _>>()?)
    };
    // Where what was found does not stand, a step from the defaults may.
    let mut candidates = fitness.best_first(starts, &parts.tuning)?;
    candidates.insert(0, best[best.len() - 1].clone());
    let (_, judged) = fitness.judge(&candidates, &defaults, &parts)?;
    Ok(Trial { tuning: scores(&parts.tuning)?, held_out: scores(&parts.held_out)?, judged })
}

fn tell(judged: &MeasuredSearch) {
    let row = |what: &str, rows: usize, default: f64, found: f64| {
        println!("{what:<11}{rows:>5} rows: default {default:.5}, found {found:.5}");
    };
    let MeasuredSearch { default_tuning, found_tuning, .. } = judged;
    row("tuned on", judged.tuning_rows, default_tuning.score, found_tuning.score);
    let searched = judged.searched_validation;
    row("validation", judged.validation_rows, judged.default_validation.score, searched);
    let (default, found) = (&judged.default_held_out, &judged.found_held_out);
    row("held out", judged.held_out_rows, default.score, found.score);
    for ((name, default), (_, found)) in
        default.measurement.terms().into_iter().zip(found.measurement.terms())
    {
        if name != "run_time" {
            println!("  {name:<10} default {default:.4}, found {found:.4}");
        }
    }
    match judged.kept {
        Kept::Found => println!("what was found stands"),
        Kept::Defaults => println!("nothing better was found: the defaults stand"),
    }
    if let Some(covered) = judged.covered {
        println!("{:.0} % of the statements of the script are executed", 100.0 * covered);
    }
    let isolation = judged.isolation;
    println!(
        "{} scripts were run, {} network and with {}",
        judged.scripts_run,
        if isolation.network_cut { "without a" } else { "with the" },
        if isolation.memory_limited { "a memory limit" } else { "no memory limit" },
    );
}

/// The sign test: were both equally good, each of the trials that differ would be won with one chance in two.
fn compare(trials: &[Trial]) -> String {
    let gains = || trials.iter().map(Trial::gain);
    let wins = gains().filter(|gain| *gain > 0.0).count();
    let losses = gains().filter(|gain| *gain < 0.0).count();
    let unjudged = trials.iter().filter(|trial| trial.gain_unjudged() < 0.0).count();
    let mean = gains().sum::<f64>() / trials.len() as f64;
    let worst = gains().fold(f64::INFINITY, f64::min);
    format!(
        "{} trials on held-out rows: {wins} better, {losses} worse, {} equal ({unjudged} worse without the validation); mean gain {mean:+.5}, least {worst:+.5}; sign test p = {:.2e}",
        trials.len(),
        trials.len() - wins - losses,
        sign_test(wins, wins + losses)
    )
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
        weights = weights.with(term, value)?;
    }
    Ok(weights)
}
