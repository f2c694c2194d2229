//! A check that inputs repeat: another process of the same program makes them again.

use std::env;
use std::io::Write as _;
use std::process::{Command, ExitCode, Stdio};

use workload::answers::take_stdout;
use workload::job;
use workload::task::Failure;

/// The argument that makes the program print the hash of its inputs.
pub(crate) const INPUTS: &str = "--inputs";

/// Compares the hash with that of another process.
pub(crate) fn inputs(tasks: usize, seed: u64, hash: u64) -> Result<(), Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::new(format_args!(
            "`inputs({tasks}, {seed})` in another process: {why}"
        ))
    };
    let program = env::current_exe().map_err(|error| failed(&error))?;
    let output = Command::new(program)
        .args([INPUTS, &tasks.to_string(), &seed.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| failed(&error))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let last = words.lines().last().unwrap_or("no message");
        return Err(failed(&format_args!("{last} ({})", output.status)));
    }
    if String::from_utf8_lossy(&output.stdout).trim() == format!("{hash:016x}") {
        return Ok(());
    }
    Err(Failure::new(format_args!(
        "`inputs({tasks}, {seed})` returned other inputs in another process. Worker processes make them again, so they must \
         follow from the number of tasks and the seed alone: no clock, no random numbers of its own, no order of a HashMap"
    )))
}

/// Prints the hash of the inputs.
pub(crate) fn print(tasks: &str, seed: &str) -> ExitCode {
    let print = || -> Result<(), Failure> {
        let tasks = tasks.parse().map_err(Failure::new)?;
        let seed = seed.parse().map_err(Failure::new)?;
        // Before `inputs` is called, which may print.
        let mut answers = take_stdout().map_err(Failure::new)?;
        let calls = job::of_this_program()?.load(tasks, seed)?;
        writeln!(answers, "{:016x}", calls.inputs_hash()).map_err(Failure::new)
    };
    match print() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
