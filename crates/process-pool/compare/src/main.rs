//! The runner of `process-pool` in the comparison, and its workers.

use std::process::ExitCode;

use process_pool_compare::{ProcessPoolModel, load, task};

fn main() -> ExitCode {
    let program = effective_process_pool::register![load, task];
    workload::runner::main(ProcessPoolModel::new(program))
}
