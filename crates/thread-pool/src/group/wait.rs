//! [`wait`] and [`wait_timeout`]: one wait for several handles, which stay with the caller.

use std::time::{Duration, Instant};

use super::members::{Group, Members};
use crate::error::JobError;
use crate::handle::Handle;
use crate::listeners::Watcher;

/// The condition of a [`wait`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// At least one job has ended.
    FirstCompleted,
    /// At least one job has ended with a [`JobError`] (it panicked or was cancelled), or all have
    /// ended. A `Result` that a job returns is not inspected.
    FirstError,
    /// All jobs have ended.
    All,
}

/// The jobs that have and have not ended, as indices into the slice of handles, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waited {
    /// The jobs that have ended: [`Handle::wait`] returns at once.
    pub done: Vec<usize>,
    /// The jobs that had not ended.
    pub pending: Vec<usize>,
}

/// Blocks until the jobs of `handles` meet the condition `until`, and returns which have ended.
///
/// The results stay in the handles. An empty slice meets every condition. On a worker of the jobs'
/// own pool, pending jobs of `handles` run inline, and no others, so that a full pool does not wait
/// for itself.
///
/// Each call takes time in proportion to the number of handles. To take results one by one, use
/// [`as_completed`](crate::as_completed).
///
/// # Errors
/// [`JobError::WouldDeadlock`] as from [`Handle::wait`]; the handles stay valid.
///
/// # Examples
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use effective_thread_pool::WaitFor;
/// # use std::{thread, time::Duration};
/// let pool = effective_thread_pool::ThreadPool::new(2)?;
/// let mut handles = [
///     pool.submit(|| thread::sleep(Duration::from_millis(50)))?,
///     pool.submit(|| ())?,
/// ];
/// let waited = effective_thread_pool::wait(&mut handles, WaitFor::FirstCompleted)?;
/// assert_eq!((waited.done, waited.pending), (vec![1], vec![0]));
/// assert_eq!(effective_thread_pool::wait(&mut handles, WaitFor::All)?.done, [0, 1]);
/// # Ok(()) }
/// ```
pub fn wait<R: 'static>(handles: &mut [Handle<R>], until: WaitFor) -> Result<Waited, JobError> {
    let mut waiting = Waiting::new(handles, until);
    while !waiting.is_over() {
        let index = waiting
            .group
            .next(&waiting.members)
            .map_err(|_| JobError::WouldDeadlock)?;
        waiting.ended(index);
    }
    Ok(waiting.result())
}

/// As [`wait`], for at most `timeout`: then it returns which jobs have ended so far.
///
/// To honour the timeout, this never runs a job inline, not even on a worker of the jobs' own pool.
pub fn wait_timeout<R: 'static>(
    handles: &mut [Handle<R>],
    until: WaitFor,
    timeout: Duration,
) -> Waited {
    // A deadline beyond the clock's range is no deadline.
    let deadline = Instant::now().checked_add(timeout);
    let mut waiting = Waiting::new(handles, until);
    while !waiting.is_over() {
        match waiting.group.inbox.wait(deadline) {
            Some(index) => waiting.ended(index),
            None => break,
        }
    }
    waiting.result()
}

struct Borrowed<'a, R: 'static> {
    // Exclusive, so that no other wait uses the handles' slots for a group's waker.
    handles: &'a mut [Handle<R>],
    done: Vec<bool>,
}

impl<R> Members<R> for Borrowed<'_, R> {
    fn len(&self) -> usize {
        self.handles.len()
    }

    fn open(&self, index: usize) -> Option<&Handle<R>> {
        (!self.done[index]).then(|| &self.handles[index])
    }
}

struct Waiting<'a, R: 'static> {
    group: Group,
    members: Borrowed<'a, R>,
    until: WaitFor,
    ended: usize,
    failed: bool,
}

impl<'a, R> Waiting<'a, R> {
    fn new(handles: &'a mut [Handle<R>], until: WaitFor) -> Self {
        let members = Borrowed {
            done: vec![false; handles.len()],
            handles,
        };
        let mut waiting = Self {
            group: Group::new(&members),
            members,
            until,
            ended: 0,
            failed: false,
        };
        // Reports every job that has already ended, even if `until` asks for fewer.
        while let Some(index) = waiting.group.inbox.take() {
            waiting.ended(index);
        }
        waiting
    }

    fn ended(&mut self, index: usize) {
        self.members.done[index] = true;
        self.ended += 1;
        self.failed |= self.members.handles[index].task().has_failed();
    }

    fn is_over(&self) -> bool {
        let all = self.ended == self.members.len();
        all || match self.until {
            WaitFor::FirstCompleted => self.ended > 0,
            WaitFor::FirstError => self.failed,
            WaitFor::All => false,
        }
    }

    fn result(mut self) -> Waited {
        while let Some(index) = self.group.inbox.take() {
            self.ended(index);
        }
        let (done, pending) = (0..self.members.len()).partition(|&index| self.members.done[index]);
        Waited { done, pending }
    }
}

impl<R> Drop for Waiting<'_, R> {
    fn drop(&mut self) {
        for index in 0..self.members.len() {
            if let Some(handle) = self.members.open(index) {
                handle.task().unwatch(Watcher::Group);
            }
        }
    }
}
