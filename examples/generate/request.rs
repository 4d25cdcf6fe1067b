//! The request: what the data say, and what the user says over it.

use std::fs;
use std::path::{Path, PathBuf};

use orchestrator_ai::codegen::{
    COLUMNS, DELIMITER, GenerateRequest, HEADER, InputSpec, InputType, InputValue, Inputs, Profile,
    Template,
};
use orchestrator_ai::core::{Parameters, Seed, build_website};

use crate::arguments::Arguments;

/// The table that is taken where no data are named.
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/penguins-raw.csv");

/// The input that takes a definition in the JSON form of the core.
const DEFINITION: &str = "definition";

/// The inputs that `--data` fills in.
pub(crate) const OF_DATA: [&str; 4] = [COLUMNS, DELIMITER, HEADER, DEFINITION];

type Failure = Box<dyn std::error::Error>;

/// What the generator is asked for.
pub(crate) fn request(
    arguments: &Arguments,
    template: &Template,
) -> Result<GenerateRequest, Failure> {
    let mut request = match needs(template) {
        Needs::Table => {
            let data = arguments.data.clone().unwrap_or_else(|| PathBuf::from(TABLE));
            GenerateRequest::for_template(template, &Profile::of_path(data)?)
        }
        needs => {
            let features = template.features().into_iter().map(|name| (name.to_owned(), 1.0));
            let theta = template.neutral_parameters();
            let request =
                GenerateRequest::new(template.name(), Inputs::new(), features.collect(), theta);
            match (needs, &arguments.data) {
                (Needs::Definition, data) => request.with(DEFINITION, definition(data.as_deref())?),
                (_, None) => request,
                (_, Some(data)) => {
                    // Of a template that asks for no columns the blocks may still listen to the data.
                    GenerateRequest { features: Profile::of_path(data)?.features, ..request }
                }
            }
        }
    };
    if let Some(seed) = arguments.seed {
        let space = request.parameters.own_space();
        let mut point = vec![0.0; space.len()];
        space.sample_into(&mut point, &mut Seed(seed).derive("generate").fast_stream());
        request.parameters = Parameters::from_vector(&space, &point)?;
    }
    for text in &arguments.features {
        let (name, value) = pair("--feature", text)?;
        let share = value.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
        let known = template.features();
        if !known.contains(name) {
            let known: Vec<&str> = known.into_iter().collect();
            let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
            return Err(format!(
                "--feature {text}: the template {} listens to {known}; name one of these",
                template.name()
            )
            .into());
        }
        let share = share.ok_or_else(|| {
            format!("--feature {text}: {value:?} is no share; give a number from 0 to 1")
        })?;
        request.features.insert(name.to_owned(), share);
    }
    for text in &arguments.inputs {
        let (name, value) = pair("--set", text)?;
        let spec = template.inputs().iter().find(|input| input.name == name);
        let value = match spec {
            Some(spec) => read(spec, value).map_err(|reason| format!("--set {name}: {reason}"))?,
            // The check of all inputs says what there is instead.
            None => value.into(),
        };
        request.inputs.insert(name.to_owned(), value);
    }
    // Before anything is rendered, and with the place in the command line.
    template.check(&request.inputs).map_err(|error| {
        let faults = error.faults.iter().map(|fault| {
            let given =
                arguments.inputs.iter().any(|text| text.starts_with(&format!("{}=", fault.input)));
            let place = if given { "--set " } else { "" };
            format!("{place}{}: {}; {}", fault.input, fault.reason, fault.remedy)
        });
        let faults: Vec<String> = faults.collect();
        format!("template {}: {}", template.name(), faults.join(" | "))
    })?;
    Ok(request)
}

enum Needs {
    Table,
    Definition,
    Nothing,
}

fn needs(template: &Template) -> Needs {
    let asks = |name: &str| template.inputs().iter().any(|input| input.name == name);
    match [COLUMNS, DELIMITER, HEADER].into_iter().any(asks) {
        true => Needs::Table,
        false if asks(DEFINITION) => Needs::Definition,
        false => Needs::Nothing,
    }
}

/// The definition in a file, or that of a workflow of the core.
fn definition(data: Option<&Path>) -> Result<InputValue, Failure> {
    match data {
        Some(path) => Ok(json_of(path)?),
        None => Ok(serde_json::from_str(&build_website(3)?.to_json())?),
    }
}

fn pair<'a>(option: &str, text: &'a str) -> Result<(&'a str, &'a str), Failure> {
    text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        format!("{option} {text}: there is no name before a =; write {option} name=value").into()
    })
}

/// A value of the command line as the input has it. What is none stays a text, of which the check says what it should be.
fn read(spec: &InputSpec, text: &str) -> Result<InputValue, Failure> {
    let value = match spec.kind {
        InputType::Text | InputType::Identifier | InputType::Choice | InputType::Path => None,
        InputType::Integer => text.parse::<i64>().ok().map(InputValue::from),
        InputType::Number => text.parse::<f64>().ok().map(InputValue::from),
        InputType::Boolean => text.parse::<bool>().ok().map(InputValue::from),
        InputType::List | InputType::Records | InputType::Value => match text.strip_prefix('@') {
            Some(path) => Some(json_of(Path::new(path))?),
            None => {
                let value = serde_json::from_str(text).map_err(|error| {
                    format!("{text:?} is no JSON ({error}); give JSON, or @FILE for a file of it")
                })?;
                Some(value)
            }
        },
    };
    Ok(value.unwrap_or_else(|| text.into()))
}

fn json_of(path: &Path) -> Result<InputValue, Failure> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| format!("{shown} cannot be read ({error}); name a file of JSON"))?;
    let value = serde_json::from_str(&text)
        .map_err(|error| format!("{shown} is no JSON ({error}); correct it"))?;
    Ok(value)
}
