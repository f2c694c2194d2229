//! The request to a child, and the code that runs in the child.

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use workload::answers::take_stdout;
use workload::inputs::Task;
use workload::job::Loaded;
use workload::task::{Failure, Surroundings, run_blocking};
use workload::trace::clock_ns;

/// The argument that makes the program run one task as a child.
pub const TASK: &str = "--task";

/// A task and everything that a child needs to run it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) tasks: usize,
    /// The seed of the workload, from which the child makes the input of a job.
    pub(crate) seed: u64,
    /// The hash of that input, if the task calls a job.
    pub(crate) input: Option<u64>,
    pub(crate) snapshot: Vec<u64>,
    pub(crate) surroundings: Surroundings,
    pub(crate) task: Task,
    /// Whether the child tells when it began and ended: only in the untimed trace.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) traced: bool,
}

impl Request {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and names in UTF-8 can be written")
    }
}

/// The answer of a child.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) value: u64,
    /// When the child began and ended, by the clock that all processes share; in the untimed trace.
    pub(crate) span: Option<(u64, u64)>,
}

impl Answer {
    /// Reads what a child printed: the value in hexadecimal and, if it was asked for, the span in
    /// decimal.
    pub(crate) fn parse(text: &str) -> Option<Answer> {
        let mut words = text.split_ascii_whitespace();
        let value = u64::from_str_radix(words.next()?, 16).ok()?;
        let span = match (words.next(), words.next()) {
            (Some(begin), Some(end)) => Some((begin.parse().ok()?, end.parse().ok()?)),
            (None, _) => None,
            (Some(_), None) => return None,
        };
        words.next().is_none().then_some(Answer { value, span })
    }
}

/// Runs the task read from standard input and writes its value to standard output.
pub fn run_task() -> ExitCode {
    let begin_ns = clock_ns();
    match answered(begin_ns) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn answered(begin_ns: u64) -> Result<(), Failure> {
    // Before the task is run, which may print.
    let mut answers = take_stdout().map_err(Failure::new)?;
    let (value, traced) = value()?;
    let line = match traced {
        false => format!("{value:016x}\n"),
        true => format!("{value:016x} {begin_ns} {}\n", clock_ns()),
    };
    answers.write_all(line.as_bytes()).map_err(Failure::new)
}

/// The value of the task, and whether it is traced.
fn value() -> Result<(u64, bool), Failure> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(Failure::new)?;
    let mut request: Request = serde_json::from_slice(&bytes).map_err(Failure::new)?;
    if let Some(expected) = request.input {
        let index = request.task.index;
        request.surroundings.job = input(request.tasks, request.seed, index, expected)?;
    }
    let value = run_blocking(
        &request.task,
        request.tasks,
        &request.snapshot,
        &request.surroundings,
    )?;
    Ok((value, request.traced))
}

/// The input of a job, made again, which has to be the one that the parent has.
fn input(tasks: usize, seed: u64, index: usize, expected: u64) -> Result<Loaded, Failure> {
    let job = Loaded::of_one(tasks, seed, index)?;
    let made = job.calls().map(|calls| calls.input_hash(index));
    if made == Some(expected) {
        return Ok(job);
    }
    Err(Failure::new(
        "the child process made another input: `inputs` must return the same for the same seed",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_has_a_span_only_if_one_is_printed() {
        let answer = |value, span| Some(Answer { value, span });
        assert_eq!(Answer::parse("00000000000000ff\n"), answer(255, None));
        assert_eq!(Answer::parse("1 20 30\n"), answer(1, Some((20, 30))));
        for text in ["", "xyz", "1 20", "1 20 x", "1 20 30 40"] {
            assert_eq!(Answer::parse(text), None, "{text:?}");
        }
    }
}
