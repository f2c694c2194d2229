//! The example `line_server` of `async-std-tasks` does what every line server does.

workload::line_server_tests!("async-std-tasks", 10_000, false);
