//! A number-guessing server and its client, blocking: a thread per connection, up to a limit.
//!
//! The protocol is in `session.rs`, which `tokio-tasks` and `async-std-tasks` share; a port
//! changes only `main.rs`, `serve.rs` and `play.rs`.
//!
//! ```text
//! cargo run -p effective-threads --example line_server
//! cargo run -p effective-threads --example line_server -- --client 127.0.0.1:PORT 1 100 42
//! ```

mod args;
mod guesses;
mod malformed;
mod permits;
mod play;
mod player;
mod process;
mod serve;
mod session;

use std::io;
use std::process::ExitCode;

use args::{Command, USAGE};

/// Each takes a thread, and a few hundred are cheap. Further connections wait to be accepted.
const CONNECTIONS: usize = 256;

fn main() -> ExitCode {
    let outcome = match args::parse(std::env::args().skip(1), CONNECTIONS) {
        Err(wrong) => {
            eprintln!("line_server: {wrong}");
            return ExitCode::from(2);
        }
        Ok(Command::Help) => {
            println!("{USAGE}");
            Ok(())
        }
        Ok(Command::Serve(how)) => start(how),
        Ok(Command::Play(round)) => play::play(round),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("line_server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(mut how: args::Serve) -> io::Result<()> {
    // The system would refuse more threads.
    how.connections = how.connections.min(effective_threads::max_live_threads());
    process::raise_descriptor_limit();
    let listener = process::listen(how.listen)?;
    process::announce(listener.local_addr()?)?;
    serve::serve(listener, how)
}
