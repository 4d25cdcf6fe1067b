//! What the reviewer looks at: whether the pages parse, and whether what they link to and show is there.
//!
//! Stricter than HTML itself, as house rules are: every element that can be closed is closed. It neither fetches other sites nor
//! reads stylesheets, and compares file names as they are written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use html5gum::{DefaultEmitter, HtmlString, StartTag, Token, Tokenizer};
use serde::Deserialize;

/// The files of a site by their paths.
pub(crate) type Site = BTreeMap<String, String>;

/// What the product manager asks for.
#[derive(Deserialize)]
pub(crate) struct Spec {
    pub(crate) title: String,
    /// By page: the ids of its sections.
    pub(crate) pages: BTreeMap<String, Vec<String>>,
}

/// Elements without an end tag (HTML Living Standard, 13.1.2).
const VOID: [&str; 13] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
];

/// Everything that must change before the site can be accepted; nothing if it can.
pub(crate) fn review(spec: &Spec, site: &Site) -> Vec<String> {
    let mut findings = Vec::new();
    let mut pages: BTreeMap<&str, Page> = BTreeMap::new();
    for (path, text) in site {
        let mut parts = Path::new(path).components();
        if path.is_empty() || !parts.all(|part| matches!(part, Component::Normal(_))) {
            findings.push(format!("{path:?} is no path inside the site"));
        }
        if text.trim().is_empty() {
            findings.push(format!("{path} is empty"));
        } else if path.ends_with(".html") || path.ends_with(".svg") {
            pages.insert(path, Page::read(path, text));
        }
    }
    for (path, page) in &pages {
        findings.extend(page.findings.iter().cloned());
        for (line, target) in &page.references {
            let Some((file, fragment)) = resolve(path, target) else {
                continue;
            };
            let lost = |what: &str| format!("{path}:{line}: {target:?} leads to no {what}");
            match (site.contains_key(&file), pages.get(file.as_str())) {
                (false, _) => findings.push(lost("file")),
                (true, Some(page)) if !fragment.is_empty() && !page.ids.contains(fragment) => {
                    findings.push(lost("element of that page"));
                }
                (true, _) => {}
            }
        }
    }
    for (path, sections) in &spec.pages {
        match pages.get(path.as_str()) {
            None => findings.push(format!("{path} is asked for and missing")),
            Some(page) => findings.extend(
                sections
                    .iter()
                    .filter(|id| !page.ids.contains(*id))
                    .map(|id| format!("{path} has no section with the id {id:?}")),
            ),
        }
    }
    findings
}

/// What one page or drawing says.
#[derive(Default)]
struct Page {
    findings: Vec<String>,
    ids: BTreeSet<String>,
    /// Line and target of every link and image.
    references: Vec<(usize, String)>,
}

impl Page {
    fn read(path: &str, text: &str) -> Page {
        let mut page = Page::default();
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let mut find =
            |line: usize, what: String| page.findings.push(format!("{path}:{line}: {what}"));
        // Names and lines of the elements that are open, outermost first.
        let mut open: Vec<(String, usize)> = Vec::new();
        let (mut doctype, mut titled, mut elements) = (false, false, 0);

        let mut emitter = DefaultEmitter::<usize>::new_with_span();
        emitter.naively_switch_states(true);
        for Ok(token) in Tokenizer::new_with_emitter(text, emitter) {
            match token {
                Token::Error(error) => find(line(error.span.start), format!("{}", error.value)),
                Token::Doctype(found) => doctype = elements == 0 && &**found.name == b"html",
                Token::Comment(_) => {}
                Token::String(string) => {
                    let written = !string.value.trim_ascii().is_empty();
                    let names: Vec<&str> = open.iter().map(|(name, _)| name.as_str()).collect();
                    titled |= written && names == ["html", "head", "title"];
                }
                Token::StartTag(tag) => {
                    elements += 1;
                    let (name, at) = (utf8(&tag.name), line(tag.span.start));
                    let drawing = name == "svg" || open.iter().any(|(name, _)| name == "svg");
                    for attribute in ["href", "src"] {
                        page.references.extend(value(&tag, attribute).map(|to| (at, to)));
                    }
                    if let Some(id) = value(&tag, "id")
                        && !page.ids.insert(id.clone())
                    {
                        find(at, format!("the id {id:?} is taken"));
                    }
                    if name == "img" && value(&tag, "alt").is_none() {
                        find(at, "the image has no text for who cannot see it".to_owned());
                    }
                    if tag.self_closing && !drawing && !VOID.contains(&name.as_str()) {
                        find(at, format!("<{name}/> does not close itself"));
                    } else if !tag.self_closing && !VOID.contains(&name.as_str()) {
                        open.push((name, at));
                    }
                }
                Token::EndTag(tag) => {
                    let name = utf8(&tag.name);
                    match open.iter().rposition(|(open, _)| *open == name) {
                        None => find(line(tag.span.start), format!("</{name}> closes nothing")),
                        Some(at) => {
                            for (inner, line) in open.split_off(at).into_iter().skip(1) {
                                find(line, format!("<{inner}> is not closed"));
                            }
                        }
                    }
                }
            }
        }
        for (name, line) in open {
            find(line, format!("<{name}> is not closed"));
        }
        if path.ends_with(".html") && !doctype {
            find(1, "the page does not begin with <!doctype html>".to_owned());
        }
        if path.ends_with(".html") && !titled {
            find(1, "the page has no title".to_owned());
        }
        if path.ends_with(".svg") && elements < 2 {
            find(1, "nothing is drawn".to_owned());
        }
        page
    }
}

fn utf8(text: &HtmlString) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn value(tag: &StartTag<usize>, attribute: &str) -> Option<String> {
    tag.attributes.get(attribute.as_bytes()).map(|found| utf8(&found.value))
}

/// The file and the fragment that a reference in `from` means; `None` when it leaves the site.
fn resolve<'a>(from: &str, target: &'a str) -> Option<(String, &'a str)> {
    let (place, fragment) = target.split_once('#').unwrap_or((target, ""));
    let place = place.split('?').next().unwrap_or_default();
    let scheme = place.split_once(':').is_some_and(|(scheme, _)| !scheme.contains('/'));
    if scheme || place.starts_with("//") {
        return None;
    }
    if place.is_empty() {
        return Some((from.to_owned(), fragment));
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if place.starts_with('/') {
        parts.clear();
    }
    for part in place.split('/') {
        match part {
            // Above the root there is nothing: the name stays, and is found to be missing.
            ".." if parts.pop().is_none() => parts.push(".."),
            "" | "." | ".." => {}
            part => parts.push(part),
        }
    }
    if place.ends_with('/') {
        parts.push("index.html");
    }
    Some((parts.join("/"), fragment))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reviews a good page with `body` in it.
    #[track_caller]
    fn check(body: &str, wanted: &[&str]) {
        let page =
            format!("<!doctype html><html><head><title>t</title></head><body>{body}</body></html>");
        let files =
            [("a/i.html", page.as_str()), ("x.svg", "<svg><path d='M0 0'/></svg>"), ("blank", " ")];
        let site = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
        let spec = Spec { title: String::new(), pages: BTreeMap::new() };
        let found = review(&spec, &site);
        assert_eq!(found.iter().filter(|f| *f != "blank is empty").collect::<Vec<_>>(), wanted);
        assert_eq!(found.len(), wanted.len() + 1);
    }

    #[test]
    fn what_is_right_is_accepted_and_what_is_wrong_is_named() {
        check("<p id=p>a<br>b</p><a href='#p'>p</a> <a href='?q#p'>p</a>", &[]);
        check("<img src='../x.svg' alt=''> <svg><path d='M1 1'/></svg>", &[]);
        check("<a href='https://example.org/x'>x</a> <a href='mailto:a@example.org'>m</a>", &[]);
        check("<a href='/x.svg'>x</a> <a href='//example.org'>o</a>", &[]);
        check("<a href='x.svg'>x</a>", &["a/i.html:1: \"x.svg\" leads to no file"]);
        check("<a href='../../x.svg'>x</a>", &["a/i.html:1: \"../../x.svg\" leads to no file"]);
        check("\n<a href='#q'>q</a>", &["a/i.html:2: \"#q\" leads to no element of that page"]);
        check("<b><i></b>", &["a/i.html:1: <i> is not closed"]);
        check("</i><br/>", &["a/i.html:1: </i> closes nothing"]);
        check("<div/>", &["a/i.html:1: <div/> does not close itself"]);
        check("<i id=a></i><i id=a></i>", &["a/i.html:1: the id \"a\" is taken"]);
        check("<i a=1 a=2></i>", &["a/i.html:1: duplicate-attribute"]);
        check("<script>if (1 < 2) '</p>'</script>", &[]);
    }

    #[test]
    fn a_page_needs_a_beginning_a_title_and_what_was_asked_for() {
        let spec = Spec {
            title: String::new(),
            pages: [("a.html", "top"), ("b.html", "top")]
                .map(|(p, id)| (p.into(), vec![id.into()]))
                .into(),
        };
        let site = [("a.html", "<p>a</p>"), ("../up.svg", "<svg></svg>")];
        let found = review(&spec, &site.map(|(path, text)| (path.into(), text.into())).into());
        let wanted = [
            "\"../up.svg\" is no path inside the site",
            "../up.svg:1: nothing is drawn",
            "a.html:1: the page does not begin with <!doctype html>",
            "a.html:1: the page has no title",
            "a.html has no section with the id \"top\"",
            "b.html is asked for and missing",
        ];
        assert_eq!(found, wanted);
    }
}
