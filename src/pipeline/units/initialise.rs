//! Phase 1: the data are read and profiled, before anything is spent on them.

use std::collections::BTreeMap;

use orchestrator_codegen::{DEFAULT_TEMPLATE, Profile, Template};
use orchestrator_core::{
    Check, ParameterSpace, Parameters, Task, TaskError, TaskOutput, Worker, async_trait,
};
use serde::{Deserialize, Serialize};

use super::{Unit, terminal};

/// What the other units start from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Initialised {
    /// The profile of the data.
    pub profile: Profile,
    /// The features of the profile: a weight of θ for each.
    pub features: BTreeMap<String, f64>,
    /// The layers of the template, outermost first: a bias of θ for each.
    pub layers: Vec<String>,
    /// The verification checklist.
    pub checks: Vec<Check>,
}

impl Initialised {
    /// The space of θ: a weight for each feature, a bias for each layer, the temperature.
    pub fn space(&self) -> ParameterSpace {
        Parameters::space(self.features.keys().cloned(), self.layers.iter().cloned())
    }
}

/// The code of the failure that says that the data cannot be used.
pub(in crate::pipeline) const DATA: &str = "data";

/// See the module.
pub(in crate::pipeline) struct InitialiseUnit(pub Unit);

#[async_trait]
impl Worker for InitialiseUnit {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let profile = Profile::of_path(&self.0.context.data)
            .map_err(|error| TaskError::terminal(DATA, error.to_string()))?;
        task.progress(1.0, format!("{} rows, {} columns", profile.rows, profile.columns.len()));
        let features = profile.features.clone();
        let outside: Vec<&str> = features
            .iter()
            .filter(|(_, value)| !(0.0..=1.0).contains(*value))
            .map(|(name, _)| name.as_str())
            .collect();
        let detail = format!("{} features, outside: [{}]", features.len(), outside.join(", "));
        let checks = vec![
            Check::new(
                "data has columns",
                !profile.columns.is_empty(),
                format!("{} columns, {} rows", profile.columns.len(), profile.rows),
            ),
            Check::new("features within [0, 1]", outside.is_empty(), detail),
        ];
        let template = Template::builtin(DEFAULT_TEMPLATE).map_err(terminal("codegen"))?;
        let layers = template.layer_names().into_iter().map(str::to_owned).collect();
        Ok(TaskOutput::of(&Initialised { profile, features, layers, checks })?)
    }
}
