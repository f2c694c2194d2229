//! A check that the replay of a recorded workload has that workload's own ranking: records
//! workloads of the comparison as one thread does them, compares the models on each workload and on
//! its replay, and prints both rankings.

mod ranking;
mod record;

use std::path::Path;
use std::process::{Command, ExitCode};

use workload::definition::{Definition, builtin};

const USAGE: &str = "usage: replays [--budget SECONDS] [--keep FOLDER] [WORKLOAD…]\n\
    Records each workload (waits, mixed, gcd and fetch unless named), compares the models on it and \
    on its replay, and prints both rankings. --keep FOLDER keeps traces and results.";

/// Different kinds of waiting, of computing, and both.
const WORKLOADS: [&str; 4] = ["waits", "mixed", "gcd", "fetch"];

type Failed = Box<dyn std::error::Error>;

struct Arguments {
    budget_s: u64,
    keep: Option<String>,
    workloads: Vec<&'static Definition>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replays: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn parse(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let (mut budget_s, mut keep, mut names) = (20, None, Vec::new());
        while let Some(argument) = given.next() {
            match argument.as_str() {
                "--budget" => {
                    let value = given.next().and_then(|value| value.parse().ok());
                    budget_s = value
                        .filter(|value| (1..=3600).contains(value))
                        .ok_or("--budget takes whole seconds from 1 to 3600")?;
                }
                "--keep" => keep = Some(given.next().ok_or("--keep takes a folder")?),
                name if name.starts_with('-') => return Err(format!("there is no `{name}`")),
                _ => names.push(argument),
            }
        }
        if names.is_empty() {
            names = WORKLOADS.map(str::to_owned).to_vec();
        }
        let found = names
            .iter()
            .map(|name| builtin(name).ok_or_else(|| format!("there is no workload `{name}`")));
        Ok(Arguments {
            budget_s,
            keep,
            workloads: found.collect::<Result<_, _>>()?,
        })
    }
}

fn run(arguments: &Arguments) -> Result<(), Failed> {
    let scratch = tempfile::tempdir()?;
    let folder = arguments.keep.as_deref().map_or(scratch.path(), Path::new);
    std::fs::create_dir_all(folder)?;
    for definition in &arguments.workloads {
        let name = &definition.name;
        let replay = record::record(definition, folder)?;
        let (original, replayed) = (
            folder.join(format!("{name}-original")),
            folder.join(format!("{name}-replayed")),
        );
        compare(arguments, &[name.as_ref()], &original)?;
        compare(
            arguments,
            &["--workload-file".as_ref(), replay.as_os_str()],
            &replayed,
        )?;
        ranking::print(
            name,
            &original.join("results.json"),
            &replayed.join("results.json"),
        )?;
    }
    Ok(())
}

/// Runs `cargo xtask compare` on this workload.
fn compare(
    arguments: &Arguments,
    workload: &[&std::ffi::OsStr],
    output: &Path,
) -> Result<(), Failed> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["xtask", "compare"]).args(workload);
    command
        .args(["--budget", &format!("{}s", arguments.budget_s), "--output"])
        .arg(output);
    // The tables printed here are those of the two rankings.
    command.stdout(std::process::Stdio::null());
    let status = command.status()?;
    if !status.success() {
        return Err(format!("{command:?} ended with {status}").into());
    }
    Ok(())
}
