//! The bundled sentence transformer knows that two words mean the same; hashed n-grams do not.
#![cfg(feature = "pocket-encoder")]

use orchestrator_attention::{Embedder, PocketEmbedder, TextEmbedder};

fn cosine(embedder: &dyn Embedder, a: &str, b: &str) -> f32 {
    let vector = |text: &str| {
        let mut vector = vec![0.0; embedder.dimensions()];
        embedder.embed(text, &mut vector);
        vector
    };
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
    let (a, b) = (vector(a), vector(b));
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

const ALIKE: [(&str, &str); 3] = [
    ("Send a document", "Transfer a file"),
    ("The car would not start this morning", "My automobile broke down today"),
    ("Repair the program", "Fix the bug in the software"),
];

#[test]
fn sentences_of_one_meaning_are_nearer_than_others() {
    let encoder = PocketEmbedder::new().unwrap();
    for (at, (one, other)) in ALIKE.into_iter().enumerate() {
        let near = cosine(&encoder, one, other);
        for (strange, (far, _)) in ALIKE.into_iter().enumerate() {
            if strange != at {
                let far = cosine(&encoder, one, far);
                assert!(near > far + 0.1, "{one:?} and {other:?}: {near}, a stranger: {far}");
            }
        }
    }
    let hashed = TextEmbedder::new(64).unwrap();
    let (one, other) = ALIKE[1];
    assert!(cosine(&encoder, one, other) > cosine(&hashed, one, other) + 0.1);
}

#[test]
fn what_says_nothing_has_no_direction() {
    let encoder = PocketEmbedder::new().unwrap();
    let mut vector = vec![1.0; encoder.dimensions()];
    encoder.embed("  ", &mut vector);
    assert!(vector.iter().all(|x| *x == 0.0));
}
