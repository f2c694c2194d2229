//! One line from a socket, with a limit on its time and length.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Reads one line, without its line end. The whole line must arrive within `patience`, in however
/// many pieces, and be at most `longest` bytes long. The bytes after it are not read. The read
/// timeout of `stream` is changed.
///
/// # Errors
/// If the line does not arrive in time, is too long, is not UTF-8, or the connection ends before
/// the line does.
pub fn read_line(mut stream: &TcpStream, longest: usize, patience: Duration) -> io::Result<String> {
    let until = Instant::now() + patience;
    let mut line = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(slow(patience));
        }
        stream.set_read_timeout(Some(left))?;
        // Peek first, so that the bytes after the line stay in the socket.
        let found = match stream.peek(&mut piece) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => &piece[..length],
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(slow(patience));
            }
            Err(error) => return Err(error),
        };
        let end = found.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(found.len(), |end| end + 1);
        stream.read_exact(&mut piece[..taken])?;
        line.extend_from_slice(&piece[..end.unwrap_or(taken)]);
        if line.len() > longest {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                format!("a line of more than {longest} bytes"),
            ));
        }
        if end.is_some() {
            let text = String::from_utf8(line);
            return text.map_err(|error| io::Error::new(ErrorKind::InvalidData, error));
        }
    }
}

fn slow(patience: Duration) -> io::Error {
    io::Error::new(
        ErrorKind::TimedOut,
        format!("no whole line within {patience:?}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (one, listener.accept().unwrap().0)
    }

    #[test]
    fn line_is_read_and_the_bytes_after_it_stay() {
        let (mut near, far) = pair();
        near.write_all(b"one\ntwo\nhalf").unwrap();
        let minute = Duration::from_secs(60);
        assert_eq!(read_line(&far, 100, minute).unwrap(), "one");
        assert_eq!(read_line(&far, 100, minute).unwrap(), "two");
        drop(near);
        let error = read_line(&far, 100, minute).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn line_that_drips_or_does_not_end_is_given_up() {
        let (mut near, far) = pair();
        let patience = Duration::from_millis(300);
        let reading = std::thread::spawn(move || (read_line(&far, 1_000_000, patience), far));
        while !reading.is_finished() {
            near.write_all(b"x").unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        let (drip, far) = reading.join().unwrap();
        assert_eq!(drip.unwrap_err().kind(), ErrorKind::TimedOut);
        near.write_all(&[b'x'; 10_000]).unwrap();
        let error = read_line(&far, 5_000, Duration::from_secs(60)).unwrap_err();
        assert!(
            error.to_string().contains("more than 5000 bytes"),
            "{error}"
        );
    }
}
