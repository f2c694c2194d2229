//! The runner of `coroutines` in the comparison.

use std::process::ExitCode;

fn main() -> ExitCode {
    workload::runner::main(coroutines_compare::CoroutinesModel)
}
