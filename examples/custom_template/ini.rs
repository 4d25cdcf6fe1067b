//! A validator for a language that the library knows nothing of.

use std::collections::BTreeSet;

use orchestrator_ai::codegen::{Diagnostic, Severity, Validator};

/// Settings in sections: `[section]`, `key = value`, `; comment`, no key twice in its section.
pub(crate) struct IniValidator;

impl Validator for IniValidator {
    fn validate(&self, source: &str) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut keys: Option<BTreeSet<&str>> = None;
        for (at, line) in source.lines().enumerate() {
            let mut fault = |message: String| {
                let (line, column) = (at + 1, 1);
                found.push(Diagnostic { line, column, message, severity: Severity::Error });
            };
            let text = line.trim();
            if text.is_empty() || text.starts_with(';') {
                continue;
            }
            if text.starts_with('[') && text.ends_with(']') {
                keys = Some(BTreeSet::new());
                continue;
            }
            let Some((key, _)) = text.split_once('=') else {
                fault(format!("{text:?} is neither a section nor a setting"));
                continue;
            };
            let Some(keys) = &mut keys else {
                fault("a setting before the first section".to_owned());
                continue;
            };
            if !keys.insert(key.trim()) {
                fault(format!("{:?} is set twice", key.trim()));
            }
        }
        found
    }
}
