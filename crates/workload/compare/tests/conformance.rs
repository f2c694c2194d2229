//! The baseline passes what it is the measure of.

workload::conformance_tests!(workload::sequential::Sequential, 100_000);
