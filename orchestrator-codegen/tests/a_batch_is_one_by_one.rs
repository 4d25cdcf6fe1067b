//! Many requests at once give what each gives alone, byte for byte.

mod support;

use orchestrator_codegen::{GenerateRequest, Generator, Profile, Template, Templates};
use orchestrator_core::{Parameters, Seed};
use support::{nasty_files, template};

/// A few θ for a few files, for templates of several families, so that neighbours share nothing; some twice, some faulty.
fn requests() -> Vec<GenerateRequest> {
    let files = nasty_files();
    let profiles: Vec<Profile> = files
        .iter()
        .filter_map(|(name, data)| Profile::of_bytes(name, data).ok())
        .filter(|profile| profile.columns.len() < 20)
        .take(12)
        .collect();
    assert_eq!(profiles.len(), 12, "more than are remembered");
    let templates: Vec<&Template> =
        Templates::builtin().iter().filter(|known| known.name().contains("-python")).collect();
    let mut requests = Vec::new();
    for round in 0..4_u64 {
        for (at, profile) in profiles.iter().enumerate() {
            let template = templates[at % templates.len()];
            let mut request = GenerateRequest::for_template(template, profile);
            let space = request.parameters.own_space();
            let mut point = vec![0.0; space.len()];
            // The last round is the first one again.
            space.sample_into(&mut point, &mut Seed(round % 3).fast_stream());
            request.parameters = Parameters::from_vector(&space, &point).unwrap();
            requests.push(request);
        }
    }
    requests[7] = requests[7].clone().with("colour", "red");
    requests[20].features.clear();
    requests[31].template = "etl-cobol".to_owned();
    requests
}

#[test]
fn in_the_order_of_the_requests_and_with_the_faults_of_each() {
    let requests = requests();
    let batch = Generator::new().generate_all(&requests);
    assert_eq!(batch.len(), requests.len());
    let mut failed = Vec::new();
    for (at, (made, request)) in batch.iter().zip(&requests).enumerate() {
        let alone = Generator::new().generate(request);
        assert_eq!(made, &alone, "request {at}");
        if made.is_err() {
            failed.push(at);
        }
    }
    assert_eq!(failed, [7, 20, 31]);
    let again = Generator::new();
    again.generate(&requests[3]).unwrap();
    assert_eq!(again.generate_all(&requests), batch, "whatever was made before");
    assert!(again.generate_all(&[]).is_empty());
}

#[test]
fn minus_zero_is_no_zero_in_a_batch_either() {
    let request = |value: f64| {
        let mut request = support::request(&[]);
        request.features.insert("unheard".into(), value);
        request
    };
    let made = Generator::new().generate_all(&[request(0.0), request(-0.0)]);
    let sources: Vec<&str> =
        made.iter().map(|made| made.as_ref().unwrap().source("layer_0.py").unwrap()).collect();
    assert_ne!(sources[0], sources[1]);
    assert_eq!(template().name(), "etl-python");
}
