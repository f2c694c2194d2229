//! [`Event`], a flag that threads can wait for.

use std::fmt;
use std::time::{Duration, Instant};

use crate::sync::{AtomicUsize, Condvar, Mutex, Ordering, const_fn, lock, wait_until};

/// A flag that threads can wait for: Python's `threading.Event`.
///
/// [`set`](Event::set) releases all threads that wait at that moment, even if a
/// [`clear`](Event::clear) follows at once, and all later ones until the flag is cleared. Writes
/// before `set` are visible to the released threads. Waiting costs one load while the flag is set,
/// and setting costs one atomic operation while no thread waits. Waiting threads sleep.
///
/// ```
/// use std::thread;
/// use std::time::Duration;
/// use effective_locks::Event;
///
/// static READY: Event = Event::new();
///
/// thread::scope(|scope| {
///     scope.spawn(|| READY.set());
///     READY.wait();
/// });
/// assert!(READY.wait_timeout(Duration::from_secs(1)));
/// ```
pub struct Event {
    state: AtomicUsize,
    /// The number of times that waiters have been released. A waiter checks this and not the flag,
    /// which may have been cleared again by the time it wakes.
    releases: Mutex<u64>,
    released: Condvar,
}

// Changes from and to `UNSET_WITH_WAITERS` happen only under the lock, so that it can be relied on
// there.
const UNSET: usize = 0;
const SET: usize = 1;
const UNSET_WITH_WAITERS: usize = 2;

impl Event {
    const_fn! {
        /// An event that is not set.
        pub fn new() -> Self {
            Self {
                state: AtomicUsize::new(UNSET),
                releases: Mutex::new(0),
                released: Condvar::new(),
            }
        }
    }

    /// Sets the flag and releases all waiting threads, without waiting for them to run.
    pub fn set(&self) {
        let mut state = self.state.load(Ordering::Relaxed);
        while state != UNSET_WITH_WAITERS {
            // Even if it is already set: threads released from now on see the writes of this
            // thread.
            match self
                .state
                .compare_exchange(state, SET, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
        let mut releases = lock(&self.releases);
        // Another `set` may have come first. Then there are no waiters, or only later ones.
        if self.state.swap(SET, Ordering::Release) == UNSET_WITH_WAITERS {
            *releases += 1;
            drop(releases);
            self.released.notify_all();
        }
    }

    /// Clears the flag. Threads that wait from now on wait for the next `set`.
    pub fn clear(&self) {
        // It fails if the flag is not set: there is nothing to do.
        let _ = self
            .state
            .compare_exchange(SET, UNSET, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.state.load(Ordering::Acquire) == SET
    }

    /// Waits until the flag is set. Returns at once if it is.
    pub fn wait(&self) {
        self.wait_deadline(None);
    }

    /// Waits until the flag is set, for at most `timeout`. Returns whether it was set.
    #[must_use = "the result says whether the event was set or the wait timed out"]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        // A deadline that the clock cannot express never comes.
        self.is_set() || self.wait_deadline(Instant::now().checked_add(timeout))
    }

    fn wait_deadline(&self, deadline: Option<Instant>) -> bool {
        if self.is_set() {
            return true;
        }
        let mut releases = lock(&self.releases);
        if !self.announce() {
            return true;
        }
        let before = *releases;
        let mut in_time = true;
        while *releases == before && in_time {
            (releases, in_time) = wait_until(&self.released, &self.releases, releases, deadline);
        }
        // A set that coincides with the timeout counts.
        *releases != before
    }

    /// Announces a waiter, under the lock. `false` if the event is set by now.
    fn announce(&self) -> bool {
        let before = self.state.compare_exchange(
            UNSET,
            UNSET_WITH_WAITERS,
            Ordering::Relaxed,
            // If it is set, the wait is over, and writes before the `set` must be visible.
            Ordering::Acquire,
        );
        before != Err(SET)
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("set", &self.is_set())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(model_check)))]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::thread;

    use super::*;

    #[test]
    fn set_cleared_at_once_still_releases_waiters() {
        let event = Arc::new(Event::new());
        let (gone, goes) = mpsc::channel();
        for round in 0..200 {
            for _ in 0..3 {
                let (event, gone) = (Arc::clone(&event), gone.clone());
                thread::spawn(move || {
                    event.wait();
                    let _ = gone.send(());
                });
            }
            // Wait until at least one of them waits.
            while event.state.load(Ordering::Relaxed) != UNSET_WITH_WAITERS {
                thread::yield_now();
            }
            event.set();
            event.clear();
            let patience = Duration::from_secs(30);
            assert!(goes.recv_timeout(patience).is_ok(), "round {round}");
            // Release those that came too late for the first.
            event.set();
            for _ in 0..2 {
                assert!(goes.recv_timeout(patience).is_ok(), "round {round}");
            }
            event.clear();
        }
    }
}
