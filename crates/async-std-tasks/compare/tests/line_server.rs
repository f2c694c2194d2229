//! The example `line_server` of `async-std-tasks` passes the tests of line servers.

workload_line_server::line_server_tests!("effective-async-std-tasks", 10_000, false);
