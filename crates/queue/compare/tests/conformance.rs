//! The conformance tests, for `queue`.

workload_conformance::conformance_tests!(queue_compare::QueueModel, 100_000);
