//! The job under every model: `cargo xtask compare --job` builds and runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    job::Job::new(http::inputs, http::run)
        .run_async(http::run_async)
        .tasks(http::TASKS)
        .main()
}
