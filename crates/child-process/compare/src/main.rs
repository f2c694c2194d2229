//! The runner of `child-process` in the comparison, which is also the program of its children.

use std::env;
use std::process::ExitCode;

use child_process_compare::{ChildProcessModel, TASK, run_task};

fn main() -> ExitCode {
    if env::args_os().nth(1).is_some_and(|arg| arg == TASK) {
        return run_task();
    }
    match env::current_exe() {
        Ok(program) => workload::runner::main(ChildProcessModel::new(program)),
        Err(error) => {
            eprintln!("child-process: cannot find its own program to start: {error}");
            ExitCode::FAILURE
        }
    }
}
