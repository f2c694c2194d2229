//! The command line: what may be said, and one line for what may not.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ErrorKind};
use clap::{Args, Parser, Subcommand};

use crate::error::{Error, one_line};
use crate::results::MAX_ITERATIONS_PER_US;

/// Compares concurrency models on this machine, and tests, builds and hands out the crates that are them.
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// One command with its arguments.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run every model on the same inputs, check that all computed the same, and say which one wins and by how much
    Compare(Box<CompareArgs>),
    /// Test each crate by itself, then its runner's conformance
    Test {
        /// The crates to test [default: all, and xtask]
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
    Report {
        /// A results.json that `compare` wrote
        #[arg(value_name = "RESULTS.json")]
        results: PathBuf,
        /// Put the tables between the `measured` markers of this document
        #[arg(long, value_name = "FILE")]
        into: Option<PathBuf>,
    },
    /// Write something to start from
    New {
        /// What to write
        #[command(subcommand)]
        what: New,
    },
    /// Copy one crate out of the workspace, so that it stands alone in DIR, and build and test it there
    Pick {
        /// The crate
        #[arg(value_name = "CRATE")]
        name: String,
        /// A folder outside any cargo workspace: missing, empty, or an earlier pick of the same crate
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Run all that must hold for a commit
    Ci,
}

/// What `new` writes.
#[derive(Debug, Subcommand)]
pub enum New {
    /// A workload of your own, NAME.toml in this folder, which `compare --workload-file` runs as it is
    Workload {
        /// What the tables will call it: up to 64 of a-z, 0-9 and -
        #[arg(value_name = "NAME")]
        name: String,
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
    /// A runner of your own; may be repeated. COMMAND is split as a shell would, and no shell runs it
    #[arg(long = "runner", value_name = "NAME=COMMAND", value_parser = runner)]
    pub runners: Vec<(String, Vec<String>)>,
    /// Requests a second where requests are served, a table for each [default: what the workload says]
    #[arg(long, value_name = "N[,N…]", value_delimiter = ',', value_parser = rate)]
    pub rate: Vec<f64>,
    /// Numbers of tasks, each 1 to 10000000 [default: what the workload says]
    #[arg(long, value_name = "N[,N…]", value_delimiter = ',', value_parser = tasks)]
    pub tasks: Vec<usize>,
    /// Numbers of workers, each 1 to 4096 [default: the processors of this machine]
    #[arg(long, value_name = "N[,N…]", value_delimiter = ',', value_parser = workers)]
    pub workers: Vec<usize>,
    /// The seed of the inputs and of the order of the rounds [default: what the workload says]
    #[arg(long, value_name = "N", value_parser = seed)]
    pub seed: Option<u64>,
    /// Time for the samples after each cell's first, at most 1h [default: 30s; with --smoke 2s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub budget: Option<Duration>,
    /// At most 40 tasks a workload and little time: shows that all is well, and measures little
    #[arg(long)]
    pub smoke: bool,
    /// Skip the calibration: this many iterations are a microsecond of computing
    #[arg(long, value_name = "N", value_parser = iterations)]
    pub iterations_per_us: Option<u64>,
    /// Leave out the project's runners that need Python; there are none yet
    #[arg(long)]
    pub no_python: bool,
    /// List the workloads and the models, and do nothing else
    #[arg(long)]
    pub list: bool,
    /// Keep the inputs in this file
    #[arg(long, value_name = "FILE")]
    pub inputs: Option<PathBuf>,
    /// Where results.json goes
    #[arg(long, value_name = "DIR", default_value = DEFAULT_OUTPUT)]
    pub output: PathBuf,
    /// Earlier results to compare this run with
    #[arg(long, value_name = "RESULTS.json")]
    pub baseline: Option<PathBuf>,
    /// How long to wait for a runner's answer beyond what is predicted, at most 1h
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = patience)]
    pub patience: Duration,
}

/// Where `compare` leaves its results, seen from the root of the workspace and not from where the user stands.
pub const DEFAULT_OUTPUT: &str = "target/compare";

/// What a command line asks for.
#[derive(Debug)]
pub enum Parsed {
    /// To run a command.
    Command(Command),
    /// To read this text.
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
            keep_first(&mut args.workers);
            Ok(Parsed::Command(Command::Compare(args)))
        }
        Ok(cli) => Ok(Parsed::Command(cli.command)),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            Ok(Parsed::Help(error.render().to_string()))
        }
        Err(error) => Err(Error::Usage(refusal(
            &error,
            args.get(1).map(OsString::as_os_str),
        ))),
    }
}

/// What is wrong, what may have been meant, and where to read on, as one line.
fn refusal(error: &clap::Error, command: Option<&OsStr>) -> String {
    let known = command
        .and_then(OsStr::to_str)
        .filter(|command| commands(None).iter().any(|name| name == command));
    let commands = commands(known);
    let line = match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (_, Some(given)) => format!(
            "there is no command `{}{given}`: use one of {}",
            known.map(|name| format!("{name} ")).unwrap_or_default(),
            commands.join(", ")
        ),
        (ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, _) => {
            format!("no command is named: use one of {}", commands.join(", "))
        }
        _ => paragraphs(error).join("; "),
    };
    let help = known.map(|name| format!("{name} ")).unwrap_or_default();
    format!("{line}; see `cargo xtask {help}--help`")
}

/// What clap says, without what it says every time.
fn paragraphs(error: &clap::Error) -> Vec<String> {
    let rendered = error.render().to_string();
    rendered
        .split("\n\n")
        .map(one_line)
        .filter(|paragraph| !paragraph.is_empty())
        .filter(|paragraph| !paragraph.starts_with("Usage: cargo xtask"))
        .filter(|paragraph| !paragraph.starts_with("For more information"))
        // The advice to pass an unknown flag as a value: no command here has a use for such a value.
        .filter(|paragraph| !paragraph.starts_with("tip: to pass"))
        .map(|paragraph| {
            paragraph
                .strip_prefix("error: ")
                .map(str::to_string)
                .unwrap_or(paragraph)
        })
        .collect()
}

/// The commands that there are, or those of a command that has some of its own, with its name before them.
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

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn name(text: &str) -> Result<String, String> {
    if is_name(text) {
        return Ok(text.to_string());
    }
    Err("a name has a-z, 0-9 and - only; a file goes with --workload-file FILE".to_string())
}

fn model(text: &str) -> Result<String, String> {
    let (name, variant) = text.split_once('/').unwrap_or((text, "default"));
    if is_name(name) && is_name(variant) {
        return Ok(text.to_string());
    }
    Err("say NAME or NAME/VARIANT, each of a-z, 0-9 and - only, as in threads/limited".to_string())
}

fn runner(text: &str) -> Result<(String, Vec<String>), String> {
    let (name, command) = text
        .split_once('=')
        .ok_or("say NAME=COMMAND, as in mine='./mine --fast'")?;
    if !is_name(name) {
        return Err(format!("the NAME `{name}` may have a-z, 0-9 and - only"));
    }
    let words =
        shell_words::split(command).map_err(|_| "the COMMAND has a quote that is never closed")?;
    if words.first().is_none_or(String::is_empty) {
        return Err("the COMMAND after = is empty: name the program to start".to_string());
    }
    Ok((name.to_string(), words))
}

fn number(text: &str, low: u64, high: u64) -> Result<u64, String> {
    let number = text
        .parse::<u64>()
        .ok()
        .filter(|number| (low..=high).contains(number));
    number.ok_or_else(|| format!("say a whole number from {low} to {high}"))
}

fn rate(text: &str) -> Result<f64, String> {
    let most = workload::definition::Definition::MAX_TASKS as f64;
    let rate = text.parse().ok();
    rate.filter(|rate| *rate > 0.0 && *rate <= most)
        .ok_or_else(|| {
            format!("say how many requests come in a second, a number above 0 and up to {most}")
        })
}

fn tasks(text: &str) -> Result<usize, String> {
    number(text, 1, 10_000_000).map(|number| number as usize)
}

fn workers(text: &str) -> Result<usize, String> {
    number(text, 1, 4096).map(|number| number as usize)
}

fn seed(text: &str) -> Result<u64, String> {
    number(text, 0, u64::MAX)
}

fn iterations(text: &str) -> Result<u64, String> {
    number(text, 1, MAX_ITERATIONS_PER_US)
}

const LONGEST: Duration = Duration::from_secs(3600);

fn duration(text: &str) -> Result<Duration, String> {
    let refused = || "say a time of at most 1h, as in 500ms, 60s or 2m".to_string();
    let unit = text
        .find(|character: char| character.is_ascii_alphabetic())
        .ok_or_else(refused)?;
    let (figures, unit) = text.split_at(unit);
    // What `f64` reads besides is of no use here: signs, exponents, infinity.
    if !figures
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return Err(refused());
    }
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(refused()),
    };
    let figures: f64 = figures.parse().map_err(|_| refused())?;
    Duration::try_from_secs_f64(figures * seconds)
        .ok()
        .filter(|time| *time <= LONGEST)
        .ok_or_else(refused)
}

fn patience(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => {
            Err("no runner can answer in no time: say a time such as 30s".to_string())
        }
        time => Ok(time),
    }
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
            "--patience=500ms",
        ])
        .unwrap();
        assert_eq!(args.workloads, ["waits", "gcd"]);
        assert_eq!(args.models, ["threads/limited", "thread-pool"]);
        let words = ["python3", "my runner.py", "--fast"]
            .map(String::from)
            .to_vec();
        assert_eq!(args.runners, [("mine".to_string(), words)]);
        assert_eq!(args.tasks, [10, 200], "named twice is measured once");
        assert_eq!(args.workers, [1, 2, 4]);
        assert_eq!(args.seed, Some(u64::MAX));
        assert_eq!(args.budget, Some(Duration::from_millis(1500)));
        assert_eq!(args.patience, Duration::from_millis(500));
        assert_eq!(args.output, Path::new("out"));
    }

    #[test]
    fn durations_have_a_unit_and_an_end() {
        for (text, milliseconds) in [
            ("60s", 60_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("0s", 0),
        ] {
            assert_eq!(
                duration(text).unwrap(),
                Duration::from_millis(milliseconds),
                "{text}"
            );
        }
        for text in [
            "", "60", "s", ".s", "-1s", "+1s", "1e3s", "infs", "NaNs", "1 s", "1us", "61m", "1S",
            "1.2.3s", "½s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(patience("0s").is_err());
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
    fn an_argument_with_line_breaks_does_not_hide_the_flag() {
        let line = compare(&["--tasks", "a\n\nUsage: b"])
            .unwrap_err()
            .to_string();
        assert!(line.contains("--tasks") && !line.contains('\n'), "{line}");
    }
}
