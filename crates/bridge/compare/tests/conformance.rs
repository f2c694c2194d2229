//! What every model must do, done by `bridge`.

workload::conformance_tests!(bridge_compare::BridgeModel, 100_000);
