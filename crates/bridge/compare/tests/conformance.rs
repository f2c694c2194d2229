//! The conformance tests of every model, for `bridge`.

workload::conformance_tests!(bridge_compare::BridgeModel, 100_000);
