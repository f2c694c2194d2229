//! The conformance tests of every model, for `bridge`.

workload_conformance::conformance_tests!(bridge_compare::BridgeModel, 100_000);
