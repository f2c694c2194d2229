//! A connection that speaks NATS itself, for what the crate's own side would never send.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

pub(crate) struct Raw {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    next: u32,
}

impl Raw {
    pub(crate) fn connect(port: u16) -> Self {
        Self::with_options(port, r#"{"verbose":false,"pedantic":false}"#)
    }

    pub(crate) fn with_options(port: u16, options: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a timeout");
        let reader = BufReader::new(stream.try_clone().expect("a copy"));
        let mut raw = Self {
            stream,
            reader,
            next: 0,
        };
        raw.write(format!("CONNECT {options}\r\nPING\r\n").as_bytes());
        raw
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    pub(crate) fn publish(&mut self, subject: &str, payload: &[u8]) {
        let mut bytes = format!("PUB {subject} {}\r\n", payload.len()).into_bytes();
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(b"\r\n");
        self.write(&bytes);
    }

    /// Waits until the server has read what was sent.
    pub(crate) fn flush(&mut self) {
        self.request("$JS.API.INFO", "");
    }

    pub(crate) fn subscribe(&mut self, subject: &str) {
        self.next += 1;
        let line = format!("SUB {subject} {}\r\n", self.next);
        self.write(line.as_bytes());
    }

    /// The next message: its subject, the subject of a reply, and its payload.
    pub(crate) fn message(&mut self) -> (String, String, Vec<u8>) {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            assert!(Instant::now() < deadline, "no message");
            let mut line = String::new();
            self.reader.read_line(&mut line).expect("the server writes");
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["MSG", subject, _, ref rest @ .., length] => {
                    let reply = rest
                        .first()
                        .map_or(String::new(), |&reply| reply.to_owned());
                    let mut payload = vec![0; length.parse::<usize>().expect("a length") + 2];
                    self.reader.read_exact(&mut payload).expect("a payload");
                    payload.truncate(payload.len() - 2);
                    return (subject.to_owned(), reply, payload);
                }
                ["HMSG", subject, _, .., length] => {
                    let mut payload = vec![0; length.parse::<usize>().expect("a length") + 2];
                    self.reader.read_exact(&mut payload).expect("a payload");
                    return (subject.to_owned(), String::new(), payload);
                }
                ["PING"] => self.write(b"PONG\r\n"),
                _ => {}
            }
        }
    }

    /// Sends a line, and returns the error that the server answers.
    pub(crate) fn error(&mut self, line: &str) -> String {
        self.write(line.as_bytes());
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            assert!(Instant::now() < deadline, "the server accepts {line}");
            let mut answer = String::new();
            self.reader
                .read_line(&mut answer)
                .expect("the server writes");
            if answer.starts_with("-ERR") {
                return answer;
            }
        }
    }

    pub(crate) fn request(&mut self, subject: &str, payload: &str) -> String {
        self.next += 1;
        let inbox = format!("_INBOX.raw.{}.{}", std::process::id(), self.next);
        let number = self.next;
        let length = payload.len();
        let request = format!(
            "SUB {inbox} {number}\r\nUNSUB {number} 1\r\nPUB {subject} {inbox} {length}\r\n{payload}\r\n"
        );
        self.write(request.as_bytes());
        loop {
            let (subject, _, payload) = self.message();
            if subject == inbox {
                return String::from_utf8_lossy(&payload).into_owned();
            }
        }
    }

    /// The jobs in the stream of the default namespace.
    pub(crate) fn waiting(&mut self) -> u64 {
        let info = self.request("$JS.API.STREAM.INFO.cluster-default", "");
        let info: serde_json::Value = serde_json::from_str(&info).expect("JSON");
        info["state"]["messages"]
            .as_u64()
            .unwrap_or_else(|| panic!("no stream: {info}"))
    }
}

/// Waits until no job is in the stream of the default namespace.
#[track_caller]
pub(crate) fn wait_until_empty(port: u16) {
    let (mut raw, deadline) = (Raw::connect(port), Instant::now() + Duration::from_secs(30));
    loop {
        let waiting = raw.waiting();
        if waiting == 0 {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{waiting} jobs stay in the stream"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
