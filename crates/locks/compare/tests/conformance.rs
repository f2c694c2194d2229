//! What every model must do, done by `locks`.

workload_conformance::conformance_tests!(locks_compare::LocksModel, 100_000);
