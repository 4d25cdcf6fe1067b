//! A folder of templates for tests.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;

use orchestrator_codegen::{
    GenerateRequest, Generator, InputValue, Inputs, Template, Templates, TextValidator, Validators,
};

/// The source of the only layer of a template that has the input `texts`, a list, and this template text.
pub fn render_texts(language: &str, template: &str, texts: &[String]) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let manifest = format!(
        "version = 1\nname = \"t\"\nlanguage = \"{language}\"\ninputs = [{{ name = \"texts\", type = \"list\" }}]\nlayers = [{{ name = \"main\", file = \"main\", template = \"main.j2\" }}]\n"
    );
    std::fs::write(folder.path().join("template.toml"), manifest).unwrap();
    std::fs::write(folder.path().join("main.j2"), template).unwrap();
    let template = Template::load(folder.path()).map_err(|error| error.to_string())?;
    let theta = template.neutral_parameters();
    let inputs = Inputs::from([("texts".to_owned(), InputValue::from(texts.to_vec()))]);
    let request = GenerateRequest::new("t", inputs, BTreeMap::new(), theta);
    let language = template.language();
    let mut generator = Generator::new().with_templates(Templates::default().with(template));
    if Validators::new().of(language).is_err() {
        // Its feature is off; whoever asks runs the code.
        generator = generator.with_validator(language, TextValidator);
    }
    let scripts = generator.generate(&request).map_err(|error| error.to_string())?;
    Ok(scripts.source("main").ok_or("it does not validate")?.to_owned())
}
