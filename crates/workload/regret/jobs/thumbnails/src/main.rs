//! The job under every model: `cargo xtask compare --job` builds and runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    job::Job::new(thumbnails::inputs, thumbnails::run)
        .tasks(thumbnails::TASKS)
        .main()
}
