//! Runs scripts on data and counts what they leave; equal scripts on equal data run once.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::profile::ColumnType;
use crate::quality::{COVERAGE_RUNNER, Coverage, PythonQuality, QualityAnalyzer};
use crate::sandbox::{
    Ending, Interpreter, Job, Limits, Outcome, QualityReport, Sandbox, SandboxError,
};
use crate::sha256;

use super::score::Measurement;

/// So many measurements are remembered; beyond it the oldest is forgotten. One takes about 300 bytes.
pub const CACHE_MAX: usize = 4096;

/// As much of a fault is repeated in a measurement.
const FAULT_CHARS_MAX: usize = 300;

const SCRIPT: &str = "script.py";
const OUT: &str = "out";
const REPORT: &str = "out/quality_report.json";
const COVERAGE: &str = "coverage.json";

/// A file that scripts are run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptData {
    /// Its name, without a folder.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Why nothing was measured. That a script fails is no error: it is measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeasureError {
    /// Nothing can be run.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// Another thread panicked before it measured this script.
    #[error("the measurement of a script was given up")]
    GivenUp,
}

/// Measures ETL scripts in Python by running them in a [`Sandbox`]. A script is called as
/// `python3 -I script.py --out out -- FILE` and leaves `out/quality_report.json`, a [`QualityReport`].
///
/// It remembers the last [`CACHE_MAX`] measurements by a digest of script, data and limits. May be used by several threads.
///
/// ```
/// use orchestrator_codegen::{Interpreter, Limits, Measurer, ScriptData};
/// let measurer = Measurer::new(&Interpreter::find()?, Limits::default());
/// let data = ScriptData { name: "a.csv".into(), bytes: b"a\n1\n".to_vec() };
/// let measured = measurer.measure("raise SystemExit('no')", &data)?;
/// assert!(!measured.succeeded);
/// assert_eq!(measured.fault, "exit code 1: no");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Measurer {
    interpreter: Interpreter,
    sandbox: Sandbox,
    traced: bool,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    known: BTreeMap<String, Measurement>,
    /// The oldest first.
    order: VecDeque<String>,
    runs: u64,
}

impl Measurer {
    /// A measurer with all isolation that the system offers.
    pub fn new(interpreter: &Interpreter, limits: Limits) -> Measurer {
        let (interpreter, sandbox) = (interpreter.clone(), Sandbox::new(limits));
        Measurer { interpreter, sandbox, traced: false, cache: Mutex::default() }
    }

    /// A measurer of the same kind that also fills [`Measurement::covered`], by [`COVERAGE_RUNNER`]. It has measured nothing yet. A run
    /// takes about ten times as long before Python 3.12, so that this is for the script that was chosen, not for a search.
    #[must_use]
    pub fn tracing(&self) -> Measurer {
        Measurer { traced: true, ..Measurer::new(&self.interpreter, *self.sandbox.limits()) }
    }

    /// Where the scripts run.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// How many scripts were really run.
    pub fn runs(&self) -> u64 {
        self.cache().runs
    }

    /// What running a script on the data shows.
    ///
    /// # Errors
    /// When nothing can be run on this machine.
    pub fn measure(&self, script: &str, data: &ScriptData) -> Result<Measurement, MeasureError> {
        self.measure_analysed((script, None), data)
    }

    /// The same of a script whose complexity is known, or not: to find it out takes as long as to generate a script.
    pub(super) fn measure_analysed(
        &self,
        (script, complexity): (&str, Option<u64>),
        data: &ScriptData,
    ) -> Result<Measurement, MeasureError> {
        let key = self.key(script, data);
        if let Some(known) = self.cache().known.get(&key) {
            return Ok(known.clone());
        }
        let name = inside(&data.name);
        let runner: &[&str] = if self.traced { &["-c", COVERAGE_RUNNER, COVERAGE] } else { &[] };
        let job = Job::new(self.interpreter.program())
            .with_arguments(["-I"])
            .with_arguments(runner)
            .with_arguments([SCRIPT, "--out", OUT, "--", &name])
            .with_file(SCRIPT, script)
            .with_file(&*name, &*data.bytes)
            .keep(REPORT)
            .keep(COVERAGE);
        let outcome = self.sandbox.run(&job)?;
        let coverage = outcome.files.get(COVERAGE).filter(|_| self.traced);
        let coverage = coverage.and_then(|bytes| Coverage::from_json(bytes).ok());
        let counted = counted(&outcome);
        let measured = Measurement {
            size_bytes: script.len() as u64,
            complexity: complexity.unwrap_or_else(|| PythonQuality.analyze(script).mccabe as u64),
            covered: coverage.filter(|_| counted.succeeded).map(|coverage| coverage.share()),
            run_time: outcome.run_time,
            ..counted
        };
        let mut cache = self.cache();
        cache.runs += 1;
        if cache.known.insert(key.clone(), measured.clone()).is_none() {
            cache.order.push_back(key);
        }
        if cache.order.len() > CACHE_MAX
            && let Some(oldest) = cache.order.pop_front()
        {
            cache.known.remove(&oldest);
        }
        Ok(measured)
    }

    /// The measurements of many scripts, in their order; equal ones run once. So many run at the same time: more than there are
    /// processors make each of them slower, and may bring it to its time limit.
    ///
    /// # Errors
    /// The first of the errors, in the order of the scripts.
    pub fn measure_all(
        &self,
        scripts: &[&str],
        data: &ScriptData,
        threads: NonZeroUsize,
    ) -> Result<Vec<Measurement>, MeasureError> {
        let scripts: Vec<_> = scripts.iter().map(|script| (*script, None)).collect();
        self.measure_all_analysed(&scripts, data, threads)
    }

    pub(super) fn measure_all_analysed(
        &self,
        scripts: &[(&str, Option<u64>)],
        data: &ScriptData,
        threads: NonZeroUsize,
    ) -> Result<Vec<Measurement>, MeasureError> {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut distinct = Vec::new();
        for script in scripts {
            places.entry(script.0).or_insert_with(|| {
                distinct.push(*script);
                distinct.len() - 1
            });
        }
        let results: Vec<Mutex<Option<Result<Measurement, MeasureError>>>> =
            distinct.iter().map(|_| Mutex::new(None)).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(script) = distinct.get(at) else { return };
                let measured = self.measure_analysed(*script, data);
                *results[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(measured);
            }
        };
        if threads.get() == 1 || distinct.len() < 2 {
            work();
        } else {
            std::thread::scope(|scope| {
                for _ in 0..threads.get().min(distinct.len()) {
                    scope.spawn(work);
                }
            });
        }
        let measured: Result<Vec<Measurement>, MeasureError> = results
            .into_iter()
            .map(|result| {
                let result = result.into_inner().unwrap_or_else(PoisonError::into_inner);
                result.unwrap_or(Err(MeasureError::GivenUp))
            })
            .collect();
        let measured = measured?;
        Ok(scripts.iter().map(|script| measured[places[script.0]].clone()).collect())
    }

    fn key(&self, script: &str, data: &ScriptData) -> String {
        let limits = format!("{:?}", self.sandbox.limits());
        let mut bytes = Vec::with_capacity(script.len() + data.bytes.len() + 256);
        // Each with its length, so that nothing can pass from one to the next.
        for part in [script.as_bytes(), data.name.as_bytes(), &data.bytes, limits.as_bytes()] {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        sha256::hex(&bytes)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Whoever panicked has changed nothing by halves.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name that lies in the folder of the script and is not the script: only its end is of use to a script.
fn inside(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let last = last.replace('\0', "");
    format!("data-{last}")
}

fn counted(outcome: &Outcome) -> Measurement {
    let failed = |fault: String| {
        let line = fault.split(['\n', '\r']).rfind(|line| !line.trim().is_empty());
        let fault = line.unwrap_or_default().chars().take(FAULT_CHARS_MAX).collect();
        Measurement { fault, ..Measurement::default() }
    };
    let stderr = || {
        let text = String::from_utf8_lossy(&outcome.stderr).into_owned();
        let line = text.lines().rfind(|line| !line.trim().is_empty());
        line.unwrap_or("it said nothing").to_owned()
    };
    match outcome.ending {
        Ending::Exited(0) => {}
        Ending::Exited(code) => return failed(format!("exit code {code}: {}", stderr())),
        Ending::Signalled(signal) => return failed(format!("signal {signal}: {}", stderr())),
        Ending::Exceeded(limit) => {
            return failed(format!("ended for the limit {:?}", limit.name()));
        }
    }
    let Some(report) = outcome.files.get(REPORT) else {
        return failed(format!("there is no {REPORT}"));
    };
    let report: QualityReport = match serde_json::from_slice(report) {
        Ok(report) => report,
        Err(error) => return failed(format!("{REPORT}: {error}")),
    };
    if !report.conserves_rows() {
        return failed("the report has lost rows".to_owned());
    }
    let columns = report.columns.iter().filter(|column| column.column_type != ColumnType::Empty);
    let typed = columns.clone().filter(|column| column.column_type != ColumnType::Text);
    Measurement {
        succeeded: true,
        rows_in: report.rows_in,
        rows_out: report.rows_out,
        rows_quarantined: report.rows_quarantined,
        cells: report.rows_out.saturating_mul(report.columns.len() as u64),
        nulls_left: report.columns.iter().map(|column| column.nulls).sum(),
        columns: columns.count() as u64,
        typed_columns: typed.count() as u64,
        ..Measurement::default()
    }
}
