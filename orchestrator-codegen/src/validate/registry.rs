//! Who judges which language.

use std::collections::BTreeMap;

use crate::language::Language;
use crate::validate::{Diagnostic, PythonValidator, TextValidator, Validator};

/// Nobody can judge a language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{language} is not validated in this build: {}register a validator for it",
    feature.map_or(String::new(), |feature| format!("switch on the feature `{feature}` of orchestrator-codegen, or "))
)]
#[non_exhaustive]
pub struct NoValidator {
    /// The language.
    pub language: Language,
    /// The feature that brings a validator; none if there is no such feature.
    pub feature: Option<&'static str>,
}

/// A validator for each language: those that this build has, and those that the host registers.
///
/// ```
/// use orchestrator_codegen::{Language, TextValidator, Validators};
///
/// let validators = Validators::new();
/// assert_eq!(validators.validate(Language::Python, "return 1\n")?[0].line, 1);
/// match validators.of(Language::Sql) {
///     Ok(sql) => assert!(!sql.validate("select from where").is_empty()),
///     Err(missing) => assert_eq!(missing.feature, Some("sql")),
/// }
/// // One's own, or none at all:
/// let lenient = validators.with(Language::Sql, TextValidator);
/// assert!(lenient.validate(Language::Sql, "select from where")?.is_empty());
/// # Ok::<(), orchestrator_codegen::NoValidator>(())
/// ```
pub struct Validators {
    by_language: BTreeMap<Language, Box<dyn Validator>>,
}

impl Default for Validators {
    fn default() -> Self {
        Validators::new()
    }
}

impl Validators {
    /// All validators of this build; its features decide.
    pub fn new() -> Validators {
        let validators = Validators::none()
            .with(Language::Python, PythonValidator)
            .with(Language::Text, TextValidator);
        #[cfg(feature = "rust")]
        let validators = validators.with(Language::Rust, crate::validate::RustValidator);
        #[cfg(feature = "shell")]
        let validators = validators.with(Language::Shell, crate::validate::ShellValidator);
        #[cfg(feature = "sql")]
        let validators = validators.with(Language::Sql, crate::validate::SqlValidator);
        #[cfg(feature = "javascript")]
        let validators =
            validators.with(Language::JavaScript, crate::validate::JavaScriptValidator);
        validators
    }

    /// No validator at all, for a host that brings its own.
    pub fn none() -> Validators {
        Validators { by_language: BTreeMap::new() }
    }

    /// The same with this validator for a language, in place of the one that was there.
    #[must_use]
    pub fn with(mut self, language: Language, validator: impl Validator + 'static) -> Validators {
        self.by_language.insert(language, Box::new(validator));
        self
    }

    /// Who judges a language.
    ///
    /// # Errors
    /// When nobody does: the feature of the language is off.
    pub fn of(&self, language: Language) -> Result<&dyn Validator, NoValidator> {
        let validator = self.by_language.get(&language);
        let missing = NoValidator { language, feature: language.feature() };
        validator.map(|validator| &**validator).ok_or(missing)
    }

    /// The findings of a source in a language.
    ///
    /// # Errors
    /// As [`Validators::of`]: a source that nobody can judge is not a source without faults.
    pub fn validate(
        &self,
        language: Language,
        source: &str,
    ) -> Result<Vec<Diagnostic>, NoValidator> {
        Ok(self.of(language)?.validate(source))
    }

    /// The languages that can be judged.
    pub fn languages(&self) -> impl Iterator<Item = Language> + '_ {
        self.by_language.keys().copied()
    }
}
