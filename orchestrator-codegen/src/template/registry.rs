//! Which templates there are: the built-in ones, and those of a folder of the user's.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use crate::families;
use crate::template::fault::{Fault, TemplateError};
use crate::template::files::Place;
use crate::template::manifest::MANIFEST;
use crate::template::model::Template;

/// A folder of templates has so many at most.
const TEMPLATES_MAX: usize = 1024;

/// Templates by name. Cloning is cheap.
///
/// ```
/// use orchestrator_codegen::Templates;
/// let templates = Templates::builtin();
/// let simple = templates.for_complexity("etl-python", 0.2).unwrap();
/// assert_eq!(simple.name(), "etl-python-simple");
/// assert!(templates.named("etl-cobol").is_err());
/// ```
#[derive(Debug, Clone)]
pub struct Templates {
    templates: BTreeMap<String, Template>,
}

impl Default for Templates {
    fn default() -> Self {
        Templates::builtin().clone()
    }
}

impl Templates {
    /// The built-in templates, compiled once.
    pub fn builtin() -> &'static Templates {
        static BUILT_IN: LazyLock<Templates> = LazyLock::new(|| {
            let load = |name: &&str| {
                let template = Template::at(Place::BuiltIn((*name).to_owned()), &[]);
                ((*name).to_owned(), template.expect("the built-in templates are tested to load"))
            };
            Templates { templates: families::NAMES.iter().map(load).collect() }
        });
        &BUILT_IN
    }

    /// The built-in templates and those of a folder, each in a folder of its own name. One that has the name of a built-in
    /// template takes its place.
    ///
    /// # Errors
    /// All that is wrong with all of them.
    pub fn with_folder(folder: impl AsRef<Path>) -> Result<Templates, TemplateError> {
        let folder = folder.as_ref();
        let shown = folder.display().to_string();
        let unreadable = |error: std::io::Error| {
            let reason = format!("the folder of templates cannot be read ({error})");
            Fault::of_whole(&shown, reason, "check the path and its permissions")
        };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.join(MANIFEST).is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        if paths.is_empty() || paths.len() > TEMPLATES_MAX {
            let reason = format!("there are {} templates in the folder", paths.len());
            let remedy = "give a folder that holds a folder with a template.toml for each template";
            return Err(Fault::of_whole(&shown, reason, remedy).into());
        }
        let mut templates = Templates::builtin().templates.clone();
        let mut faults = Vec::new();
        for path in paths {
            let place = Place::Folder(path);
            match Template::at(place.clone(), &[folder.to_owned()]) {
                Err(error) => faults.extend(error.faults),
                Ok(template) if template.name() != place.name() => {
                    let reason = format!(
                        "the template {:?} is in the folder {:?}",
                        template.name(),
                        place.name()
                    );
                    let remedy = "give both the same name, by which other templates find it";
                    faults.push(Fault::new(place.shown(MANIFEST), None, "name", reason, remedy));
                }
                Ok(template) => {
                    templates.insert(template.name().to_owned(), template);
                }
            }
        }
        TemplateError::of(faults)?;
        Ok(Templates { templates })
    }

    /// The same templates and one more.
    #[must_use]
    pub fn with(mut self, template: Template) -> Templates {
        self.templates.insert(template.name().to_owned(), template);
        self
    }

    /// The template of this name.
    ///
    /// # Errors
    /// When there is none; the error lists the names.
    pub fn named(&self, name: &str) -> Result<&Template, TemplateError> {
        self.templates.get(name).ok_or_else(|| {
            let names = self.templates.keys().map(String::as_str);
            Fault::no_such_template(name, names).into()
        })
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Template> {
        self.templates.values()
    }

    /// The template of a family that is meant for this complexity, in [0, 1]: the one of the narrowest range that holds it.
    pub fn for_complexity(&self, family: &str, complexity: f64) -> Option<&Template> {
        let range = |template: &Template| template.manifest().complexity;
        let fits = |template: &&Template| {
            let [from, to] = range(template);
            template.family() == family && (from..=to).contains(&complexity)
        };
        let width = |template: &&Template| range(template)[1] - range(template)[0];
        self.iter().filter(fits).min_by(|one, other| width(one).total_cmp(&width(other)))
    }
}
