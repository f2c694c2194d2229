//! The conformance tests of all models, for `thread-pool`.

workload::conformance_tests!(thread_pool_compare::ThreadPoolModel, 100_000);
