//! [`ProcessPool`]: submitting jobs, and shutting down.

use std::borrow::Borrow;
use std::fmt;
use std::mem;
use std::process;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::codec::{self, Descriptors};
use crate::error::{JobError, StillRunning, SubmitError};
use crate::handle::Handle;
use crate::job::Job;
use crate::parent::batch::{Batch, begin_input};
use crate::parent::map_results::RawOutput;
use crate::parent::shared::Shared;
use crate::program::Program;
use crate::transfer::{Packed, plain, value};

/// A pool of reused worker processes, each running one job at a time.
///
/// Dropping the pool finishes the accepted jobs, as [`shutdown`](Self::shutdown) does.
///
/// ```
/// use effective_process_pool::{ProcessPool, job, register};
///
/// job! { fn halve(number: u32) -> Option<u32> { (number % 2 == 0).then_some(number / 2) } }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let program = register![halve];
///     let pool = ProcessPool::new(&program, 2)?;
///     let (even, odd) = (pool.submit::<halve>(8)?, pool.submit::<halve>(7)?);
///     assert_eq!((even.wait()?, odd.wait()?), (Some(4), None));
///     Ok(())
/// }
/// ```
pub struct ProcessPool {
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
    program: Program,
    workers: usize,
    time_limit: Option<Duration>,
    /// The process that created the pool.
    owner: u32,
}

impl ProcessPool {
    pub(crate) fn new_with(
        shared: Arc<Shared>,
        supervisor: JoinHandle<()>,
        program: Program,
        workers: usize,
        time_limit: Option<Duration>,
    ) -> Self {
        Self {
            shared,
            supervisor: Some(supervisor),
            program,
            workers,
            time_limit,
            owner: process::id(),
        }
    }

    /// The number of workers.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// The number of accepted batches (a job, or a chunk of a map) not yet assigned to a worker.
    pub fn queued(&self) -> usize {
        self.shared.with(|state| state.queued())
    }

    /// Submits a job. The input is encoded in this call, so it may be passed by value or by
    /// reference.
    ///
    /// Does not wait for a worker. Dropping the handle detaches the job, which still runs.
    ///
    /// # Errors
    /// [`SubmitError`] if the job is not registered, its input cannot be encoded, or the pool is
    /// closed or broken. No worker has seen the job then.
    pub fn submit<J: Job>(
        &self,
        input: impl Borrow<J::Input>,
    ) -> Result<Handle<J::Output>, SubmitError> {
        self.submission().submit::<J>(input)
    }

    /// A submission with its own settings: a time limit.
    pub fn submission(&self) -> Submission<'_> {
        Submission {
            pool: self,
            time_limit: self.time_limit,
        }
    }

    /// Submits a job by name, with its input and output as bytes: for a server that works for
    /// another machine. See [`wire`](crate::wire).
    ///
    /// # Errors
    /// As from [`submit`](Self::submit).
    pub fn submit_bytes(&self, name: &str, input: &[u8]) -> Result<Handle<Vec<u8>>, SubmitError> {
        let job = self
            .program
            .find(name)
            .ok_or_else(|| SubmitError::Unregistered(name.to_owned()))?;
        let mut bytes = Vec::with_capacity(4 + input.len());
        begin_input(&mut bytes);
        bytes.extend_from_slice(input);
        self.send(job, bytes, Vec::new(), self.time_limit, plain)
    }

    /// Stops accepting jobs. Accepted jobs still run. Does not wait; closing twice is allowed.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Stops accepting jobs, finishes the accepted ones, and waits until all workers have exited.
    pub fn shutdown(mut self) {
        self.finish();
    }

    /// Like [`shutdown`](Self::shutdown), but waits at most `timeout`, and not for callbacks.
    ///
    /// # Errors
    /// [`StillRunning`] if the timeout expired: the workers finish the accepted jobs and exit by
    /// themselves. Handles stay usable.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Result<(), StillRunning> {
        self.close();
        let result = self.shared.wait_terminated(timeout);
        let supervisor = self.supervisor.take();
        match result {
            Ok(()) => {
                join(supervisor);
                Ok(())
            }
            // The supervisor thread finishes by itself.
            Err(jobs) => Err(StillRunning { jobs }),
        }
    }

    /// Stops accepting jobs, cancels pending ones, kills the workers, and waits until they have
    /// exited. Returns the number of jobs this ended; their handles report it.
    pub fn shutdown_now(mut self) -> usize {
        self.shared.kill_all();
        self.finish();
        self.shared
            .with(|state| state.ended_by_shutdown.unwrap_or_default())
    }

    fn finish(&mut self) {
        if process::id() != self.owner {
            // A copy in a forked process, where the supervisor does not exist and any lock may be
            // held permanently.
            mem::forget(self.supervisor.take());
            return;
        }
        self.close();
        if join(self.supervisor.take()) {
            self.shared.join_callbacks();
        }
    }

    pub(crate) fn time_limit(&self) -> Option<Duration> {
        self.time_limit
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// `bytes` starts with a placeholder for the length.
    fn send<T>(
        &self,
        job: u32,
        bytes: Vec<u8>,
        descriptors: Descriptors,
        time_limit: Option<Duration>,
        decode: fn(RawOutput) -> Result<T, JobError>,
    ) -> Result<Handle<T>, SubmitError> {
        let packed = Packed::new(bytes, descriptors)?;
        let key = self.shared.with(|state| {
            if let Some(broken) = &state.broken {
                return Err(SubmitError::Broken(broken.clone()));
            }
            if state.closed {
                return Err(SubmitError::Closed);
            }
            Ok(state.accept_job(|sink| Batch {
                job,
                count: 1,
                bytes: packed.bytes,
                descriptors: packed.descriptors,
                spilled: packed.spilled,
                time_limit,
                sink,
                deaths: 0,
            }))
        })?;
        Ok(Handle::new(Arc::clone(&self.shared), key, decode))
    }
}

/// Joins the supervisor, and returns whether it has ended.
fn join(supervisor: Option<JoinHandle<()>>) -> bool {
    let Some(supervisor) = supervisor else {
        return false;
    };
    // The supervisor may itself run a waker that drops the pool; it cannot join itself.
    supervisor.thread().id() != thread::current().id() && supervisor.join().is_ok()
}

impl Drop for ProcessPool {
    fn drop(&mut self) {
        if self.supervisor.is_some() {
            self.finish();
        }
    }
}

impl fmt::Debug for ProcessPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessPool")
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}

/// A submission with its own settings. Created by [`ProcessPool::submission`].
#[derive(Clone, Copy, Debug)]
#[must_use = "`submit` submits the job"]
pub struct Submission<'a> {
    pool: &'a ProcessPool,
    time_limit: Option<Duration>,
}

impl Submission<'_> {
    /// Limits how long the job may run, in place of the pool's own limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_process_pool::{JobError, ProcessPool, job, register};
    ///
    /// job! { fn spin(_input: ()) { loop { std::hint::spin_loop() } } }
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let program = register![spin];
    ///     let pool = ProcessPool::new(&program, 1)?;
    ///     let limit = Duration::from_millis(50);
    ///     let handle = pool.submission().time_limit(limit).submit::<spin>(())?;
    ///     assert!(matches!(handle.wait(), Err(JobError::TimedOut(_))));
    ///     Ok(())
    /// }
    /// ```
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Like [`ProcessPool::submit`], with these settings.
    ///
    /// # Errors
    /// As from [`ProcessPool::submit`].
    pub fn submit<J: Job>(
        self,
        input: impl Borrow<J::Input>,
    ) -> Result<Handle<J::Output>, SubmitError> {
        let job = self
            .pool
            .program
            .find(J::NAME)
            .ok_or_else(|| SubmitError::Unregistered(J::NAME.to_owned()))?;
        let mut bytes = Vec::with_capacity(64);
        begin_input(&mut bytes);
        let descriptors = codec::encode(input.borrow(), &mut bytes).map_err(SubmitError::Input)?;
        self.pool
            .send(job, bytes, descriptors, self.time_limit, value)
    }
}
