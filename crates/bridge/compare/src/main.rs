//! The runner of `bridge` in the comparison.

use std::process::ExitCode;

fn main() -> ExitCode {
    workload::runner::main(bridge_compare::BridgeModel)
}
