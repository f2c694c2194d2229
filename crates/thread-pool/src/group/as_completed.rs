//! [`as_completed`]: the results of several handles, in the order in which their jobs end.

use std::fmt;
use std::iter::FusedIterator;
use std::time::{Duration, Instant};

use super::members::{Group, Members};
use crate::error::{JobError, TimedOut};
use crate::handle::Handle;
use crate::listeners::Watcher;

/// The index of a handle in the order in which the handles were passed, and the result of its job.
pub type Completed<R> = (usize, Result<R, JobError>);

/// Yields the results of `handles` in the order in which their jobs end, each with the index of its
/// handle.
///
/// The handles may belong to different pools. Results that are already ready come first.
///
/// # Examples
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::{thread, time::Duration};
/// let pool = effective_thread_pool::ThreadPool::new(2)?;
/// let slow = pool.submit(|| thread::sleep(Duration::from_millis(50)))?;
/// let fast = pool.submit(|| ())?;
/// let results = effective_thread_pool::as_completed([slow, fast]);
/// let order: Vec<usize> = results.map(|(index, _)| index).collect();
/// assert_eq!(order, [1, 0]);
/// # Ok(()) }
/// ```
pub fn as_completed<R: 'static>(handles: impl IntoIterator<Item = Handle<R>>) -> AsCompleted<R> {
    let handles = Handles(handles.into_iter().map(Some).collect());
    AsCompleted {
        group: Group::new(&handles),
        left: handles.0.len(),
        handles,
    }
}

/// The iterator returned by [`as_completed`].
///
/// [`next`](Iterator::next) blocks until one more job has ended. On a worker of the jobs' own pool
/// it runs pending ones of them right there, and no others, so that a full pool does not wait for
/// itself; where that cannot be, the result is [`JobError::WouldDeadlock`], as from
/// [`Handle::wait`].
///
/// Dropping it before the end detaches the remaining jobs, which still run. To cancel them instead,
/// take the handles back with [`into_rest`](Self::into_rest).
#[must_use = "dropping the iterator detaches the jobs"]
pub struct AsCompleted<R> {
    handles: Handles<R>,
    group: Group,
    left: usize,
}

struct Handles<R>(Vec<Option<Handle<R>>>);

impl<R> Members<R> for Handles<R> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn open(&self, index: usize) -> Option<&Handle<R>> {
        self.0[index].as_ref()
    }
}

impl<R: 'static> AsCompleted<R> {
    /// As [`next`](Iterator::next), for at most `timeout`. Returns `Ok(None)` once all results have
    /// been yielded.
    ///
    /// To honour the timeout, this never runs a job inline, not even on a worker of the jobs' own
    /// pool.
    ///
    /// # Errors
    /// [`TimedOut`] if the timeout elapsed before a job ended. Nothing is lost.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Completed<R>>, TimedOut> {
        if self.left == 0 {
            return Ok(None);
        }
        let index = if timeout.is_zero() {
            self.group.inbox.take()
        } else {
            // A deadline beyond the clock's range is no deadline.
            self.group.inbox.wait(Instant::now().checked_add(timeout))
        };
        match index {
            Some(index) => Ok(Some(self.take(index))),
            None => Err(TimedOut),
        }
    }

    /// Returns the handles whose results have not been yielded, with their indices.
    pub fn into_rest(self) -> Vec<(usize, Handle<R>)> {
        let rest: Vec<_> = self
            .handles
            .0
            .into_iter()
            .enumerate()
            .filter_map(|(index, handle)| Some((index, handle?)))
            .collect();
        for (_, handle) in &rest {
            handle.task().unwatch(Watcher::Group);
        }
        rest
    }

    fn take(&mut self, index: usize) -> Completed<R> {
        let handle = self.handles.0[index].take();
        self.left -= 1;
        // Each index comes once, after the result is ready.
        let result = handle.and_then(|mut handle| handle.wait_until(None));
        (index, result.unwrap_or(Err(JobError::WouldDeadlock)))
    }

    /// Gives up the first remaining handle.
    fn give_up(&mut self) -> Option<Completed<R>> {
        let index = self.handles.0.iter().position(Option::is_some)?;
        let handle = self.handles.0[index].take()?;
        handle.task().unwatch(Watcher::Group);
        self.left -= 1;
        Some((index, Err(JobError::WouldDeadlock)))
    }
}

impl<R: 'static> Iterator for AsCompleted<R> {
    type Item = Completed<R>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        match self.group.next(&self.handles) {
            Ok(index) => Some(self.take(index)),
            Err(_) => self.give_up(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<R: 'static> ExactSizeIterator for AsCompleted<R> {}
impl<R: 'static> FusedIterator for AsCompleted<R> {}

impl<R> fmt::Debug for AsCompleted<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
