//! [`Call`]: one run of a job, as the hook of a worker sees it.

use std::fmt;
use std::time::Duration;

use crate::reason::Reason;
use crate::registry::Registered;

/// One run of a job: its name and its input as bytes, in the format of
/// [postcard](https://docs.rs/postcard).
pub struct Call<'a> {
    pub(crate) job: Registered,
    pub(crate) input: &'a [u8],
    pub(crate) time_limit: Option<Duration>,
}

impl Call<'_> {
    /// The name of the job.
    pub fn name(&self) -> &'static str {
        self.job.name
    }

    /// The encoded input.
    pub fn input(&self) -> &[u8] {
        self.input
    }

    /// How long the job may run. The worker enforces it by giving the thread up; a place that can
    /// end a job does so.
    pub fn time_limit(&self) -> Option<Duration> {
        self.time_limit
    }

    /// Runs the job on this thread, and contains its panic. Returns the encoded output.
    ///
    /// # Errors
    /// [`Reason`] says why there is none.
    pub fn here(&self) -> Result<Vec<u8>, Reason> {
        self.job.call(self.input)
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("name", &self.job.name)
            .field("input_bytes", &self.input.len())
            .finish_non_exhaustive()
    }
}

/// Decides where a job runs. Called on a thread of the worker, which waits for it.
pub(crate) type Hook = dyn Fn(Call<'_>) -> Result<Vec<u8>, Reason> + Send + Sync;
