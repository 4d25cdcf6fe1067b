//! Our `Run`, driven by a host of its own: no async, nothing kept but what the run itself keeps, its full history.

use orchestrator_ai::core::{
    Command, Input, Payload, Role, Run, RunOptions, RunResult, Step, Timestamp, Workflow,
    WorkflowBuilder,
};

use crate::shapes::Shape;

/// The definition, not yet checked.
pub(crate) fn builder(shape: &Shape) -> WorkflowBuilder {
    let name = |at: usize| format!("step-{at}");
    let steps = shape.before.iter().enumerate().map(|(at, before)| {
        Step::task(name(at), Role::GENERIC).after_all(before.iter().map(|&from| name(from)))
    });
    steps.fold(Workflow::builder(shape.name.as_str()), WorkflowBuilder::step)
}

pub(crate) fn workflow(shape: &Shape) -> Workflow {
    builder(shape).build().expect("the shapes are sound")
}

/// A run that has not begun.
pub(crate) fn ready(workflow: &Workflow) -> Run {
    let options = RunOptions::new("measured", "measure").expect("a name");
    Run::new(workflow.clone(), options)
}

/// Drives the run to its end, as a host without a store does, and gives the number of steps that were done. The run is dropped in here:
/// who keeps a history has to let go of it too.
pub(crate) fn drive(mut run: Run, mut answer: impl FnMut() -> Payload) -> usize {
    let now = Timestamp(0);
    let mut done = 0;
    run.handle(now, Input::Started).expect("it has not started");
    loop {
        run.committed(u64::MAX);
        let before = done;
        while let Some(command) = run.poll_command() {
            let Command::Execute { attempt, .. } = command else { continue };
            let result = Ok(answer().into());
            run.handle(now, Input::Answered { attempt, result }).expect("it was asked");
            done += 1;
        }
        if done == before {
            break;
        }
    }
    assert!(matches!(run.result(), Some(RunResult::Succeeded { .. })), "{:?}", run.result());
    done
}
