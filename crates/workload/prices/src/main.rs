//! The program behind `cargo xtask prices`: it measures, and xtask judges.
//!
//! It prints one JSON object per line. All models have one worker per processor.
#![forbid(unsafe_code)]

mod calls;
mod line;
mod memory;
mod names;
mod priced;
mod processes;
mod reading;
mod rounds;
mod runtime;
mod threads;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use effective_process_pool::{Program, register};

use line::Line;
use processes::{pause, work};
use rounds::Trial;

const USAGE: &str = "use `cargo xtask prices`; this program takes `times SECONDS`, `memory NAME` \
                     or `trials SECONDS NAME=NANOSECONDS…`";

fn main() -> ExitCode {
    // First: a worker process starts here, and does not return.
    let program = register![work, pause];
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&program, &args) {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("error: standard output: {error}");
            ExitCode::FAILURE
        }
        None => {
            eprintln!("error: {USAGE}");
            ExitCode::from(2)
        }
    }
}

/// `None` for arguments that make no sense.
fn run(program: &Program, args: &[&str]) -> Option<io::Result<()>> {
    match args {
        ["times", seconds] => Some(rounds::times(program, time(seconds)?)),
        ["memory", name] => Some(memory(program, name)),
        ["trials", seconds, trials @ ..] => {
            let trials = trials.iter().map(|text| trial(text));
            let trials = trials.collect::<Option<Vec<Trial>>>()?;
            Some(rounds::trials(program, time(seconds)?, &trials))
        }
        _ => None,
    }
}

/// At most an hour.
fn time(seconds: &str) -> Option<Duration> {
    let seconds: f64 = seconds.parse().ok()?;
    (0.0..=3600.0)
        .contains(&seconds)
        .then(|| Duration::from_secs_f64(seconds))
}

fn trial(text: &str) -> Option<Trial> {
    let (name, size) = text.split_once('=')?;
    let known = names::ALL.contains(&name);
    let size_ns = size
        .parse()
        .ok()
        .filter(|size| known && *size <= 1_000_000_000)?;
    Some(Trial {
        name: name.to_owned(),
        size_ns,
    })
}

fn memory(program: &Program, name: &str) -> io::Result<()> {
    match memory::of(name, program) {
        Ok(Some((tasks, bytes))) => Line::Memory { name, tasks, bytes }.print(),
        Ok(None) => Ok(()),
        Err(why) => Line::Failed { name, why: &why }.print(),
    }
}
