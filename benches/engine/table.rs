//! The one table that stands at the end: `ours | peer | ratio`, and whether the goal is met.

use crate::figures::Figures;

/// A row: two figures of the same unit, and what their ratio should be. Less is better everywhere.
struct Row {
    what: String,
    ours: f64,
    peer: f64,
    unit: &'static str,
    goal: Option<Goal>,
}

/// What `ours / peer` should be.
#[derive(Clone, Copy)]
enum Goal {
    AtMost(f64),
    Below(f64),
}

impl Goal {
    fn met(self, ratio: f64) -> bool {
        match self {
            Goal::AtMost(limit) => ratio <= limit,
            Goal::Below(limit) => ratio < limit,
        }
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Goal::AtMost(limit) => write!(f, "≤ {limit}"),
            Goal::Below(limit) => write!(f, "< {limit}"),
        }
    }
}

/// The run may cost this much of the hand-written loop.
const RUN_OF_BASELINE: f64 = 1.25;
/// The hub may cost this much of the run, and this many nanoseconds a step besides.
const HUB_OF_RUN: f64 = 1.5;
const HUB_BESIDES: f64 = 300.0;
/// At least ten times dagrs.
const OF_DAGRS: f64 = 0.1;
/// Checking 10,000 steps, in nanoseconds.
const VALIDATION: f64 = 10e6;
/// How much dearer a step may be among a million than among ten thousand and still count as the same: a million do not fit in a cache, and
/// every page of their memory is new. Anything that grows with the number of steps would make it a hundred times dearer.
const FLAT: f64 = 2.0;
/// At least forty durable steps for each fsync.
const DURABLE: f64 = 1.0 / 40.0;

/// Prints the rows for which both figures were measured.
pub(crate) fn print(figures: &Figures, shapes: &[&str]) {
    let rows = rows(figures, shapes);
    if rows.is_empty() {
        return;
    }
    println!("\n| what | ours | peer | ratio | goal | met |");
    println!("|---|---:|---:|---:|---:|---|");
    for Row { what, ours, peer, unit, goal } in rows {
        let ratio = ours / peer;
        let (goal, met) = match goal {
            None => ("".to_owned(), ""),
            Some(goal) => (goal.to_string(), if goal.met(ratio) { "yes" } else { "NO" }),
        };
        let (ours, peer) = (number(ours), number(peer));
        println!("| {what} | {ours} {unit} | {peer} {unit} | {ratio:.3} | {goal} | {met} |");
    }
}

fn number(value: f64) -> String {
    if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

fn rows(figures: &Figures, shapes: &[&str]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = |what: String, ours: Option<f64>, peer: Option<f64>, unit, goal| {
        if let (Some(ours), Some(peer)) = (ours, peer) {
            rows.push(Row { what, ours, peer, unit, goal });
        }
    };
    for shape in shapes {
        let of = |column| figures.median(shape, column);
        let goal = Some(Goal::AtMost(RUN_OF_BASELINE));
        row(format!("{shape}: run, baseline"), of("run"), of("baseline"), "ns", goal);
    }
    for shape in shapes {
        let of = |column| figures.median(shape, column);
        let bound = of("run").map(|run| HUB_OF_RUN * run + HUB_BESIDES);
        for hub in ["hub_stored", "hub"] {
            let what = format!("{shape}: {hub}, {HUB_OF_RUN} × run + {HUB_BESIDES} ns");
            row(what, of(hub), bound, "ns", Some(Goal::AtMost(1.0)));
        }
    }
    let peers = [
        ("dagrs", Some(Goal::AtMost(OF_DAGRS))),
        ("graph_flow", Some(Goal::Below(1.0))),
        ("graph_flow_saved", Some(Goal::Below(1.0))),
        ("dagx", Some(Goal::Below(1.0))),
        ("petgraph", None),
    ];
    for (peer, goal) in peers {
        for shape in shapes {
            for ours in ["run", "hub"] {
                let of = |column| figures.median(shape, column);
                row(format!("{shape}: {ours}, {peer}"), of(ours), of(peer), "ns", goal);
            }
        }
    }
    for shape in ["chain_10000", "layered_10000"] {
        let ours = figures.median(shape, "build").map(|each| each * 10_000.0 / 1e6);
        let what = format!("{shape}: validation, the goal");
        row(what, ours, Some(VALIDATION / 1e6), "ms", Some(Goal::AtMost(1.0)));
    }
    for shape in ["chain", "layered"] {
        let of = |steps: usize| figures.median(&format!("{shape}_{steps}"), "many");
        for steps in [100_000, 1_000_000] {
            let what = format!("{shape}: run of {steps} steps, of 10000");
            row(what, of(steps), of(10_000), "ns", Some(Goal::AtMost(FLAT)));
        }
    }
    let durable = |column| figures.median("durable", column).map(|each| each / 1e3);
    let what = "durable step among 100 runs, fsync".to_owned();
    row(what, durable("step"), durable("fsync"), "µs", Some(Goal::AtMost(DURABLE)));
    rows
}
