//! The conformance tests of all models, for `thread-pool`.

workload_conformance::conformance_tests!(thread_pool_compare::ThreadPoolModel, 100_000);
