//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;
use clap::error::ErrorKind;

/// Generates the scripts of a template for a data file
#[derive(Debug, Parser)]
#[command(name = "generate")]
pub(crate) struct Arguments {
    /// Show the families, their templates and what these ask for; with --template, that one only
    #[arg(long)]
    pub(crate) list: bool,
    /// The template; etl-python if none is named
    #[arg(long, value_name = "NAME")]
    pub(crate) template: Option<String>,
    /// A folder with a template of yours, or with several in folders of their names
    #[arg(long, value_name = "DIR")]
    pub(crate) templates: Option<PathBuf>,
    /// The data: a table (CSV and its kin, JSON, JSON lines), or, for workflow-rust, a definition in JSON; bundled if none is named
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Where the files go; target/generate/TEMPLATE if no folder is named
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// An input of the template, such as project=bikes; lists, records and values in JSON or, as name=@FILE, in a file of it; repeatable
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) inputs: Vec<String>,
    /// A feature of the data, in [0, 1], instead of what was counted; without data each is 1; repeatable
    #[arg(long = "feature", value_name = "NAME=NUMBER")]
    pub(crate) features: Vec<String>,
    /// Draw the parameters of the blocks by this seed, instead of taking the features as they are
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) seed: Option<u64>,
    /// Render and validate, print what would change, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Overwrite what people have edited; protected regions stay
    #[arg(long)]
    pub(crate) force: bool,
    /// Leave a generated file, or all of the folder, to people from now on; generates nothing
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["dry_run", "force"])]
    pub(crate) eject: Option<Option<String>>,
    /// Take an ejected file back; generates nothing; repeatable
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "force", "eject"])]
    pub(crate) adopt: Vec<String>,
}

/// What the words ask for.
pub(crate) enum Asked {
    Help(String),
    ToRun(Box<Arguments>),
}

/// The words of the command line, the program first.
///
/// # Errors
/// In one line, what is wrong with them and what there is instead.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
    let error = match Arguments::try_parse_from(words) {
        Ok(arguments) => return Ok(Asked::ToRun(Box::new(arguments))),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            return Ok(Asked::Help(error.to_string()));
        }
        Err(error) => error.to_string(),
    };
    let told = |line: &&str| {
        !line.is_empty() && !line.starts_with("Usage:") && !line.starts_with("For more")
    };
    let told: Vec<&str> = error.lines().map(str::trim).filter(told).collect();
    let told = told.join("; ");
    Err(format!("{}; --help shows all arguments", told.trim_start_matches("error: ")))
}
