//! Two objectives at once: the front of ZDT1, drawn beside the true one.
//!
//! ```text
//! cargo run --release --example pareto_front -- --out front.svg
//! ```

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use orchestrator_ai::core::{ParameterSpace, Seed};
use orchestrator_ai::ga::Stop;
use orchestrator_ai::ga::pareto::{
    Nsga2, Nsga2Config, Objectives, ParetoSearch, TradeOff, igd_plus,
};

#[derive(Parser)]
struct Arguments {
    /// Where the drawing goes.
    #[arg(long, default_value = "pareto_front.svg")]
    out: PathBuf,
    /// How many points may be evaluated.
    #[arg(long, default_value_t = 25_000)]
    evaluations: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// ZDT1 (Zitzler, Deb and Thiele, 2000): the first parameter is the trade-off, the others are best at 0.
fn zdt1(x: &[f64], values: &mut [f64]) {
    let g = 1.0 + 9.0 * x[1..].iter().sum::<f64>() / (x.len() - 1) as f64;
    values[0] = x[0];
    values[1] = g * (1.0 - (x[0] / g).sqrt());
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pareto_front: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let space = ParameterSpace::uniform(30, 0.0, 1.0)?;
    let objectives = Objectives::minimize(["f1", "f2"])?;
    let method = Nsga2::new(space, 2, Nsga2Config::default(), Seed(arguments.seed))?;
    let stop = Stop::Evaluations(arguments.evaluations);
    let mut search = ParetoSearch::with_reference(method, objectives, &[1.1, 1.1], stop)?;
    let found = search.run(&zdt1)?;

    let truth: Vec<[f64; 2]> =
        (0..=200).map(|at| f64::from(at) / 200.0).map(|x| [x, 1.0 - x.sqrt()]).collect();
    let values: Vec<&[f64]> = found.front.iter().map(|point| &point.values[..]).collect();
    println!("{} trade-offs after {} evaluations", found.front.len(), found.evaluations);
    println!(
        "hypervolume below (1.1, 1.1): {:.4} of at most 0.8767; IGD+ {:.5}",
        found.hypervolume.unwrap_or(0.0),
        igd_plus(&values, &truth)?
    );
    for at in [0, found.front.len() / 2, found.front.len() - 1] {
        let [f1, f2] = found.front[at].values[..] else { unreachable!("there are two objectives") };
        println!("  f1 = {f1:.3}, f2 = {f2:.3}");
    }
    let out = &arguments.out;
    out.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(out, drawing(&found.front, &truth)))
        .map_err(|error| format!("{} cannot be written: {error}", out.display()))?;
    println!("drawn in {}", out.display());
    Ok(())
}

/// The side of the plot and the margin around it, in pixels.
const SIDE: f64 = 400.0;
const MARGIN: f64 = 60.0;

/// An SVG of the front: axes, the true front as a line, what was found as dots.
fn drawing(front: &[TradeOff], truth: &[[f64; 2]]) -> String {
    let highest = front.iter().flat_map(|point| &point.values).fold(1.0_f64, |a, b| a.max(*b));
    let top = (highest * 5.0).ceil() / 5.0;
    let right = |f1: f64| MARGIN + SIDE * f1 / top;
    let down = |f2: f64| MARGIN + SIDE * (1.0 - f2 / top);
    let size = SIDE + 2.0 * MARGIN;
    let (low, high) = (MARGIN + SIDE, MARGIN + SIDE + 6.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" width=\"{size}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <path d=\"M{MARGIN} {MARGIN}V{low}H{low}\" fill=\"none\" stroke=\"black\"/>\n"
    );
    let mut draw = |part: String| svg.write_str(&part).expect("a text takes more text");
    for tick in 0..=5 {
        let value = top * f64::from(tick) / 5.0;
        let (x, y) = (right(value), down(value));
        draw(format!(
            "<path d=\"M{x:.1} {low}V{high}M{MARGIN} {y:.1}h-6\" stroke=\"black\"/>\n\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{value:.1}</text>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value:.1}</text>\n",
            low + 20.0,
            MARGIN - 10.0,
            y + 4.0
        ));
    }
    let middle = MARGIN + SIDE / 2.0;
    draw(format!(
        "<text x=\"{middle}\" y=\"{:.1}\" text-anchor=\"middle\">f1, minimised</text>\n\
         <text transform=\"translate(18 {middle}) rotate(-90)\" text-anchor=\"middle\">f2, minimised</text>\n\
         <text x=\"{middle}\" y=\"30\" text-anchor=\"middle\">ZDT1: the true front (line) and {} trade-offs (dots)</text>\n",
        low + 45.0,
        front.len()
    ));
    let line: Vec<String> =
        truth.iter().map(|[f1, f2]| format!("{:.1},{:.1}", right(*f1), down(*f2))).collect();
    draw(format!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#c60\" stroke-width=\"1.5\"/>\n",
        line.join(" ")
    ));
    for point in front {
        let (x, y) = (right(point.values[0]), down(point.values[1]));
        draw(format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"#06c\"/>\n"));
    }
    draw("</svg>\n".to_owned());
    svg
}
