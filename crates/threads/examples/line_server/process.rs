//! The server as a process: its limits, its socket, its address on standard output, and its end.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

/// The limit on connections that wait to be accepted. With std's 128, the later clients of a burst
/// hang.
#[cfg(unix)]
const BACKLOG: i32 = 4096;

/// Listens with a backlog that holds a burst.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // For a listening socket, this changes only the backlog.
    #[cfg(unix)]
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

/// Prints the address that clients can connect to.
pub(crate) fn announce(address: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{address}")?;
    stdout.flush()
}

/// Calls `then` on a thread of its own when standard input ends.
pub(crate) fn when_stdin_ends(then: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let watch = move || {
        // The input is ignored: its end is the signal. An error counts as the end, since no other
        // end would follow.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        then();
    };
    thread::Builder::new()
        .name("stdin".into())
        .spawn(watch)
        .map(drop)
}

/// Raises this process's limit on descriptors to its maximum: each connection takes one.
#[cfg(unix)]
pub(crate) fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If it fails, fewer connections are served at once, and the others wait.
    let _ = setrlimit(Resource::Nofile, limit);
}

#[cfg(not(unix))]
pub(crate) fn raise_descriptor_limit() {}
