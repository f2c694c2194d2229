//! What every model must do, done by `thread-pool`.

workload::conformance_tests!(thread_pool_compare::ThreadPoolModel, 100_000);
