//! A build-step runner: the steps of a file run one stage after another, those of a stage several
//! at once, each with a time limit that ends its whole process tree.
//!
//! It shows `Many`, time limits and bounded output, and that neither a step that hangs nor a
//! process that a step leaves behind outlives the build.
//!
//! `cargo run -p effective-child-process --example build_steps -- [FILE [AT_ONCE [SECONDS]]]`
//!
//! A line of the file is a step: a command for `sh`. An empty line ends a stage; the next one runs
//! only if all steps so far have passed. A line that begins with `#` is a comment. `-` is standard
//! input; without a file the program runs a sample. Four steps run at once, for up to 60 s each.
//! The exit status is 1 if a step has failed, 2 if the arguments are wrong.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use effective_child_process::{Command, Error, Excess, Finished, Many};

const USAGE: &str = "usage: build_steps [FILE [AT_ONCE [SECONDS]]]";

const SAMPLE: &str = "
# Two parts, made at once.
echo a part
seq 1000 | tail -n 1

# The whole.
echo the whole
";

/// How much a step may print, in bytes. The end is shown if the step fails.
const OUTPUT_MAX: usize = 1 << 20;

type Stage = Vec<String>;

struct Build {
    stages: Vec<Stage>,
    many: Many,
    limit: Duration,
}

fn settings(arguments: &[OsString]) -> Result<Build, String> {
    let number = |index: usize, default| match arguments.get(index) {
        None => Ok(default),
        Some(text) => {
            let number = text.to_str().and_then(|text| text.parse::<u32>().ok());
            let number = number.filter(|number| *number > 0);
            number.ok_or_else(|| format!("{text:?} is not a number of at least 1"))
        }
    };
    let (at_once, seconds) = (number(1, 4)? as usize, number(2, 60)?);
    let text = match arguments {
        [] => Ok(SAMPLE.to_owned()),
        [_, _, _, surplus, ..] => return Err(format!("{surplus:?} is one argument too many")),
        [file, ..] if file == "-" => io::read_to_string(io::stdin()),
        [file, ..] => std::fs::read_to_string(file),
    };
    let text = text.map_err(|error| format!("{:?}: {error}", arguments[0]))?;
    Ok(Build {
        stages: stages(&text),
        many: Many::new().limit(NonZeroUsize::new(at_once).unwrap_or(NonZeroUsize::MIN)),
        limit: Duration::from_secs(seconds.into()),
    })
}

fn stages(text: &str) -> Vec<Stage> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let stages = lines.split(|line| line.is_empty()).map(|lines| {
        let steps = lines.iter().filter(|line| !line.starts_with('#'));
        steps.map(|step| (*step).to_owned()).collect()
    });
    stages.filter(|stage: &Stage| !stage.is_empty()).collect()
}

/// Runs the steps of a stage and returns how many failed.
fn run_stage(build: &Build, stage: &[String]) -> io::Result<usize> {
    let commands = stage.iter().map(|step| {
        Command::new("sh")
            .args(["-c", step])
            .time_limit(build.limit)
            .capture_at_most(OUTPUT_MAX, Excess::Truncate)
            .kill_leftovers()
    });
    let mut failed = 0;
    for (index, result) in build.many.as_completed(commands) {
        let mut out = io::stdout().lock();
        let command = &stage[index];
        let error = match result.and_then(Finished::check) {
            Ok(finished) => {
                writeln!(out, "passed  {command} ({:.1?})", finished.took)?;
                continue;
            }
            Err(error) => error,
        };
        failed += 1;
        match &error {
            Error::TimedOut { limit, .. } => writeln!(out, "LATE    {command} (after {limit:?})")?,
            Error::Failed(finished) => writeln!(out, "FAILED  {command} ({})", finished.status)?,
            error => writeln!(out, "FAILED  {error}")?,
        }
        let output = error
            .finished()
            .map(|finished| [&*finished.stdout, &finished.stderr].concat());
        for line in String::from_utf8_lossy(&output.unwrap_or_default()).lines() {
            writeln!(out, "        {line}")?;
        }
    }
    Ok(failed)
}

fn run_all(build: &Build) -> Result<bool, Box<dyn std::error::Error>> {
    // Processes that escape from their step become children of this program, and are ended.
    effective_child_process::adopt_orphans()?;
    for (stage, number) in build.stages.iter().zip(1..) {
        let failed = run_stage(build, stage)?;
        if failed > 0 {
            let (all, stages) = (stage.len(), build.stages.len());
            println!("{failed} of {all} steps of stage {number} of {stages} failed");
            return Ok(false);
        }
    }
    let steps: usize = build.stages.iter().map(Vec::len).sum();
    println!("{steps} steps passed");
    Ok(true)
}

pub(crate) fn run(arguments: &[OsString]) -> u8 {
    match settings(arguments).map(|build| run_all(&build)) {
        Ok(Ok(passed)) => u8::from(!passed),
        Ok(Err(error)) => {
            eprintln!("build_steps: {error}");
            1
        }
        Err(problem) => {
            eprintln!("build_steps: {problem}; {USAGE}");
            2
        }
    }
}

fn main() -> ExitCode {
    run(&env::args_os().skip(1).collect::<Vec<_>>()).into()
}
