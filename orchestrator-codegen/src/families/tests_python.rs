//! Tests of an ETL script, in Python with nothing but its standard library.

/// Path and text of each file.
pub(super) const FILES: &[(&str, &str)] = &[
    (
        "tests-python-simple/template.toml",
        include_str!("../../templates/tests-python-simple/template.toml"),
    ),
    (
        "tests-python-standard/template.toml",
        include_str!("../../templates/tests-python-standard/template.toml"),
    ),
    ("tests-python/template.toml", include_str!("../../templates/tests-python/template.toml")),
    ("tests-python/test_etl.py.j2", include_str!("../../templates/tests-python/test_etl.py.j2")),
];
