//! The command line, and its one-line errors.

mod advise;
mod footprint;
mod pick;
mod prices;
pub mod report;
mod value;
pub mod workers;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ErrorKind};
use clap::{Args, Parser, Subcommand};

use crate::error::{Error, one_line};
use crate::suggest::did_you_mean;
pub use advise::{ADVICE_OUTPUT, AdviseArgs, Twin};
pub use footprint::FootprintArgs;
pub use pick::PickArgs;
pub use prices::PricesArgs;
use value::{
    duration, iterations, margin, model, name, patience, rate, runner, seed, slower, tasks,
};
use workers::Workers;

/// Compares concurrency models on this machine, and tests, builds and hands out the crates that are
/// them.
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// One command with its arguments.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run every model on the same inputs, check that all computed the same, and say which one wins
    /// and by how much
    Compare(Box<CompareArgs>),
    /// Find out what this machine and this instrument can tell apart, for later comparisons
    Calibrate(CalibrateArgs),
    /// Measure what each model costs per task on this machine, and from what size of a task it pays
    Prices(PricesArgs),
    /// Say which model to take for a job, with how many workers, and what would change the answer
    Advise(Box<AdviseArgs>),
    /// Test each crate by itself, then its runner's conformance
    Test {
        /// The crates to test [default: every package]
        #[arg(value_name = "CRATE")]
        crates: Vec<String>,
    },
    /// Build the runners, each by itself
    Build {
        /// The crates whose runners to build [default: all]
        #[arg(value_name = "CRATE")]
        crates: Vec<String>,
    },
    /// Render the results of a comparison again
    Report(report::ReportArgs),
    /// Write something to start from
    New {
        /// The kind of file to write
        #[command(subcommand)]
        what: New,
    },
    /// Put one crate into DIR, standing alone or as a member of the workspace there, once it was
    /// built and tested in a temporary folder
    Pick(PickArgs),
    /// Count the dependencies of each crate and the unsafe code in them, and measure a build of all
    /// of it
    Footprint(FootprintArgs),
    /// Run all that must hold for a commit
    Ci {
        /// Run everything at full length: soaks of a minute, each crate alone, the tests of picked
        /// crates, fuzzing
        #[arg(long)]
        deep: bool,
        /// Run only what the changes since this commit can have touched, those not committed yet
        /// included
        #[arg(long, value_name = "REV", allow_hyphen_values = true)]
        since: Option<String>,
    },
}

/// The kinds of files that `new` writes.
#[derive(Debug, Subcommand)]
pub enum New {
    /// A workload of your own, NAME.toml in this folder, which `compare --workload-file` runs as it
    /// is
    Workload {
        /// Its name in the tables: up to 64 of a-z, 0-9 and -
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// A model: crates/NAME with its runner, which passes the checks and takes part in comparisons
    /// as it is
    Model {
        /// Its name: up to 32 of a-z, 0-9 and -
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// A job of your own: a small crate whose function `compare --job DIR` runs under every model
    Job {
        /// A folder that is missing or empty, in this checkout or outside
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

/// The arguments of `compare`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct CompareArgs {
    /// Workloads to run [default: all of the project's own]
    #[arg(value_name = "WORKLOAD", value_parser = name)]
    pub workloads: Vec<String>,
    /// Only this model, or this variant of it; may be repeated. `sequential` always runs
    #[arg(long = "model", value_name = "NAME[/VARIANT]", value_parser = model)]
    pub models: Vec<String>,
    /// A workload of your own; may be repeated
    #[arg(long = "workload-file", value_name = "FILE")]
    pub workload_files: Vec<PathBuf>,
    /// A job of your own: the folder of a crate that `new job` wrote, whose function is compared
    /// under every model
    #[arg(long = "job", value_name = "DIR")]
    pub job: Option<PathBuf>,
    /// A runner of your own; may be repeated. COMMAND is split as a shell would, and no shell runs
    /// it
    #[arg(long = "runner", value_name = "NAME=COMMAND", value_parser = runner)]
    pub runners: Vec<(String, Vec<String>)>,
    /// Requests a second where requests are served, a table for each [default: what the workload
    /// says]
    #[arg(long, value_name = "N[,N…]", value_delimiter = ',', value_parser = rate, allow_negative_numbers = true)]
    pub rate: Vec<f64>,
    /// Numbers of tasks, each 1 to 10000000 [default: what the workload says]
    #[arg(long, value_name = "N[,N…]", value_delimiter = ',', value_parser = tasks, allow_negative_numbers = true)]
    pub tasks: Vec<usize>,
    /// Numbers of workers, each 1 to 4096, for all models or for one; may be repeated [default: the
    /// processors of this machine and, where tasks wait, what keeps those busy]
    #[arg(long, value_name = "N[,N…] | MODEL=N[,N…]", value_parser = workers::workers, allow_hyphen_values = true)]
    pub workers: Vec<Workers>,
    /// The seed of the inputs and of the order of the rounds [default: what the workload says]
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// Time for all samples but each cell's first and its untimed one, at most 1h [default: 52s;
    /// with --smoke 2s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub budget: Option<Duration>,
    /// The difference that matters, at most 50%: a contestant this close to the best is as fast
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = margin)]
    pub margin: f64,
    /// At most 40 tasks a workload and little time: shows that all is well, and measures little
    #[arg(long)]
    pub smoke: bool,
    /// Print every table, as when workloads are named, instead of the answer on one screen
    #[arg(long)]
    pub details: bool,
    /// Skip the calibration: this many iterations are a microsecond of computing
    #[arg(long, value_name = "N", value_parser = iterations, allow_negative_numbers = true)]
    pub iterations_per_us: Option<u64>,
    /// Leave out the project's runners that need Python; there are none yet
    #[arg(long)]
    pub no_python: bool,
    /// List the workloads and the models with their variants, and do nothing else
    #[arg(long)]
    pub list: bool,
    /// Keep the inputs in this file
    #[arg(long, value_name = "FILE")]
    pub inputs: Option<PathBuf>,
    /// Where report.html, results.json, results.md and results.csv go
    #[arg(long, value_name = "DIR", default_value = DEFAULT_OUTPUT)]
    pub output: PathBuf,
    /// Earlier results of this machine to compare this run with
    #[arg(long, value_name = "RESULTS.json")]
    pub baseline: Option<PathBuf>,
    /// Write when and where the tasks of each model ran, as a trace for Perfetto (ui.perfetto.dev)
    /// and chrome://tracing
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Exit with status 1 if a cell takes that much longer than in the --baseline, beyond noise
    #[arg(long, value_name = "PERCENT", value_parser = slower, requires = "baseline")]
    pub fail_on_slower: Option<f64>,
    /// How long to wait for a runner's answer beyond what is predicted, at most 1h
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = patience)]
    pub patience: Duration,
    /// Other scales of every workload, a table for each: what `advise` asks for, and no flag.
    #[arg(skip)]
    pub twins: Vec<Twin>,
    /// Print no results; what `advise` asks for, and no flag.
    #[arg(skip)]
    pub is_quiet: bool,
    /// Leave out the models that need a program besides their own, such as a server, unless they
    /// are named; what `advise` asks for, and no flag.
    #[arg(skip)]
    pub is_self_contained: bool,
}

/// The arguments of `calibrate`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct CalibrateArgs {
    /// Time for linking and for the trials, at most 1h [default: 150s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub budget: Option<Duration>,
    /// Where calibration.json goes; comparisons with the same folder use it
    #[arg(long, value_name = "DIR", default_value = DEFAULT_OUTPUT)]
    pub output: PathBuf,
    /// Put the answer between the `calibrated` markers of this document
    #[arg(long, value_name = "FILE")]
    pub into: Option<PathBuf>,
}

/// Where `compare` leaves its results, seen from the root of the workspace and not from where the
/// user stands.
pub const DEFAULT_OUTPUT: &str = "target/compare";

/// The request of a command line.
#[derive(Debug)]
pub enum Parsed {
    /// A command to run.
    Command(Command),
    /// A text to print: help, or the version.
    Help(String),
}

/// Reads the arguments, the program's name first.
///
/// # Errors
/// [`Error::Usage`] for all that clap or a value's own parser refuses.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed, Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    match Cli::try_parse_from(&args) {
        Ok(Cli {
            command: Command::Compare(mut args),
        }) => {
            keep_first(&mut args.tasks);
            Ok(Parsed::Command(Command::Compare(args)))
        }
        Ok(cli) => Ok(Parsed::Command(cli.command)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            ) =>
        {
            Ok(Parsed::Help(error.render().to_string()))
        }
        Err(error) => Err(Error::Usage(refusal(&error, &args))),
    }
}

/// One line: the error, the likely intention, and where to read on.
fn refusal(error: &clap::Error, args: &[OsString]) -> String {
    let known = args
        .get(1)
        .and_then(|command| command.to_str())
        .filter(|command| commands(None).iter().any(|name| name == command));
    let commands = commands(known);
    let line = match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (_, Some(given)) => {
            let given = format!(
                "{}{given}",
                known.map(|name| format!("{name} ")).unwrap_or_default()
            );
            let meant = did_you_mean(&given, commands.iter().map(String::as_str));
            format!(
                "there is no command `{given}`: {meant}use one of {}",
                commands.join(", ")
            )
        }
        (ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, _) => {
            format!("no command is named: use one of {}", commands.join(", "))
        }
        (ErrorKind::UnknownArgument, _) if negative(args).is_some() => {
            let given = negative(args).unwrap_or_default();
            format!("`{given}` is negative, and no value here can be")
        }
        _ => paragraphs(error).join("; "),
    };
    let help = known.map(|name| format!("{name} ")).unwrap_or_default();
    format!("{line}; see `cargo xtask {help}--help`")
}

/// A value such as `-5s`, which looks like a flag.
fn negative(args: &[OsString]) -> Option<&str> {
    let mut args = args.iter().filter_map(|arg| arg.to_str());
    args.find(|arg| {
        let rest = arg.strip_prefix('-').unwrap_or_default();
        rest.starts_with(|first: char| first.is_ascii_digit() || first == '.')
    })
}

/// The message of clap without its boilerplate.
fn paragraphs(error: &clap::Error) -> Vec<String> {
    let rendered = error.render().to_string();
    rendered
        .split("\n\n")
        .map(one_line)
        .filter(|paragraph| !paragraph.is_empty())
        .filter(|paragraph| !paragraph.starts_with("Usage: cargo xtask"))
        .filter(|paragraph| !paragraph.starts_with("For more information"))
        // The advice to pass an unknown flag as a value: no command here has a use for such a
        // value.
        .filter(|paragraph| !paragraph.starts_with("tip: to pass"))
        .map(|paragraph| {
            paragraph
                .strip_prefix("error: ")
                .map(str::to_string)
                .unwrap_or(paragraph)
        })
        .collect()
}

/// The commands that there are, or those of a command that has some of its own, with its name
/// before them.
fn commands(of: Option<&str>) -> Vec<String> {
    let cli = <Cli as clap::CommandFactory>::command();
    let nested = of
        .and_then(|name| cli.find_subcommand(name))
        .filter(|command| command.has_subcommands());
    let before = nested
        .map(|command| format!("{} ", command.get_name()))
        .unwrap_or_default();
    nested
        .unwrap_or(&cli)
        .get_subcommands()
        .map(|command| format!("{before}{}", command.get_name()))
        .collect()
}

/// A number named twice would be measured twice, and make two rows that read the same.
fn keep_first(numbers: &mut Vec<usize>) {
    let mut seen = std::collections::BTreeSet::new();
    numbers.retain(|number| seen.insert(*number));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn compare(args: &[&str]) -> Result<CompareArgs, Error> {
        let args = ["xtask", "compare"].iter().chain(args).map(OsString::from);
        match parse(args)? {
            Parsed::Command(Command::Compare(args)) => Ok(*args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_design() {
        let args = compare(&[]).unwrap();
        assert_eq!(args.budget, None);
        assert_eq!(args.patience, Duration::from_secs(30));
        assert_eq!(args.output, Path::new("target/compare"));
        assert!(args.workloads.is_empty() && args.models.is_empty() && args.tasks.is_empty());
        assert!(!args.smoke && !args.list && !args.no_python && args.seed.is_none());
    }

    #[test]
    fn everything_can_be_said() {
        let args = compare(&[
            "waits",
            "gcd",
            "--model=threads/limited",
            "--model",
            "thread-pool",
            "--workload-file",
            "my.toml",
            "--runner",
            "mine=python3 'my runner.py' --fast",
            "--tasks",
            "10,200,10",
            "--workers=1,2",
            "--workers=2,4",
            "--seed=18446744073709551615",
            "--budget=1.5s",
            "--smoke",
            "--iterations-per-us=300",
            "--no-python",
            "--list",
            "--inputs=in.jsonl",
            "--output=out",
            "--baseline=old.json",
            "--fail-on-slower=7.5%",
            "--patience=500ms",
            "--trace=trace.json",
        ])
        .unwrap();
        assert_eq!(args.workloads, ["waits", "gcd"]);
        assert_eq!(args.models, ["threads/limited", "thread-pool"]);
        let words = ["python3", "my runner.py", "--fast"]
            .map(String::from)
            .to_vec();
        assert_eq!(args.runners, [("mine".to_string(), words)]);
        assert_eq!(args.tasks, [10, 200], "named twice is measured once");
        assert_eq!(workers::numbers(&args.workers, None), [1, 2, 4]);
        assert_eq!(args.seed, Some(u64::MAX));
        assert_eq!(args.budget, Some(Duration::from_millis(1500)));
        assert_eq!(args.patience, Duration::from_millis(500));
        assert_eq!(args.output, Path::new("out"));
        assert_eq!(args.trace.as_deref(), Some(Path::new("trace.json")));
        assert_eq!(args.fail_on_slower, Some(0.075));
    }

    #[test]
    fn a_refusal_names_the_flag_the_fault_and_the_help() {
        let line = compare(&["--tasks", "0"]).unwrap_err().to_string();
        assert_eq!(
            line,
            "invalid value '0' for '--tasks <N[,N…]>': say a whole number from 1 to 10000000; \
             see `cargo xtask compare --help`"
        );
        let line = compare(&["--taks", "5"]).unwrap_err().to_string();
        assert!(
            line.contains("--taks") && line.contains("a similar argument exists: '--tasks'"),
            "{line}"
        );
    }

    #[test]
    fn a_negative_number_error_asks_for_a_positive_one() {
        for flag in ["--tasks", "--workers", "--iterations-per-us"] {
            for args in [&[flag, "-5"][..], &[&format!("{flag}=-5")]] {
                let line = compare(args).unwrap_err().to_string();
                assert!(
                    line.contains(flag)
                        && line.contains("it must be positive: say a whole number from 1"),
                    "{line}"
                );
            }
        }
        for (args, words) in [
            (["--tasks", "3,-5"], "it must be positive"),
            (["--seed", "-1"], "say a whole number from 0"),
            (["--rate", "-0.5"], "a number above 0"),
            (["--budget", "-5s"], "`-5s` is negative"),
            (["--patience", "-1m"], "`-1m` is negative"),
        ] {
            let line = compare(&args).unwrap_err().to_string();
            assert!(line.contains(words), "{line}");
        }
        assert!(compare(&["--tasks", "--smoke"]).is_err());
    }

    #[test]
    fn the_version_is_not_an_error() {
        for flag in ["--version", "-V"] {
            let parsed = parse(["xtask", flag].map(OsString::from)).unwrap();
            let Parsed::Help(text) = parsed else {
                panic!("{parsed:?}");
            };
            assert_eq!(text, format!("xtask {}\n", env!("CARGO_PKG_VERSION")));
        }
    }

    #[test]
    fn an_argument_with_line_breaks_does_not_hide_the_flag() {
        let line = compare(&["--tasks", "a\n\nUsage: b"])
            .unwrap_err()
            .to_string();
        assert!(line.contains("--tasks") && !line.contains('\n'), "{line}");
    }
}
