//! A template that a template has produced.

use std::collections::BTreeMap;
use std::path::Path;

use orchestrator_ai::codegen::{
    Edits, GenerateRequest, Generator, Inputs, Language, OutputFolder, Template, Templates,
    TextValidator,
};

use crate::Failure;

/// Produces the template, and loads it as it lies there.
pub(crate) fn template(
    generator: &Generator,
    shelf: &Path,
    name: &str,
    questions: &[&str],
) -> Result<Template, Failure> {
    let maker = generator.templates().named("checklist-maker")?;
    let inputs = Inputs::from([
        ("name".to_owned(), name.into()),
        ("questions".to_owned(), questions.to_vec().into()),
    ]);
    let request =
        GenerateRequest::new(maker.name(), inputs, BTreeMap::new(), maker.neutral_parameters());
    // A manifest and a template are text to the generator; whether they are right is for `Template::load` to say.
    let generator = Generator::new()
        .with_templates(generator.templates().clone())
        .with_validator(Language::Text, TextValidator);
    let scripts = generator.generate(&request)?;
    let folder = shelf.join(name);
    OutputFolder::new(&folder).plan(maker.name(), &scripts.code_samples)?.write(Edits::Keep)?;
    Ok(Template::load(folder)?)
}

/// What the produced template renders.
pub(crate) fn render(template: &Template, occasion: &str) -> Result<String, Failure> {
    let inputs = Inputs::from([("occasion".to_owned(), occasion.into())]);
    let features = BTreeMap::from([("care".to_owned(), 1.0)]);
    let theta = template.neutral_parameters();
    let request = GenerateRequest::new(template.name(), inputs, features, theta);
    let generator = Generator::new().with_templates(Templates::default().with(template.clone()));
    let scripts = generator.generate(&request)?;
    Ok(scripts.source("check.py").ok_or("the script does not validate")?.to_owned())
}
