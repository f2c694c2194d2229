//! The job under every model: `cargo xtask compare --job` builds and runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    job::Job::new(programs::inputs, programs::run)
        .run_async(programs::run_async)
        .tasks(programs::TASKS)
        .main()
}
