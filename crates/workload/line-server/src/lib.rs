//! The tests that every line server passes.
//!
//! The servers are the examples `line_server` of `threads`, `tokio-tasks` and `async-std-tasks`.
//! They speak the protocol of [`workload::line_protocol`]. A server's program first prints its
//! address, and exits when its standard input ends, so a test needs nothing but its path:
//! [`Server`] starts one, [`Client`] and [`IdleClients`] talk to it, and
//! [`line_server_tests!`](crate::line_server_tests) makes a test of each of the [`checks`].
#![forbid(unsafe_code)]

mod build;
pub mod checks;
mod client;
mod idle_clients;
mod server;

pub use build::{Kind, build};
pub use client::Client;
pub use idle_clients::IdleClients;
pub use server::Server;
