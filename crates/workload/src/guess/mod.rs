//! The number-guessing line protocol: its client, a crowd of them, and the checks that every line server passes.
//!
//! The servers are the examples `line_server` of `threads`, `tokio-tasks` and `async-std-tasks`. They guess; the client
//! knows the secret:
//!
//! | line of the client | answer of the server |
//! |---|---|
//! | `PARAMS lower upper` | none; a round begins. `PARAMS 0 -1` ends one |
//! | `NUMBER` | its next guess, or the secret once it knows it |
//! | `REPORT Unsure`, `Warmer`, `Colder` or `Correct` | none; it is about the last guess |
//! | all else | one line `ERROR …`, and the connection is closed |
//!
//! A server's program prints its address first, and ends when its standard input does. So it is driven by its address
//! alone, and from a process of its own: [`Server`] starts one, [`Client`] and [`Crowd`] talk to it, and
//! [`line_server_tests!`](crate::line_server_tests) makes tests of all [`checks`].

pub mod checks;
mod client;
mod crowd;
mod program;
mod round;
mod server;

pub use client::Client;
pub use crowd::Crowd;
pub use program::{Kind, build};
pub use round::{Player, Round};
pub use server::Server;
