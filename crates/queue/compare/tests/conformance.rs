//! What every model must do, done by `queue`.

workload::conformance_tests!(queue_compare::QueueModel, 100_000);
