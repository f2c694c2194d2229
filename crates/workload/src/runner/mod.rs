//! The runner's half of the protocol: `main` of every runner is one call of [`main`].

mod channel;
mod serving;
mod session;

use std::io::{IsTerminal, Write, stdin};
use std::process::ExitCode;

use crate::model::Model;
use channel::Channel;
use session::{Outcome, Session};

/// Answers requests until the input ends.
///
/// Started on a terminal it prints what it is and how to use it, and exits with 2: a runner is for the
/// comparison to talk to.
pub fn main<M: Model>(model: M) -> ExitCode {
    serve(model, Extras::default())
}

/// What only the `sequential` runner can do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extras {
    /// Answer `calibrate` and `reference`.
    pub referee: bool,
}

/// [`main`] with more to offer.
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
    raise_descriptor_limit();
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

/// Thousands of sockets need more than the usual soft limit of 1,024 descriptors.
#[cfg(unix)]
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Without it the runner still works, up to what the soft limit allows.
    let _ = setrlimit(Resource::Nofile, limit);
}

#[cfg(not(unix))]
fn raise_descriptor_limit() {}
