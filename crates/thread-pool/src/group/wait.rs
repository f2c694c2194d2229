//! One wait for several handles, which stay with the caller.

use std::time::{Duration, Instant};

use super::{Group, Members};
use crate::listeners::Watcher;
use crate::{Handle, JobError};

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// One job at least has ended.
    FirstCompleted,
    /// One job at least has ended with a [`JobError`] (it panicked, or was cancelled), or all have ended. What the jobs
    /// return, a `Result` perhaps, is not looked into.
    FirstError,
    /// All jobs have ended.
    All,
}

/// Which jobs have ended, by the places of their handles in the slice, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waited {
    /// These have ended: [`Handle::wait`] returns at once.
    pub done: Vec<usize>,
    /// These had not ended yet.
    pub pending: Vec<usize>,
}

/// Blocks until as many of these jobs have ended as `until` says, and tells which have.
///
/// The handles stay as they are: the results are taken from them afterwards. Those of an empty slice have all ended. On a
/// worker of the jobs' own pool it runs pending ones of them right there, and no others, so that a full pool does not
/// wait for itself.
///
/// Each call costs time in proportion to the number of handles. To take results one after the other, take
/// [`as_completed`](crate::as_completed).
///
/// # Errors
/// [`JobError::WouldDeadlock`] as from [`Handle::wait`]; the handles are as good as before.
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
        let number = waiting
            .group
            .next(&waiting.members)
            .map_err(|_| JobError::WouldDeadlock)?;
        waiting.ended(number);
    }
    Ok(waiting.result())
}

/// As [`wait`], for at most that long: then it tells what has ended so far.
///
/// The time is kept on a worker of the jobs' own pool too: this never runs a job itself.
pub fn wait_timeout<R: 'static>(
    handles: &mut [Handle<R>],
    until: WaitFor,
    timeout: Duration,
) -> Waited {
    // A time beyond the clock's range is no limit.
    let deadline = Instant::now().checked_add(timeout);
    let mut waiting = Waiting::new(handles, until);
    while !waiting.is_over() {
        match waiting.group.inbox.wait(deadline) {
            Some(number) => waiting.ended(number),
            None => break,
        }
    }
    waiting.result()
}

struct Borrowed<'a, R: 'static> {
    // Exclusive: the group's slot for a waker is this wait's alone.
    handles: &'a mut [Handle<R>],
    done: Vec<bool>,
}

impl<R> Members<R> for Borrowed<'_, R> {
    fn len(&self) -> usize {
        self.handles.len()
    }

    fn open(&self, number: usize) -> Option<&Handle<R>> {
        (!self.done[number]).then(|| &self.handles[number])
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
        // All that has ended by now is told of, however little was asked for.
        while let Some(number) = waiting.group.inbox.take() {
            waiting.ended(number);
        }
        waiting
    }

    fn ended(&mut self, number: usize) {
        self.members.done[number] = true;
        self.ended += 1;
        self.failed |= self.members.handles[number].outcome().has_failed();
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
        while let Some(number) = self.group.inbox.take() {
            self.ended(number);
        }
        let (done, pending) =
            (0..self.members.len()).partition(|&number| self.members.done[number]);
        Waited { done, pending }
    }
}

impl<R> Drop for Waiting<'_, R> {
    fn drop(&mut self) {
        for number in 0..self.members.len() {
            if let Some(handle) = self.members.open(number) {
                handle.outcome().unwatch(Watcher::Group);
            }
        }
    }
}
