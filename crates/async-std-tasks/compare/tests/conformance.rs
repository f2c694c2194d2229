//! The conformance tests, for `async-std-tasks`.

workload_conformance::conformance_tests!(async_std_tasks_compare::AsyncStdTasksModel, 100_000);
