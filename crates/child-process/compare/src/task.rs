//! The request to a child, and the code that runs in the child.

use std::io::{self, Read as _};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use workload::inputs::Task;
use workload::task::{Failure, Output, Surroundings, run_blocking};

/// The argument that makes the program run one task as a child.
pub const TASK: &str = "--task";

/// A task and everything that a child needs to run it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) tasks: usize,
    pub(crate) snapshot: Vec<u64>,
    pub(crate) surroundings: Surroundings,
    pub(crate) task: Task,
}

impl Request {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and names in UTF-8 can be written")
    }
}

/// Runs the task read from standard input and writes its value to standard output.
pub fn run_task() -> ExitCode {
    match value() {
        Ok(value) => {
            println!("{value:016x}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn value() -> Output {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(Failure::new)?;
    let request: Request = serde_json::from_slice(&bytes).map_err(Failure::new)?;
    run_blocking(
        &request.task,
        request.tasks,
        &request.snapshot,
        &request.surroundings,
    )
}
