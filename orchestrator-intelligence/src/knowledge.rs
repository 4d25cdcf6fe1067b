//! What is known from earlier runs: a bounded, versioned snapshot that is read and written only when asked.
//!
//! Its hash is over canonical bytes, so a report that names it says exactly which knowledge a run started from: the same seed and the
//! same snapshot give the same run.
//!
//! ```
//! use orchestrator_intelligence::Knowledge;
//! # let dir = tempfile::tempdir()?;
//! # let dir = dir.path();
//! assert!(Knowledge::load(dir)?.is_none());
//! let mut knowledge = Knowledge::default();
//! knowledge.record_best("etl", [("weight.nulls".to_owned(), 1.2)].into(), 2.7)?;
//! knowledge.save(dir)?;
//! let again = Knowledge::load(dir)?.expect("it was just saved");
//! assert_eq!(again.hash(), knowledge.hash());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use orchestrator_core::Payload;
use serde::{Deserialize, Serialize};

/// The format of the snapshot.
pub const KNOWLEDGE_VERSION: u32 = 1;

/// The name of the snapshot in its folder.
pub const KNOWLEDGE_FILE: &str = "knowledge.json";

/// How many sets of best parameters are kept for a project type.
const BEST_MAX: usize = 5;
/// How many project types are kept.
const PROJECT_TYPES_MAX: usize = 64;
/// How many failure cases are kept.
const FAILURES_MAX: usize = 200;
/// How many run summaries are kept.
const SUMMARIES_MAX: usize = 200;

/// Why knowledge could not be read, written or extended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnowledgeError {
    /// The file system refused.
    #[error("{}: the knowledge of earlier runs cannot be used ({source}); check the folder, or name another", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The file is damaged.
    #[error(
        "{} line {line}: {reason}; restore the file from a copy, or remove it to start without knowledge",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The file was written by another version.
    #[error(
        "{}: version {found}, this version reads {KNOWLEDGE_VERSION}; use the version that wrote it, or remove it to start without knowledge",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The version found there.
        found: u64,
    },
    /// Knowledge holds finite numbers only.
    #[error("{what} is {value}; only finite numbers can be remembered")]
    NotFinite {
        /// Which number.
        what: String,
        /// Its value.
        value: f64,
    },
}

/// Parameters that did well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestParameters {
    /// The parameters by name.
    pub parameters: BTreeMap<String, f64>,
    /// The fitness they reached.
    pub fitness: f64,
    /// In which run, counted from 0.
    pub run: u64,
}

/// Something that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailureCase {
    /// In which stage.
    pub stage: String,
    /// The code of the failure.
    pub code: String,
    /// What happened, for a person.
    pub message: String,
    /// In which run, counted from 0.
    pub run: u64,
    /// The settings of that run.
    #[serde(default)]
    pub hyperparameters: BTreeMap<String, f64>,
}

/// A run in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// The project.
    pub project: String,
    /// What kind of project.
    pub project_type: String,
    /// The named strategy or preset.
    pub strategy: String,
    /// The settings.
    pub hyperparameters: BTreeMap<String, f64>,
    /// The fitness it ended with.
    pub final_fitness: f64,
    /// How good the result is; larger is better.
    pub quality: f64,
    /// After how many generations the fitness stood still.
    pub generations_to_converge: u32,
    /// After how many episodes the reward stood still.
    pub episodes_to_converge: u32,
    /// Whether every check of the run's units passed.
    pub succeeded: bool,
}

/// The snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Knowledge {
    version: u32,
    runs: u64,
    best: BTreeMap<String, Vec<BestParameters>>,
    q_table: Payload,
    failures: VecDeque<FailureCase>,
    summaries: VecDeque<RunSummary>,
}

impl Default for Knowledge {
    /// Nothing is known.
    fn default() -> Self {
        Knowledge {
            version: KNOWLEDGE_VERSION,
            runs: 0,
            best: BTreeMap::new(),
            q_table: Payload::null(),
            failures: VecDeque::new(),
            summaries: VecDeque::new(),
        }
    }
}

impl Knowledge {
    /// The format version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// How many runs there have been.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// The best parameters for a project type, the fittest first.
    pub fn best(&self, project_type: &str) -> &[BestParameters] {
        self.best.get(project_type).map_or(&[], Vec::as_slice)
    }

    /// The project types that parameters are known for.
    pub fn project_types(&self) -> impl Iterator<Item = &str> {
        self.best.keys().map(String::as_str)
    }

    /// The Q-table as it was given; `null` when there is none.
    pub fn q_table(&self) -> &Payload {
        &self.q_table
    }

    /// The failure cases, oldest first.
    pub fn failures(&self) -> impl ExactSizeIterator<Item = &FailureCase> {
        self.failures.iter()
    }

    /// The newest runs, oldest first.
    pub fn summaries(&self) -> impl ExactSizeIterator<Item = &RunSummary> {
        self.summaries.iter()
    }

    /// Counts a run and keeps its summary.
    ///
    /// # Errors
    /// When a number in it is not finite: nothing is changed then.
    pub fn record_run(&mut self, summary: RunSummary) -> Result<(), KnowledgeError> {
        finite("final_fitness", summary.final_fitness)?;
        finite("quality", summary.quality)?;
        all_finite(&summary.hyperparameters)?;
        self.runs += 1;
        self.summaries.push_back(summary);
        while self.summaries.len() > SUMMARIES_MAX {
            self.summaries.pop_front();
        }
        Ok(())
    }

    /// Keeps parameters, if they are among the best for their project type.
    ///
    /// # Errors
    /// When a number is not finite: nothing is changed then.
    pub fn record_best(
        &mut self,
        project_type: &str,
        parameters: BTreeMap<String, f64>,
        fitness: f64,
    ) -> Result<(), KnowledgeError> {
        finite("fitness", fitness)?;
        all_finite(&parameters)?;
        let run = self.runs;
        let list = self.best.entry(project_type.to_owned()).or_default();
        // The same parameters again say nothing new.
        list.retain(|known| known.parameters != parameters);
        let at = list.partition_point(|known| known.fitness >= fitness);
        let found = BestParameters { parameters, fitness, run };
        list.insert(at, found);
        list.truncate(BEST_MAX);
        if self.best.len() > PROJECT_TYPES_MAX {
            let latest = |list: &[BestParameters]| list.iter().map(|best| best.run).max();
            let others = self.best.iter().filter(|(name, _)| *name != project_type);
            let oldest = others.min_by_key(|(_, list)| latest(list)).map(|(name, _)| name.clone());
            self.best.remove(&oldest.expect("there are others beyond the bound"));
        }
        Ok(())
    }

    /// Keeps a failure.
    ///
    /// # Errors
    /// When a setting is not finite: nothing is changed then.
    pub fn record_failure(&mut self, failure: FailureCase) -> Result<(), KnowledgeError> {
        all_finite(&failure.hyperparameters)?;
        self.failures.push_back(failure);
        while self.failures.len() > FAILURES_MAX {
            self.failures.pop_front();
        }
        Ok(())
    }

    /// Keeps a Q-table in place of the one before.
    pub fn record_q_table(&mut self, q_table: Payload) {
        self.q_table = q_table;
    }

    /// The digest of its canonical bytes, written `fnv1a128:hex`. It tells snapshots apart; it is no protection against forgery.
    pub fn hash(&self) -> String {
        format!("fnv1a128:{}", self.canonical().digest())
    }

    fn canonical(&self) -> Payload {
        Payload::of(self)
            .expect("every number was checked when it came in, and JSON holds finite ones only")
    }

    /// Reads the snapshot of a folder; `None` when there is none.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or was written by another version.
    pub fn load(dir: impl AsRef<Path>) -> Result<Option<Knowledge>, KnowledgeError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u64,
        }
        let path = dir.as_ref().join(KNOWLEDGE_FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(KnowledgeError::Io { path, source }),
        };
        let corrupt = |error: serde_json::Error| KnowledgeError::Corrupt {
            path: path.clone(),
            line: error.line().max(1),
            reason: error.to_string(),
        };
        let Versioned { version } = serde_json::from_slice(&bytes).map_err(corrupt)?;
        if version != u64::from(KNOWLEDGE_VERSION) {
            let found = version;
            return Err(KnowledgeError::Version { path, found });
        }
        serde_json::from_slice(&bytes).map(Some).map_err(corrupt)
    }

    /// Writes the snapshot into a folder, making it if need be: beside the old one first, then in its place, so that a crash leaves
    /// the one or the other.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn save(&self, dir: impl AsRef<Path>) -> Result<(), KnowledgeError> {
        let dir = dir.as_ref();
        let path = dir.join(KNOWLEDGE_FILE);
        let beside = dir.join(format!("{KNOWLEDGE_FILE}.new"));
        let write = || {
            fs::create_dir_all(dir)?;
            let mut file = fs::File::create(&beside)?;
            // A line each for the top-level fields would be nicer to read; one spelling a value is worth more.
            file.write_all(self.canonical().as_json().as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&beside, &path)
        };
        write().map_err(|source| KnowledgeError::Io { path, source })
    }
}

fn finite(what: &str, value: f64) -> Result<(), KnowledgeError> {
    if value.is_finite() {
        return Ok(());
    }
    let what = what.to_owned();
    Err(KnowledgeError::NotFinite { what, value })
}

fn all_finite(values: &BTreeMap<String, f64>) -> Result<(), KnowledgeError> {
    values.iter().try_for_each(|(name, value)| finite(name, *value))
}
