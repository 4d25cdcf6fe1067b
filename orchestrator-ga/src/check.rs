//! The documents' verification checklist for a genetic search, with the measured numbers.

use crate::outcome::SearchResult;
use orchestrator_core::{
    BIAS_BOUNDS, Bounds, Check, ParameterSpace, TEMPERATURE_BOUNDS, WEIGHT_BOUNDS,
};

/// The diversity below which a population counts as collapsed: its candidates then differ by less than half a per cent of a
/// parameter's range, a quarter of the smallest mutation step of the preset.
pub const DIVERSITY_MIN: f64 = 0.005;

/// The documents' checklist: weights, biases and temperature within their bounds, fitness improved, diversity maintained.
///
/// Parameters are told apart by their names, as [`Parameters::space`](orchestrator_core::Parameters::space) gives them; those
/// of another space are checked against that space. A kind of which there is none has no line.
pub fn verify(result: &SearchResult, space: &ParameterSpace) -> Vec<Check> {
    let mut checks = Vec::new();
    checks.extend(bounds_checks(&result.best, space));
    checks.push(improved(result));
    checks.push(diverse(result));
    checks
}

fn bounds_checks(point: &[f64], space: &ParameterSpace) -> Vec<Check> {
    let kind = |name: &str| match name {
        name if name.starts_with("weight.") => ("weights", Some(WEIGHT_BOUNDS)),
        name if name.starts_with("bias.") => ("biases", Some(BIAS_BOUNDS)),
        "temperature" => ("temperature", Some(TEMPERATURE_BOUNDS)),
        _ => ("parameters", None),
    };
    if point.len() != space.len() {
        let detail = format!("{} values for {} parameters", point.len(), space.len());
        return vec![Check::new("parameters within bounds", false, detail)];
    }
    let mut checks = Vec::new();
    for wanted in ["weights", "biases", "temperature", "parameters"] {
        let of_kind: Vec<(&str, f64, Bounds)> = space
            .names()
            .iter()
            .zip(space.bounds())
            .zip(point)
            .filter(|((name, _), _)| kind(name).0 == wanted)
            .map(|((name, own), &value)| (name.as_str(), value, kind(name).1.unwrap_or(*own)))
            .collect();
        if of_kind.is_empty() {
            continue;
        }
        let outside: Vec<String> = of_kind
            .iter()
            .filter(|(_, value, bounds)| !bounds.contains(*value))
            .map(|(name, value, b)| {
                format!("{name} = {value:.4} is outside [{}, {}]", b.min, b.max)
            })
            .collect();
        let detail = if outside.is_empty() {
            let low = of_kind.iter().fold(f64::INFINITY, |low, row| low.min(row.1));
            let high = of_kind.iter().fold(f64::NEG_INFINITY, |high, row| high.max(row.1));
            format!("{} from {low:.4} to {high:.4}", of_kind.len())
        } else {
            outside.join(", ")
        };
        checks.push(Check::new(format!("{wanted} within bounds"), outside.is_empty(), detail));
    }
    checks
}

/// A search that started from random points must have improved on them. One that was given points may have been given the
/// optimum, and one that reached its target at once had nothing to improve: these must not have got worse.
fn improved(result: &SearchResult) -> Check {
    let first = result.fitness_history.first().copied();
    let first = first.unwrap_or(result.final_fitness);
    let gain = result.final_fitness - first;
    let excused = result.warm_starts > 0 || result.fitness_history.len() == 1;
    let kind = if excused { " (warm start or immediate target)" } else { "" };
    Check::new(
        "fitness improved over generations",
        if excused { gain >= 0.0 } else { gain > 0.0 },
        format!(
            "from {first:.6} to {:.6} in {} generations{kind}",
            result.final_fitness,
            result.fitness_history.len().saturating_sub(1)
        ),
    )
}

/// Judged by the mean of the last quarter of the generations: a single small population is noise.
fn diverse(result: &SearchResult) -> Check {
    let history = &result.diversity_history;
    let first = history.first().copied().unwrap_or(0.0);
    let late = &history[history.len() - history.len().div_ceil(4)..];
    let last = late.iter().sum::<f64>() / late.len().max(1) as f64;
    Check::new(
        "population diversity maintained",
        last >= DIVERSITY_MIN,
        format!(
            "from {first:.4} to {last:.4} in the last quarter, at least {DIVERSITY_MIN} wanted"
        ),
    )
}
