//! Equal to torch's `nn.MultiheadAttention`, its gradients, `Adam` and `AdamW` in float64: `golden/torch_layers.json` holds what
//! torch 2.15 made of random weights and rows.

use orchestrator_attention::{
    Adam, AdamSettings, AttentionConfig, Linear, Mask, MultiHeadAttention, Projections, Returns,
    nalgebra::{DMatrix, DVector},
};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/torch_layers.json")).unwrap()
}

fn numbers(list: &Value) -> Vec<f64> {
    let number = |x: &Value| x.as_f64().unwrap_or(f64::NEG_INFINITY);
    list.as_array().unwrap().iter().map(number).collect()
}

fn matrix(value: &Value) -> DMatrix<f64> {
    let size = |axis: &str| value[axis].as_u64().unwrap() as usize;
    DMatrix::from_row_slice(size("rows"), size("columns"), &numbers(&value["data"]))
}

fn projections(value: &Value) -> Projections {
    let linear = |name: &str| Linear {
        weight: matrix(&value[name]["torch_weight"]).transpose(),
        bias: value[name]["bias"]
            .as_array()
            .map(|_| DVector::from_vec(numbers(&value[name]["bias"]))),
    };
    Projections {
        query: linear("query"),
        key: linear("key"),
        value: linear("value"),
        output: linear("output"),
    }
}

fn mask(case: &Value) -> Mask {
    let mut mask = if case["causal"].as_bool().unwrap() { Mask::Causal } else { Mask::None };
    if !case["additive"].is_null() {
        mask = mask.and(Mask::Additive(matrix(&case["additive"])));
    }
    if let Some(keep) = case["keep"].as_array() {
        mask = mask.and(Mask::Padding(keep.iter().map(|keep| keep.as_bool().unwrap()).collect()));
    }
    mask
}

#[track_caller]
fn same(what: &str, ours: &DMatrix<f64>, torch: &DMatrix<f64>) {
    assert_eq!(ours.shape(), torch.shape(), "{what}");
    let size = torch.amax().max(1.0);
    assert!((ours - torch).amax() <= 1e-13 * size, "{what}: {ours} {torch}");
}

fn each_case(check: impl Fn(&str, MultiHeadAttention, [DMatrix<f64>; 3], Mask, &Value)) {
    let golden = golden();
    for case in golden["layers"].as_array().unwrap() {
        let size = |name: &str| case[name].as_u64().unwrap() as usize;
        let config = AttentionConfig { embed_dim: size("embed_dim"), heads: size("heads") };
        let layer = MultiHeadAttention::new(config, projections(&case["projections"])).unwrap();
        let queries = matrix(&case["queries"]);
        let rows = |name| if case[name].is_null() { queries.clone() } else { matrix(&case[name]) };
        let rows = [queries.clone(), rows("keys"), rows("values")];
        check(case["name"].as_str().unwrap(), layer, rows, mask(case), case);
    }
}

#[test]
fn outputs_and_weights_are_torchs() {
    each_case(|name, layer, [q, k, v], mask, case| {
        let attended = layer.with_returns(Returns::Weights).attend(&q, &k, &v, &mask).unwrap();
        same(name, &attended.output, &matrix(&case["output"]));
        let weights = attended.weights.unwrap();
        assert_eq!(weights.len(), case["weights"].as_array().unwrap().len());
        for (ours, torch) in weights.iter().zip(case["weights"].as_array().unwrap()) {
            same(name, ours, &matrix(torch));
        }
    });
}

#[test]
fn gradients_are_torchs() {
    each_case(|name, layer, [q, k, v], mask, case| {
        let trace = layer.trace(&q, &k, &v, &mask).unwrap();
        let ours = trace.backward(&matrix(&case["output_gradient"])).unwrap();
        let torch = projections(&case["gradients"]);
        for (ours, torch) in [
            (&ours.projections.query, &torch.query),
            (&ours.projections.key, &torch.key),
            (&ours.projections.value, &torch.value),
            (&ours.projections.output, &torch.output),
        ] {
            same(name, &ours.weight, &torch.weight);
            assert_eq!(ours.bias.is_some(), torch.bias.is_some());
            if let (Some(ours), Some(torch)) = (&ours.bias, &torch.bias) {
                assert!((ours - torch).amax() < 1e-13 * torch.amax().max(1.0), "{name}");
            }
        }
        if case["key_gradient"].is_null() {
            same(name, &ours.rows().unwrap(), &matrix(&case["query_gradient"]));
        } else {
            same(name, &ours.queries, &matrix(&case["query_gradient"]));
            same(name, &ours.keys, &matrix(&case["key_gradient"]));
            same(name, &ours.values, &matrix(&case["value_gradient"]));
        }
    });
}

#[test]
fn adam_takes_torchs_steps() {
    for case in golden()["adam"].as_array().unwrap() {
        let number = |name: &str| case[name].as_f64().unwrap();
        let settings = AdamSettings {
            learning_rate: number("learning_rate"),
            beta_1: case["betas"][0].as_f64().unwrap(),
            beta_2: case["betas"][1].as_f64().unwrap(),
            epsilon: number("epsilon"),
            weight_decay: number("weight_decay"),
            clip_norm: case["clip_norm"].as_f64(),
        };
        let mut point = numbers(&case["start"]);
        let mut adam = Adam::new(settings, point.len()).unwrap();
        let (gradients, after) = (matrix(&case["gradients"]), matrix(&case["after"]));
        for (gradient, after) in gradients.row_iter().zip(after.row_iter()) {
            let gradient: Vec<f64> = gradient.iter().copied().collect();
            adam.step(&mut point, &gradient).unwrap();
            for (ours, torch) in point.iter().zip(after.iter()) {
                // torch clips to its norm divided by the norm plus 1e-6, and so a little lower.
                let allowed = if settings.clip_norm.is_some() { 1e-8 } else { 1e-14 };
                assert!((ours - torch).abs() < allowed, "{}: {ours} {torch}", case["name"]);
            }
        }
        assert_eq!(adam.steps(), 8);
    }
}
