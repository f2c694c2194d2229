//! [`Cluster`]: submitting jobs, and shutting down.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::error::{StillRunning, SubmitError};
use crate::handle::Handle;
use crate::job::Job;
use crate::retry::Retry;
use crate::shared::{JobSettings, Shared, single_output};

/// A place to run jobs: threads of this process, or the workers of a NATS server.
///
/// Dropping the cluster finishes the accepted jobs, as [`shutdown`](Self::shutdown) does.
///
/// ```
/// use effective_cluster::{Cluster, job};
///
/// job! { fn halve(number: u32) -> Option<u32> { (number % 2 == 0).then_some(number / 2) } }
///
/// let cluster = Cluster::local(2)?;   // or, with workers elsewhere: Cluster::connect("nats://…")?
/// let (even, odd) = (cluster.submit::<halve>(8)?, cluster.submit::<halve>(7)?);
/// assert_eq!((even.wait()?, odd.wait()?), (Some(4), None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Cluster {
    pub(crate) shared: Arc<Shared>,
}

impl Cluster {
    /// Submits a job. The input is encoded in this call, so it may be passed by value or by
    /// reference.
    ///
    /// Waits only while [`Builder::max_outstanding`](crate::Builder::max_outstanding) jobs are
    /// outstanding. Dropping the handle detaches the job, which still runs.
    ///
    /// # Errors
    /// [`SubmitError`] if the input cannot be encoded or is too large, or the cluster is closed.
    /// Nothing was sent then.
    pub fn submit<J: Job>(
        &self,
        input: impl Borrow<J::Input>,
    ) -> Result<Handle<J::Output>, SubmitError> {
        self.submission().submit::<J>(input)
    }

    /// A submission with its own settings: a time limit, attempts, an idempotency key.
    pub fn submission(&self) -> Submission<'_> {
        Submission {
            cluster: self,
            settings: JobSettings {
                retry: self.shared.retry,
                time_limit: self.shared.time_limit,
                key: None,
            },
            timeout: None,
        }
    }

    /// The numbers of jobs, attempts and messages so far.
    pub fn counts(&self) -> Counts {
        self.shared.ledger.counts()
    }

    /// Stops accepting jobs. Accepted jobs still run. Does not wait; closing twice is allowed.
    pub fn close(&self) {
        self.shared.ledger.close();
    }

    /// Stops accepting jobs, and waits until the accepted ones have ended.
    pub fn shutdown(self) {
        self.shared.finish(None);
    }

    /// Like [`shutdown`](Self::shutdown), but waits at most `timeout` for the jobs.
    ///
    /// # Errors
    /// [`StillRunning`] if the timeout expired. The handles of the remaining jobs report
    /// [`JobError::Closed`](crate::JobError::Closed); pending ones are withdrawn.
    pub fn shutdown_timeout(self, timeout: Duration) -> Result<(), StillRunning> {
        match self.shared.finish(Instant::now().checked_add(timeout)) {
            0 => Ok(()),
            jobs => Err(StillRunning { jobs }),
        }
    }

    /// Stops accepting jobs and withdraws pending ones. Their handles, and those of running jobs,
    /// report [`JobError::Closed`](crate::JobError::Closed).
    pub fn shutdown_now(self) {
        self.shared.give_up();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.shared.finish(None);
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

/// A submission with its own settings. Created by [`Cluster::submission`].
#[derive(Clone, Debug)]
#[must_use = "`submit` submits the job"]
pub struct Submission<'a> {
    cluster: &'a Cluster,
    settings: JobSettings,
    timeout: Option<Duration>,
}

impl Submission<'_> {
    /// Limits how long the job may run, in place of the cluster's own limit.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.settings.time_limit = Some(limit);
        self
    }

    /// How often the job is tried, in place of the cluster's own setting.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.settings.retry = retry;
        self
    }

    /// Gives the job an idempotency key, for callers that submit again what an earlier process of
    /// theirs may have submitted. While a job of this name with this key waits or runs, and within
    /// ten minutes of its submission, another one is not started: both callers get its result. A
    /// job that has ended runs again.
    ///
    /// In this process no caller outlives its jobs, so the key has no effect.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.settings.key = Some(key.into());
        self
    }

    /// Limits how long [`submit`](Self::submit) waits while too many jobs are outstanding.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Like [`Cluster::submit`], with these settings.
    ///
    /// # Errors
    /// As from [`Cluster::submit`], and [`SubmitError::TimedOut`].
    pub fn submit<J: Job>(
        self,
        input: impl Borrow<J::Input>,
    ) -> Result<Handle<J::Output>, SubmitError> {
        let shared = &self.cluster.shared;
        let deadline = self
            .timeout
            .and_then(|timeout| Instant::now().checked_add(timeout));
        let (id, promise) = shared.submit::<J>(input.borrow(), self.settings, deadline)?;
        Ok(Handle::new(
            Arc::clone(shared),
            promise,
            id,
            single_output::<J>,
        ))
    }
}
