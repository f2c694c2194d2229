//! The conformance tests of every model, for `locks`.

workload_conformance::conformance_tests!(locks_compare::LocksModel, 100_000);
