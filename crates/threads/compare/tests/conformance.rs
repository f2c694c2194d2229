//! What every model must do, done by `threads`.

workload::conformance_tests!(threads_compare::ThreadsModel, 1_000);
