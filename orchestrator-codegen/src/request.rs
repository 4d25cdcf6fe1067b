//! What a generator is asked for: which template, whose data, which θ, and what the layers attend to.

use std::collections::BTreeMap;

use orchestrator_core::Parameters;
use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::profile::Profile;
use crate::template::{InputValue, Inputs, Template};

/// The template of requests that name none: the ETL in Python with all its blocks.
pub const DEFAULT_TEMPLATE: &str = "etl-python";

/// The input that [`GenerateRequest::for_profile`] fills: a record with `name` and `type` for each column.
pub const COLUMNS: &str = "columns";

/// The input that is the profile's delimiter, a text; see [`GenerateRequest::for_template`].
pub const DELIMITER: &str = "delimiter";

/// The input that says whether the first record holds names, a boolean; see [`GenerateRequest::for_template`].
pub const HEADER: &str = "header";

/// What to generate scripts for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerateRequest {
    /// The name of the template.
    #[serde(default = "default_template")]
    pub template: String,
    /// The inputs of the template.
    #[serde(default)]
    pub inputs: Inputs,
    /// The features of the user's data, by name, each in [0, 1]: [`Profile::features`].
    #[serde(default)]
    pub features: BTreeMap<String, f64>,
    /// θ: a weight for each feature that a block listens to, a bias for each layer, a temperature.
    pub parameters: Parameters,
    /// The activation function.
    #[serde(default)]
    pub activation: Activation,
    /// What attention makes of the features, layer by layer: factors around 1, by layer and feature. What is not named
    /// has the factor 1.
    #[serde(default)]
    pub emphasis: BTreeMap<String, BTreeMap<String, f64>>,
}

fn default_template() -> String {
    DEFAULT_TEMPLATE.to_owned()
}

impl GenerateRequest {
    /// A request with ReLU and no emphasis.
    pub fn new(
        template: impl Into<String>,
        inputs: Inputs,
        features: BTreeMap<String, f64>,
        parameters: Parameters,
    ) -> GenerateRequest {
        GenerateRequest {
            template: template.into(),
            inputs,
            features,
            parameters,
            activation: Activation::default(),
            emphasis: BTreeMap::new(),
        }
    }

    /// A request for the data of a profile: its features, and its columns as the input [`COLUMNS`].
    ///
    /// ```
    /// use orchestrator_codegen::{GenerateRequest, Profile, Template};
    /// let profile = Profile::of_bytes("people.csv", b"name,age\nAda,36\n")?;
    /// let theta = Template::builtin("etl-python")?.neutral_parameters();
    /// let request = GenerateRequest::for_profile("etl-python", &profile, theta).with("project", "people");
    /// assert_eq!(request.inputs["project"], "people".into());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn for_profile(
        template: impl Into<String>,
        profile: &Profile,
        parameters: Parameters,
    ) -> GenerateRequest {
        let inputs = Inputs::from([(COLUMNS.to_owned(), columns_of(profile))]);
        GenerateRequest::new(template, inputs, profile.features.clone(), parameters)
    }

    /// A request for the data of a profile, with every input of the template that a profile knows: its columns ([`COLUMNS`]), its
    /// delimiter ([`DELIMITER`]), and whether it has a header ([`HEADER`]). θ is neutral.
    ///
    /// ```
    /// use orchestrator_codegen::{GenerateRequest, Profile, Template};
    /// let profile = Profile::of_bytes("people.csv", b"name;age\nAda;36\n")?;
    /// let request = GenerateRequest::for_template(&Template::builtin("etl-bash-sql")?, &profile);
    /// assert_eq!(request.inputs["delimiter"], ";".into());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn for_template(template: &Template, profile: &Profile) -> GenerateRequest {
        let mut request =
            GenerateRequest::for_profile(template.name(), profile, template.neutral_parameters())
                .with(DELIMITER, profile.delimiter.as_str())
                .with(HEADER, profile.header);
        request.inputs.retain(|name, _| template.inputs().iter().any(|input| input.name == *name));
        request
    }

    /// The same request with one more input.
    #[must_use]
    pub fn with(mut self, input: impl Into<String>, value: impl Into<InputValue>) -> Self {
        self.inputs.insert(input.into(), value.into());
        self
    }

    /// The factor by which a layer sees a feature.
    pub(crate) fn emphasis_of(&self, layer: &str, feature: &str) -> f64 {
        let factors = self.emphasis.get(layer);
        factors.and_then(|factors| factors.get(feature)).copied().unwrap_or(1.0)
    }
}

/// The columns of a profile as an input: a record with `name` and `type` for each.
pub fn columns_of(profile: &Profile) -> InputValue {
    let columns = profile.columns.iter().map(|column| {
        let fields = [("name", column.name.as_str()), ("type", column.column_type.name())];
        let fields = fields.map(|(key, value)| (key.to_owned(), InputValue::from(value)));
        InputValue::Record(fields.into())
    });
    InputValue::List(columns.collect())
}
