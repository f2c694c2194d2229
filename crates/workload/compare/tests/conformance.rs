//! The baseline passes the tests of models.

workload_conformance::conformance_tests!(workload::sequential::Sequential, 100_000);
