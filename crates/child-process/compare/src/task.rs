//! What a child is handed, and what it does with it.

use std::io::{self, Read as _};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use workload::inputs::Task;
use workload::task::{Failure, Output, Surroundings, run_blocking};

/// The argument by which the program knows that it is a child.
pub const TASK: &str = "--task";

/// All that a child knows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Handed {
    pub(crate) tasks: usize,
    pub(crate) snapshot: Vec<u64>,
    pub(crate) surroundings: Surroundings,
    pub(crate) task: Task,
}

impl Handed {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and names in UTF-8 can be written")
    }
}

/// Does the task on standard input and writes its value to standard output.
pub fn do_one_task() -> ExitCode {
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
    let handed: Handed = serde_json::from_slice(&bytes).map_err(Failure::new)?;
    run_blocking(
        &handed.task,
        handed.tasks,
        &handed.snapshot,
        &handed.surroundings,
    )
}
