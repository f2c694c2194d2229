//! Thousands of clients of a line server, all connected at once.
//!
//! `idle_clients ADDRESS CLIENTS` opens the connections, gets a first guess on each, and prints
//! `open CLIENTS`. For each line on its standard input it plays a round on every connection and
//! prints `played CLIENTS`. At the end of its input it closes them and exits. It is a process of
//! its own because each end of a connection takes a descriptor.

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use workload::line_protocol::Round;
use workload_line_server::IdleClients;

/// How long to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let parsed = match arguments.as_slice() {
        [server, clients] => server.parse().ok().zip(clients.parse().ok()),
        _ => None,
    };
    let Some((server, clients)) = parsed else {
        eprintln!("usage: idle_clients ADDRESS CLIENTS, as in `idle_clients 127.0.0.1:1234 1000`");
        return ExitCode::from(2);
    };
    match run(server, clients) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("idle_clients: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(server: SocketAddr, clients: usize) -> Result<(), Box<dyn Error>> {
    let mut idle = IdleClients::open(server, clients, PATIENCE)?;
    // An open connection may not be accepted yet; an answer shows that it is.
    idle.play(|_| Round {
        lower: 1,
        upper: 1,
        secret: 1,
    })?;
    say("open", clients)?;
    for line in io::stdin().lock().lines() {
        line?;
        idle.play(|client| Round {
            lower: 1,
            upper: 100,
            secret: 1 + (client % 100) as i64,
        })?;
        say("played", clients)?;
    }
    Ok(())
}

fn say(what: &str, clients: usize) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{what} {clients}")?;
    stdout.flush()
}
