//! The runner of `stall-watch` in the comparison.

use std::process::ExitCode;

fn main() -> ExitCode {
    workload::runner::main(stall_watch_compare::StallWatchModel)
}
