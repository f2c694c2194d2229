//! Programs under tokio end as they do under `sequential`, and leave no process.
#![cfg(unix)]

use tokio_tasks_compare::TokioTasksModel;

#[test]
fn values_equal_those_of_sequential() {
    workload_conformance::programs_have_the_value_of_sequential(&TokioTasksModel, "");
}

#[test]
fn time_limit_ends_processes_that_the_program_started() {
    workload_conformance::time_limit_ends_all_processes(&TokioTasksModel, "");
}
