//! [`Stop`], a tree of tokens that stop calls and their tasks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::max_threads;
use crate::sync::{AtomicBool, Condvar, Mutex, lock, wait};

/// A token that asks calls and their tasks to stop. Clones are the same token.
///
/// A thread cannot be ended from outside, so both sides take part: calls that were given the token
/// ([`Threads::stop`](crate::Threads::stop)) start no further task once it is stopped, and running
/// tasks check the token, or sleep on it, and return early.
///
/// The token that tasks get from [`map_with`](crate::Threads::map_with) and
/// [`try_map_with`](crate::Threads::try_map_with) belongs to their call. It is stopped when the
/// deadline of the call passes, when the token given to the call is stopped, or by a task. A task
/// stops only its own call.
///
/// ```
/// use std::{thread, time::Duration};
/// use effective_threads::{Stop, Threads};
///
/// let stop = Stop::new();
/// let polls = thread::scope(|scope| {
///     scope.spawn(|| stop.stop());
///     Threads::new().stop(&stop).map_with(0..4, |_, stop| {
///         let mut polls = 0;
///         while !stop.wait_timeout(Duration::from_secs(60)) {
///             polls += 1;
///         }
///         polls
///     })
/// });
/// assert_eq!(polls.len(), 4); // long before the minute has passed
/// ```
#[derive(Clone)]
pub struct Stop(Arc<Node>);

struct Node {
    stopped: AtomicBool,
    deadline: Option<Instant>,
    parent: Option<Stop>,
    // Shared by the whole tree, so that a sleeper is woken by each token that it depends on.
    signal: Arc<Signal>,
}

struct Signal {
    lock: Mutex<()>,
    stopped: Condvar,
}

impl Stop {
    /// A token that depends on no other.
    pub fn new() -> Self {
        let signal = Signal {
            lock: Mutex::new(()),
            stopped: Condvar::new(),
        };
        Self::node(None, None, Arc::new(signal))
    }

    /// A token that is stopped with this one, at the deadline, or separately.
    pub(crate) fn child(&self, deadline: Option<Instant>) -> Self {
        let deadline = [deadline, self.0.deadline].into_iter().flatten().min();
        Self::node(deadline, Some(self.clone()), Arc::clone(&self.0.signal))
    }

    fn node(deadline: Option<Instant>, parent: Option<Self>, signal: Arc<Signal>) -> Self {
        Self(Arc::new(Node {
            stopped: AtomicBool::new(false),
            deadline,
            parent,
            signal,
        }))
    }

    /// Stops permanently. Returns at once, without waiting for running tasks.
    pub fn stop(&self) {
        // Release: a task that sees the flag also sees the writes before it.
        self.0.stopped.store(true, Ordering::Release);
        // A sleeper checks the flag under the lock. Taking the lock between the store and the
        // notification makes sure that no sleeper misses it.
        drop(lock(&self.0.signal.lock));
        self.0.signal.stopped.notify_all();
        // Calls that wait for a thread sleep on the permits.
        max_threads::wake_all();
    }

    /// Whether the token was stopped or its deadline has passed. This reads one flag per call that
    /// the token is nested in, and the clock if there is a deadline.
    pub fn is_stopped(&self) -> bool {
        self.was_stopped() || self.is_late()
    }

    /// The time until the deadline of the call: zero once it has passed, `None` without a deadline.
    /// Use it as the timeout of blocking calls in a task.
    pub fn remaining(&self) -> Option<Duration> {
        let deadline = self.0.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Sleeps until the token is stopped, at most for `timeout`. Returns whether it is stopped.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let end = Instant::now().checked_add(timeout);
        let until = [end, self.0.deadline].into_iter().flatten().min();
        let signal = &self.0.signal;
        let mut guard = lock(&signal.lock);
        loop {
            if self.is_stopped() {
                return true;
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return false;
            }
            guard = wait(&signal.stopped, guard, until);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// Whether this token or an ancestor was stopped, regardless of the deadline.
    pub(crate) fn was_stopped(&self) -> bool {
        let mut ancestors = std::iter::successors(Some(self), |stop| stop.0.parent.as_ref());
        ancestors.any(|stop| stop.0.stopped.load(Ordering::Acquire))
    }

    fn is_late(&self) -> bool {
        self.0
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// [`Stop::child`] for the model checks.
#[cfg(model_check)]
pub fn child(stop: &Stop) -> Stop {
    stop.child(None)
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop")
            .field("stopped", &self.is_stopped())
            .field("remaining", &self.remaining())
            .finish()
    }
}
