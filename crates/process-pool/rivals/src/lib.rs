//! The benches of `process-pool` against its rivals live in `benches/`: `cargo bench -p process-pool-rivals`.
//!
//! Here is what the rivals need: each is another process of the same program, which echoes what it is sent, or a Python.

pub mod ipc;
pub mod pipe;
pub mod processes;
pub mod python;
pub mod threads;

use std::env;

/// What a rival's process finds as its first argument.
const ECHO: &str = "rival-echo";

/// Turns this process into a rival's, if it was started as one.
pub fn enter() {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() != Some(ECHO) {
        return;
    }
    match arguments.next().as_deref() {
        Some("pipe") => pipe::echo(),
        Some("ipc") => ipc::echo(arguments.next().expect("the name of the server")),
        other => panic!("no rival is called {other:?}"),
    }
    std::process::exit(0);
}

/// The arguments for such a process.
fn arguments(rival: &str) -> [&str; 2] {
    [ECHO, rival]
}
