//! What every model must do, done by `coroutines`.

workload_conformance::conformance_tests!(coroutines_compare::CoroutinesModel, 100_000);
