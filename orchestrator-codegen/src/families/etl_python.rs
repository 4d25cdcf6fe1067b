//! Cleaning of tables, in Python with nothing but its standard library.

/// Path and text of each file.
pub(super) const FILES: &[(&str, &str)] = &[
    ("etl-python/template.toml", include_str!("../../templates/etl-python/template.toml")),
    ("etl-python/generator.py.j2", include_str!("../../templates/etl-python/generator.py.j2")),
    ("etl-python/measure.py.j2", include_str!("../../templates/etl-python/measure.py.j2")),
    ("etl-python/layer_2.py.j2", include_str!("../../templates/etl-python/layer_2.py.j2")),
    (
        "etl-python-standard/template.toml",
        include_str!("../../templates/etl-python-standard/template.toml"),
    ),
    (
        "etl-python-simple/template.toml",
        include_str!("../../templates/etl-python-simple/template.toml"),
    ),
];
