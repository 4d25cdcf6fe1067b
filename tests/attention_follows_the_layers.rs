//! Which layers attend, with how many heads, and to what; and what comes of it for the scripts.
#![allow(missing_docs)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use orchestrator_ai::{
    AttentionRouting, EMPHASIS_REACH, OrchestrationContext, Preset, Report, Settings, Verdict,
};
use support::{orchestrate, penguins, quick};

/// Those of the default template.
const LAYERS: [&str; 3] = ["layer_0", "layer_1", "layer_2"];

fn with(data: &Path, settings: Settings) -> Report {
    let settings = Settings { generations: 5, episodes: 5, ..settings };
    orchestrate(OrchestrationContext { settings, ..quick(data) }).unwrap()
}

/// Gaps, outliers, rows that come twice, untidy texts and rows of another width.
fn troubled(folder: &Path) -> PathBuf {
    let row = |at: usize| match at % 7 {
        0 => format!("{at},,low  tide,1.5\n"),
        1 => format!("{at},{}000,ebb,2.5\n", at),
        2 => format!("{at},{at},high tide,3.5\n{at},{at},High Tide,3.5\n"),
        3 => format!("{at},{at},slack water\n"),
        _ => format!("{at},{},high\u{a0}tide,{}.5\n", at % 5, at % 9),
    };
    let data = folder.join("troubled.csv");
    fs::write(&data, "id,v,s,w\n".to_owned() + &(1..600).map(row).collect::<String>()).unwrap();
    data
}

#[test]
fn heads_follow_the_number_of_layers_that_attend() {
    let heads =
        |preset: Preset| [1, 2, 3, 9].map(|layers| Settings::from(preset).attention(layers).heads);
    assert_eq!(heads(Preset::Standard), [2, 3, 4, 8]);
    assert_eq!(heads(Preset::Speed), [2, 2, 2, 2]);
    assert_eq!(heads(Preset::Quality), [6, 6, 6, 8]);
    assert_eq!(heads(Preset::Efficiency), [2, 3, 4, 8]);
    let set = Settings { heads: Some(5), ..Preset::Speed.into() };
    assert_eq!(set.attention(3).heads, 5, "what the host sets is kept");
}

#[test]
fn the_efficient_preset_attends_for_complex_layers_only() {
    let folder = tempfile::tempdir().unwrap();
    let report = with(&troubled(folder.path()), Preset::Efficiency.into());
    let routing = &report.attention_routing;
    assert!(routing.layer_complexity["layer_2"] > 0.7, "{}", routing.decision);
    assert!(routing.layer_complexity["layer_0"] < 0.7, "{}", routing.decision);
    assert_eq!((routing.layers.as_slice(), routing.heads), (&["layer_2".to_owned()][..], 2));
    assert_eq!(routing.emphasis.keys().collect::<Vec<_>>(), ["layer_2"]);
    assert!(routing.decision.starts_with("used by layer_2: above a complexity of 0.700"));
    assert_eq!(report.outcome.verdict, Verdict::Verified, "{:?}", report.outcome.failed);
    // The innermost layer listens to every trouble, so it is as complex as the data.
    let whole = report.data.features["complexity"];
    assert!((routing.layer_complexity["layer_2"] - whole).abs() < 1e-12);

    let plain = with(&penguins(), Preset::Efficiency.into()).attention_routing;
    assert!(plain.layers.is_empty() && plain.emphasis.is_empty() && plain.checks.is_empty());
    assert!(plain.decision.starts_with("not used: above a complexity of 0.700"));
}

#[test]
fn what_a_layer_attends_is_context_of_the_next() {
    let routing = with(&penguins(), Settings::default()).attention_routing;
    let features = routing.sources.len() - LAYERS.len();
    assert_eq!(routing.layers, LAYERS);
    assert_eq!(routing.sources[features..], LAYERS);
    for head in &routing.attention_weights {
        for (row, weights) in head.iter().enumerate() {
            let (earlier, later) = weights[features..].split_at(row);
            assert!(earlier.iter().all(|&weight| weight > 0.0), "{weights:?}");
            assert!(later.iter().all(|&weight| weight == 0.0), "{weights:?}");
        }
    }
    // What reaches a layer becomes its emphasis, within the reach.
    assert_eq!(AttentionRouting::emphasis_of(&routing.origins), routing.emphasis);
    for (layer, shares) in &routing.origins {
        assert_eq!(shares.len(), features);
        assert!((shares.values().sum::<f64>() - 1.0).abs() < 1e-9, "{layer}");
        let within = |factor: &f64| (factor - 1.0).abs() <= EMPHASIS_REACH;
        assert!(routing.emphasis[layer].values().all(within), "{layer}");
    }
}

#[test]
fn uniform_attention_is_no_attention() {
    let mut origins = with(&penguins(), Preset::Speed.into()).attention_routing.origins;
    for row in origins.values_mut() {
        let even = 1.0 / row.len() as f64;
        row.values_mut().for_each(|share| *share = even);
    }
    let emphasis = AttentionRouting::emphasis_of(&origins);
    assert!(emphasis.values().flat_map(|row| row.values()).all(|&factor| factor == 1.0));
}

#[test]
fn attention_can_be_switched_off() {
    let never = Settings { attention_above: 1.0, ..Settings::default() };
    let report = with(&penguins(), never);
    assert!(report.attention_routing.attention_weights.is_empty());
    assert_eq!(report.outcome.verdict, Verdict::Verified, "{:?}", report.outcome.failed);
}
