//! A request and its response on a connection of their own: the limits, and the blocking form.
//!
//! The server is another process and not trusted: a response may be long or slow, but not endless.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

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

/// Sends a request on a connection of its own, and reads until the server closes it.
pub(super) fn exchange(
    server: SocketAddr,
    request: &[u8],
    capacity: usize,
    patience: Duration,
) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server)?;
    let until = Instant::now() + patience;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(request)?;
    let mut answer = Hurried {
        stream: &stream,
        until,
        patience,
        has_read: false,
    };
    let mut response = response_buffer(capacity)?;
    (&mut answer)
        .take(response_limit(capacity))
        .read_to_end(&mut response)?;
    Ok(response)
}

/// A stream that is read until a deadline. The first read may take all of the time.
struct Hurried<'a> {
    stream: &'a TcpStream,
    until: Instant,
    patience: Duration,
    has_read: bool,
}

impl Read for Hurried<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.has_read {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(too_slow(self.patience));
            }
            // Most answers arrive at once in one or two pieces, so the timeout is not set for each
            // read.
            if left < self.patience / 2 {
                self.stream.set_read_timeout(Some(left))?;
            }
        }
        self.has_read = true;
        match self.stream.read(into) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(too_slow(self.patience))
            }
            read => read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            // The connection stays open until the client has gone.
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
}
