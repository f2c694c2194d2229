//! The runner of `tokio-tasks` in the comparison.

use std::process::ExitCode;

fn main() -> ExitCode {
    workload::runner::main(tokio_tasks_compare::TokioTasksModel)
}
