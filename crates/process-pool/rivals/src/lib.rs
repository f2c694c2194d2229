//! The rivals of `process-pool`; the benches are in `benches/`: `cargo bench -p
//! process-pool-rivals`.
//!
//! Each rival is another process of the same program that echoes its input, or a Python.

mod echo;
pub mod ipc;
pub mod pipe;
pub mod processes;
pub mod python;
pub mod threads;

use std::env;

use echo::ECHO;

/// Turns this process into a rival's if it was started as one.
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
