//! What every model must do, done by `queue`.

workload_conformance::conformance_tests!(queue_compare::QueueModel, 100_000);
