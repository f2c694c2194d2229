//! Programs without a runtime end as they do under `sequential`, and leave no process.
#![cfg(unix)]

use coroutines_compare::CoroutinesModel;

const VARIANTS: [&str; 2] = ["", "smol"];

#[test]
fn values_equal_those_of_sequential() {
    for variant in VARIANTS {
        workload_conformance::programs_have_the_value_of_sequential(&CoroutinesModel, variant);
    }
}

#[test]
fn time_limit_ends_processes_that_the_program_started() {
    for variant in VARIANTS {
        workload_conformance::time_limit_ends_all_processes(&CoroutinesModel, variant);
    }
}
