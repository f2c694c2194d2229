//! The runner of `data-parallel` in the comparison.

use std::process::ExitCode;

fn main() -> ExitCode {
    workload::runner::main(data_parallel_compare::DataParallelModel)
}
