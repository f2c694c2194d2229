//! One session: a connection that stays open, with at most one request in flight and a queue of
//! others.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use workload::definition::Talk;
use workload::line_protocol::{Player, Round};
use workload::serve::{round, value};

/// The longest line a server may answer with, in bytes.
const LONGEST_ANSWER: usize = 4096;

/// How long it may take to open a session.
const PATIENCE: Duration = Duration::from_secs(10);

/// The interval between checks whether connecting should end early. A connection to the loopback is
/// made at once, or when the kernel tries again after a second: a new attempt does not come later.
const ATTEMPT: Duration = Duration::from_millis(250);

/// A request for a task. Its answer takes at least `least`, since the task waits that long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) task: usize,
    pub(crate) seed: u64,
    pub(crate) due: Instant,
    pub(crate) least: Duration,
}

/// An answered request, and the output in the answer.
pub(crate) struct Answered {
    pub(crate) request: Request,
    pub(crate) output: u64,
}

pub(crate) struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    waiting: VecDeque<Request>,
    in_flight: Option<(Request, Dialogue)>,
    /// The time of the last question to the server.
    asked: Instant,
}

enum Dialogue {
    Task,
    Round {
        round: Round,
        player: Player,
        guesses: Vec<i64>,
    },
}

impl Client {
    pub(crate) fn open(server: SocketAddr, over: &AtomicBool) -> io::Result<Client> {
        let stream = connect(server, PATIENCE, over)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Client {
            stream,
            received: Vec::new(),
            waiting: VecDeque::new(),
            in_flight: None,
            asked: Instant::now(),
        })
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends a request that is due, or queues it if another is in flight. Returns whether it was
    /// sent.
    pub(crate) fn ask(&mut self, request: Request, talk: Talk) -> Result<bool, String> {
        self.waiting.push_back(request);
        if self.in_flight.is_some() {
            return Ok(false);
        }
        self.send_next(talk).map(|()| true)
    }

    /// Reads the socket, which is readable, and returns the requests that this answers.
    pub(crate) fn readable(&mut self, talk: Talk) -> Result<Vec<Answered>, String> {
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(0) => return Err("the server closed a session".to_owned()),
            Ok(length) => self.received.extend_from_slice(&piece[..length]),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(format!("a session broke: {error}")),
        }
        let mut answered = Vec::new();
        while let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.received.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line[..end]).into_owned();
            if let Some(output) = self.line(&line)? {
                let (request, _) = self.in_flight.take().ok_or("an answer to nothing")?;
                answered.push(Answered { request, output });
                self.send_next(talk)?;
            }
        }
        if self.received.len() > LONGEST_ANSWER {
            return Err("the server sent an answer without an end".to_owned());
        }
        Ok(answered)
    }

    /// Processes a line. Returns the output if the line ends the request.
    fn line(&mut self, line: &str) -> Result<Option<u64>, String> {
        let Some((request, dialogue)) = &mut self.in_flight else {
            return Err(format!("the server said {line:?} without a request"));
        };
        if line.starts_with("ERROR") {
            return Err(format!("task {}: the server said {line:?}", request.task));
        }
        // Readings of the clock on two processors may differ a little.
        let took = self.asked.elapsed();
        if took < request.least.mul_f64(0.99) {
            return Err(format!(
                "wrong answer: task {} was answered after {:.3} ms, but it waits for {:.3} ms",
                request.task,
                took.as_secs_f64() * 1e3,
                request.least.as_secs_f64() * 1e3
            ));
        }
        match dialogue {
            Dialogue::Task => {
                let output = Some(line).filter(|line| line.len() == 16);
                let output = output.and_then(|line| u64::from_str_radix(line, 16).ok());
                let wrong = || format!("task {}: {line:?} is not 16 hex digits", request.task);
                output.map(Some).ok_or_else(wrong)
            }
            Dialogue::Round {
                round,
                player,
                guesses,
            } => {
                let wrong = |why: &str| format!("wrong answer: the guess {line:?} {why}");
                let guess: i64 = line.parse().map_err(|_| wrong("is not a number"))?;
                if !(round.lower..=round.upper).contains(&guess) {
                    return Err(wrong("is out of bounds"));
                }
                if guesses.contains(&guess) {
                    return Err(wrong("was made before in this round"));
                }
                guesses.push(guess);
                let report = player.judge(guess);
                if report == "Correct" {
                    let seed = request.seed;
                    let end = Round::END;
                    send(&mut self.stream, &format!("REPORT {report}\n{end}"))?;
                    return Ok(Some(value(seed)));
                }
                self.asked = Instant::now();
                send(&mut self.stream, &format!("REPORT {report}\nNUMBER\n"))?;
                Ok(None)
            }
        }
    }

    fn send_next(&mut self, talk: Talk) -> Result<(), String> {
        let Some(request) = self.waiting.pop_front() else {
            return Ok(());
        };
        let (line, dialogue) = match talk {
            Talk::Tasks => (format!("TASK {}\n", request.task), Dialogue::Task),
            Talk::Guess => {
                let round = round(request.seed);
                let dialogue = Dialogue::Round {
                    round,
                    player: Player::new(round),
                    guesses: Vec::new(),
                };
                (format!("{}NUMBER\n", round.params()), dialogue)
            }
        };
        self.in_flight = Some((request, dialogue));
        self.asked = Instant::now();
        send(&mut self.stream, &line)
    }
}

/// Connects within `patience`; gives up early once `over` is set.
pub(crate) fn connect(
    server: SocketAddr,
    patience: Duration,
    over: &AtomicBool,
) -> io::Result<TcpStream> {
    let until = Instant::now() + patience;
    while !over.load(Ordering::SeqCst) {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(&server, left.min(ATTEMPT)) {
            Err(error) if error.kind() == ErrorKind::TimedOut => {}
            connected => return connected,
        }
    }
    Err(ErrorKind::TimedOut.into())
}

/// Sends a few bytes, which an idle socket takes at once.
fn send(stream: &mut TcpStream, text: &str) -> Result<(), String> {
    stream
        .write_all(text.as_bytes())
        .map_err(|error| format!("a session broke: {error}"))
}
