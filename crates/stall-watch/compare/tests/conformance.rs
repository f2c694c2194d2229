//! The conformance tests of every model, for `stall-watch`.

workload_conformance::conformance_tests!(stall_watch_compare::StallWatchModel, 100_000);
