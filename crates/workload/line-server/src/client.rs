use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use workload::line_protocol::{Player, Round};

/// The longest line a server may answer with, in bytes.
const LONGEST_ANSWER: usize = 4096;

/// A blocking client, one connection.
///
/// It keeps no buffer while idle, so that thousands of clients take little memory.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    patience: Duration,
    /// The read timeout of the socket: `patience`, unless it was changed.
    read_patience: Duration,
}

impl Client {
    /// Connects. `patience` is how long it waits for the connection, and later for each read and
    /// write.
    ///
    /// # Errors
    /// If there is no connection within that time.
    pub fn connect(server: SocketAddr, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&server, patience)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Self {
            stream,
            received: Vec::new(),
            patience,
            read_patience: patience,
        })
    }

    /// Waits at most `patience` for each line from here on; a line that arrives in pieces can take
    /// up to twice that.
    ///
    /// # Errors
    /// If the time is zero.
    pub fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(patience))?;
        self.read_patience = patience;
        Ok(())
    }

    /// Waits at most `patience` for each write from here on.
    ///
    /// # Errors
    /// If the time is zero.
    pub fn set_write_patience(&self, patience: Duration) -> io::Result<()> {
        self.stream.set_write_timeout(Some(patience))
    }

    /// Sends bytes, whether they are lines or not.
    ///
    /// # Errors
    /// If the connection is gone, or the server reads nothing for too long.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// A second handle on the connection, to write from another thread.
    ///
    /// # Errors
    /// If there is no descriptor for it.
    pub fn writer(&self) -> io::Result<TcpStream> {
        self.stream.try_clone()
    }

    /// The next line without its end, or `None` if the server has closed the connection.
    ///
    /// # Errors
    /// If none arrives in time, it is not text, or the connection was reset.
    pub fn line(&mut self) -> io::Result<Option<String>> {
        let mut seen = 0;
        let mut began = None;
        loop {
            if let Some(end) = self.received[seen..].iter().position(|byte| *byte == b'\n') {
                let rest = self.received.split_off(seen + end + 1);
                let mut line = std::mem::replace(&mut self.received, rest);
                line.pop();
                let line = String::from_utf8(line);
                return line.map(Some).map_err(|error| wrong(error.to_string()));
            }
            seen = self.received.len();
            if seen > LONGEST_ANSWER {
                return Err(wrong("an answer without an end".into()));
            }
            // No read of a line begins later than this, however small the pieces are.
            let began = began.get_or_insert_with(Instant::now);
            if began.elapsed() > self.read_patience {
                return Err(ErrorKind::TimedOut.into());
            }
            let mut piece = [0; 512];
            match self.stream.read(&mut piece) {
                Ok(0) if seen == 0 => return Ok(None),
                Ok(0) => {
                    let half = String::from_utf8_lossy(&self.received);
                    return Err(wrong(format!(
                        "the server ended with half a line: {half:?}"
                    )));
                }
                Ok(length) => self.received.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The answer to a `NUMBER`.
    ///
    /// # Errors
    /// As with [`line`](Self::line), and if it is not a number.
    pub fn guess(&mut self) -> io::Result<i64> {
        let line = self.line()?;
        let line = line.ok_or_else(|| wrong("the server closed the connection".into()))?;
        line.parse().map_err(|_| wrong(line))
    }

    /// Plays a whole round. Returns the guesses, of which the last is the secret.
    ///
    /// # Errors
    /// As with [`guess`](Self::guess), if there were more guesses than numbers, and if the round
    /// takes longer than the patience that the client connected with.
    pub fn play(&mut self, round: Round) -> io::Result<Vec<i64>> {
        let mut player = Player::new(round);
        let mut guesses = Vec::new();
        let most = round.upper.abs_diff(round.lower);
        let began = Instant::now();
        self.send(round.params())?;
        loop {
            self.send("NUMBER\n")?;
            let guess = self.guess()?;
            guesses.push(guess);
            let report = player.judge(guess);
            self.send(format!("REPORT {report}\n"))?;
            if report == "Correct" {
                self.send(Round::END)?;
                return Ok(guesses);
            }
            if guesses.len() as u64 > most || began.elapsed() > self.patience {
                let guesses = guesses.len();
                return Err(wrong(format!("{guesses} guesses did not find {round}")));
            }
        }
    }

    /// Tells the server that no more will be sent; answers can still be read.
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn end_writing(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Disconnects with a reset, as if the machine had crashed and restarted.
    ///
    /// # Errors
    /// If the system cannot do that.
    #[cfg(unix)]
    pub fn vanish(self) -> io::Result<()> {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO))?;
        Ok(())
    }
}

fn wrong(message: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn line_that_drips_is_given_up_after_set_patience() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let mut client = Client::connect(server, Duration::from_secs(60)).unwrap();
        client.set_patience(Duration::from_millis(300)).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let reading = std::thread::spawn(move || client.line());
        while !reading.is_finished() {
            // Slowly enough that the longest line takes a minute.
            let _ = far.write_all(b"x");
            std::thread::sleep(Duration::from_millis(15));
        }
        let error = reading.join().unwrap().unwrap_err();
        let kinds = [ErrorKind::TimedOut, ErrorKind::WouldBlock];
        assert!(kinds.contains(&error.kind()), "{error}");
    }
}
