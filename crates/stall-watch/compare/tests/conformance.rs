//! What every model must do, done by `stall-watch`.

workload_conformance::conformance_tests!(stall_watch_compare::StallWatchModel, 100_000);
