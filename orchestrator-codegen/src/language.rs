//! The languages that are generated, and what the crate knows of each one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A language of generated code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Language {
    /// Python 3.8 or later.
    Python,
    /// Rust, edition 2024.
    Rust,
    /// POSIX shell and Bash.
    Shell,
    /// SQL, as SQLite reads it.
    Sql,
    /// JavaScript.
    JavaScript,
    /// Anything else: JSON, TOML, Markdown. Nothing is known of it.
    Text,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 6] = [
        Language::Python,
        Language::Rust,
        Language::Shell,
        Language::Sql,
        Language::JavaScript,
        Language::Text,
    ];

    /// What its files end with, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Language::Python => "py",
            Language::Rust => "rs",
            Language::Shell => "sh",
            Language::Sql => "sql",
            Language::JavaScript => "js",
            Language::Text => "txt",
        }
    }

    /// The language of a file by the end of its name; [`Language::Text`] for what is not known.
    ///
    /// ```
    /// use orchestrator_codegen::Language;
    /// assert_eq!(Language::of_file("layer_0.py"), Language::Python);
    /// assert_eq!(Language::of_file("Makefile"), Language::Text);
    /// ```
    pub fn of_file(name: &str) -> Language {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let known = Language::ALL.into_iter().find(|language| language.extension() == extension);
        known.unwrap_or(Language::Text)
    }

    /// What begins a comment to the end of the line; `None` where there is none.
    pub fn line_comment(self) -> Option<&'static str> {
        match self {
            Language::Python | Language::Shell => Some("#"),
            Language::Rust | Language::JavaScript => Some("//"),
            Language::Sql => Some("--"),
            Language::Text => None,
        }
    }

    /// The feature of this crate that brings a validator of the language; `None` where one is always there.
    pub fn feature(self) -> Option<&'static str> {
        match self {
            Language::Python | Language::Text => None,
            Language::Rust => Some("rust"),
            Language::Shell => Some("shell"),
            Language::Sql => Some("sql"),
            Language::JavaScript => Some("javascript"),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Language::Python => "Python",
            Language::Rust => "Rust",
            Language::Shell => "shell",
            Language::Sql => "SQL",
            Language::JavaScript => "JavaScript",
            Language::Text => "text",
        })
    }
}
