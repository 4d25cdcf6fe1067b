//! What there is to choose from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Error, Write as _};

use orchestrator_ai::codegen::{
    InputSpec, InputType, Language, Template, TemplateError, Templates,
};

use crate::request::OF_DATA;

/// The families with their templates, the simplest last, and what these write and ask for.
pub(crate) fn list(templates: &Templates, only: Option<&str>) -> Result<String, TemplateError> {
    let mut families: BTreeMap<&str, Vec<&Template>> = BTreeMap::new();
    match only {
        Some(name) => {
            let template = templates.named(name)?;
            families.insert(template.family(), vec![template]);
        }
        None => {
            for template in templates.iter() {
                families.entry(template.family()).or_default().push(template);
            }
        }
    }
    let mut text = String::new();
    for (family, mut members) in families {
        members.sort_by(|one, other| {
            other.manifest().complexity[0].total_cmp(&one.manifest().complexity[0])
        });
        write(&mut text, family, &members).expect("a String takes every write");
    }
    Ok(text)
}

fn write(text: &mut String, family: &str, members: &[&Template]) -> Result<(), Error> {
    writeln!(text, "{family}")?;
    for template in members {
        let [from, to] = template.manifest().complexity;
        let description = &template.manifest().description;
        writeln!(text, "  {} (complexity {from} to {to}): {description}", template.name())?;
    }
    let Some(first) = members.first() else { return Ok(()) };
    let files = first.layers().iter().map(|layer| {
        let language: Language = first.language_of(layer);
        format!("{} ({language})", layer.file)
    });
    writeln!(text, "  writes {}", files.collect::<Vec<_>>().join(", "))?;
    // Once each: the templates of a family ask for the same, most of them.
    let mut told = BTreeSet::new();
    let inputs = members.iter().flat_map(|template| template.inputs());
    for input in inputs.filter(|input| told.insert(&input.name)) {
        writeln!(text, "    {}", shown(input))?;
    }
    text.push('\n');
    Ok(())
}

/// An input: its name, its type, whether it must be given, what it is for.
fn shown(input: &InputSpec) -> String {
    let kind = match input.kind {
        InputType::Choice => format!("one of {}", input.choices.join(", ")),
        kind => format!("{kind:?}").to_lowercase(),
    };
    let default = match &input.default {
        _ if OF_DATA.contains(&input.name.as_str()) => "from --data".to_owned(),
        None => "must be given".to_owned(),
        Some(value) => format!(
            "default {}",
            serde_json::to_string(value).expect("a default is finite, and so is JSON")
        ),
    };
    format!("--set {}=… ({kind}, {default}): {}", input.name, input.description)
}
