//! A request and its response on a connection of their own: the limits, and the blocking form.
//!
//! The server is another process and not trusted: a response may be long or slow, but not endless.

use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::spare::read_spare;

/// The longest head of a response that is read, in bytes.
const LONGEST_HEAD: u64 = 16 * 1024;

/// How long a response may take beyond the requested delay and the time that its bytes need.
const PATIENCE: Duration = Duration::from_secs(20);

/// The time that a byte may take, in nanoseconds: 100 kB/s is slow for a server on the same
/// machine.
const NS_PER_BYTE: u64 = 10_000;

/// How long an exchange of `bytes` bytes may take, if the server waits for `delay_ns` before the
/// first byte.
pub(super) fn patience(bytes: u64, delay_ns: u64) -> Duration {
    PATIENCE + Duration::from_nanos(delay_ns.saturating_add(bytes.saturating_mul(NS_PER_BYTE)))
}

/// How many bytes to read of a response with a buffer of `capacity` bytes: enough for a long head,
/// but not for an endless body. [`Fetch::body`](super::Fetch::body) refuses a truncated response.
pub fn response_limit(capacity: usize) -> u64 {
    (capacity as u64).saturating_add(LONGEST_HEAD)
}

/// An empty buffer for a response of up to `capacity` bytes.
///
/// # Errors
///
/// If there is not enough memory.
pub fn response_buffer(capacity: usize) -> io::Result<Vec<u8>> {
    let mut response = Vec::new();
    response
        .try_reserve_exact(capacity)
        .map_err(|_| ErrorKind::OutOfMemory)?;
    Ok(response)
}

/// The error of an exchange that took too long.
pub(super) fn too_slow(patience: Duration) -> io::Error {
    io::Error::new(
        ErrorKind::TimedOut,
        format!("no whole answer within {patience:?}"),
    )
}

/// Sends a request on a connection of its own, and reads until the server closes it. Connecting and
/// reading together take at most `patience`.
pub(super) fn exchange(
    server: SocketAddr,
    request: &[u8],
    capacity: usize,
    patience: Duration,
) -> io::Result<Vec<u8>> {
    let mut deadline = Deadline::after(patience);
    let mut stream = TcpStream::connect_timeout(&server, patience)
        .map_err(|error| deadline.or_too_slow(error))?;
    // A new connection has room for a request, so this does not block.
    stream.write_all(request)?;
    let limit = usize::try_from(response_limit(capacity)).unwrap_or(usize::MAX);
    let mut response = response_buffer(capacity)?;
    while response.len() < limit {
        if response.len() == response.capacity() {
            response
                .try_reserve_exact(limit - response.len())
                .map_err(|_| ErrorKind::OutOfMemory)?;
        }
        deadline.arm(&stream)?;
        match read_spare(&stream, &mut response) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted || is_timeout(&error) => {}
            Err(error) => return Err(error),
        }
    }
    response.truncate(limit);
    Ok(response)
}

/// The time until which a stream is read.
///
/// The read timeout of the socket is at most the time that is left. It is not set for each read:
/// that would cost a system call, and most responses arrive at once in one or two pieces. It is set
/// to half of the time that is left, and again when less than that is left, so that even a slow
/// exchange sets it a dozen times only.
struct Deadline {
    until: Instant,
    patience: Duration,
    /// The read timeout that is set.
    timeout: Duration,
}

/// The shortest read timeout that is set while more time than that is left.
const SHORTEST: Duration = Duration::from_millis(5);

impl Deadline {
    fn after(patience: Duration) -> Deadline {
        Deadline {
            until: Instant::now() + patience,
            patience,
            timeout: Duration::MAX,
        }
    }

    /// Makes sure that the next read ends in time. It may end with a timeout before that.
    fn arm(&mut self, stream: &TcpStream) -> io::Result<()> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(too_slow(self.patience));
        }
        if left < self.timeout {
            self.timeout = (left / 2).max(SHORTEST.min(left));
            stream.set_read_timeout(Some(self.timeout))?;
        }
        Ok(())
    }

    fn or_too_slow(&self, error: io::Error) -> io::Error {
        if is_timeout(&error) {
            return too_slow(self.patience);
        }
        error
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::io::Read;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
    const CAPACITY: usize = 261;

    /// Sends a request to a server that runs `answer`, with a short patience.
    fn ask(answer: impl FnOnce(TcpStream) + Send) -> io::Result<Vec<u8>> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || answer(listener.accept().unwrap().0));
            let patience = Duration::from_millis(300);
            exchange(server, REQUEST, CAPACITY, patience)
        })
    }

    #[test]
    fn silent_server_is_given_up() {
        let answer = ask(|mut stream| {
            // The connection stays open until the client is gone.
            let _ = stream.read_to_end(&mut Vec::new());
        });
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn dripping_server_is_given_up() {
        let answer = ask(|mut stream| {
            while stream.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn body_without_an_end_is_cut() {
        let answer = ask(|mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&[b'x'; 65_536]).is_ok() {}
        });
        let answer = answer.unwrap();
        assert_eq!(answer.len() as u64, response_limit(CAPACITY));
    }

    #[cfg(unix)]
    #[test]
    fn server_that_accepts_nothing_is_given_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let server = listener.local_addr().unwrap();
        let patience = Duration::from_millis(200);
        let fill = || TcpStream::connect_timeout(&server, patience);
        let held: Vec<TcpStream> = std::iter::from_fn(|| fill().ok()).collect();
        let error = exchange(server, REQUEST, CAPACITY, patience).unwrap_err();
        assert_eq!(error.to_string(), "no whole answer within 200ms");
        drop(held);
    }

    /// The timeout of the next read must not exceed the deadline, whenever the read begins.
    #[test]
    fn read_timeout_ends_before_the_deadline() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let patience = Duration::from_secs(60);
        let mut deadline = Deadline::after(patience);
        let mut timeouts = Vec::new();
        // Instead of waiting, this moves the deadline closer.
        for _ in 0..50 {
            deadline.arm(&stream).unwrap();
            let timeout = stream.read_timeout().unwrap().unwrap();
            let left = deadline.until.saturating_duration_since(Instant::now());
            assert!(timeout <= left + SHORTEST, "{timeout:?}, but {left:?} left");
            timeouts.push(timeout);
            deadline.until -= Duration::from_secs(1);
        }
        timeouts.dedup();
        assert!(timeouts.len() < 10, "each read sets it: {timeouts:?}");
        deadline.until -= patience;
        let error = deadline.arm(&stream).unwrap_err();
        assert_eq!(error.to_string(), "no whole answer within 60s");
    }

    #[test]
    fn response_of_many_pieces_arrives_whole() {
        let long: Vec<u8> = (0..CAPACITY as u32 * 7).map(|i| i as u8).collect();
        let answer = ask(|mut stream| {
            // Closing a connection with unread bytes resets it.
            stream.read_exact(&mut [0; REQUEST.len()]).unwrap();
            for piece in long.chunks(100) {
                stream.write_all(piece).unwrap();
            }
        });
        assert_eq!(answer.unwrap(), long);
    }
}
