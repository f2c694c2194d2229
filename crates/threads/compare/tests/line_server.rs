//! The example `line_server` of `threads` does what every line server does.

workload::line_server_tests!("threads", 256, true);
