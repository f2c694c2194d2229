//! What every model must do, done by `tokio-tasks`.

workload_conformance::conformance_tests!(tokio_tasks_compare::TokioTasksModel, 100_000);
