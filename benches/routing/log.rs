//! What several models answered to the same queries, read from a table.

use std::collections::HashMap;
use std::path::Path;

/// A query, with what every model would have made of it.
pub(crate) struct Query {
    pub(crate) area: String,
    pub(crate) prompt_chars: u64,
    /// From 0 to 1, by model.
    pub(crate) correct: Vec<f64>,
    /// Dollars, by model.
    pub(crate) usd: Vec<f64>,
}

/// A table of outcomes.
pub(crate) struct Log {
    pub(crate) queries: Vec<Query>,
    pub(crate) models: Vec<String>,
    /// The mean cost of the dearest model.
    pub(crate) usd_reference: f64,
}

impl Log {
    /// Reads `query_id,area,model,correct,cost_usd,steps,prompt_chars`; queries that a model has not answered are left out.
    pub(crate) fn read(path: &Path) -> Result<Log, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let mut models: Vec<String> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut queries: Vec<Query> = Vec::new();
        for (number, line) in text.lines().enumerate().skip(1) {
            let fields = fields(line);
            let wrong = || {
                format!("{}, line {}: not seven fields with numbers", path.display(), number + 1)
            };
            let [id, area, model, correct, usd, _, chars] = fields.as_slice() else {
                return Err(wrong());
            };
            let correct: f64 = correct.parse().map_err(|_| wrong())?;
            let usd: f64 = usd.parse().map_err(|_| wrong())?;
            let chars: u64 = chars.parse().map_err(|_| wrong())?;
            let model = models.iter().position(|known| known == model).unwrap_or_else(|| {
                models.push(model.clone());
                models.len() - 1
            });
            let place = *places.entry(id.clone()).or_insert(queries.len());
            if place == queries.len() {
                let (correct, usd) = (Vec::new(), Vec::new());
                queries.push(Query { area: area.clone(), prompt_chars: chars, correct, usd });
            }
            let query = &mut queries[place];
            query.correct.resize(models.len().max(query.correct.len()), f64::NAN);
            query.usd.resize(models.len().max(query.usd.len()), f64::NAN);
            (query.correct[model], query.usd[model]) = (correct.clamp(0.0, 1.0), usd);
        }
        queries.retain(|query| {
            query.correct.len() == models.len() && query.correct.iter().all(|x| !x.is_nan())
        });
        if queries.is_empty() {
            return Err(format!("{} has no query that all models answered", path.display()));
        }
        let mean = |model: usize| {
            queries.iter().map(|query| query.usd[model]).sum::<f64>() / queries.len() as f64
        };
        let usd_reference = (0..models.len()).map(mean).fold(0.0, f64::max);
        Ok(Log { queries, models, usd_reference })
    }

    /// What a choice is worth.
    pub(crate) fn reward(&self, query: &Query, model: usize, lambda: f64) -> f64 {
        query.correct[model] - lambda * query.usd[model] / self.usd_reference
    }
}

/// The fields of a line; those in quotation marks may have commas.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("there is one at least").push(letter),
        }
    }
    fields
}
