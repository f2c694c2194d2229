//! The baseline passes what it is the measure of.

workload_conformance::conformance_tests!(workload::sequential::Sequential, 100_000);
