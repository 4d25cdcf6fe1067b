//! Text of no language.

use crate::validate::{Diagnostic, Validator, is_too_long};

/// Accepts any text that is not too long: there is nothing else to say of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextValidator;

impl Validator for TextValidator {
    fn validate(&self, source: &str) -> Vec<Diagnostic> {
        is_too_long(source).into_iter().collect()
    }
}
