//! The runner of `locks` in the comparison.

use std::process::ExitCode;

fn main() -> ExitCode {
    workload::runner::main(locks_compare::LocksModel)
}
