//! What a server does as a process: make room, listen, say where, end with its standard input.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

/// Connections that wait to be accepted. With std's own 128 a burst of clients has its later ones hang.
#[cfg(unix)]
const BACKLOG: i32 = 4096;

/// Listens, with room for a burst.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // Of a socket that listens already, this changes the backlog and nothing else.
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

/// Calls `then` when standard input ends, on a thread of its own.
pub(crate) fn when_stdin_ends(then: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let watch = move || {
        // Whatever arrives is ignored: the end is the message. So is an error, after which no end would come.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        then();
    };
    thread::Builder::new()
        .name("stdin".into())
        .spawn(watch)
        .map(drop)
}

/// Allows this process as many descriptors as it may have: each connection is one.
#[cfg(unix)]
pub(crate) fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Without it fewer connections are served at once, and the others wait.
    let _ = setrlimit(Resource::Nofile, limit);
}

#[cfg(not(unix))]
pub(crate) fn raise_descriptor_limit() {}
