//! Reads WfFormat traces (<https://github.com/wfcommons/WfFormat>): tasks, who waits for whom, and how long each ran.
//!
//! From 1.5 on tasks are specified in one list and their run times recorded in another, joined by `id`; before, one list holds both, and
//! tasks refer to each other by `name`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::broken::Broken;
use crate::edges::parents;
use crate::trace::{Trace, build};

#[derive(Deserialize)]
struct File {
    workflow: Parts,
}

#[derive(Deserialize)]
struct Parts {
    specification: Option<Tasks<Task>>,
    execution: Option<Tasks<Ran>>,
    /// Before 1.5.
    tasks: Option<Vec<Task>>,
}

#[derive(Deserialize)]
struct Tasks<T> {
    tasks: Vec<T>,
}

/// A task; run times stand here before 1.5.
#[derive(Deserialize)]
pub(crate) struct Task {
    id: Option<String>,
    name: Option<String>,
    pub(crate) parents: Option<Vec<String>>,
    pub(crate) children: Option<Vec<String>>,
    #[serde(alias = "runtimeInSeconds")]
    runtime: Option<f64>,
}

#[derive(Deserialize)]
struct Ran {
    id: String,
    #[serde(rename = "runtimeInSeconds")]
    runtime: Option<f64>,
}

/// The trace in a file.
pub(crate) fn read(bytes: &[u8]) -> Result<Trace, Broken> {
    let Parts { specification, execution, tasks } = serde_json::from_slice::<File>(bytes)?.workflow;
    let (mut tasks, ran) = match (specification, execution, tasks) {
        (Some(specified), Some(ran), _) => (specified.tasks, Some(ran.tasks)),
        (Some(_), None, _) => return Err(Broken::Missing("workflow.execution.tasks")),
        (None, _, Some(tasks)) => (tasks, None),
        (None, _, None) => return Err(Broken::Missing("workflow.specification.tasks")),
    };
    let mut ids = Vec::with_capacity(tasks.len());
    for Task { id, name, .. } in &mut tasks {
        let (first, second) = if ran.is_none() { (name, id) } else { (id, name) };
        ids.push(first.take().or(second.take()).ok_or(Broken::Missing("id of one of its tasks"))?);
    }
    let mut index = BTreeMap::new();
    for (at, id) in ids.iter().enumerate() {
        if index.insert(id.as_str(), at).is_some() {
            return Err(Broken::Twice(id.clone()));
        }
    }
    if ids.is_empty() {
        return Err(Broken::Missing("tasks"));
    }
    let parents = parents(&tasks, &ids, &index)?;
    let seconds = match ran {
        None => tasks.iter().map(|task| task.runtime).collect(),
        Some(ran) => recorded(ran, &index)?,
    };
    build(ids, &parents, &seconds)
}

/// The run times in the order of the tasks.
fn recorded(ran: Vec<Ran>, index: &BTreeMap<&str, usize>) -> Result<Vec<Option<f64>>, Broken> {
    let (mut seconds, mut seen) = (vec![None; index.len()], vec![false; index.len()]);
    for Ran { id, runtime } in ran {
        let Some(&at) = index.get(id.as_str()) else {
            return Err(Broken::RunTimeOfUnknown(id));
        };
        if std::mem::replace(&mut seen[at], true) {
            return Err(Broken::TwoRunTimes(id));
        }
        seconds[at] = runtime;
    }
    Ok(seconds)
}
