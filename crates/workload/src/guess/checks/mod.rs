//! What every line server must do, over real loopback sockets: called by `tests/line_server.rs` of its runner's package.
//!
//! Each check starts a server of its own and counts what the server holds before and after. What could hang has a
//! deadline of [`PATIENCE`].

mod ending;
mod faults;
mod load;
mod programs;
mod protocol;

use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

pub use ending::*;
pub use faults::*;
pub use load::*;
pub use programs::*;
pub use protocol::*;

use super::{Client, Kind, Server, build};

/// How long a check waits for anything before it fails: far more than it takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Which server is checked, and where to build it. Made by [`line_server_tests!`](crate::line_server_tests).
#[derive(Debug)]
pub struct Suite {
    /// The package whose example `line_server` it is.
    pub package: &'static str,
    /// Connections that it must hold open at once.
    pub open: usize,
    /// Whether it takes a thread for each connection.
    pub thread_each: bool,
    /// Where built programs can be put.
    pub folder: &'static str,
    /// The folder of the workspace's documents.
    pub docs: &'static str,
    /// Built once for all checks.
    pub program: OnceLock<PathBuf>,
}

/// Makes a test of each check, for the example `line_server` of a package: the package, how many connections it must
/// hold open at once, and whether it takes a thread for each.
///
/// It belongs into `tests/` of the package's runner, in `crates/NAME/compare`.
#[macro_export]
macro_rules! line_server_tests {
    ($package:expr, $open:expr, $thread_each:expr) => {
        $crate::line_server_tests!(@tests $package, $open, $thread_each;
            a_round_is_played_as_in_the_book,
            no_guess_comes_twice_and_the_secret_stays,
            rounds_follow_one_another_on_one_connection,
            what_is_malformed_gets_one_error_and_the_connection_closed,
            an_error_arrives_although_more_was_sent,
            lines_may_come_in_any_pieces,
            a_half_closed_connection_is_answered_then_closed,
            a_slow_client_holds_up_no_other,
            a_silent_client_is_told_and_closed,
            a_client_that_takes_no_answers_holds_up_no_other_and_loses_none,
            clients_that_vanish_leave_nothing_behind,
            many_clients_play_at_once,
            connections_are_held_open_and_each_plays,
            beyond_its_limit_connections_wait_and_none_is_lost,
            sessions_may_end_by_themselves_when_the_server_ends,
            a_session_that_goes_on_too_long_is_told_that_the_server_ends,
            a_client_that_takes_no_answers_does_not_keep_the_server_from_ending,
            wrong_arguments_are_refused_in_one_line,
            the_client_of_the_example_plays,
            a_client_in_python_plays
        );
    };
    (@tests $package:expr, $open:expr, $thread_each:expr; $($check:ident),*) => {
        static SUITE: $crate::guess::checks::Suite = $crate::guess::checks::Suite {
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
                $crate::guess::checks::$check(&SUITE);
            }
        )*
    };
}

impl Suite {
    fn program(&self) -> &PathBuf {
        self.program.get_or_init(|| {
            build(
                self.package,
                Kind::Example,
                "line_server",
                self.folder.as_ref(),
            )
            .expect("the example is built")
        })
    }

    fn server(&self, arguments: &[&str]) -> Watched {
        let server = Server::start(self.program(), arguments).expect("the server starts");
        // The runtime's threads and descriptors are there once somebody was served.
        let mut client = Client::connect(server.address(), PATIENCE).expect("a connection");
        client.send("PARAMS 1 1\nNUMBER\n").expect("sent");
        assert_eq!(client.guess().expect("a guess"), 1);
        drop(client);
        let descriptors = settled(|| server.descriptors());
        let threads = settled(|| server.threads());
        Watched {
            server,
            descriptors,
            threads,
        }
    }
}

/// A server, and what it held before it had work.
struct Watched {
    server: Server,
    descriptors: Option<usize>,
    threads: Option<usize>,
}

impl Watched {
    fn connect(&self) -> Client {
        Client::connect(self.server.address(), PATIENCE).expect("a connection")
    }

    /// What was sent, answered to its end.
    fn answers(&self, bytes: impl AsRef<[u8]>) -> Vec<String> {
        let mut client = self.connect();
        client.send(bytes).expect("sent");
        client.end_writing().expect("half-closed");
        rest(&mut client)
    }

    /// Checks that it serves, and holds what it held at first. To be called when all clients are gone.
    fn is_as_before(&self) {
        assert_eq!(self.answers("PARAMS 7 9\nNUMBER\n"), ["7"]);
        assert!(self.descriptors.is_none() || self.server.descriptors().is_some());
        within_patience("descriptors as before", || {
            (self.server.descriptors() <= self.descriptors)
                .then_some(())
                .ok_or_else(|| {
                    format!(
                        "{:?}, not {:?}",
                        self.server.descriptors(),
                        self.descriptors
                    )
                })
        });
        within_patience("threads as before", || {
            (self.server.threads() <= self.threads)
                .then_some(())
                .ok_or_else(|| format!("{:?}, not {:?}", self.server.threads(), self.threads))
        });
    }
}

/// All lines until the server closes the connection.
fn rest(client: &mut Client) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(line) = client.line().expect("a line, or a proper end") {
        lines.push(line);
        assert!(lines.len() < 100_000, "the server does not end");
    }
    lines
}

/// Tries again until it succeeds.
#[track_caller]
fn within_patience<T, E: Debug>(what: &str, mut attempt: impl FnMut() -> Result<T, E>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(error) if Instant::now() >= until => panic!("not within time: {what}: {error:?}"),
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// A figure that has stopped to move.
fn settled<T: PartialEq>(figure: impl Fn() -> T) -> T {
    let until = Instant::now() + PATIENCE;
    let mut last = figure();
    let mut same = 0;
    while same < 10 && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
        let now = figure();
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    last
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
