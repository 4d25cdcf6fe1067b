//! On the data files of public packages the script writes the table that a pandas program, written for this test, has.
//!
//! The packages are fetched once into the build's folder for temporary files, nothing is installed elsewhere; without a network
//! the test is skipped and says so.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;
use support::scripts;

const WHEELS: &[&str] = &[
    "palmerpenguins==0.1.6",
    "statsmodels==0.15.0",
    "plotnine==0.15.9",
    "lifelines==0.30.3",
    "great_tables==1.1.0",
    "scikit-learn==1.9.1",
];
const NPM: &str = "vega-datasets@3.2.1";

/// Files that are no tables: text for people, logs, and drawings. They are read, but pandas has nothing to say about them.
const NO_TABLES: &[&str] = &[
    "README.txt",
    "LICENSE.txt",
    "COPYRIGHTS.txt",
    "TODO.txt",
    "names.txt",
    "randdesc.txt",
    "notes_fdr.txt",
    "mn_logit_summary.txt",
    "simulation_check.txt",
    "svmlight",
    "JMulTi_results",
    "fit_ets_results",
    "influence_lsdiag_R.json",
    "miserables.json",
];

/// Larger files, and one of 20,000 columns, say no more and take minutes in debug mode.
const BYTES_MAX: u64 = 2_100_000;
const TOO_WIDE: &str = "poisson_resid.csv";

struct Packages {
    python: PathBuf,
    data: PathBuf,
}

/// A Python with pandas, and the data files; `Err` says what could not be had.
static PACKAGES: LazyLock<Result<Packages, String>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages-1");
    let packages = Packages { python: root.join("venv/bin/python"), data: root.join("data") };
    let ready = root.join("ready");
    if ready.exists() {
        return Ok(packages);
    }
    let _old = std::fs::remove_dir_all(&root);
    let wheels = root.join("wheels");
    std::fs::create_dir_all(&wheels).map_err(|error| error.to_string())?;
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    run("python3", &["-m", "venv", &text(&root.join("venv"))], &root)?;
    let pip = ["-m", "pip", "--disable-pip-version-check", "--quiet"];
    let python = text(&packages.python);
    run(&python, &[&pip[..], &["install", "pandas==3.1.1"]].concat(), &root)
        .or_else(|_| run(&python, &[&pip[..], &["install", "pandas"]].concat(), &root))?;
    let download = ["download", "--no-deps", "--only-binary=:all:", "--dest", "wheels"];
    run(&python, &[&pip[..], &download, WHEELS].concat(), &root)?;
    run("npm", &["pack", "--silent", NPM], &wheels)?;
    run(&python, &["-c", UNPACK], &root)?;
    std::fs::write(&ready, "").map_err(|error| error.to_string())?;
    Ok(packages)
});

const UNPACK: &str = r#"
import glob, os, re, tarfile, zipfile
def put(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
wanted = re.compile(r"\.(csv|tsv|txt|json)$")
for wheel in glob.glob("wheels/*.whl"):
    with zipfile.ZipFile(wheel) as files:
        for name in files.namelist():
            if wanted.search(name) and ".dist-info/" not in name:
                put("data/" + name, files.read(name))
for pack in glob.glob("wheels/*.tgz"):
    with tarfile.open(pack) as files:
        for member in files.getmembers():
            if wanted.search(member.name) and "/data/" in member.name:
                put("data/vega-datasets/" + member.name.rpartition("/")[2], files.extractfile(member).read())
"#;

const CLEAN: &str = r#"
import csv, json, os, sys
sys.path.insert(0, os.getcwd())
sys.dont_write_bytecode = True
import layer_2
csv.field_size_limit(layer_2.FIELD_CHARS_MAX)
root = sys.argv[1]
for name in json.loads(sys.argv[2]):
    try:
        report = layer_2.clean(os.path.join(root, name), os.path.join("out", name))
    except layer_2.Problem as problem:
        report = {"error": str(problem)}
    print(json.dumps(report))
"#;

fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<String, String> {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {}", arguments.join(" "), said.lines().last().unwrap_or_default()))
}

fn packages() -> Option<&'static Packages> {
    match &*PACKAGES {
        Ok(packages) => Some(packages),
        Err(why) => {
            println!("skipped, the data packages cannot be fetched: {why}");
            None
        }
    }
}

/// The data files under the folder, by their paths in it, in order.
fn data_files(root: &Path) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if entry.metadata().unwrap().len() <= BYTES_MAX {
                let path = entry.path();
                files.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.retain(|file| !file.ends_with(TOO_WIDE));
    files
}

fn is_table(file: &str) -> bool {
    !NO_TABLES.iter().any(|part| file.contains(part))
}

/// What the script and the oracle say of all files, by file; found out once, on as many processes as the machine has cores.
struct Said {
    reports: BTreeMap<String, Value>,
    oracle: BTreeMap<String, Value>,
    folder: PathBuf,
}

static SAID: LazyLock<Option<Said>> = LazyLock::new(|| {
    let packages = packages()?;
    // Not a folder that is removed in the end: nothing that is static is dropped.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cleaned");
    let _old = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let script = scripts(&[]);
    std::fs::write(folder.join("layer_2.py"), script.source("layer_2.py").unwrap()).unwrap();
    let mut files: Vec<String> = data_files(&packages.data).into_iter().collect();
    // The largest first, each to the next process: so they have about the same to do.
    let bytes = |file: &String| packages.data.join(file).metadata().unwrap().len();
    files.sort_by_key(|file| std::cmp::Reverse(bytes(file)));
    let processes = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let share = |at: usize| files.iter().map(String::as_str).skip(at).step_by(processes).collect();
    let shares: Vec<Vec<&str>> = (0..processes).map(share).collect();
    let ask = |share: &Vec<&str>| {
        let reports = clean(packages, share, &folder);
        let tables: Vec<&str> = share.iter().copied().filter(|file| is_table(file)).collect();
        let verdicts = judge(packages, &tables, &folder);
        let named = |file: &&str| (*file).to_owned();
        let reports: Vec<_> = share.iter().map(named).zip(reports).collect();
        let verdicts: Vec<_> = tables.iter().map(named).zip(verdicts).collect();
        (reports, verdicts)
    };
    let (mut reports, mut oracle) = (BTreeMap::new(), BTreeMap::new());
    std::thread::scope(|scope| {
        let asked: Vec<_> = shares.iter().map(|share| scope.spawn(|| ask(share))).collect();
        for asked in asked {
            let (said, verdicts) = asked.join().unwrap();
            reports.extend(said);
            oracle.extend(verdicts);
        }
    });
    Some(Said { reports, oracle, folder })
});

/// Cleans the files and returns the reports, in order.
fn clean(packages: &Packages, files: &[&str], folder: &Path) -> Vec<Value> {
    let root = packages.data.to_str().unwrap();
    let names = serde_json::to_string(files).unwrap();
    let printed = run("python3", &["-I", "-c", CLEAN, root, &names], folder).unwrap();
    lines_for(files, &printed)
}

/// What pandas says of the cleaned files, in order.
fn judge(packages: &Packages, files: &[&str], folder: &Path) -> Vec<Value> {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pandas/oracle.py");
    let out = folder.join("out");
    let names = serde_json::to_string(files).unwrap();
    let arguments = [&oracle, &packages.data, &out].map(|path| path.to_str().unwrap());
    let arguments = [&arguments[..], &[names.as_str()]].concat();
    lines_for(files, &run(packages.python.to_str().unwrap(), &arguments, folder).unwrap())
}

fn lines_for(files: &[&str], printed: &str) -> Vec<Value> {
    let said: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(said.len(), files.len());
    said
}

#[test]
fn on_every_table_of_seven_packages() {
    let Some(said) = &*SAID else { return };
    let tables: Vec<&String> = said.reports.keys().filter(|file| is_table(file)).collect();
    assert!(tables.len() > 250, "{} tables were unpacked", tables.len());
    for (file, report) in &said.reports {
        if is_table(file) {
            assert_eq!(report.get("error"), None, "{file}");
        }
        if report.get("error").is_none() {
            let count = |key: &str| report[key].as_u64().unwrap();
            let sum = count("rows_out") + count("rows_dropped") + count("rows_quarantined");
            assert_eq!(count("rows_in"), sum, "{file}");
        }
    }
    let mut different = Vec::new();
    for (file, row) in &said.oracle {
        assert_eq!(row["file"], file.as_str());
        let equal = row["why"] == "";
        let verdict = if equal { "equal".to_owned() } else { row["why"].to_string() };
        println!("{} | {} | {} | {verdict}", row["file"], row["rows"], row["columns"]);
        if !equal {
            different.push(format!("{}: {verdict}", row["file"]));
        }
    }
    assert_eq!(said.oracle.keys().collect::<Vec<_>>(), tables);
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn a_first_line_that_is_no_header_is_recognised_and_reported() {
    let Some(said) = &*SAID else { return };
    let file = "sklearn/datasets/data/iris.csv";
    let report = &said.reports[file];
    assert_eq!(report["header"], false);
    let assumed = report["assumed"][0].as_str().unwrap();
    assert!(assumed.starts_with("there is no header: "), "{assumed}");
    assert_eq!((&report["rows_out"], &report["rows_quarantined"]), (&150.into(), &1.into()));
    let quarantine = said.folder.join("out").join(file).join("quarantine.csv");
    let quarantine = std::fs::read_to_string(quarantine).unwrap();
    assert!(quarantine.contains("1,column 'column_3': 'setosa' is no float"), "{quarantine}");
}

#[test]
fn the_profile_sees_the_tables_of_the_packages_as_the_script_does() {
    let (Some(packages), Some(said)) = (packages(), &*SAID) else { return };
    // In debug mode the profile of a large file takes long: the large ones are the business of the first test.
    let small = |file: &str| packages.data.join(file).metadata().unwrap().len() < 60_000;
    for (file, report) in said.reports.iter().filter(|(file, _)| small(file)) {
        let path = packages.data.join(file);
        let profile = match orchestrator_codegen::Profile::of_path(&path) {
            Ok(profile) => profile,
            Err(error) => {
                assert_eq!(report["error"], error.to_string());
                continue;
            }
        };
        let columns =
            profile.columns.iter().map(|column| (&column.name, column.column_type.name()));
        let columns: Vec<Value> =
            columns.map(|(name, kind)| serde_json::json!([name, kind])).collect();
        let found = report["columns"].as_array().unwrap().iter();
        let found: Vec<Value> =
            found.map(|column| serde_json::json!([column["name"], column["type"]])).collect();
        assert_eq!(columns, found, "{file}");
        assert_eq!(report["rows_in"], profile.rows, "{file}");
        assert_eq!(report["assumed"], serde_json::json!(profile.assumed), "{file}");
    }
}
