//! The example `line_server` of `threads` passes the tests of line servers.

workload_line_server::line_server_tests!("effective-threads", 256, true);
