//! The checks of line servers over real loopback sockets, called by `tests/line_server.rs` of their
//! runners' packages.
//!
//! Each check starts a server and compares its descriptors and threads before and after. Waits that
//! could hang have a deadline of [`PATIENCE`].

mod faults;
mod many_clients;
mod programs;
mod protocol;
mod shutdown;
mod suite;

pub use faults::*;
pub use many_clients::*;
pub use programs::*;
pub use protocol::*;
pub use shutdown::*;
pub use suite::{PATIENCE, Suite};

/// Makes a test of each check, for the example `line_server` of a package. The arguments are the
/// package, how many connections it must hold open at once, and whether it takes a thread for each.
///
/// Call it in `tests/` of the package's runner, `crates/NAME/compare`.
#[macro_export]
macro_rules! line_server_tests {
    ($package:expr, $open:expr, $thread_each:expr) => {
        $crate::line_server_tests!(@tests $package, $open, $thread_each;
            round_is_played_as_in_the_book,
            guesses_never_repeat_and_the_secret_stays,
            rounds_follow_each_other_on_one_connection,
            malformed_line_gets_one_error_and_a_close,
            error_arrives_while_the_client_still_sends,
            lines_may_be_split_anywhere,
            half_closed_connection_is_answered_then_closed,
            slow_client_delays_no_other,
            silent_client_gets_one_error_and_a_close,
            client_that_reads_nothing_delays_no_other,
            vanished_clients_leak_nothing,
            many_clients_play_at_once,
            idle_connections_stay_open_and_play,
            connections_beyond_the_limit_wait,
            sessions_finish_within_the_grace_period,
            session_beyond_the_grace_period_gets_an_error,
            client_that_reads_nothing_cannot_block_the_exit,
            wrong_arguments_are_refused_in_one_line,
            client_of_the_example_plays,
            client_in_python_plays
        );
    };
    (@tests $package:expr, $open:expr, $thread_each:expr; $($check:ident),*) => {
        static SUITE: $crate::checks::Suite = $crate::checks::Suite {
            package: $package,
            open: $open,
            thread_each: $thread_each,
            folder: env!("CARGO_TARGET_TMPDIR"),
            docs: concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs"),
            program: std::sync::OnceLock::new(),
        };
        $(
            #[test]
            fn $check() {
                $crate::checks::$check(&SUITE);
            }
        )*
    };
}
