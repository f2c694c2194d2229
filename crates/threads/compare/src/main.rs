//! The runner of `threads` in the comparison.

use std::process::ExitCode;

fn main() -> ExitCode {
    workload::runner::main(threads_compare::ThreadsModel)
}
