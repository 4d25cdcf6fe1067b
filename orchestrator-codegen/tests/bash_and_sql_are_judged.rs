//! The shell and the SQL of the ETL in Bash and SQL are judged before they are handed out, each by its own validator.

use orchestrator_codegen::{GenerateRequest, Generator, Profile, Template};

fn profile() -> Profile {
    Profile::of_bytes("t.csv", b"a,b\n1,x\n").unwrap()
}

#[cfg(all(feature = "shell", feature = "sql"))]
mod judged {
    use std::sync::{Arc, Mutex};

    use orchestrator_codegen::{
        Completeness, Diagnostic, Language, ShellValidator, SqlValidator, Templates, Validator,
    };

    use super::*;

    /// Passes everything on, and remembers it.
    struct Witness<V>(V, Arc<Mutex<Vec<String>>>);

    impl<V: Validator> Validator for Witness<V> {
        fn validate(&self, source: &str) -> Vec<Diagnostic> {
            self.1.lock().unwrap().push(source.to_owned());
            self.0.validate(source)
        }
    }

    #[test]
    fn each_layer_is_shown_to_the_validator_of_its_language() {
        for name in ["etl-bash-sql", "etl-bash-sql-standard", "etl-bash-sql-simple"] {
            let (shell, sql) = (Arc::default(), Arc::default());
            let generator = Generator::new()
                .with_validator(Language::Shell, Witness(ShellValidator, Arc::clone(&shell)))
                .with_validator(Language::Sql, Witness(SqlValidator, Arc::clone(&sql)));
            let template = Template::builtin(name).unwrap();
            let request = GenerateRequest::for_template(&template, &profile());
            let scripts = generator.generate(&request).unwrap();
            assert!(scripts.is_whole() && scripts.attempts.is_empty(), "{:?}", scripts.refused);
            assert_eq!(*shell.lock().unwrap(), [scripts.source("layer_0.sh").unwrap()]);
            assert_eq!(*sql.lock().unwrap(), [scripts.source("layer_1.sql").unwrap()]);
        }
    }

    #[test]
    fn what_is_broken_is_not_handed_out() {
        for (part, text, file) in [
            ("words.sql.j2", "SELECT 1;\nSELECT 1 +;\n", "layer_1.sql"),
            ("json.awk.j2", "'\nif true; then\n  printf '\n", "layer_0.sh"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let own = folder.path().join("own");
            std::fs::create_dir(&own).unwrap();
            let manifest =
                "version = 1\nname = \"own\"\nlanguage = \"shell\"\nextends = \"etl-bash-sql\"\n";
            std::fs::write(own.join("template.toml"), manifest).unwrap();
            std::fs::write(own.join(part), text).unwrap();
            let templates = Templates::with_folder(folder.path()).unwrap();
            let request =
                GenerateRequest::for_template(templates.named("own").unwrap(), &profile());
            let scripts = Generator::new().with_templates(templates).generate(&request).unwrap();
            assert_eq!(scripts.source(file), None);
            assert_eq!(scripts.completeness, Completeness::Partial);
            assert!(!scripts.diagnostics[file].is_empty());
        }
    }
}

#[cfg(not(all(feature = "shell", feature = "sql")))]
#[test]
fn without_a_validator_nothing_is_generated() {
    let template = Template::builtin("etl-bash-sql").unwrap();
    let request = GenerateRequest::for_template(&template, &profile());
    let error = Generator::new().generate(&request).unwrap_err();
    assert!(matches!(error, orchestrator_codegen::GenerateError::Unjudged { .. }), "{error}");
}
