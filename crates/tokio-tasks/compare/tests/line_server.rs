//! The example `line_server` of `tokio-tasks` does what every line server does.

workload::line_server_tests!("tokio-tasks", 10_000, false);
