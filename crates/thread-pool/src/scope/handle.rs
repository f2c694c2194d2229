//! [`ScopedHandle`], the handle of a job that borrows.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::erase::Packet;
use super::jobs::Jobs;
use crate::error::JobError;
use crate::handle::Handle;

/// The future result of one scoped job, returned by [`Scope::submit`](crate::Scope::submit).
///
/// Dropping the handle detaches the job: it still runs before the scope ends. If it panics, the
/// scope returns the panic.
pub struct ScopedHandle<'scope, R> {
    /// `None` once waited for.
    handle: Option<Handle<()>>,
    packet: Arc<Packet<R>>,
    jobs: Arc<Jobs>,
    scope: PhantomData<&'scope ()>,
}

impl<R> ScopedHandle<'_, R> {
    pub(super) fn new(handle: Handle<()>, packet: Arc<Packet<R>>, jobs: &Arc<Jobs>) -> Self {
        Self {
            handle: Some(handle),
            packet,
            jobs: Arc::clone(jobs),
            scope: PhantomData,
        }
    }

    /// Blocks until the job has ended and returns its result, as [`Handle::wait`].
    ///
    /// # Errors
    /// As [`Handle::wait`].
    pub fn wait(mut self) -> Result<R, JobError> {
        match self.handle.take() {
            Some(handle) => handle.wait()?,
            None => return Err(JobError::Cancelled),
        }
        self.result()
    }

    /// Blocks until the job has ended, or for at most `timeout`, as [`Handle::wait_timeout`].
    ///
    /// # Errors
    /// As [`Handle::wait_timeout`].
    pub fn wait_timeout(mut self, timeout: Duration) -> Result<Result<R, JobError>, Self> {
        let Some(handle) = self.handle.take() else {
            return Ok(Err(JobError::Cancelled));
        };
        match handle.wait_timeout(timeout) {
            Ok(Ok(())) => Ok(self.result()),
            Ok(Err(error)) => Ok(Err(error)),
            Err(handle) => {
                self.handle = Some(handle);
                Err(self)
            }
        }
    }

    /// Cancels the job if it is pending, as [`Handle::cancel`].
    pub fn cancel(&self) -> bool {
        self.handle.as_ref().is_some_and(Handle::cancel)
    }

    /// Whether the job has ended, so that [`wait`](Self::wait) returns at once.
    pub fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(Handle::is_finished)
    }

    fn result(&self) -> Result<R, JobError> {
        // A job that ended without an error has left its result in the packet, and only this call
        // takes it.
        self.packet.take().ok_or(JobError::Cancelled)
    }
}

impl<R> Drop for ScopedHandle<'_, R> {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.jobs.detach(handle);
        }
    }
}

impl<R> fmt::Debug for ScopedHandle<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedHandle")
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}
