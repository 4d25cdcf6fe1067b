//! A trace as a workflow.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use orchestrator_ai::core::{DryRun, Fault, Path, Role, Step, StepId, Workflow};

use crate::broken::Broken;

/// A workflow and how long its steps ran. Ids of tasks may be any text, and names of steps may not: the steps are numbered.
pub(crate) struct Trace {
    pub(crate) workflow: Workflow,
    pub(crate) run_times: BTreeMap<StepId, Duration>,
    ids: BTreeMap<StepId, String>,
}

impl Trace {
    /// A definition of our own, in which steps are called what they are called and say themselves how long they take.
    pub(crate) fn of(workflow: Workflow) -> Trace {
        Trace { workflow, run_times: BTreeMap::new(), ids: BTreeMap::new() }
    }

    /// The simulation of it.
    pub(crate) fn dry_run(&self) -> DryRun<'_> {
        let dry_run = DryRun::new(&self.workflow);
        if self.ids.is_empty() { dry_run } else { dry_run.durations(self.run_times.clone()) }
    }

    /// What the file calls a step.
    pub(crate) fn id(&self, path: &Path) -> String {
        self.ids.get(path.step()).cloned().unwrap_or_else(|| path.to_string())
    }
}

/// A workflow out of tasks: what the file calls them, whom each waits for, and how many seconds each ran.
pub(crate) fn build(
    ids: Vec<String>,
    parents: &[BTreeSet<usize>],
    seconds: &[Option<f64>],
) -> Result<Trace, Broken> {
    let name = |at: usize| format!("t{at}");
    let mut builder = Workflow::builder("trace");
    let mut run_times = BTreeMap::new();
    let mut known = BTreeMap::new();
    for ((at, id), parents) in ids.into_iter().enumerate().zip(parents) {
        let seconds = seconds[at].ok_or_else(|| Broken::NoRunTime(id.clone()))?;
        let time = Duration::try_from_secs_f64(seconds)
            .map_err(|_| Broken::RunTime { task: id.clone(), seconds })?;
        let step = StepId::parse(name(at)).expect("a letter and digits are a name");
        run_times.insert(step.clone(), time);
        known.insert(step, id);
        let parents = parents.iter().map(|&parent| name(parent));
        builder = builder.step(Step::task(name(at), Role::GENERIC).after_all(parents));
    }
    let ids = known;
    let workflow = builder.build().map_err(|faults| {
        let cycle = faults.faults.iter().find_map(|fault| match fault {
            Fault::Cycle { path } => Some(path.iter().map(|step| ids[step].clone()).collect()),
            _ => None,
        });
        cycle.map_or(Broken::Workflow(faults), Broken::Cycle)
    })?;
    Ok(Trace { workflow, run_times, ids })
}
