//! A template is a folder: whoever writes one gets what the built-in ones have, and every fault with its place.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use orchestrator_codegen::{
    GenerateError, GenerateRequest, GeneratedScripts, Generator, InputValue, Inputs, Language,
    Template, TemplateError, Templates,
};

/// A folder of templates: what each file holds, by its path.
struct Shelf(tempfile::TempDir);

impl Shelf {
    fn new(files: &[(&str, &str)]) -> Shelf {
        let shelf = Shelf(tempfile::tempdir().unwrap());
        for (path, text) in files {
            shelf.put(path, text);
        }
        shelf
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    #[track_caller]
    fn load(&self, name: &str) -> Template {
        Template::load(self.at(name)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The faults of a template, without the folder that the test made.
    fn faults(&self, name: &str) -> Vec<String> {
        let error = Template::load(self.at(name)).expect_err("the template is at fault");
        let folder = format!("{}/", self.0.path().display());
        error.faults.iter().map(|fault| fault.to_string().replace(&folder, "")).collect()
    }
}

const HELLO: &str = r#"version = 1
name = "hello"
language = "python"
inputs = [{ name = "who", type = "text" }]
layers = [{ name = "main", file = "main.py", template = "main.py.j2" }]
"#;

fn generate(
    template: &Template,
    inputs: &[(&str, InputValue)],
) -> Result<GeneratedScripts, GenerateError> {
    let inputs = inputs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let name = template.name().to_owned();
    let request =
        GenerateRequest::new(name, inputs, BTreeMap::new(), template.neutral_parameters());
    let templates = Templates::default().with(template.clone());
    Generator::new().with_templates(templates).generate(&request)
}

/// The only layer of a template that has one input, `who`.
#[track_caller]
fn render(text: &str, who: &str) -> Result<String, String> {
    let shelf = Shelf::new(&[("hello/template.toml", HELLO), ("hello/main.py.j2", text)]);
    let folder = format!("{}/", shelf.0.path().display());
    let template = Template::load(shelf.at("hello"))
        .map_err(|error| error.to_string().replace(&folder, ""))?;
    let scripts = generate(&template, &[("who", who.into())]);
    let scripts = scripts.map_err(|error| error.to_string().replace(&folder, ""))?;
    Ok(scripts.source("main.py").expect("it validates").to_owned())
}

#[test]
fn a_folder_of_the_users_works_like_a_built_in_one() {
    let shelf = Shelf::new(&[
        ("hello/template.toml", HELLO),
        ("hello/main.py.j2", "print({~ who | python ~})\n"),
    ]);
    let templates = Templates::with_folder(shelf.0.path()).unwrap();
    let generator = Generator::new().with_templates(templates);
    let theta = generator.templates().named("hello").unwrap().neutral_parameters();
    let request =
        GenerateRequest::new("hello", Inputs::new(), BTreeMap::new(), theta).with("who", "you");
    assert_eq!(generator.generate(&request).unwrap().source("main.py"), Some("print(\"you\")\n"));
    assert!(generator.templates().named("etl-python").is_ok());
    let names = "etl-python, etl-python-simple, etl-python-standard, hello";
    let error = generator.templates().named("nobody").unwrap_err().to_string();
    assert!(error.contains(names) || error.contains("hello"), "{error}");
}

#[test]
fn every_fault_of_a_manifest_names_its_line_its_key_and_the_remedy() {
    let shelf = Shelf::new(&[("t/main.py.j2", "x = 1\n")]);
    let check = |manifest: &str, wanted: &[&str]| {
        shelf.put("t/template.toml", manifest);
        assert_eq!(shelf.faults("t"), wanted, "{manifest}");
    };
    let head = "version = 1\nname = \"t\"\nlanguage = \"python\"\n";
    let layer = "layers = [{ name = \"main\", file = \"main.py\", template = \"main.py.j2\" }]\n";
    let see = "see templates/README.md for the keys and their types";
    check(
        &format!("{head}{layer}colour = \"red\"\n"),
        &[&format!(
            "t/template.toml, line 5, colour: unknown field `colour`, expected one of `version`, `name`, `description`, `family`, `language`, `complexity`, `fallback`, `extends`, `without`, `delimiters`, `line_length`, `inputs`, `layers`, `blocks`; {see}"
        )],
    );
    check(
        "version = 1\nname = \"t\"\nlanguage = \"cobol\"\n",
        &[&format!(
            "t/template.toml, line 3, language: unknown variant `cobol`, expected one of `python`, `rust`, `shell`, `sql`, `javascript`, `text`; {see}"
        )],
    );
    check(
        &format!(
            "{}complexity = [0.8, 0.2]\nline_length = 3\n{layer}",
            head.replace("= 1", "= 9").replace("\"t\"", "\"a b\"")
        ),
        &[
            "t/template.toml, line 1, version: version 9 is not known; write version = 1",
            "t/template.toml, line 2, name: \"a b\" is no name; use letters, digits, - and _",
            "t/template.toml, line 4, complexity: [0.8, 0.2] is no range of complexity; give two numbers from 0 to 1, the smaller one first",
            "t/template.toml, line 5, line_length: 3 is no line length; give 40 to 400 columns",
        ],
    );
    check(
        &format!(
            "{head}{layer}\n[[inputs]]\nname = \"layer\"\ntype = \"text\"\n\n[[inputs]]\nname = \"n\"\ntype = \"integer\"\nmin = 3\ndefault = 2\n\n[[inputs]]\nname = \"n\"\ntype = \"choice\"\n"
        ),
        &[
            "t/template.toml, line 7, inputs[0].name: \"layer\" has a meaning of its own in templates; give the input another name",
            "t/template.toml, line 17, inputs[2].name: \"n\" is there twice; rename one of them",
            "t/template.toml, line 14, inputs[1].default: 2 is below the minimum of 3; give a default that the input itself would take",
            "t/template.toml, line 16, inputs[2].choices: choices belong to an input of type \"choice\", and only to it; give choices = [\"…\", …], or take them away",
        ],
    );
    check(
        &format!(
            "{head}\n[[layers]]\nname = \"main\"\nfile = \"../main.py\"\ntemplate = \"none.j2\"\nwrites = \"main\"\n\n[[blocks]]\nname = \"b\"\nlayers = [\"other\"]\nfeature = \"main.x\"\nweight = -1\npurpose = \"\"\n"
        ),
        &[
            "t/template.toml, line 7, layers[0].file: \"../main.py\" is no name of a file; use letters, digits, . - _ and / between folders, within the output folder",
            "t/template.toml, line 15, blocks[0].weight: -1 is no weight; give a number above 0; 1 changes nothing",
        ],
    );
    check(
        &format!(
            "{head}\n[[layers]]\nname = \"main\"\nfile = \"main.py\"\ntemplate = \"none.j2\"\nwrites = \"main\"\n\n[[blocks]]\nname = \"b\"\nlayers = [\"other\"]\nfeature = \"main.x\"\npurpose = \"\"\n"
        ),
        &[
            "t/template.toml, line 5, layers \"main\": there is no template file \"none.j2\"; name a file of the folder that ends in .j2",
            "t/template.toml, line 5, layers \"main\": it writes \"main\", which is no later layer; name a layer that is described after it",
            "t/template.toml, line 11, blocks \"b\": there is no layer \"other\"; name a layer of this template",
            "t/template.toml, line 11, blocks \"b\": \"main.x\" is no block of an earlier layer; name a feature, or layer.block of a layer before those of this block",
        ],
    );
    check(
        &format!("{head}{layer}fallback = \"nobody\"\n"),
        &[
            "t/template.toml, line 5, fallback: there is no template \"nobody\"; name one, or give its path relative to this folder",
        ],
    );
}

#[test]
fn what_is_at_fault_as_a_whole_has_no_line() {
    let check = |error: TemplateError, wanted: &str| {
        assert_eq!(error.to_string(), wanted);
        assert_eq!(error.faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [None]);
    };
    let names: Vec<&str> = Templates::builtin().iter().map(Template::name).collect();
    assert!(names.contains(&"etl-python"), "{names:?}");
    check(
        Template::builtin("etl-cobol").unwrap_err(),
        &format!("etl-cobol: there is no such template; the templates are {}", names.join(", ")),
    );

    let shelf = Shelf::new(&[("empty/main.py.j2", ""), ("t/main.py.j2", "x = 1\n")]);
    let shown = |path: &str| shelf.at(path).display().to_string();
    let absent = fs::read(shelf.at("nowhere")).unwrap_err();
    check(
        Template::load(shelf.at("empty")).unwrap_err(),
        &format!(
            "{}: the file cannot be read ({absent}); check the path and its permissions",
            shown("empty/template.toml")
        ),
    );
    check(
        Templates::with_folder(shelf.at("nowhere")).unwrap_err(),
        &format!(
            "{}: the folder of templates cannot be read ({absent}); check the path and its permissions",
            shown("nowhere")
        ),
    );
    check(
        Templates::with_folder(shelf.at("empty")).unwrap_err(),
        &format!(
            "{}: there are 0 templates in the folder; give a folder that holds a folder with a template.toml for each template",
            shown("empty")
        ),
    );
    shelf.put("t/template.toml", HELLO);
    check(
        Templates::with_folder(shelf.0.path()).unwrap_err(),
        &format!(
            "{}, name: the template \"hello\" is in the folder \"t\"; give both the same name, by which other templates find it",
            shown("t/template.toml")
        ),
    );
    let see = "see templates/README.md for the keys and their types";
    for (manifest, says) in [
        ("", format!(": missing field `version`; {see}")),
        ("\n\nversion = 1\n", format!(": missing field `name`; {see}")),
        (
            "version = 1\nname = \"t\"\nlanguage = \"python\"\n",
            ", layers: the template writes nothing; describe a layer, or extend a template"
                .to_owned(),
        ),
    ] {
        shelf.put("t/template.toml", manifest);
        let error = Template::load(shelf.at("t")).unwrap_err();
        check(error, &format!("{}{says}", shown("t/template.toml")));
    }
}

#[test]
fn a_fault_has_a_line_where_there_is_one_in_its_file() {
    let shelf = Shelf::new(&[
        ("base/main.py.j2", ""),
        (
            "base/template.toml",
            &format!(
                "{}\n[[blocks]]\nname = \"first\"\nlayers = [\"main\"]\nfeature = \"size\"\npurpose = \"\"\n\n[[blocks]]\nname = \"next\"\nlayers = [\"other\"]\nfeature = \"main.first\"\npurpose = \"\"\n",
                HELLO.replace("hello", "base").replace(
                    " }]\nlayers = [",
                    " }]\nlayers = [{ name = \"other\", file = \"other.py\", template = \"main.py.j2\" }, "
                )
            ),
        ),
    ]);
    // The block is described in the base, on a line of that one's manifest; its order is at fault there.
    assert_eq!(
        shelf.faults("base"),
        [
            "base/template.toml, line 13, blocks \"next\": \"main.first\" is no block of an earlier layer; name a feature, or layer.block of a layer before those of this block"
        ]
    );
    let own = "version = 1\nname = \"own\"\nlanguage = \"python\"\nextends = \"base\"\n";
    // In what extends it, no line of its own manifest is.
    shelf.put("own/template.toml", own);
    assert_eq!(
        shelf.faults("own"),
        [
            "own/template.toml, blocks \"next\": \"main.first\" is no block of an earlier layer; name a feature, or layer.block of a layer before those of this block"
        ]
    );
    // A key that a table lacks has the line of the table.
    shelf.put("own/template.toml", &format!("{own}\n[[layers]]\nname = \"main\"\n"));
    let lines = |name: &str| -> Vec<Option<usize>> {
        let faults = Template::load(shelf.at(name)).unwrap_err().faults;
        faults.iter().map(|fault| fault.line).collect()
    };
    assert_eq!(
        shelf.faults("own"),
        [
            "own/template.toml, line 6: missing field `file`; see templates/README.md for the keys and their types"
        ]
    );
    assert_eq!(lines("own"), [Some(6)]);
    shelf.put("hello/template.toml", HELLO);
    fs::write(shelf.at("hello/main.py.j2"), b"x = 1\ny = \xff\n").unwrap();
    assert_eq!(
        shelf.faults("hello"),
        ["hello/main.py.j2, line 2: the file is not UTF-8; save it as UTF-8"]
    );
    assert_eq!(lines("hello"), [Some(2)]);
}

#[test]
fn fallbacks_and_extensions_that_go_round_are_refused() {
    let manifest = |name: &str, key: &str, other: &str| {
        format!(
            "version = 1\nname = \"{name}\"\nlanguage = \"python\"\n{key} = \"{other}\"\nlayers = [{{ name = \"main\", file = \"main.py\", template = \"main.py.j2\" }}]\n"
        )
    };
    let shelf = Shelf::new(&[("a/main.py.j2", ""), ("b/main.py.j2", "")]);
    for (reference_a, reference_b) in [("b", "a"), ("../b", "../a")] {
        shelf.put("a/template.toml", &manifest("a", "fallback", reference_a));
        shelf.put("b/template.toml", &manifest("b", "fallback", reference_b));
        assert_eq!(
            shelf.faults("a"),
            [format!(
                "{}b/template.toml, line 4, fallback: the fallbacks go round: a → b → a; let the simplest template have none",
                if reference_a == "b" { "" } else { "a/../" }
            )]
        );
        shelf.put("a/template.toml", &manifest("a", "extends", reference_a));
        shelf.put("b/template.toml", &manifest("b", "extends", reference_b));
        assert!(
            shelf.faults("a")[0].contains("templates extend each other: a → b → a"),
            "{:?}",
            shelf.faults("a")
        );
    }
}

#[test]
fn a_name_that_nothing_defines_is_found_before_anything_is_rendered() {
    assert_eq!(
        render("x = 1\ny = {~ whom | python ~}\n", "me").unwrap_err(),
        "hello/main.py.j2, line 2, whom: the template uses this name, and nothing defines it; declare it as an input, set it, or correct it"
    );
    assert_eq!(
        render("x = 1\ny = {~ layer.nome | python ~}\n", "me").unwrap_err(),
        "hello/main.py.j2, line 2, layer.nome | python: undefined value; declare it as an input, set it, or correct the name"
    );
    assert_eq!(
        render("x = 1\ny = {~ layer.nome.x ~}\n", "me").unwrap_err(),
        "hello/main.py.j2, line 2, layer.nome.x: undefined value: `layer.nome` is undefined; declare it as an input, set it, or correct the name"
    );
    assert_eq!(
        render("x = 1\ny = {~ who | pythn ~}\n", "me").unwrap_err(),
        "hello/main.py.j2, line 2, who | pythn: unknown filter: filter pythn is unknown; see templates/README.md for what there is"
    );
    let syntax = render("x = 1\n{^ if who ^}\n", "me").unwrap_err();
    assert!(syntax.starts_with("hello/main.py.j2, line "), "{syntax}");
    assert_eq!(
        render("x\n{~ begin(\"a\") ~}\n{~ end() ~}\n", "me").unwrap_err(),
        "hello/main.py.j2, line 2, begin(\"a\"): invalid operation: \"a\" is no block of this layer; correct the expression"
    );
    let endless = render(
        "{^ for a in range(9000) ^}{^ for b in range(9000) ^}#{^ endfor ^}{^ endfor ^}\n",
        "me",
    );
    assert!(endless.unwrap_err().contains("let the template do less"));
}

#[test]
fn a_value_that_could_break_the_code_needs_a_filter() {
    for harmless in ["name", "a_1", "42"] {
        assert_eq!(render("x_{~ who ~} = 1\n", harmless).unwrap(), format!("x_{harmless} = 1\n"));
    }
    for harm in ["a b", "x\ny", "a;b", "'", "\"", "é", "a-b", "()", "{~ 1 ~}"] {
        let error = render("x = {~ who ~}\n", harm).unwrap_err();
        assert!(
            error.contains("main.py.j2, line 1, who") && error.contains("by the filter `python`"),
            "{error}"
        );
    }
    assert_eq!(render("x = {~ 7 ~}, {~ 1.5 ~}, {~ true ~}\n", "").unwrap(), "x = 7, 1.5, True\n");
    assert!(render("x = {~ [1] ~}\n", "").unwrap_err().contains("use a filter"));
    assert!(render("x = 1  # {~ who | e ~}\n", "<").unwrap_err().contains("unknown filter"));
    assert_eq!(
        render("# {~ who | comment ~}\n", "a\nimport os  \"\"\" \\ 'b' */ -->").unwrap(),
        "# a import os         b   / -- \n"
    );
    // What an author wrote passes: macros, and text that he vouches for.
    let macros = "{^ macro call(name) ^}f({~ name | python ~}){^ endmacro ^}x = {~ call(who) ~}, {~ \"a or b\" | safe ~}\n";
    assert_eq!(render(macros, "a b").unwrap(), "x = f(\"a b\"), a or b\n");
}

#[test]
fn all_inputs_are_checked_at_once_before_anything_is_rendered() {
    let manifest = format!(
        "{}\n[[inputs]]\nname = \"count\"\ntype = \"integer\"\nmin = 1\nmax = 9\ndefault = 3\n[[inputs]]\nname = \"share\"\ntype = \"number\"\n[[inputs]]\nname = \"mode\"\ntype = \"choice\"\nchoices = [\"fast\", \"safe\"]\ndescription = \"how to go about it\"\n[[inputs]]\nname = \"tags\"\ntype = \"list\"\nmax = 2\ndefault = []\n[[inputs]]\nname = \"deep\"\ntype = \"boolean\"\ndefault = false\n[[inputs]]\nname = \"function\"\ntype = \"identifier\"\ndefault = \"main\"\n[[inputs]]\nname = \"out\"\ntype = \"path\"\ndefault = \"out\"\n",
        HELLO.replace("inputs = [{ name = \"who\", type = \"text\" }]\n", ""),
    );
    let shelf =
        Shelf::new(&[("t/template.toml", &manifest), ("t/main.py.j2", "x = {~ count ~}\n")]);
    let template = shelf.load("t");
    let given = |pairs: &[(&str, InputValue)]| -> Inputs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    let checked =
        template.check(&given(&[("share", 1_i64.into()), ("mode", "fast".into())])).unwrap();
    assert_eq!(checked["share"], InputValue::Number(1.0));
    assert_eq!(checked["count"], InputValue::Integer(3));
    let wrong = given(&[
        ("count", 12_i64.into()),
        ("share", f64::NAN.into()),
        ("mode", "slow".into()),
        ("tags", vec!["a", "b", "c"].into()),
        ("deep", "yes".into()),
        ("function", "1x".into()),
        ("out", "a\nb".into()),
        ("colour", "red".into()),
    ]);
    let error = template.check(&wrong).unwrap_err();
    let faults: Vec<String> = error.faults.iter().map(|fault| fault.to_string()).collect();
    assert_eq!(
        faults,
        [
            "input \"count\": 12 is above the maximum of 9; give an integer",
            "input \"share\": NaN is not a finite number; give a finite number",
            "input \"mode\": \"slow\" is no choice; give one of fast, safe (how to go about it)",
            "input \"tags\": its length of 3 items is above the maximum of 2; give a list of texts",
            "input \"deep\": \"yes\" is not true or false; give true or false",
            "input \"function\": \"1x\" is not an identifier (letters, digits and _, no digit in front); give an identifier (letters, digits and _, no digit in front)",
            "input \"out\": \"a\\nb\" is not a path; give a path",
            "input \"colour\": the template has no such input; the inputs are count, share, mode, tags, deep, function, out",
        ]
    );
    assert!(
        matches!(generate(&template, &[]), Err(GenerateError::Inputs(error)) if error.faults.len() == 2)
    );
}

#[test]
fn a_template_extends_another_and_replaces_what_it_wants() {
    let base = "version = 1\nname = \"base\"\nlanguage = \"python\"\n\n[[inputs]]\nname = \"who\"\ntype = \"text\"\ndefault = \"you\"\n\n[[layers]]\nname = \"main\"\nfile = \"main.py\"\ntemplate = \"main.py.j2\"\n\n[[blocks]]\nname = \"loud\"\nlayers = [\"main\"]\nfeature = \"size\"\npurpose = \"shouts\"\n\n[[blocks]]\nname = \"twice\"\nlayers = [\"main\"]\nfeature = \"size\"\npurpose = \"repeats\"\n";
    let main = "{^ block greeting ^}hello = {~ who | python ~}\n{^ endblock ^}\n{~ begin(\"loud\") ~}\nloud = 1\n{~ end() ~}\n{~ unless(\"twice\") ~}\nonce = 1\n{~ end() ~}\n{~ begin(\"twice\") ~}\ntwice = 1\n{~ end() ~}\n";
    let own = "version = 1\nname = \"own\"\nlanguage = \"python\"\nextends = \"base\"\nwithout = [\"twice\"]\n";
    let shelf = Shelf::new(&[
        ("base/template.toml", base),
        ("base/main.py.j2", main),
        ("own/template.toml", own),
        (
            "own/main.py.j2",
            "{^ extends \"base/main.py.j2\" ^}{^ block greeting ^}bye = {~ who | python ~}\n{^ endblock ^}",
        ),
    ]);
    let source = |name: &str| {
        let template = shelf.load(name);
        let features = BTreeMap::from([("size".to_owned(), 1.0)]);
        let request =
            GenerateRequest::new(name, Inputs::new(), features, template.neutral_parameters());
        let generator = Generator::new().with_templates(Templates::default().with(template));
        generator.generate(&request).unwrap().source("main.py").unwrap().to_owned()
    };
    assert_eq!(source("base"), "hello = \"you\"\nloud = 1\ntwice = 1\n");
    assert_eq!(source("own"), "bye = \"you\"\nloud = 1\nonce = 1\n");
    assert_eq!(shelf.load("own").blocks().len(), 1);
    assert_eq!(shelf.load("own").family(), "base");
    shelf.put("own/template.toml", &own.replace("twice", "thrice"));
    assert_eq!(
        shelf.faults("own"),
        [
            "own/template.toml, line 5, without[0]: the extended template has no block \"thrice\"; take the name away"
        ]
    );
}

#[test]
fn a_built_in_template_can_be_extended_and_even_replaced() {
    let own = "version = 1\nname = \"etl-python\"\nlanguage = \"python\"\nextends = \"etl-python\"\nwithout = [\"explain\"]\n";
    let shelf = Shelf::new(&[("etl-python/template.toml", own)]);
    let templates = Templates::with_folder(shelf.0.path()).unwrap();
    let template = templates.named("etl-python").unwrap();
    let built_in = Template::builtin("etl-python").unwrap();
    assert_eq!(template.blocks().len() + 1, built_in.blocks().len());
    assert_eq!(template.layers(), built_in.layers());
}

#[test]
fn what_a_layer_decided_is_a_feature_for_the_ones_after_it() {
    let manifest = "version = 1\nname = \"t\"\nlanguage = \"python\"\nlayers = [\n  { name = \"one\", file = \"one.py\", template = \"main.py.j2\" },\n  { name = \"two\", file = \"two.py\", template = \"main.py.j2\" },\n]\nblocks = [\n  { name = \"a\", layers = [\"one\"], feature = \"size\", purpose = \"\" },\n  { name = \"b\", layers = [\"two\"], feature = \"one.a\", purpose = \"\" },\n  { name = \"c\", layers = [\"two\"], feature = \"size\", weight = 0.1, purpose = \"\" },\n]\n";
    let main = "# {~ decided.one | length ~}\n{^ for block in layer.blocks ^}\n{~ begin(block) ~}\n{~ block ~} = 1\n{~ end() ~}\n{^ endfor ^}\n";
    let shelf = Shelf::new(&[("t/template.toml", manifest), ("t/main.py.j2", main)]);
    let template = shelf.load("t");
    assert_eq!(template.features().into_iter().collect::<Vec<_>>(), ["size"]);
    for (size, one, two) in [(1.0, "# 1\na = 1\n", "# 1\nb = 1\n"), (0.1, "# 0\n", "# 0\n")] {
        let features = BTreeMap::from([("size".to_owned(), size)]);
        let request =
            GenerateRequest::new("t", Inputs::new(), features, template.neutral_parameters());
        let generator =
            Generator::new().with_templates(Templates::default().with(template.clone()));
        let scripts = generator.generate(&request).unwrap();
        assert_eq!((scripts.source("one.py"), scripts.source("two.py")), (Some(one), Some(two)));
    }
}

#[test]
fn a_template_makes_a_template_that_loads_and_renders() {
    // The inner template is literal text of the outer one: by a raw block, and by other delimiters.
    let raw = "version = 1\nname = \"maker\"\nlanguage = \"text\"\ninputs = [{ name = \"name\", type = \"identifier\" }]\nlayers = [\n  { name = \"manifest\", file = \"template.toml\", template = \"manifest.j2\" },\n  { name = \"main\", file = \"main.py.j2\", template = \"main.j2\" },\n]\n";
    let manifest = "version = 1\nname = \"{~ name ~}\"\nlanguage = \"python\"\ninputs = [{ name = \"who\", type = \"text\" }]\nlayers = [{ name = \"main\", file = \"main.py\", template = \"main.py.j2\" }]\n";
    let main = "{^ raw ^}\n{^ if who ^}\n{; a comment ;}\ngreeting = {~ who | python ~}\n{^ endif ^}\n{^ endraw ^}\n";
    let other = format!(
        "{}delimiters = {{ statement = [\"<%%\", \"%%>\"], value = [\"<<<\", \">>>\"], comment = [\"<##\", \"##>\"] }}\n",
        raw
    );
    for (outer, manifest, main) in [
        (raw.to_owned(), manifest.to_owned(), main.to_owned()),
        (
            other,
            manifest.replace("{~", "<<<").replace("~}", ">>>"),
            main.replace("{^ raw ^}\n", "").replace("{^ endraw ^}\n", ""),
        ),
    ] {
        let shelf = Shelf::new(&[
            ("maker/template.toml", &outer),
            ("maker/manifest.j2", &manifest),
            ("maker/main.j2", &main),
        ]);
        let scripts = generate(&shelf.load("maker"), &[("name", "made".into())]).unwrap();
        scripts.write_to(shelf.at("made")).unwrap();
        let made = shelf.load("made");
        assert_eq!((made.name(), made.language()), ("made", Language::Python));
        let scripts = generate(&made, &[("who", "you".into())]).unwrap();
        assert_eq!(scripts.source("main.py"), Some("greeting = \"you\"\n"));
    }
}

#[test]
fn each_family_has_three_complexities_and_a_simpler_template_to_fall_back_on() {
    let templates = Templates::builtin();
    for (complexity, name, blocks) in
        [(0.0, "etl-python-simple", 0), (0.5, "etl-python-standard", 7), (0.9, "etl-python", 11)]
    {
        let template = templates.for_complexity("etl-python", complexity).unwrap();
        assert_eq!((template.name(), template.blocks().len()), (name, blocks));
    }
    let chain: Vec<&str> =
        std::iter::successors(templates.named("etl-python").ok(), |template| template.fallback())
            .map(Template::name)
            .collect();
    assert_eq!(chain, ["etl-python", "etl-python-standard", "etl-python-simple"]);
    assert!(templates.for_complexity("etl-python", 1.5).is_none());
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/README.md").exists());
}
