//! Rates with intervals, rankings, and savings that are no guesses.

mod common;

use common::{name, record, records};
use orchestrator_intelligence::{
    Analytics, Dimension, ExecutionOutcome, ExecutionRecord, Metric, difference_interval,
    wilson_interval,
};
use proptest::prelude::*;

#[test]
fn cancelled_work_says_nothing_about_the_worker() {
    let cancelled = ExecutionRecord {
        outcome: ExecutionOutcome::Cancelled,
        usd: 99.0,
        ..record("a", true, 0.0)
    };
    let summary = Analytics::new(vec![record("a", true, 1.0), cancelled]).summary();
    assert_eq!((summary.tasks, summary.cancelled, summary.usd_mean), (1, 1, 1.0));
    let nothing = Analytics::default().summary();
    assert_eq!((nothing.success_rate, nothing.success_interval), (0.0, (0.0, 1.0)));
}

#[test]
fn three_of_three_do_not_outrank_ninety_five_of_a_hundred() {
    let all = [records("few", 3, 3, 0.1), records("many", 95, 100, 0.5)].concat();
    let analytics = Analytics::new(all);
    let order = |metric, samples_min| -> Vec<String> {
        let ranked = analytics.rank(metric, samples_min);
        ranked.into_iter().map(|(worker, _)| worker.to_string()).collect()
    };
    assert_eq!(order(Metric::Success, 1), ["many", "few"]);
    assert_eq!(order(Metric::Cost, 1), ["few", "many"]);
    assert_eq!(order(Metric::Duration, 1), ["few", "many"]);
    assert_eq!(order(Metric::Cost, 5), ["many"]);
}

#[test]
fn groups_are_compared_by_any_dimension() {
    let provided = |worker: &str, provider: &str, success| ExecutionRecord {
        provider: Some(provider.to_owned()),
        ..record(worker, success, 1.0)
    };
    let all = vec![
        provided("a", "x", true),
        provided("b", "x", false),
        provided("c", "y", true),
        record("d", true, 1.0),
    ];
    let analytics = Analytics::new(all);
    let providers = analytics.by(Dimension::Provider);
    assert_eq!(providers["x"].success_rate, 0.5);
    assert_eq!(providers["y"].tasks, 1);
    assert_eq!(providers["unknown"].tasks, 1);
    assert_eq!(analytics.by(Dimension::Worker).len(), 4);
    assert_eq!(analytics.of(|r| r.provider.is_some()).by(Dimension::Risk)["medium"].tasks, 3);
}

#[test]
fn a_saving_is_proposed_only_where_success_does_not_fall_significantly() {
    let found = |current: Vec<_>, other: Vec<_>| {
        Analytics::new([current, other].concat()).opportunities(5, 0.01)
    };
    let [opportunity] = &found(records("dear", 45, 50, 0.10), records("cheap", 34, 40, 0.01))[..]
    else {
        panic!("one saving");
    };
    assert_eq!(opportunity.current, name("dear"));
    assert_eq!(opportunity.recommended, name("cheap"));
    assert!((opportunity.usd_saved_per_task - 0.09).abs() < 1e-12);
    assert!(opportunity.difference_interval.0 < 0.0 && opportunity.difference_interval.1 > 0.0);

    // Significantly worse, too few, too little saved, or dearer: nothing.
    assert!(found(records("dear", 48, 50, 0.10), records("cheap", 20, 40, 0.01)).is_empty());
    assert!(found(records("dear", 45, 50, 0.10), records("cheap", 4, 4, 0.01)).is_empty());
    assert!(found(records("dear", 45, 50, 0.10), records("cheap", 40, 40, 0.095)).is_empty());
    assert!(found(records("cheap", 45, 50, 0.01), records("dear", 40, 40, 0.10)).is_empty());
}

proptest! {
    #[test]
    fn intervals_hold_their_rates(a in 0..50_usize, b in 0..50_usize, c in 0..50_usize, d in 0..50_usize) {
        let (n, m) = (a + b, c + d);
        let (low, high) = wilson_interval(a, n);
        prop_assert!(0.0 <= low && low <= high && high <= 1.0);
        if n > 0 && m > 0 {
            let rate = a as f64 / n as f64;
            prop_assert!(low <= rate && rate <= high);
            let difference = rate - c as f64 / m as f64;
            let (low, high) = difference_interval((a, n), (c, m));
            prop_assert!(low <= difference && difference <= high);
            let (back_low, back_high) = difference_interval((c, m), (a, n));
            prop_assert!((low + back_high).abs() < 1e-12 && (high + back_low).abs() < 1e-12);
        }
    }
}
