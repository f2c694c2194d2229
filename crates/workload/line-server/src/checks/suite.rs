//! A server under test, and the helpers of the checks.

use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use crate::build::{Kind, build};
use crate::client::Client;
use crate::server::Server;

/// The time limit for every wait: far more than it should take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The server to check, and where to build it. Made by
/// [`line_server_tests!`](crate::line_server_tests).
#[derive(Debug)]
pub struct Suite {
    /// The package with the example `line_server`.
    pub package: &'static str,
    /// The number of connections that it must hold open at once.
    pub open: usize,
    /// Whether it takes a thread for each connection.
    pub thread_each: bool,
    /// The folder for built programs.
    pub folder: &'static str,
    /// The folder of the workspace's documents.
    pub docs: &'static str,
    /// The program, built once for all checks.
    pub program: OnceLock<PathBuf>,
}

impl Suite {
    pub(super) fn program(&self) -> &PathBuf {
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

    pub(super) fn server(&self, arguments: &[&str]) -> Watched {
        let server = Server::start(self.program(), arguments).expect("the server starts");
        // The runtime has all its threads and descriptors only after a client was served.
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

/// A server, and its descriptors and threads when it was idle.
pub(super) struct Watched {
    pub(super) server: Server,
    pub(super) descriptors: Option<usize>,
    pub(super) threads: Option<usize>,
}

impl Watched {
    pub(super) fn connect(&self) -> Client {
        Client::connect(self.server.address(), PATIENCE).expect("a connection")
    }

    /// All answers to these bytes.
    pub(super) fn answers(&self, bytes: impl AsRef<[u8]>) -> Vec<String> {
        let mut client = self.connect();
        client.send(bytes).expect("sent");
        client.end_writing().expect("half-closed");
        rest(&mut client)
    }

    /// Checks that the server works, and has as few descriptors and threads as at first. Call it
    /// when all clients are gone.
    pub(super) fn is_as_before(&self) {
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
pub(super) fn rest(client: &mut Client) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(line) = client.line().expect("a line, or a proper end") {
        lines.push(line);
        assert!(lines.len() < 100_000, "the server does not end");
    }
    lines
}

/// Retries until it succeeds.
#[track_caller]
pub(super) fn within_patience<T, E: Debug>(
    what: &str,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(error) if Instant::now() >= until => panic!("not within time: {what}: {error:?}"),
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Waits until a figure stops changing.
pub(super) fn settled<T: PartialEq>(figure: impl Fn() -> T) -> T {
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

pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
