# Every recipe calls `.ci/run`, so that what passes here passes there. `just` alone lists them.

[private]
default:
    @just --list

# Everything that must hold before a change goes in
verify:
    .ci/run

# The quick half: formatting and lints
lint:
    .ci/run format clippy

# The tests, doc tests included
test:
    .ci/run tests

# The documentation, without warnings
doc:
    .ci/run docs

# Every example once, with small settings
examples:
    .ci/run examples

# Measure; see benches/README.md
bench *arguments:
    cargo bench -p benches {{arguments}}

# Licences, advisories and bans (needs `cargo install cargo-deny`)
deny:
    cargo deny check
