//! A number-guessing server and its client on async-std: a task per connection. async-std is
//! discontinued (RUSTSEC-2025-0052): this is for code that still uses it. Write a new server on
//! tokio or smol.
//!
//! The protocol is in `session.rs`, which `threads` and `tokio-tasks` share; a port
//! changes only `main.rs`, `serve.rs` and `play.rs`.
//!
//! ```text
//! cargo run -p effective-async-std-tasks --example line_server
//! cargo run -p effective-async-std-tasks --example line_server -- --client 127.0.0.1:PORT 1 100 42
//! ```

mod args;
mod guesses;
mod malformed;
mod play;
mod player;
mod process;
mod serve;
mod session;

use std::io;
use std::process::ExitCode;

use args::{Command, USAGE};

/// Each takes a task of a few KiB and a descriptor; a process has a limited number of those.
const CONNECTIONS: usize = 16_384;

#[async_std::main]
async fn main() -> ExitCode {
    let outcome = match args::parse(std::env::args().skip(1), CONNECTIONS) {
        Err(wrong) => {
            eprintln!("line_server: {wrong}");
            return ExitCode::from(2);
        }
        Ok(Command::Help) => {
            println!("{USAGE}");
            Ok(())
        }
        Ok(Command::Serve(how)) => start(how).await,
        Ok(Command::Play(round)) => play::play(round).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("line_server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn start(how: args::Serve) -> io::Result<()> {
    process::raise_descriptor_limit();
    let listener = process::listen(how.listen)?;
    process::announce(listener.local_addr()?)?;
    serve::serve(async_std::net::TcpListener::from(listener), how).await
}
