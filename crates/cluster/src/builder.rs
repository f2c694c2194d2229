//! [`Builder`]: the settings of a cluster.

use std::sync::Arc;
use std::time::Duration;

use crate::caller::engine::Engine;
use crate::caller::ledger::Ledger;
use crate::cluster::Cluster;
use crate::error::{BuildError, MAX_SLOTS};
use crate::local::Local;
use crate::registry::Jobs;
use crate::retry::Retry;
use crate::shared::Shared;

/// The default maximum number of outstanding jobs.
const MAX_OUTSTANDING: usize = 10_000;
/// The default maximum size of an encoded input.
const MAX_INPUT_BYTES: usize = 64 << 20;

impl Cluster {
    /// Runs jobs on `slots` threads of this process, without a server. Jobs need not be registered.
    ///
    /// # Errors
    /// [`BuildError`], as from [`Builder::local`].
    pub fn local(slots: usize) -> Result<Self, BuildError> {
        Self::builder().local(slots)
    }

    /// Settings shared by all jobs.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// The settings of a [`Cluster`], finished by [`local`](Self::local) or `connect`.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use effective_cluster::{Cluster, Retry, job};
///
/// job! { fn double(number: u32) -> u32 { 2 * number } }
///
/// let cluster = Cluster::builder()
///     .time_limit(Duration::from_secs(10))                  // per attempt
///     .retry(Retry::new(NonZeroU32::new(5).unwrap()).pause(Duration::from_millis(10)))
///     .max_outstanding(1_000)                               // beyond it, `submit` waits
///     .local(2)?;
/// assert_eq!(cluster.submit::<double>(21)?.wait()?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "`local` or `connect` builds the cluster"]
pub struct Builder {
    pub(crate) retry: Retry,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) max_outstanding: usize,
    pub(crate) max_input_bytes: usize,
    pub(crate) jobs: Option<Jobs>,
    #[cfg(feature = "nats")]
    pub(crate) nats: crate::nats::settings::Settings,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            retry: Retry::default(),
            time_limit: None,
            max_outstanding: MAX_OUTSTANDING,
            max_input_bytes: MAX_INPUT_BYTES,
            jobs: None,
            #[cfg(feature = "nats")]
            nats: crate::nats::settings::Settings::default(),
        }
    }
}

impl Builder {
    /// How often a job is tried. By default three times, without a pause.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Limits how long an attempt may run. By default there is no limit;
    /// [`Submission`](crate::Submission) can set one for a single job.
    ///
    /// A thread cannot be ended: the job is given up, and its thread ends when it returns. See the
    /// limits in the [crate's documentation](crate).
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Limits the number of jobs that were submitted and have not ended: beyond it `submit` waits.
    /// By default 10,000. With 0, building fails.
    pub fn max_outstanding(mut self, jobs: usize) -> Self {
        self.max_outstanding = jobs;
        self
    }

    /// Limits the size of an encoded input, in bytes. By default 64 MiB.
    pub fn max_input(mut self, bytes: usize) -> Self {
        self.max_input_bytes = bytes;
        self
    }

    /// The jobs that [`local`](Self::local) knows, as the workers of a server do. By default it
    /// knows every job. A job that it does not know ends as
    /// [`JobError::Unclaimed`](crate::JobError::Unclaimed).
    pub fn jobs(mut self, jobs: &Jobs) -> Self {
        self.jobs = Some(*jobs);
        self
    }

    /// Runs jobs on `slots` threads of this process.
    ///
    /// # Errors
    /// [`BuildError`] if the settings cannot work, or if the system refuses a thread.
    pub fn local(self, slots: usize) -> Result<Cluster, BuildError> {
        check_slots(slots)?;
        let ledger = self.ledger()?;
        let engine = Local::start(slots, self.jobs, self.max_input_bytes, &ledger)
            .map_err(BuildError::System)?;
        Ok(self.cluster(ledger, Box::new(engine)))
    }

    /// Keeps jobs on the server's disk instead of in its memory, so that they survive its restart.
    /// The stream is created by the first caller of a namespace: later ones do not change it.
    #[cfg(feature = "nats")]
    pub fn durable(mut self) -> Self {
        self.nats.is_durable = true;
        self
    }

    /// Ends jobs that the server has lost as [`JobError::Lost`](crate::JobError::Lost). By default
    /// they are sent again, and may have run already.
    #[cfg(feature = "nats")]
    pub fn fail_lost_jobs(mut self) -> Self {
        self.nats.resends = false;
        self
    }

    /// How long a job waits if no worker that knows it is connected, before it ends as
    /// [`JobError::Unclaimed`](crate::JobError::Unclaimed). By default 30 s. A job whose workers
    /// are busy waits longer.
    #[cfg(feature = "nats")]
    pub fn unclaimed_after(mut self, time: Duration) -> Self {
        self.nats.unclaimed_after = time;
        self
    }

    pub(crate) fn ledger(&self) -> Result<Arc<Ledger>, BuildError> {
        if self.max_outstanding == 0 {
            return Err(BuildError::Setting(
                "`max_outstanding` is 0, so no job could be submitted: set at least 1".to_owned(),
            ));
        }
        Ok(Arc::new(Ledger::new(self.max_outstanding)))
    }

    pub(crate) fn cluster(&self, ledger: Arc<Ledger>, engine: Box<dyn Engine>) -> Cluster {
        Cluster {
            shared: Arc::new(Shared::new(ledger, engine, self.retry, self.time_limit)),
        }
    }
}

/// Checks a number of threads that run jobs.
pub(crate) fn check_slots(slots: usize) -> Result<(), BuildError> {
    match slots {
        0 => Err(BuildError::NoSlots),
        1..=MAX_SLOTS => Ok(()),
        _ => Err(BuildError::TooManySlots(slots)),
    }
}
