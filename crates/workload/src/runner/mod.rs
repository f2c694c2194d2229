//! The runner's side of the protocol: `main` of every runner is a call of [`main`].

mod channel;
mod extras;
mod rehearsal;
mod serving;
mod session;

pub use extras::Extras;

use std::io::{IsTerminal, Write, stdin};
use std::process::ExitCode;

use crate::descriptors;
use crate::model::Model;
use channel::Channel;
use session::{Outcome, Session};

/// Answers requests until the input ends.
///
/// On a terminal it prints a description and how to use it, and exits with 2: only a comparison
/// talks to a runner.
pub fn main<M: Model>(model: M) -> ExitCode {
    serve(model, Extras::default())
}

/// [`main`] with extra abilities.
pub fn serve<M: Model>(model: M, extras: Extras) -> ExitCode {
    let name = model.describe().name;
    if stdin().is_terminal() {
        eprintln!("{}", usage(name));
        return ExitCode::from(2);
    }
    let mut channel = match Channel::take() {
        Ok(channel) => channel,
        Err(error) => {
            eprintln!("{name}: cannot take over standard input and output: {error}");
            return ExitCode::FAILURE;
        }
    };
    descriptors::raise_limit();
    let mut session = Session::new(model, extras);
    while let Some(line) = channel.next_request() {
        match session.answer(line) {
            Outcome::Reply(reply) => {
                if channel.send(&reply).is_err() {
                    break;
                }
            }
            Outcome::Quit => break,
        }
    }
    let _ = std::io::stderr().flush();
    ExitCode::SUCCESS
}

fn usage(name: &str) -> String {
    format!(
        "This is the runner of `{name}`. It answers requests on standard input, one JSON object a line, and is \
         started by `cargo xtask compare --model {name}`. By hand: keep the inputs of a comparison with \
         `--inputs FILE`, then pipe the requests that docs/protocol.md shows into this program."
    )
}
