//! The runner of `async-std-tasks` in the comparison.

use std::process::ExitCode;

fn main() -> ExitCode {
    workload::runner::main(async_std_tasks_compare::AsyncStdTasksModel)
}
