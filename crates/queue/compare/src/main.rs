//! The runner of `queue` in the comparison.

use std::process::ExitCode;

fn main() -> ExitCode {
    workload::runner::main(queue_compare::QueueModel)
}
