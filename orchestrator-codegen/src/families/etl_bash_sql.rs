//! Cleaning of tables, in Bash and the SQL of sqlite3.

/// Path and text of each file.
pub(super) const FILES: &[(&str, &str)] = &[
    ("etl-bash-sql/template.toml", include_str!("../../templates/etl-bash-sql/template.toml")),
    ("etl-bash-sql/layer_0.sh.j2", include_str!("../../templates/etl-bash-sql/layer_0.sh.j2")),
    ("etl-bash-sql/layer_1.sql.j2", include_str!("../../templates/etl-bash-sql/layer_1.sql.j2")),
    ("etl-bash-sql/rules.sql.j2", include_str!("../../templates/etl-bash-sql/rules.sql.j2")),
    ("etl-bash-sql/reading.sql.j2", include_str!("../../templates/etl-bash-sql/reading.sql.j2")),
    ("etl-bash-sql/json.sql.j2", include_str!("../../templates/etl-bash-sql/json.sql.j2")),
    ("etl-bash-sql/json.awk.j2", include_str!("../../templates/etl-bash-sql/json.awk.j2")),
    ("etl-bash-sql/words.sql.j2", include_str!("../../templates/etl-bash-sql/words.sql.j2")),
    (
        "etl-bash-sql-standard/template.toml",
        include_str!("../../templates/etl-bash-sql-standard/template.toml"),
    ),
    (
        "etl-bash-sql-simple/template.toml",
        include_str!("../../templates/etl-bash-sql-simple/template.toml"),
    ),
];
