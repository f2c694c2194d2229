//! The job under every model: `cargo xtask compare --job` builds and runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    job::Job::new(json_call::inputs, json_call::run)
        .run_async(json_call::run_async)
        .tasks(json_call::TASKS)
        .main()
}
