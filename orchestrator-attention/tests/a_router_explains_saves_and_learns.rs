//! What a router says of a decision, how it is written down, what it learns from its log, and that it may be used by many.

mod routing;

use std::sync::Arc;

use orchestrator_attention::{
    AttentionRouter, Embedder, Explanation, Forgetting, Head, LearnOptions, Memory, Router,
    RouterConfig, RouterConfigError, RouterState,
};
use orchestrator_core::{Capability, Path, Payload, Request, Role, RunId, Seed};
use routing::{candidates, outcome};

const AREAS: [&str; 4] = ["law", "algebra", "poetry", "cooking"];

fn request(area: &str, number: u64) -> Request {
    Request {
        run: RunId::parse(format!("run{number}")).unwrap(),
        path: Path::parse("work").unwrap(),
        role: Role::CODER,
        attempt: 1,
        tried: Vec::new(),
        input: Payload::parse(&format!(r#"{{"area":"{area}","lines":{}}}"#, 10 + number % 90))
            .unwrap(),
        goal: String::new(),
        seed: Seed(number),
    }
}

/// `left` does the first two areas well, `right` the others; each costs more with more lines.
fn live(router: &AttentionRouter, steps: u64) {
    let both = candidates(&["left", "right"]);
    let mut stream = Seed(5).fast_stream();
    for step in 0..steps {
        let kind = stream.below(AREAS.len());
        let request = request(AREAS[kind], step);
        let worker = router.route(&request, &both).unwrap().worker;
        let good = (kind < 2) == (worker.as_str() == "left");
        let success = stream.chance(if good { 0.9 } else { 0.3 });
        let usd = 0.001 * (10 + step % 90) as f64;
        router.observe(&outcome(&request, &worker, success, usd));
    }
}

#[test]
fn an_explanation_names_the_tasks_that_weighed_and_the_shares_sum_to_one() {
    let router = AttentionRouter::new(RouterConfig::default()).unwrap();
    live(&router, 400);
    let both = candidates(&["left", "right"]);
    let asked = request("algebra", 999);
    let why = router.explain(&asked, &both).unwrap();
    assert_eq!(why.chosen, router.route(&asked, &both).unwrap().worker);
    assert_eq!(why.chosen.as_str(), "left");
    assert_eq!(why.weighed.len(), 10);
    assert!(why.weighed.is_sorted_by(|a, b| a.share >= b.share));
    assert!(why.weighed[..5].iter().all(|weighed| weighed.area > 0.9), "{why}");
    assert!(why.weighed.iter().all(|weighed| weighed.task.worker == why.chosen));
    let named: f64 = why.weighed.iter().map(|weighed| weighed.share).sum();
    assert!(why.prior_share > 0.0 && named > 0.0 && named + why.prior_share < 1.0);
    for sum in [
        why.heads.iter().map(|head| head.success).sum::<f64>(),
        why.heads.iter().map(|head| head.cost).sum(),
        why.heads.iter().map(|head| head.duration).sum(),
    ] {
        assert!((sum - 1.0).abs() < 1e-9);
    }
    // Who does it well depends on the area, what it costs on the lines: the heads have found out.
    let weight = |head: Head| why.heads.iter().find(|weight| weight.head == head).unwrap();
    assert!(weight(Head::Area).success > weight(Head::Numbers).success);
    assert!(weight(Head::NumbersNear).cost > weight(Head::Area).cost);

    let text = why.to_string();
    assert!(text.contains(&why.weighed[0].task.label) && text.contains("right scores"), "{text}");
    let json = serde_json::to_string(&why).unwrap();
    assert_eq!(serde_json::from_str::<Explanation>(&json).unwrap(), why);
}

#[test]
fn the_cost_of_a_task_is_foretold_from_its_numbers() {
    let router = AttentionRouter::new(RouterConfig::default()).unwrap();
    live(&router, 600);
    let both = candidates(&["left", "right"]);
    let usd = |lines: u64| router.predict(&request("law", lines - 10), &both)[0].usd;
    assert!((usd(20) - 0.02).abs() < 0.01, "{}", usd(20));
    assert!((usd(80) - 0.08).abs() < 0.02, "{}", usd(80));
}

#[test]
fn saved_and_loaded_it_goes_on_with_the_same_bytes() {
    for forgetting in [Forgetting::Oldest, Forgetting::LeastImportant] {
        let config = RouterConfig { memory_max: 50, forgetting, ..RouterConfig::default() };
        let router = AttentionRouter::new(config).unwrap();
        live(&router, 70);
        let text = serde_json::to_string(&router.save()).unwrap();
        let state: RouterState = serde_json::from_str(&text).unwrap();
        let again = AttentionRouter::load(state.clone()).unwrap();
        for router in [&router, &again] {
            live(router, 20);
        }
        let saved = [&router, &again].map(|router| serde_json::to_string(&router.save()).unwrap());
        assert_eq!(saved[0], saved[1]);

        let future = text.replacen("\"version\":1", "\"version\":7", 1);
        let error = AttentionRouter::load(serde_json::from_str(&future).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "the router has version 7, this router reads version 1");
        let error = AttentionRouter::load_with(state, Letters).unwrap_err();
        assert!(matches!(error, RouterConfigError::Embedder(_)), "{error}");
    }
}

struct Letters;

impl Embedder for Letters {
    fn name(&self) -> &str {
        "letters"
    }
    fn dimensions(&self) -> usize {
        26
    }
    fn embed(&self, text: &str, vector: &mut [f32]) {
        vector.fill(0.0);
        for letter in text.bytes().filter(u8::is_ascii_lowercase) {
            vector[usize::from(letter - b'a')] += 1.0;
        }
    }
}

#[test]
fn a_host_can_bring_its_own_embedder_and_get_it_back() {
    let router = AttentionRouter::with_embedder(RouterConfig::default(), Letters).unwrap();
    live(&router, 200);
    assert_eq!(router.features(&request("law", 1)).len(), 26 + 64);
    let again = AttentionRouter::load_with(router.save(), Letters).unwrap();
    let both = candidates(&["left", "right"]);
    let asked = request("poetry", 7);
    assert_eq!(again.explain(&asked, &both), router.explain(&asked, &both));
    assert!(AttentionRouter::load(router.save()).is_err());
}

#[test]
fn importance_keeps_what_is_rare_where_a_ring_forgets_it() {
    let kept = |forgetting| {
        let config = RouterConfig { memory_max: 40, forgetting, ..RouterConfig::default() };
        let router = AttentionRouter::new(config).unwrap();
        let worker = &candidates(&["only"])[0].worker;
        router.observe(&outcome(&request("poetry", 0), worker, true, 0.0));
        for number in 1..200 {
            router.observe(&outcome(&request("law", 90 * number), worker, true, 0.0));
        }
        let memory = router.memory();
        assert_eq!(memory.len(), 40);
        memory.tasks().any(|task| task.label == "run0:work:1")
    };
    assert!(!kept(Forgetting::Oldest));
    assert!(kept(Forgetting::LeastImportant));
}

#[test]
fn declared_capabilities_speak_for_those_without_experience() {
    let router = AttentionRouter::new(RouterConfig::default()).unwrap();
    let mut both = candidates(&["cook", "lawyer"]);
    both[0].capabilities = vec![Capability::parse("cooking").unwrap()];
    both[1].capabilities = vec![Capability::parse("law").unwrap()];
    for number in 0..10 {
        let chosen = router.route(&request("cooking", number), &both).unwrap().worker;
        assert_eq!(chosen.as_str(), "cook");
        let chosen = router.route(&request("law", number), &both).unwrap().worker;
        assert_eq!(chosen.as_str(), "lawyer");
    }
}

/// A log, and settings that look at the numbers, which say nothing of the success.
fn remembering() -> (RouterConfig, Memory) {
    let config = RouterConfig {
        temperature: 0.4,
        area_weight: 0.05,
        text_weight: 0.05,
        number_weight: 0.9,
        exploration: 2.0,
        ..RouterConfig::default()
    };
    let router = AttentionRouter::new(config.clone()).unwrap();
    live(&router, 120);
    (config, router.memory())
}

#[test]
fn the_gradient_is_the_one_that_differences_give() {
    let (config, memory) = remembering();
    let at = |config: RouterConfig| {
        let router = AttentionRouter::with_memory(config, memory.clone()).unwrap();
        router.leave_one_out(&LearnOptions { tasks_max: 40, ..LearnOptions::default() })
    };
    let here = at(config.clone());
    assert_eq!(here.tasks, 40);
    let check = |name: &str, analytic: f64, set: &dyn Fn(&mut RouterConfig, f64)| {
        let step = 1e-4;
        let [above, below] = [step, -step].map(|step| {
            let mut moved = config.clone();
            set(&mut moved, step);
            at(moved).loss
        });
        let difference = (above - below) / (2.0 * step);
        let error = (analytic - difference).abs();
        assert!(error < 1e-5 * (1.0 + difference.abs()), "{name}: {analytic} and {difference}");
        assert!(analytic != 0.0, "{name} moves nothing");
    };
    check("temperature", here.by_temperature, &|config, step| config.temperature += step);
    check("area", here.by_area_weight, &|config, step| config.area_weight += step);
    check("text", here.by_text_weight, &|config, step| config.text_weight += step);
    check("numbers", here.by_number_weight, &|config, step| config.number_weight += step);
}

#[test]
fn learning_lowers_the_loss_and_never_raises_it() {
    let (config, memory) = remembering();
    let router = AttentionRouter::with_memory(config.clone(), memory).unwrap();
    let options = LearnOptions { tasks_max: 100, steps_max: 10 };
    let learned = router.learn(&options);
    assert!(learned.steps > 0 && learned.loss_after < 0.97 * learned.loss_before, "{learned:?}");
    // What was learned is what it decides by from now on.
    assert!((router.leave_one_out(&options).loss - learned.loss_after).abs() < 1e-9);
    assert_eq!(router.config().temperature, learned.temperature);
    let again = router.learn(&options);
    assert!(again.loss_after <= learned.loss_after + 1e-9);

    // Successes that nothing tells apart.
    let router = AttentionRouter::new(config.clone()).unwrap();
    let worker = &candidates(&["only"])[0].worker;
    for number in 0..30 {
        router.observe(&outcome(&request("law", 1), worker, number % 2 == 0, 0.0));
    }
    let nothing = router.learn(&options);
    assert!(nothing.loss_after <= nothing.loss_before);
    assert!(router.config().check().is_ok());
}

#[test]
fn no_outcome_is_lost_between_threads() {
    let router = Arc::new(AttentionRouter::new(RouterConfig::default()).unwrap());
    std::thread::scope(|scope| {
        for (thread, area) in AREAS.into_iter().enumerate() {
            let router = Arc::clone(&router);
            scope.spawn(move || {
                let both = candidates(&["left", "right"]);
                for step in 0..50 {
                    let request = request(area, 1000 * thread as u64 + step);
                    let worker = router.route(&request, &both).unwrap().worker;
                    router.observe(&outcome(&request, &worker, true, 0.01));
                }
            });
        }
    });
    let memory = router.memory();
    let labels: std::collections::BTreeSet<String> =
        memory.tasks().map(|task| task.label).collect();
    assert_eq!((memory.len(), labels.len()), (200, 200));
}

#[test]
fn recency_lets_it_follow_a_world_that_changes() {
    let router =
        AttentionRouter::new(RouterConfig { half_life: 50.0, ..RouterConfig::default() }).unwrap();
    let both = candidates(&["left", "right"]);
    let mut late = 0;
    for step in 0..500 {
        let request = request("law", step);
        let worker = router.route(&request, &both).unwrap().worker;
        let good = (worker.as_str() == "left") == (step < 250);
        router.observe(&outcome(&request, &worker, good, 0.01));
        late += u32::from(step >= 400 && good);
    }
    assert!(late >= 90, "{late} of the last 100");
}

#[test]
fn what_is_neither_success_nor_failure_counts_in_part() {
    let router = AttentionRouter::new(RouterConfig::default()).unwrap();
    let worker = &candidates(&["only"])[0].worker;
    for (number, quality) in [0.25, 7.0, -1.0, f64::NAN].into_iter().enumerate() {
        let asked = request("law", number as u64);
        router.observe_quality(&outcome(&asked, worker, true, 0.0), quality);
    }
    let seen: Vec<f64> = router.memory().tasks().map(|task| task.success).collect();
    assert_eq!(seen, [0.0, 0.0, 1.0, 0.25]);
}
