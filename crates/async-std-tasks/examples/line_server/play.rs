//! The client: it plays one round and prints each guess.

use std::io;
use std::time::Duration;

use async_std::future::timeout;
use async_std::io::{BufReader, ReadExt, WriteExt, prelude::BufReadExt};
use async_std::net::TcpStream;
use async_std::stream::StreamExt;
use async_std::task::spawn_blocking;

use crate::args::Play;
use crate::guesses::Report;
use crate::player::{Player, guess_in};

/// How long to wait for an answer of the server.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes that a server may send in a round: enough for a hundred thousand guesses, and a
/// limit for a line that never ends.
const MOST_SAID: u64 = 1024 * 1024;

pub(crate) async fn play(round: Play) -> io::Result<()> {
    let stream = timeout(PATIENCE, TcpStream::connect(round.server))
        .await
        .map_err(io::Error::other)??;
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.clone().take(MOST_SAID)).lines();
    let mut writer = stream;
    let mut player = Player::new(round.secret);
    println!("Guess a number from {} to {}!", round.lower, round.upper);
    let params = format!("PARAMS {} {}\n", round.lower, round.upper);
    writer.write_all(params.as_bytes()).await?;
    loop {
        writer.write_all(b"NUMBER\n").await?;
        let line = timeout(PATIENCE, lines.next())
            .await
            .map_err(io::Error::other)?
            .transpose()?;
        let guess = guess_in(line.as_deref())?;
        // A person at the terminal takes a while, and waiting for one must not block a worker.
        let (back, report) = spawn_blocking(move || {
            let report = player.judge(guess);
            (player, report)
        })
        .await;
        player = back;
        let report = report?;
        println!("{guess}: {}", report.word());
        writer
            .write_all(format!("REPORT {}\n", report.word()).as_bytes())
            .await?;
        if report == Report::Correct {
            return writer.write_all(b"PARAMS 0 -1\n").await;
        }
    }
}
