//! Workflows of orchestrator-core, in Rust.

/// Path and text of each file.
pub(super) const FILES: &[(&str, &str)] = &[
    (
        "workflow-rust-simple/read.rs.j2",
        include_str!("../../templates/workflow-rust-simple/read.rs.j2"),
    ),
    (
        "workflow-rust-simple/template.toml",
        include_str!("../../templates/workflow-rust-simple/template.toml"),
    ),
    (
        "workflow-rust-simple/workflow.json.j2",
        include_str!("../../templates/workflow-rust-simple/workflow.json.j2"),
    ),
    (
        "workflow-rust-standard/template.toml",
        include_str!("../../templates/workflow-rust-standard/template.toml"),
    ),
    ("workflow-rust/closures.j2", include_str!("../../templates/workflow-rust/closures.j2")),
    ("workflow-rust/main.rs.j2", include_str!("../../templates/workflow-rust/main.rs.j2")),
    ("workflow-rust/template.toml", include_str!("../../templates/workflow-rust/template.toml")),
    ("workflow-rust/workflow.rs.j2", include_str!("../../templates/workflow-rust/workflow.rs.j2")),
];
