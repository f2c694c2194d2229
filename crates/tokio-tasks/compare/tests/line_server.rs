//! The example `line_server` of `tokio-tasks` passes the tests of line servers.

workload_line_server::line_server_tests!("effective-tokio-tasks", 10_000, false);
