//! A search that was saved goes on as if nothing had happened, and one that was damaged is refused.

mod support;

use std::fmt::Debug;

use orchestrator_core::{Payload, Seed};
use orchestrator_ga::{
    AnyOptimizer, Ga, GaConfig, Optimizer, Search, Stop, constrained, fallible, fitness_fn,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use support::{bytes, methods, search, space, sphere, until};

/// run(50) is run(20), saved, loaded, and run(30) more.
#[track_caller]
fn check<O>(make: impl Fn() -> O)
where
    O: Optimizer + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let noisy = fallible(|x: &[f64], e| Ok(sphere(x) + 0.01 * e.seed.fast_stream().normal()));
    let fitness = constrained(noisy, |x| x[0] + x[1] - 1.2);
    let mut whole = Search::new(make(), Stop::Generations(50)).unwrap();
    let result = whole.run(&fitness).unwrap();

    let mut first = Search::new(make(), Stop::Generations(20)).unwrap();
    first.run(&fitness).unwrap();
    let mut second: Search<O> = bytes(&first).to().unwrap();
    assert_eq!(second, first);
    drop(first);
    second.set_stop(Stop::Generations(50)).unwrap();
    assert_eq!(second.run(&fitness).unwrap(), result);
    assert_eq!(bytes(&second), bytes(&whole));
}

#[test]
fn fifty_generations_are_twenty_and_thirty_by_every_method() {
    check(|| Ga::new(space(), GaConfig::documents(), Seed(9)).unwrap());
    for method in methods() {
        check(|| method.build(space(), Seed(9)).unwrap());
    }
}

#[test]
fn a_search_can_be_saved_after_any_batch_and_inside_a_generation() {
    let mut whole = until(Stop::Evaluations(333), 9);
    let result = whole.run(&sphere).unwrap();
    for cut in [0, 1, 19, 20, 21, 150, 332] {
        let mut part = until(Stop::Evaluations(cut.max(1)), 9);
        if cut > 0 {
            part.run(&sphere).unwrap();
        }
        let mut loaded: Search<Ga> = bytes(&part).to().unwrap();
        loaded.set_stop(Stop::Evaluations(333)).unwrap();
        assert_eq!(loaded.run(&sphere).unwrap(), result, "cut at {cut}");
        assert_eq!(bytes(&loaded), bytes(&whole), "cut at {cut}");
    }
}

#[test]
fn a_saved_search_of_another_version_or_a_damaged_one_is_refused() {
    let text = bytes(&search(GaConfig::default(), 1)).to_string();
    let newer = text.replace("\"version\":3", "\"version\":4");
    let error = Payload::parse(&newer).unwrap().to::<Search<Ga>>().unwrap_err();
    assert!(error.to_string().contains("format 4"), "{error}");
    for (sound, damaged, part) in [
        ("\"failures\":0", "\"failures\":1", "more failures than evaluations"),
        ("\"stagnant\":0", "\"stagnant\":9", "stagnated for longer"),
        ("\"generation\":0", "\"generation\":7", "its history"),
        ("\"improved_at\":0", "\"improved_at\":4", "in the future"),
        ("\"reason\":null", "\"reason\":\"interrupted\"", "interrupted"),
        ("\"generations\":30}", "\"generations\":30},\"best\":[[0.0],1.0]", "twice"),
    ] {
        let torn = text.replacen(sound, damaged, 1);
        assert_ne!(torn, text, "{sound}");
        let Err(error) = serde_json::from_str::<Search<Ga>>(&torn) else { panic!("{damaged}") };
        let error = error.to_string();
        assert!(error.contains(part) || error.contains("duplicate"), "{damaged}: {error}");
    }
}

/// Every place in a JSON value, counted.
fn places(value: &mut Value, found: &mut impl FnMut(&mut Value)) {
    found(value);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| places(item, found)),
        Value::Object(items) => items.values_mut().for_each(|item| places(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What damage puts in the place of a value.
fn damage(value: &mut Value, kind: usize, word: u64) {
    *value = match (kind, &*value) {
        (0, _) => Value::Null,
        (1, _) => Value::from(word),
        (2, _) => Value::from(-(word as f64)),
        (3, Value::Number(number)) => {
            Value::from(number.as_u64().map_or(1, |n| n.wrapping_add(word % 3).wrapping_sub(1)))
        }
        (4, Value::Array(items)) => items.iter().skip(1).cloned().collect(),
        (5, Value::Array(items)) => items.iter().chain(items.last()).cloned().collect(),
        (6, _) => Value::from(1e300),
        (7, Value::Number(number)) => Value::from(number.as_f64().unwrap_or(0.0) * 1.0001),
        _ => Value::from(u64::from(u32::MAX)),
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_state_is_an_error_or_a_search_that_ends(
        at in 0..4_usize, place: prop::sample::Index, kind in 0..9_usize, word: u64, method in 0..methods().len(),
    ) {
        let fitness = constrained(fitness_fn(sphere), |x| x[0] + x[1] - 1.2);
        let optimizer = methods()[method].build(space(), Seed(3)).unwrap();
        let mut search = Search::new(optimizer, Stop::Evaluations(110)).unwrap();
        for _ in 0..at {
            search.step(&fitness).unwrap();
        }
        let mut state = serde_json::to_value(&search).unwrap();
        let mut count = 0;
        places(&mut state, &mut |_| count += 1);
        let (chosen, mut now) = (place.index(count), 0);
        places(&mut state, &mut |value| {
            if now == chosen {
                damage(value, kind, word);
            }
            now += 1;
        });
        if let Ok(mut search) = serde_json::from_value::<Search<AnyOptimizer>>(state) {
            let _refused = search.set_stop(Stop::Evaluations(search.evaluations().saturating_add(150)));
            for _ in 0..400 {
                if search.finished() {
                    break;
                }
                for candidate in search.ask() {
                    prop_assert!(search.space().check(candidate.point).is_ok());
                }
                if search.step(&fitness).is_err() {
                    break;
                }
            }
            prop_assert!(search.finished() || search.result().is_err());
        }
    }
}
