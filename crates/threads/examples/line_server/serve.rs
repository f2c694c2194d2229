//! The server: it accepts connections and runs a session on each.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::args::Serve;
use crate::permits::Permits;
use crate::process::when_stdin_ends;
use crate::session::Session;

/// The size of a read, and so of the input that is answered before the answers are sent.
const READ_SIZE: usize = 1024;

/// How long to wait for a client to read the last answer.
const LINGER: Duration = Duration::from_secs(1);

/// The pause after a failed `accept`, for example without a free descriptor.
const PAUSE: Duration = Duration::from_millis(10);

/// Serves until standard input ends.
pub(crate) fn serve(listener: TcpListener, how: Serve) -> io::Result<()> {
    let address = listener.local_addr()?;
    let permits = Arc::new(Permits::new(how.connections));
    let ending = Arc::clone(&permits);
    when_stdin_ends(move || {
        ending.end();
        // A connection wakes the thread that waits in `accept`.
        drop(TcpStream::connect_timeout(&address, LINGER));
        shut_down(&ending, how.grace);
    })?;

    let permits = &*permits;
    thread::scope(|scope| {
        // A permit comes first: clients without one wait in the backlog, where the system keeps
        // what they send.
        while let Some(permit) = permits.acquire() {
            let Ok((stream, _)) = listener.accept() else {
                thread::sleep(PAUSE);
                continue;
            };
            if permits.is_ending() {
                break;
            }
            let connection = Arc::new(permit.attach(stream));
            let its = Arc::clone(&connection);
            let talk = move || {
                // A client that disconnects ends only its own session.
                drop(converse(its.stream(), how.idle, permits));
            };
            let thread = thread::Builder::new().name("session".into());
            if thread.spawn_scoped(scope, talk).is_err() {
                // The system refuses a thread, so this one serves the connection, and accepts no
                // other meanwhile.
                drop(converse(connection.stream(), how.idle, permits));
            }
        }
        drop(listener);
    });
    Ok(())
}

/// Waits for the sessions to finish, then tells them to end, then ends them.
fn shut_down(permits: &Permits, grace: Duration) {
    if !permits.all_free_within(grace) {
        permits.wake(Shutdown::Read);
        if !permits.all_free_within(LINGER) {
            permits.wake(Shutdown::Both);
        }
    }
}

/// One session, from the first line to the last.
fn converse(mut stream: &TcpStream, idle: Duration, permits: &Permits) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(idle))?;
    stream.set_write_timeout(Some(idle))?;
    let mut session = Session::new();
    let mut input = [0; READ_SIZE];
    let mut output = Vec::new();
    while session.is_open() {
        match stream.read(&mut input) {
            Ok(0) if permits.is_too_late() => session.server_ends(&mut output),
            Ok(0) => session.client_ended(&mut output),
            Ok(length) => session.receive(&input[..length], &mut output),
            Err(error) if is_timeout(&error) => session.client_is_idle(idle, &mut output),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        stream.write_all(&output)?;
        output.clear();
    }
    stream.shutdown(Shutdown::Write)?;
    // Closing with unread input would reset the connection, and the client might never see the
    // last answer.
    let until = Instant::now() + LINGER;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        stream.set_read_timeout(Some(left))?;
        if stream.read(&mut input)? == 0 {
            return Ok(());
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
