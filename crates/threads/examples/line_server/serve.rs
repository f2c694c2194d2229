//! The server: accepts connections, and converses with each.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::args::Serve;
use crate::process::when_stdin_ends;
use crate::seats::Seats;
use crate::session::Session;

/// Read at a time, and so the most that is answered before the client has to take the answers.
const PIECE: usize = 1024;

/// How long a client has for taking the last word.
const LAST_WORD: Duration = Duration::from_secs(1);

/// How long to wait when the system has no descriptor to give.
const PAUSE: Duration = Duration::from_millis(10);

/// Serves until standard input ends.
pub(crate) fn serve(listener: TcpListener, how: Serve) -> io::Result<()> {
    let address = listener.local_addr()?;
    let seats = Arc::new(Seats::new(how.connections));
    let ending = Arc::clone(&seats);
    when_stdin_ends(move || {
        ending.end();
        // A connection is what ends the wait for one.
        drop(TcpStream::connect_timeout(&address, LAST_WORD));
        see_off(&ending, how.grace);
    })?;

    let seats = &*seats;
    thread::scope(|scope| {
        // A seat first: those for whom there is none wait in the backlog, where the system keeps what they say.
        while let Some(seat) = seats.take() {
            let Ok((stream, _)) = listener.accept() else {
                thread::sleep(PAUSE);
                continue;
            };
            if seats.are_ending() {
                break;
            }
            let guest = Arc::new(seat.seat(stream));
            let theirs = Arc::clone(&guest);
            let talk = move || {
                // A client that goes away ends its own session and no other.
                drop(converse(theirs.stream(), how.idle, seats));
            };
            let thread = thread::Builder::new().name("session".into());
            if thread.spawn_scoped(scope, talk).is_err() {
                // The system refuses a thread: this one has to do. It accepts nobody meanwhile, and loses nobody.
                drop(converse(guest.stream(), how.idle, seats));
            }
        }
        drop(listener);
    });
    Ok(())
}

/// Lets the sessions come to an end by themselves, then tells them to, then ends them.
fn see_off(seats: &Seats, grace: Duration) {
    if !seats.all_free_within(grace) {
        seats.wake(Shutdown::Read);
        if !seats.all_free_within(LAST_WORD) {
            seats.wake(Shutdown::Both);
        }
    }
}

/// One session, from the first line to the last.
fn converse(mut stream: &TcpStream, idle: Duration, seats: &Seats) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(idle))?;
    stream.set_write_timeout(Some(idle))?;
    let mut session = Session::new();
    let mut input = [0; PIECE];
    let mut output = Vec::new();
    while session.is_open() {
        match stream.read(&mut input) {
            Ok(0) if seats.is_too_late() => session.server_ends(&mut output),
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
    // To close with something unread would reset the connection, and the client might never see the last word.
    let until = Instant::now() + LAST_WORD;
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
