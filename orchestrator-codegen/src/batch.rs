//! Many requests at once: those that share work are made behind each other.

use std::collections::BTreeMap;

use crate::error::GenerateError;
use crate::generate::Generator;
use crate::output::GeneratedScripts;
use crate::request::GenerateRequest;

impl Generator {
    /// What [`Generator::generate`] gives for each request, in the order of the requests, byte for byte.
    ///
    /// Those of the same template, inputs and features are made behind each other, so that what was rendered for the first serves the
    /// others however they are mixed; among them those of the same θ, activation and emphasis are made once. A request that fails
    /// takes none of the others with it.
    ///
    /// ```
    /// use orchestrator_codegen::{GenerateRequest, Generator, Profile, Template};
    ///
    /// let theta = Template::builtin("etl-python")?.neutral_parameters();
    /// let mut requests = Vec::new();
    /// for (name, data) in [("a.csv", "x,y\n1,2\n3,\n"), ("b.csv", "k;v\n1;2\n")] {
    ///     let profile = Profile::of_bytes(name, data.as_bytes())?;
    ///     requests.push(GenerateRequest::for_profile("etl-python", &profile, theta.clone()));
    /// }
    /// requests.push(GenerateRequest { template: "etl-cobol".to_owned(), ..requests[0].clone() });
    ///
    /// let scripts = Generator::new().generate_all(&requests);
    /// assert_eq!(scripts[1], Generator::new().generate(&requests[1]));
    /// assert!(scripts[2].is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn generate_all(
        &self,
        requests: &[GenerateRequest],
    ) -> Vec<Result<GeneratedScripts, GenerateError>> {
        let mut made: Vec<Option<Result<GeneratedScripts, GenerateError>>> =
            vec![None; requests.len()];
        for group in groups(requests) {
            for (nth, &at) in group.iter().enumerate() {
                let same = group[..nth]
                    .iter()
                    .find(|&&earlier| is_same(&requests[earlier], &requests[at]));
                made[at] = match same {
                    Some(&earlier) => made[earlier].clone(),
                    None => Some(self.generate(&requests[at])),
                };
            }
        }
        made.into_iter().map(|made| made.expect("each request is in one group")).collect()
    }
}

/// The places of the requests, those together that share what is rendered, in the order of their first.
fn groups(requests: &[GenerateRequest]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (at, request) in requests.iter().enumerate() {
        // As text, since −0 equals 0, and is written otherwise.
        let key = format!("{} {:?} {:?}", request.template, request.inputs, request.features);
        let group = *known.entry(key).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(at);
    }
    groups
}

/// Whether two requests of a group are one.
fn is_same(one: &GenerateRequest, other: &GenerateRequest) -> bool {
    let rest = |request: &GenerateRequest| {
        format!("{:?} {:?} {:?}", request.parameters, request.activation, request.emphasis)
    };
    rest(one) == rest(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Inputs, Template};

    #[test]
    fn requests_that_share_a_rendering_are_together_however_they_are_mixed() {
        let theta = Template::builtin("etl-python").unwrap().neutral_parameters();
        let request = |project: &str, size: f64, temperature: f64| {
            let mut theta = theta.clone();
            theta.temperature = temperature;
            let features = BTreeMap::from([("size".to_owned(), size)]);
            GenerateRequest::new("etl-python", Inputs::new(), features, theta)
                .with("project", project)
        };
        let mixed = [
            request("a", 0.0, 1.0),
            request("b", 0.0, 1.0),
            request("a", 0.0, 2.0),
            request("a", -0.0, 1.0),
            request("b", 0.0, 1.0),
        ];
        assert_eq!(groups(&mixed), [vec![0, 2], vec![1, 4], vec![3]]);
        assert!(is_same(&mixed[1], &mixed[4]) && !is_same(&mixed[0], &mixed[2]));
        assert!(groups(&[]).is_empty());
    }
}
