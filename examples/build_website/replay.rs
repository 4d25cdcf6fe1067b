//! Workers that replay recorded model replies: each is given only for what was asked when it was recorded.

use orchestrator_ai::core::{Payload, Task, TaskError, TaskOutput, Worker, async_trait};

use crate::review::{Site, Spec};

/// One exchange with a model.
pub(crate) struct Recorded {
    asked: &'static str,
    reply: &'static str,
}

macro_rules! recorded {
    ($name:literal, $kind:literal) => {
        Recorded {
            asked: include_str!(concat!("replies/", $name, ".asked.json")),
            reply: include_str!(concat!("replies/", $name, ".reply.", $kind)),
        }
    };
}

/// The reply that was recorded for this question. Another question has none: nobody pretends to have asked a model.
fn reply(recorded: &[Recorded], asked: &Payload) -> Result<&'static str, TaskError> {
    for exchange in recorded {
        if Payload::parse(exchange.asked)? == *asked {
            return Ok(exchange.reply);
        }
    }
    let error = TaskError::terminal("not_recorded", "no reply was recorded for this question");
    Err(error.with_details(asked.clone()))
}

/// Turns the goal into a specification.
pub(crate) struct ProductManager;

#[async_trait]
impl Worker for ProductManager {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let recorded = [recorded!("product_manager", "json")];
        let reply = reply(&recorded, &Payload::text(task.context().goal()))?;
        Ok(Payload::parse(reply)?.into())
    }
}

/// Writes the files of the site, and writes them again when the review found faults.
pub(crate) struct Coder;

#[async_trait]
impl Worker for Coder {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let spec: Spec = task.input().to()?;
        // The first round is handed nothing; a later one the reviewer's failure, with its findings as the details.
        let rejected = &task.context().round()?.carried;
        let findings: Vec<String> = match rejected.is_null() {
            true => Vec::new(),
            false => rejected.at("/details")?,
        };
        let asked = serde_json::json!({ "title": spec.title, "findings": findings });
        let recorded = [recorded!("coder_1", "md"), recorded!("coder_2", "md")];
        let site = files(reply(&recorded, &Payload::of(&asked)?)?)?;
        Ok(TaskOutput::of(&site)?)
    }
}

/// The files in a reply: fenced blocks that name a language and a path.
pub(crate) fn files(reply: &str) -> Result<Site, TaskError> {
    let mut site = Site::new();
    let mut open: Option<(String, String)> = None;
    for line in reply.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => site.extend(open.take()),
            (Some(opening), None) => {
                let path = opening.split_once(' ').map(|(_, path)| path.trim());
                open = path.map(|path| (path.to_owned(), String::new()));
            }
            (None, Some((_, text))) => text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    match site.is_empty() || open.is_some() {
        // A model asked again may do better, so this is worth another attempt.
        true => Err(TaskError::retryable("unreadable", "the reply holds no whole file")),
        false => Ok(site),
    }
}
