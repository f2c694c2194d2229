//! The runner of `pipeline` in the comparison.

use std::process::ExitCode;

fn main() -> ExitCode {
    workload::runner::main(pipeline_compare::PipelineModel)
}
