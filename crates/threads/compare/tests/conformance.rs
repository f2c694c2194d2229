//! The conformance tests of every model, for `threads`.

workload_conformance::conformance_tests!(threads_compare::ThreadsModel, 1_000);
