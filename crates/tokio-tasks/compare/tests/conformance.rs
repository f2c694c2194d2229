//! The conformance tests, for `tokio-tasks`.

workload_conformance::conformance_tests!(tokio_tasks_compare::TokioTasksModel, 100_000);
