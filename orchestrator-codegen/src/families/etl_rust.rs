//! Cleaning of tables, in Rust with nothing but its standard library.

/// Path and text of each file.
pub(super) const FILES: &[(&str, &str)] = &[
    ("etl-rust/template.toml", include_str!("../../templates/etl-rust/template.toml")),
    ("etl-rust/layer_2.rs.j2", include_str!("../../templates/etl-rust/layer_2.rs.j2")),
    ("etl-rust/kinds.rs.j2", include_str!("../../templates/etl-rust/kinds.rs.j2")),
    ("etl-rust/reading.rs.j2", include_str!("../../templates/etl-rust/reading.rs.j2")),
    ("etl-rust/json.rs.j2", include_str!("../../templates/etl-rust/json.rs.j2")),
    ("etl-rust/composed.rs.j2", include_str!("../../templates/etl-rust/composed.rs.j2")),
    (
        "etl-rust-standard/template.toml",
        include_str!("../../templates/etl-rust-standard/template.toml"),
    ),
    (
        "etl-rust-simple/template.toml",
        include_str!("../../templates/etl-rust-simple/template.toml"),
    ),
];
