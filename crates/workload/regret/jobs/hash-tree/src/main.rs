//! The job under every model: `cargo xtask compare --job` builds and runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    job::Job::new(hash_tree::inputs, hash_tree::run)
        .tasks(hash_tree::TASKS)
        .main()
}
