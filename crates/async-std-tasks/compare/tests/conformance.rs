//! What every model must do, done by `async-std-tasks`.

workload_conformance::conformance_tests!(async_std_tasks_compare::AsyncStdTasksModel, 100_000);
