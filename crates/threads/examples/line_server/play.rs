//! The client: it plays one round and prints each guess.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::args::Play;
use crate::guesses::Report;
use crate::player::{Player, guess_in};

/// How long to wait for an answer of the server.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes that a server may send in a round: enough for a hundred thousand guesses, and a
/// limit for a line that never ends.
const MOST_SAID: u64 = 1024 * 1024;

pub(crate) fn play(round: Play) -> io::Result<()> {
    let stream = TcpStream::connect_timeout(&round.server, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new((&stream).take(MOST_SAID)).lines();
    let mut writer = &stream;
    let mut player = Player::new(round.secret);
    println!("Guess a number from {} to {}!", round.lower, round.upper);
    writer.write_all(format!("PARAMS {} {}\n", round.lower, round.upper).as_bytes())?;
    loop {
        writer.write_all(b"NUMBER\n")?;
        let line = lines.next().transpose()?;
        let guess = guess_in(line.as_deref())?;
        let report = player.judge(guess)?;
        println!("{guess}: {}", report.word());
        writer.write_all(format!("REPORT {}\n", report.word()).as_bytes())?;
        if report == Report::Correct {
            return writer.write_all(b"PARAMS 0 -1\n");
        }
    }
}
