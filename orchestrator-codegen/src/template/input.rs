//! What a template asks its user for, and whether the answers fit.
//!
//! ```
//! use orchestrator_codegen::{InputValue, Inputs, Template};
//! let template = Template::builtin("etl-python")?;
//! let inputs = Inputs::from([("project".into(), InputValue::from("bikes")), ("colour".into(), 3.into())]);
//! let error = template.check(&inputs).unwrap_err();
//! assert_eq!(error.faults[0].input, "colour");
//! # Ok::<(), orchestrator_codegen::TemplateError>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The inputs of a template, by name.
pub type Inputs = BTreeMap<String, InputValue>;

/// A value that a user gives to a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum InputValue {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Several values.
    List(Vec<InputValue>),
    /// Values by name.
    Record(BTreeMap<String, InputValue>),
}

impl InputValue {
    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            InputValue::Boolean(_) => "a boolean",
            InputValue::Integer(_) => "an integer",
            InputValue::Number(_) => "a number",
            InputValue::Text(_) => "a text",
            InputValue::List(_) => "a list",
            InputValue::Record(_) => "a record",
        }
    }
}

impl From<&str> for InputValue {
    fn from(text: &str) -> InputValue {
        InputValue::Text(text.to_owned())
    }
}

impl From<String> for InputValue {
    fn from(text: String) -> InputValue {
        InputValue::Text(text)
    }
}

impl From<i64> for InputValue {
    fn from(number: i64) -> InputValue {
        InputValue::Integer(number)
    }
}

impl From<f64> for InputValue {
    fn from(number: f64) -> InputValue {
        InputValue::Number(number)
    }
}

impl From<bool> for InputValue {
    fn from(value: bool) -> InputValue {
        InputValue::Boolean(value)
    }
}

impl<T: Into<InputValue>> From<Vec<T>> for InputValue {
    fn from(items: Vec<T>) -> InputValue {
        InputValue::List(items.into_iter().map(Into::into).collect())
    }
}

/// What kind of value an input takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputType {
    /// Any text.
    Text,
    /// A name that is an identifier in every language: a letter or `_`, then letters, digits and `_`, all ASCII.
    Identifier,
    /// A whole number.
    Integer,
    /// A finite number.
    Number,
    /// True or false.
    Boolean,
    /// One of the `choices`.
    Choice,
    /// A list of texts.
    List,
    /// A path: a text that is not empty and has no control characters.
    Path,
    /// A list of records of texts, numbers and booleans.
    Records,
    /// Any value: lists and records of whatever, at most 32 deep.
    Value,
}

/// Values in values deeper than this are a mistake.
const VALUE_DEPTH_MAX: usize = 32;

impl InputType {
    fn wanted(self) -> &'static str {
        match self {
            InputType::Text => "a text",
            InputType::Identifier => "an identifier (letters, digits and _, no digit in front)",
            InputType::Integer => "an integer",
            InputType::Number => "a finite number",
            InputType::Boolean => "true or false",
            InputType::Choice => "one of the choices",
            InputType::List => "a list of texts",
            InputType::Path => "a path",
            InputType::Records => "a list of records",
            InputType::Value => "a value of finite numbers, not too deep",
        }
    }
}

/// An input as the manifest describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// Its name: an identifier, under which templates know the value.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: InputType,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What it is where the user gives nothing; without a default it must be given.
    #[serde(default)]
    pub default: Option<InputValue>,
    /// The least integer or number, or the least length of a text (in characters) or list.
    #[serde(default)]
    pub min: Option<f64>,
    /// The greatest one.
    #[serde(default)]
    pub max: Option<f64>,
    /// What may be chosen, for a choice.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// What is wrong with one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFault {
    /// The input.
    pub input: String,
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for InputFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input {:?}: {}; {}", self.input, self.reason, self.remedy)
    }
}

/// Everything that is wrong with the inputs of a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", faults.iter().map(InputFault::to_string).collect::<Vec<_>>().join("\n"))]
#[non_exhaustive]
pub struct InputError {
    /// The faults, at least one, in the order of the manifest.
    pub faults: Vec<InputFault>,
}

/// The inputs with all defaults filled in, or all faults at once.
pub(crate) fn check(specs: &[InputSpec], given: &Inputs) -> Result<Inputs, InputError> {
    let mut faults = Vec::new();
    let mut checked = Inputs::new();
    for spec in specs {
        let value = match (given.get(&spec.name), &spec.default) {
            (Some(value), _) | (None, Some(value)) => value,
            (None, None) => {
                faults.push(spec.fault("it is missing"));
                continue;
            }
        };
        match spec.fit(value) {
            Ok(value) => {
                checked.insert(spec.name.clone(), value);
            }
            Err(reason) => faults.push(spec.fault(reason)),
        }
    }
    for name in given.keys().filter(|name| specs.iter().all(|spec| spec.name != **name)) {
        let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let remedy = match names.is_empty() {
            true => "the template has none".to_owned(),
            false => format!("the inputs are {}", names.join(", ")),
        };
        let reason = "the template has no such input".to_owned();
        faults.push(InputFault { input: name.clone(), reason, remedy });
    }
    if faults.is_empty() { Ok(checked) } else { Err(InputError { faults }) }
}

impl InputSpec {
    fn fault(&self, reason: impl Into<String>) -> InputFault {
        let mut remedy = match self.kind {
            InputType::Choice => format!("give one of {}", self.choices.join(", ")),
            kind => format!("give {}", kind.wanted()),
        };
        if !self.description.is_empty() {
            remedy += &format!(" ({})", self.description);
        }
        InputFault { input: self.name.clone(), reason: reason.into(), remedy }
    }

    /// The value as the type has it, or what is wrong with it.
    pub(crate) fn fit(&self, value: &InputValue) -> Result<InputValue, String> {
        let unfit = || Err(format!("{} is not {}", shown(value), self.kind.wanted()));
        match (self.kind, value) {
            (InputType::Text, InputValue::Text(text)) => self.within(text.chars().count() as f64)?,
            (InputType::Identifier, InputValue::Text(text)) => {
                if !is_identifier(text) {
                    return unfit();
                }
                self.within(text.chars().count() as f64)?;
            }
            (InputType::Integer, InputValue::Integer(number)) => self.within(*number as f64)?,
            (InputType::Number, InputValue::Integer(number)) => {
                self.within(*number as f64)?;
                return Ok(InputValue::Number(*number as f64));
            }
            (InputType::Number, InputValue::Number(number)) if number.is_finite() => {
                self.within(*number)?;
            }
            (InputType::Boolean, InputValue::Boolean(_)) => {}
            (InputType::Choice, InputValue::Text(text)) => {
                if !self.choices.contains(text) {
                    return Err(format!("{} is no choice", shown(value)));
                }
            }
            (InputType::List, InputValue::List(items)) => {
                if let Some(at) = items.iter().position(|item| !is_text(item)) {
                    return Err(format!("item {} is {}, no text", at + 1, items[at].kind()));
                }
                self.within(items.len() as f64)?;
            }
            (InputType::Path, InputValue::Text(text)) => {
                if text.is_empty() || text.chars().any(char::is_control) {
                    return unfit();
                }
                self.within(text.chars().count() as f64)?;
            }
            (InputType::Records, InputValue::List(items)) => {
                if let Some(at) = items.iter().position(|item| !is_record(item)) {
                    let what = "no record of texts, finite numbers and booleans";
                    return Err(format!("item {} is {what}", at + 1));
                }
                self.within(items.len() as f64)?;
            }
            (InputType::Value, value) if is_value(value, VALUE_DEPTH_MAX) => {}
            _ => return unfit(),
        }
        Ok(value.clone())
    }

    fn within(&self, size: f64) -> Result<(), String> {
        let (what, unit) = match self.kind {
            InputType::Integer | InputType::Number => ("", ""),
            InputType::List | InputType::Records => ("its length of ", " items"),
            _ => ("its length of ", " characters"),
        };
        match (self.min, self.max) {
            (Some(min), _) if size < min => {
                Err(format!("{what}{size}{unit} is below the minimum of {min}"))
            }
            (_, Some(max)) if size > max => {
                Err(format!("{what}{size}{unit} is above the maximum of {max}"))
            }
            _ => Ok(()),
        }
    }
}

/// As much of a value is repeated in an error.
const SHOWN_CHARS_MAX: usize = 60;

fn shown(value: &InputValue) -> String {
    match value {
        InputValue::Boolean(value) => value.to_string(),
        InputValue::Integer(number) => number.to_string(),
        InputValue::Number(number) => number.to_string(),
        InputValue::Text(text) if text.chars().count() <= SHOWN_CHARS_MAX => format!("{text:?}"),
        InputValue::Text(text) => {
            format!("{:?}…", text.chars().take(SHOWN_CHARS_MAX).collect::<String>())
        }
        InputValue::List(_) | InputValue::Record(_) => value.kind().to_owned(),
    }
}

fn is_text(value: &InputValue) -> bool {
    matches!(value, InputValue::Text(_))
}

fn is_record(value: &InputValue) -> bool {
    let InputValue::Record(fields) = value else {
        return false;
    };
    fields.values().all(|field| match field {
        InputValue::Boolean(_) | InputValue::Integer(_) | InputValue::Text(_) => true,
        InputValue::Number(number) => number.is_finite(),
        InputValue::List(_) | InputValue::Record(_) => false,
    })
}

fn is_value(value: &InputValue, depth: usize) -> bool {
    let inner = |value: &InputValue| depth > 0 && is_value(value, depth - 1);
    match value {
        InputValue::Number(number) => number.is_finite(),
        InputValue::List(items) => items.iter().all(inner),
        InputValue::Record(fields) => fields.values().all(inner),
        InputValue::Boolean(_) | InputValue::Integer(_) | InputValue::Text(_) => true,
    }
}

/// Whether every language that is generated takes this for a name.
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut marks = text.chars();
    let first = marks.next().is_some_and(|mark| mark.is_ascii_alphabetic() || mark == '_');
    first && marks.all(|mark| mark.is_ascii_alphanumeric() || mark == '_')
}
