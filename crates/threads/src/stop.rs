use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::ceiling;
use crate::sync::{AtomicBool, Condvar, Mutex, lock, wait};

/// Tells calls and their tasks to stop. Its clones are the same token.
///
/// A thread cannot be ended from outside, so stopping takes two: calls which were given the token
/// ([`Threads::stop`](crate::Threads::stop)) start no further task once it is stopped, and tasks under way look at the
/// token, or sleep on it, and return early.
///
/// The token that tasks get from [`map_with`](crate::Threads::map_with) and
/// [`try_map_with`](crate::Threads::try_map_with) belongs to their call. It is stopped when the call's deadline passes,
/// when the token given to the call is stopped, or by a task, and that last one stops this call only.
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
/// assert_eq!(polls.len(), 4); // long before the minute is over
/// ```
#[derive(Clone)]
pub struct Stop(Arc<Node>);

struct Node {
    stopped: AtomicBool,
    deadline: Option<Instant>,
    above: Option<Stop>,
    // One for a token and all below it, so that a sleeper hears of each token it depends on.
    bell: Arc<Bell>,
}

struct Bell {
    lock: Mutex<()>,
    rung: Condvar,
}

impl Stop {
    /// A token that is not stopped and depends on no other.
    pub fn new() -> Self {
        let bell = Bell {
            lock: Mutex::new(()),
            rung: Condvar::new(),
        };
        Self::node(None, None, Arc::new(bell))
    }

    /// A token which is stopped as soon as this one is, or at the deadline, or by itself.
    pub(crate) fn below(&self, deadline: Option<Instant>) -> Self {
        let deadline = [deadline, self.0.deadline].into_iter().flatten().min();
        Self::node(deadline, Some(self.clone()), Arc::clone(&self.0.bell))
    }

    fn node(deadline: Option<Instant>, above: Option<Self>, bell: Arc<Bell>) -> Self {
        Self(Arc::new(Node {
            stopped: AtomicBool::new(false),
            deadline,
            above,
            bell,
        }))
    }

    /// Stop, for good. It returns at once and waits for nobody.
    pub fn stop(&self) {
        // What was written before this is seen by whoever sees the flag.
        self.0.stopped.store(true, Ordering::Release);
        // A sleeper looks at the flag under the lock. With it held once in between, none can miss the bell.
        drop(lock(&self.0.bell.lock));
        self.0.bell.rung.notify_all();
        // Calls that wait for a thread wait elsewhere.
        ceiling::ring();
    }

    /// Whether it was stopped, or its deadline has passed. It costs a read of memory, and with a deadline one of the
    /// clock.
    pub fn is_stopped(&self) -> bool {
        self.was_stopped() || self.is_late()
    }

    /// How much time is left until the deadline of the call: zero when it has passed, `None` when there is none. Good
    /// as the timeout of what a task waits for.
    pub fn remaining(&self) -> Option<Duration> {
        let deadline = self.0.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Sleep for `time`, or until stopped if that comes first. Returns whether it is stopped.
    pub fn wait_timeout(&self, time: Duration) -> bool {
        let end = Instant::now().checked_add(time);
        let until = [end, self.0.deadline].into_iter().flatten().min();
        let bell = &self.0.bell;
        let mut guard = lock(&bell.lock);
        loop {
            if self.is_stopped() {
                return true;
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return false;
            }
            guard = wait(&bell.rung, guard, until);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// Whether somebody said so, whatever the time.
    pub(crate) fn was_stopped(&self) -> bool {
        let family = std::iter::successors(Some(self), |stop| stop.0.above.as_ref());
        family
            .into_iter()
            .any(|stop| stop.0.stopped.load(Ordering::Acquire))
    }

    fn is_late(&self) -> bool {
        self.0
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }
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
