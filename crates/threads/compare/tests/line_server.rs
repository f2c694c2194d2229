//! The tests of every line server, for the example `line_server` of `threads`.

workload::line_server_tests!("threads", 256, true);
