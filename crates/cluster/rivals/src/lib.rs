//! The rivals of `cluster` in its benches: the same work with async-nats itself, on the same server
//! and with as many worker processes, and systems in Python with as many.
#![forbid(unsafe_code)]

use std::fs;
use std::time::Duration;

mod fleet;
mod python;
mod raw;
#[allow(dead_code, reason = "the tests of `cluster` use more of it")]
mod server;
mod workers;

pub use fleet::{Fleet, fleet_if_asked, nap};
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

    /// The CPU time of the server so far.
    ///
    /// # Panics
    /// If `/proc` does not tell it.
    pub fn cpu(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.0.process());
        let stat = fs::read_to_string(path).expect("the server lives");
        let (_, fields) = stat.rsplit_once(')').expect("its name");
        // Its own time, then that of the kernel for it, in hundredths of a second.
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }
}
