//! [`Worker`]: the settings of a worker.

use std::fmt;
use std::time::Duration;

use crate::nats::connection::Connection;
use crate::reason::Reason;
use crate::registry::Jobs;
use crate::slots::call::{Call, Hook};

/// The default time after which a silent worker is taken for dead.
const ACK_WAIT: Duration = Duration::from_secs(5);
/// Jobs that are pulled ahead, for each slot.
const AHEAD: usize = 2;

/// A worker that runs these jobs, with one slot per processor.
///
/// ```no_run
/// use effective_cluster::{job, register, worker};
///
/// job! { fn double(number: u32) -> u32 { 2 * number } }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     // Runs until SIGTERM or SIGINT, and finishes the jobs that it has begun.
///     worker(&register![double]).server("nats://jobs.example.com").slots(4).run()?;
///     Ok(())
/// }
/// ```
pub fn worker(jobs: &Jobs) -> Worker {
    let server = std::env::var("NATS_URL").unwrap_or_else(|_| "nats://127.0.0.1:4222".to_owned());
    Worker {
        jobs: *jobs,
        server: Connection::new(server),
        slots: num_cpus::get(),
        ahead: AHEAD,
        ack_wait: ACK_WAIT,
        is_durable: false,
        hook: Box::new(|call| call.here()),
    }
}

/// The settings of a worker. Created by [`worker`].
#[must_use = "`run` or `start` starts the worker"]
pub struct Worker {
    pub(super) jobs: Jobs,
    pub(super) server: Connection,
    pub(super) slots: usize,
    pub(super) ahead: usize,
    pub(super) ack_wait: Duration,
    pub(super) is_durable: bool,
    pub(super) hook: Box<Hook>,
}

impl Worker {
    /// The server to work for. By default the one that the environment variable `NATS_URL` names,
    /// or `nats://127.0.0.1:4222`.
    pub fn server(mut self, server: impl Into<Connection>) -> Self {
        self.server = server.into();
        self
    }

    /// How many jobs run at the same time, each on a thread. By default one per processor that this
    /// process may use.
    pub fn slots(mut self, slots: usize) -> Self {
        self.slots = slots;
        self
    }

    /// How many jobs are pulled ahead for each slot, at most 16. By default 2. With 0 a slot waits
    /// for the server after each job, and no job waits behind a long one. A job that has waited
    /// here for a heartbeat goes back to the server.
    pub fn ahead(mut self, jobs: usize) -> Self {
        self.ahead = jobs;
        self
    }

    /// After how much silence the server takes a worker for dead, and gives its jobs to others. A
    /// worker sends five heartbeats in this time. By default 5 s. The first worker that knows a job
    /// sets the time for this job, until its consumer is deleted on the server.
    pub fn ack_wait(mut self, time: Duration) -> Self {
        self.ack_wait = time;
        self
    }

    /// Makes the stream of jobs durable if this worker is the first to connect:
    /// see [`Builder::durable`](crate::Builder::durable).
    pub fn durable(mut self) -> Self {
        self.is_durable = true;
        self
    }

    /// Decides where a job runs. The hook is called on a thread of the worker, once for each input,
    /// and its result is the encoded output. By default the job runs [there](Call::here), and its
    /// panic is contained. A hook may give it to a pool of processes instead, where a crash fails
    /// only this job.
    pub fn run_on(
        mut self,
        hook: impl Fn(Call<'_>) -> Result<Vec<u8>, Reason> + Send + Sync + 'static,
    ) -> Self {
        self.hook = Box::new(hook);
        self
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("jobs", &self.jobs)
            .field("server", &self.server)
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}
