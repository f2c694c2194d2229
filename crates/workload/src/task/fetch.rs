//! One request to the origin server, over HTTP/1.1 with a connection of its own.
//!
//! The request and the parser of the response are here; blocking and async runners share them, and
//! each transports the bytes in its own way.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::exchange::{exchange, patience};

/// Room for a head of the usual length.
const USUAL_HEAD: usize = 256;

/// A request for bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetch {
    /// The number of bytes.
    pub bytes: u64,
    /// How long the server waits before it answers, in nanoseconds.
    pub delay_ns: u64,
    /// The seed of the bytes, see [`crate::value::bytes`].
    pub seed: u64,
}

/// The reason why there is no response.
#[derive(Debug)]
pub enum FetchError {
    /// The connection failed.
    Io(io::Error),
    /// It is not the requested response.
    Response(String),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::Io(error) => error.fmt(f),
            FetchError::Response(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for FetchError {}

impl From<io::Error> for FetchError {
    fn from(error: io::Error) -> FetchError {
        FetchError::Io(error)
    }
}

impl Fetch {
    /// The bytes to send. The server closes the connection after its answer.
    pub fn request(&self) -> Vec<u8> {
        let Fetch {
            bytes,
            delay_ns,
            seed,
        } = self;
        format!(
            "GET /bytes/{bytes}?delay_ns={delay_ns}&seed={seed:016x} HTTP/1.1\r\nHost: origin\r\nConnection: close\r\n\r\n"
        )
        .into_bytes()
    }

    /// A buffer size for the body and a head before it.
    pub(super) fn capacity(&self) -> usize {
        usize::try_from(self.bytes).map_or(0, |bytes| bytes.saturating_add(USUAL_HEAD))
    }

    /// The time limit of the whole exchange.
    pub(super) fn patience(&self) -> Duration {
        patience(self.bytes, self.delay_ns)
    }

    /// Parses a request target, such as `/bytes/16384?delay_ns=0&seed=000000000000002a`.
    pub fn from_target(target: &str) -> Option<Fetch> {
        let (bytes, query) = target.strip_prefix("/bytes/")?.split_once('?')?;
        let (delay, seed) = query.split_once('&')?;
        Some(Fetch {
            bytes: bytes.parse().ok()?,
            delay_ns: delay.strip_prefix("delay_ns=")?.parse().ok()?,
            seed: u64::from_str_radix(seed.strip_prefix("seed=")?, 16).ok()?,
        })
    }

    /// Extracts the body from a whole response.
    ///
    /// # Errors
    ///
    /// If it is not a response with status 200, or its body does not have the requested length.
    pub fn body(&self, response: Vec<u8>) -> Result<Vec<u8>, FetchError> {
        let body = body_of(response)?;
        if body.len() as u64 != self.bytes {
            return Err(FetchError::Response(format!(
                "the body has {} bytes instead of {}",
                body.len(),
                self.bytes
            )));
        }
        Ok(body)
    }

    pub(super) fn blocking(&self, server: SocketAddr) -> Result<Vec<u8>, FetchError> {
        let response = exchange(server, &self.request(), self.capacity(), self.patience())?;
        self.body(response)
    }
}

/// The bytes after the head of a whole response with status 200.
pub(super) fn body_of(mut response: Vec<u8>) -> Result<Vec<u8>, FetchError> {
    let wrong = |what: String| Err(FetchError::Response(what));
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Response::new(&mut headers);
    let start = match head.parse(&response) {
        Ok(httparse::Status::Complete(start)) => start,
        Ok(httparse::Status::Partial) => {
            return wrong(format!(
                "the response ends within its head, after {} bytes",
                response.len()
            ));
        }
        Err(error) => return wrong(format!("the response is not HTTP: {error}")),
    };
    if head.code != Some(200) {
        return wrong(format!(
            "the server answered with status {}",
            head.code.unwrap_or(0)
        ));
    }
    response.drain(..start);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FETCH: Fetch = Fetch {
        bytes: 5,
        delay_ns: 1_000,
        seed: 42,
    };

    #[test]
    fn requests_are_read_as_they_were_written() {
        let request = String::from_utf8(FETCH.request()).unwrap();
        let target = request.split(' ').nth(1).unwrap();
        assert_eq!(Fetch::from_target(target), Some(FETCH));
        for bad in [
            "/",
            "/bytes/x?delay_ns=1&seed=2",
            "/bytes/1?delay_ns=1",
            "/bytes/1?delay_ns=-1&seed=2",
        ] {
            assert_eq!(Fetch::from_target(bad), None, "{bad}");
        }
    }

    #[test]
    fn responses_must_be_whole() {
        let body = |text: &str| {
            FETCH
                .body(text.as_bytes().to_vec())
                .map_err(|error| error.to_string())
        };
        assert_eq!(
            body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
            Ok(b"hello".to_vec())
        );
        assert!(
            body("HTTP/1.1 200 OK\r\n\r\nhell")
                .unwrap_err()
                .contains("4 bytes instead of 5")
        );
        assert!(
            body("HTTP/1.1 404 Not Found\r\n\r\nhello")
                .unwrap_err()
                .contains("404")
        );
        assert!(
            body("HTTP/1.1 200 OK\r\n")
                .unwrap_err()
                .contains("ends within its head")
        );
        assert!(body("rubbish\r\n\r\n").unwrap_err().contains("not HTTP"));
    }
}
