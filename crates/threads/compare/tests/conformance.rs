//! The conformance tests of every model, for `threads`.

workload::conformance_tests!(threads_compare::ThreadsModel, 1_000);
