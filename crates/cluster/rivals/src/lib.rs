//! The rivals of `cluster` in its benches: the same work with async-nats itself, on the same server
//! and with as many worker processes, and systems in Python with as many.
#![forbid(unsafe_code)]

mod python;
mod raw;
#[allow(dead_code, reason = "the tests of `cluster` use more of it")]
mod server;
mod workers;

pub use python::{CELERY, DASK, Python, Rival};
pub use raw::Raw;
pub use workers::{WORKERS, Workers, echo, work_if_asked};

/// A server that a bench starts, and ends with it.
pub struct Server(server::Server);

impl Server {
    /// Starts the server. `None`, with a line that says so, without the program.
    pub fn start() -> Option<Self> {
        server::Server::start().map(Self)
    }

    /// The address of the server.
    pub fn url(&self) -> String {
        self.0.url()
    }
}
