//! The runner of `thread-pool` in the comparison.

use std::process::ExitCode;

fn main() -> ExitCode {
    workload::runner::main(thread_pool_compare::ThreadPoolModel)
}
