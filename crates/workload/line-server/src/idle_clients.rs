use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use workload::descriptors;
use workload::line_protocol::{Player, Round};

use crate::client::Client;

/// Many clients on one thread: all connections are open at once, and all rounds are played
/// together.
///
/// ```no_run
/// use std::time::Duration;
/// use workload::line_protocol::Round;
/// use workload_line_server::IdleClients;
///
/// # let server = "127.0.0.1:1".parse().unwrap();
/// let mut clients = IdleClients::open(server, 10_000, Duration::from_secs(30))?;
/// let secret = |client| 1 + client as i64 % 100;
/// let guesses = clients.play(|client| Round { lower: 1, upper: 100, secret: secret(client) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct IdleClients(Vec<Client>);

impl IdleClients {
    /// Opens this many connections, and keeps them open. It first raises this process's limit on
    /// descriptors to its maximum.
    ///
    /// # Errors
    /// If one of them cannot be opened within `patience`; the message says which.
    pub fn open(server: SocketAddr, clients: usize, patience: Duration) -> io::Result<Self> {
        descriptors::raise_limit();
        (0..clients)
            .map(|client| {
                Client::connect(server, patience).map_err(|error| of_client(client, &error))
            })
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// Plays one round on each connection: one step on all of them, then the next. Returns the
    /// number of guesses.
    ///
    /// # Errors
    /// If an answer is missing or wrong; the message says whose.
    pub fn play(&mut self, round: impl Fn(usize) -> Round) -> io::Result<u64> {
        let mut playing: Vec<(usize, Player)> = (0..self.0.len())
            .map(|client| (client, Player::new(round(client))))
            .collect();
        for (client, _) in &playing {
            let begin = format!("{}NUMBER\n", round(*client).params());
            self.at(*client, |at| at.send(begin))?;
        }
        let mut guesses = 0;
        let mut turns = 0_u64;
        while !playing.is_empty() {
            turns = turns.saturating_add(1);
            let mut still = Vec::with_capacity(playing.len());
            for (client, mut player) in playing {
                let guess = self.at(client, Client::guess)?;
                guesses += 1;
                let report = player.judge(guess);
                let next = if report == "Correct" {
                    Round::END
                } else {
                    let round = round(client);
                    if turns > round.upper.abs_diff(round.lower) {
                        let why = format!("{turns} guesses did not find {round}");
                        let error = io::Error::new(io::ErrorKind::InvalidData, why);
                        return Err(of_client(client, &error));
                    }
                    still.push((client, player));
                    "NUMBER\n"
                };
                self.at(client, |at| at.send(format!("REPORT {report}\n{next}")))?;
            }
            playing = still;
        }
        Ok(guesses)
    }

    fn at<T>(
        &mut self,
        client: usize,
        step: impl FnOnce(&mut Client) -> io::Result<T>,
    ) -> io::Result<T> {
        step(&mut self.0[client]).map_err(|error| of_client(client, &error))
    }
}

fn of_client(client: usize, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("client {client}: {error}"))
}
