//! The conformance tests, for `coroutines`.

workload_conformance::conformance_tests!(coroutines_compare::CoroutinesModel, 100_000);
