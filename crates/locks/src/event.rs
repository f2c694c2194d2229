use std::fmt;
use std::time::{Duration, Instant};

use crate::sync::{AtomicUsize, Condvar, Mutex, Ordering, const_fn, lock, wait_until};

/// A flag that threads can wait for: Python's `threading.Event`.
///
/// A [`set`](Event::set) lets everybody go who waits at that moment, also when a [`clear`](Event::clear) follows at once,
/// and everybody who comes later, until it is cleared. What was done before `set` is visible to those it lets go. While it
/// is set, waiting is one load; while nobody waits, setting is one atomic operation. Those who wait sleep.
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
    /// How often those who waited have been let go. A waiter goes by this and not by the flag, which may have been cleared
    /// again by the time it wakes.
    releases: Mutex<u64>,
    released: Condvar,
}

// From and to `UNSET_WAITED_FOR` only under the lock: so whoever sees it there can rely on it.
const UNSET: usize = 0;
const SET: usize = 1;
const UNSET_WAITED_FOR: usize = 2;

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

    /// Sets the flag and lets everybody go who waits. It does not wait for them to run.
    pub fn set(&self) {
        let mut state = self.state.load(Ordering::Relaxed);
        while state != UNSET_WAITED_FOR {
            // Also if it is set already: those who are let go from here on see what this thread did before.
            match self
                .state
                .compare_exchange(state, SET, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
        let mut releases = lock(&self.releases);
        // Another thread may have been here in between. Then there is nobody to let go, or only who came since.
        if self.state.swap(SET, Ordering::Release) == UNSET_WAITED_FOR {
            *releases += 1;
            drop(releases);
            self.released.notify_all();
        }
    }

    /// Takes the flag back. Who waits from now on waits for the next `set`.
    pub fn clear(&self) {
        // Otherwise it is not set, and there is nothing to do.
        let _ = self
            .state
            .compare_exchange(SET, UNSET, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Whether the flag is set at this moment.
    pub fn is_set(&self) -> bool {
        self.state.load(Ordering::Acquire) == SET
    }

    /// Waits until the flag is set. It returns at once if it is.
    pub fn wait(&self) {
        self.wait_deadline(None);
    }

    /// Waits until the flag is set, or for that long. Says whether it was set.
    #[must_use = "only the result says whether the event was set or the time was up"]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        // A deadline that no clock can show is none.
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
        // Also when both happened at once.
        *releases != before
    }

    /// Says, under the lock, that somebody waits. `false` if the event is set by now.
    fn announce(&self) -> bool {
        let before = self.state.compare_exchange(
            UNSET,
            UNSET_WAITED_FOR,
            Ordering::Relaxed,
            // In case it is set: then the wait is over, and what was done before the `set` must be visible.
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
    fn a_set_that_is_cleared_at_once_lets_those_go_who_waited() {
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
            // The first of them, at least, waits by now.
            while event.state.load(Ordering::Relaxed) != UNSET_WAITED_FOR {
                thread::yield_now();
            }
            event.set();
            event.clear();
            let patience = Duration::from_secs(30);
            assert!(goes.recv_timeout(patience).is_ok(), "round {round}");
            // Those that came too late for the first.
            event.set();
            for _ in 0..2 {
                assert!(goes.recv_timeout(patience).is_ok(), "round {round}");
            }
            event.clear();
        }
    }
}
