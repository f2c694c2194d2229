//! The conformance tests of the model `queue`.

workload_conformance::conformance_tests!(queue_compare::QueueModel, 100_000);
