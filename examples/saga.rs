//! A saga: a trip of three bookings. When the payment fails, what was booked is undone, the last booking first; what cannot be undone is
//! reported. Run it with `cargo run --release --example saga`.

use orchestrator_ai::core::*;

/// Books, and pays; each at a service that the step is named after. The card is refused.
async fn book(task: Task) -> Result<TaskOutput, TaskError> {
    let what = task.path().step().clone();
    if what.as_str() == "pay" {
        println!("pay    : the card is refused");
        return Err(TaskError::terminal("card_refused", "the bank says no"));
    }
    // The same key for every delivery of this attempt: a service that knows it already books nothing twice.
    println!("book   : {what} (key {})", task.idempotency_key());
    Ok(TaskOutput::of(&format!("{what}-1"))?)
}

/// Undoes a booking. Its input is what the booking gave. The car is answered for at the second try, the hotel never.
async fn undo(task: Task) -> Result<TaskOutput, TaskError> {
    let booking: String = task.input().to()?;
    match (booking.as_str(), task.attempt()) {
        ("car-1", 1) => {
            println!("undo   : {booking}: no answer, will try again");
            Err(TaskError::retryable("busy", "the line is busy"))
        }
        ("hotel-1", _) => {
            println!("undo   : {booking}: refused");
            Err(TaskError::terminal("no_refund", "the hotel gives nothing back"))
        }
        _ => {
            println!("undo   : {booking}: done");
            Ok(TaskOutput::default())
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let booking = |step: &str| {
        // Who undoes it, and how often that is tried.
        Step::task(step, Role::GENERIC)
            .compensate(Role::INTEGRATOR, RetryPolicy::attempts(3).at_once())
    };
    let workflow = Workflow::builder("trip")
        .step(booking("flight"))
        .step(booking("hotel").after("flight"))
        .step(booking("car").after("hotel"))
        .step(Step::task("pay", Role::GENERIC).after("car"))
        .build()?;

    let mut hub = Orchestrator::new();
    hub.register_worker("booker", Role::GENERIC, worker_fn(book))?;
    hub.register_worker("undoer", Role::INTEGRATOR, worker_fn(undo))?;
    hub.register_workflow(workflow)?;
    let report = futures::executor::block_on(hub.execute("trip", "a weekend in Lisbon"))?;

    match report.output() {
        Ok(_) => println!("result : booked and paid"),
        Err(failure) => println!("result : {failure}"),
    }
    if let Some(Event::RunEnded { uncompensated, .. }) =
        report.history.last().map(|last| &last.event)
    {
        for path in uncompensated {
            println!("to do  : {path} has failed; somebody has to look after it");
        }
    }
    Ok(())
}
