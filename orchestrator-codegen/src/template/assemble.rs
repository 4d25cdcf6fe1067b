//! From a rendering and the decisions of a request to layers of code: tokens whose blocks were not kept are left out, and
//! constants are filled in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;
use std::ops::Range;

use minijinja::value::{Serde, Value};
use serde::Serialize;

use crate::language::Language;
use crate::python::{Section, SectionKind};
use crate::request::GenerateRequest;
use crate::sha256;
use crate::template::decide::{BlockDecision, kept};
use crate::template::fault::Fault;
use crate::template::layer::Layer;
use crate::template::literal::{Dialect, Layout};
use crate::template::plan::Plan;
use crate::template::rendering::{Rendering, Source, fault_of_constant};
use crate::template::token::{Constant, ScriptToken};

impl Rendering {
    /// The layers for these decisions, outermost first.
    pub(crate) fn assemble(
        &self,
        request: &GenerateRequest,
        decisions: &[BlockDecision],
    ) -> Result<Vec<Layer>, Fault> {
        let mut layers = Assembly::new(self, request, decisions)?.done;
        layers.reverse();
        Ok(layers)
    }

    /// All tokens of the layers, kept or not, with the texts of their constants.
    pub(crate) fn tokens(
        &self,
        request: &GenerateRequest,
        decisions: &[BlockDecision],
    ) -> Result<BTreeMap<String, Vec<ScriptToken>>, Fault> {
        let assembly = Assembly::new(self, request, decisions)?;
        let mut all = BTreeMap::new();
        for (at, spec) in self.template.layers().iter().enumerate() {
            let mut tokens = self.layers[at].tokens.clone();
            for token in &mut tokens {
                if let Some(constant) = &token.data {
                    let mut text = String::new();
                    assembly.place(&mut text, at, token, constant)?;
                    token.text = text;
                }
            }
            all.insert(spec.file.clone(), tokens);
        }
        Ok(all)
    }
}

/// A rendering, what a request decided, and the layers that were assembled of both.
struct Assembly<'a> {
    rendering: &'a Rendering,
    request: &'a GenerateRequest,
    decisions: &'a [BlockDecision],
    /// Innermost first: a layer carries the digest of the one that it writes.
    done: Vec<Layer>,
}

impl<'a> Assembly<'a> {
    fn new(
        rendering: &'a Rendering,
        request: &'a GenerateRequest,
        decisions: &'a [BlockDecision],
    ) -> Result<Assembly<'a>, Fault> {
        let mut assembly = Assembly { rendering, request, decisions, done: Vec::new() };
        for at in (0..rendering.layers.len()).rev() {
            let layer = assembly.layer(at)?;
            assembly.done.push(layer);
        }
        Ok(assembly)
    }

    fn layer(&self, at: usize) -> Result<Layer, Fault> {
        let template = &self.rendering.template;
        let spec = &template.layers()[at];
        let kept = kept(self.decisions, &spec.name);
        let rendered = &self.rendering.layers[at];
        let mut source = String::with_capacity(rendered.bytes());
        let mut sections = Vec::new();
        for token in &rendered.tokens {
            if !token.guards.iter().all(|guard| guard.holds(&kept)) {
                continue;
            }
            let Some(constant) = &token.data else {
                source.push_str(&token.text);
                continue;
            };
            let begin = source.len();
            let from = self.place(&mut source, at, token, constant)?;
            sections.push(Section { end: begin, kind: SectionKind::Code });
            self.section(&mut sections, at, constant, &from, begin..source.len());
        }
        Ok(Layer {
            name: spec.name.clone(),
            file: spec.file.clone(),
            language: template.language_of(spec),
            sha256: sha256::hex(source.as_bytes()),
            source,
            tokens: rendered.tokens.len(),
            sections,
        })
    }

    /// Says what a constant that was placed is to whoever reads Python.
    fn section(
        &self,
        sections: &mut Vec<Section>,
        at: usize,
        constant: &Constant,
        from: &Source<'_>,
        place: Range<usize>,
    ) {
        let layers = &self.rendering.layers;
        match (from, layers[at].parts.get()) {
            (Source::Plan, _) => {
                sections.push(Section { end: place.end, kind: SectionKind::Passing });
            }
            (Source::Parts, Some(parts)) => {
                let literal = place.start + constant.name.len() + " = ".len();
                let numbers = layers[at + 1..].iter().map(|layer| layer.number);
                let kinds = iter::once(SectionKind::Opening).chain(numbers.map(SectionKind::Items));
                let placed = parts.ends.iter().zip(kinds);
                sections.extend(placed.map(|(end, kind)| Section { end: literal + end, kind }));
                sections.push(Section { end: place.end, kind: SectionKind::Closing });
            }
            (Source::Parts, None) | (Source::Input(_), _) => {
                sections.push(Section { end: place.end, kind: SectionKind::Code });
            }
        }
    }

    /// Appends the lines of a constant, and says where its value is from. Its faults have their place.
    fn place(
        &self,
        out: &mut String,
        at: usize,
        token: &ScriptToken,
        constant: &Constant,
    ) -> Result<Source<'a>, Fault> {
        self.write(out, at, constant).map_err(|reason| {
            let template = &self.rendering.template;
            fault_of_constant(template, &template.layers()[at], token, constant, reason)
        })
    }

    fn write(
        &self,
        out: &mut String,
        at: usize,
        constant: &Constant,
    ) -> Result<Source<'a>, String> {
        let template = &self.rendering.template;
        let spec = &template.layers()[at];
        let language = template.language_of(spec);
        let dialect = Dialect::of(language).ok_or("its language has no constants")?;
        let width = template.line_length_of(spec).map(|width| width as usize);
        let source = self.rendering.source(at, constant)?;
        let literal = match &source {
            Source::Plan => Cow::Owned(exploded(dialect, &self.plan(at))?),
            Source::Parts => Cow::Borrowed(self.rendering.parts(at, dialect)?.literal.as_str()),
            Source::Input(value) => Cow::Owned(exploded(dialect, value)?),
        };
        assign(out, language, &constant.name, &literal, width)?;
        Ok(source)
    }

    fn plan(&self, at: usize) -> Plan<'_> {
        let writes = self.rendering.template.layers()[at].writes.as_deref();
        let target = writes.and_then(|name| self.done.iter().find(|layer| layer.name == name));
        Plan::new(self.rendering, at, self.request, self.decisions, target)
    }
}

fn exploded(dialect: Dialect, value: &impl Serialize) -> Result<String, String> {
    dialect.literal(&Value::from(Serde(value)), Layout::Exploded { indent: 0 })
}

/// Appends a constant as the language writes it, broken where a formatter breaks it.
fn assign(
    out: &mut String,
    language: Language,
    name: &str,
    literal: &str,
    width: Option<usize>,
) -> Result<(), String> {
    let text = literal.starts_with(['"', '\'']);
    let flat = name.len() + 3 + literal.len();
    let parts: &[&str] = match (language, width) {
        // Formatters put parentheses around a text where that makes it fit, and leave it where nothing does.
        (Language::Python, Some(width)) if text && flat > width && literal.len() + 4 <= width => {
            &[name, " = (\n    ", literal, "\n)\n"]
        }
        (Language::Python | Language::Text, _) => &[name, " = ", literal, "\n"],
        (Language::JavaScript, _) => &["const ", name, " = ", literal, ";\n"],
        (Language::Shell, _) => &[name, "=(", literal, ")\n"],
        (Language::Rust | Language::Sql, _) => {
            return Err(
                "its language has no constants without a type; write the value by a filter"
                    .to_owned(),
            );
        }
    };
    // What is spare is for the code that follows.
    let spare = out.capacity() - out.len();
    out.reserve_exact(spare + parts.iter().map(|part| part.len()).sum::<usize>());
    parts.iter().for_each(|part| out.push_str(part));
    Ok(())
}
