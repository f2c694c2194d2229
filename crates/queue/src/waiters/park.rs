//! Blocking a thread on a wait: spinning, then parking.

use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::time::Instant;

use crossbeam_utils::Backoff;

use parking::Parking;

/// A waker that unparks a thread.
struct Parker(Parking);

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake();
    }
}

/// Whether the deadline has passed, so that not even a spin is worth while.
pub(crate) fn has_passed(deadline: Option<Instant>) -> bool {
    // Time does not pass in a model, and the model checks the wait itself.
    !cfg!(model_check) && deadline.is_some_and(|deadline| deadline <= Instant::now())
}

/// Retries for a short while without parking: an event that is about to happen usually comes sooner
/// than a thread could be parked.
pub(crate) fn spin<R>(mut attempt: impl FnMut() -> Option<R>) -> Option<R> {
    // Under loom each retry would only repeat the same interleavings.
    if cfg!(model_check) {
        return None;
    }
    let backoff = Backoff::new();
    while !backoff.is_completed() {
        backoff.snooze();
        if let Some(result) = attempt() {
            return Some(result);
        }
    }
    None
}

/// Polls until ready, parked in between; `None` if the deadline passes first.
pub(crate) fn block_on<R>(
    deadline: Option<Instant>,
    mut poll: impl FnMut(&Waker) -> Poll<R>,
) -> Option<R> {
    let parker = Arc::new(Parker(Parking::new()));
    let waker = Waker::from(Arc::clone(&parker));
    loop {
        if let Poll::Ready(result) = poll(&waker) {
            return Some(result);
        }
        if !parker.0.sleep(deadline) {
            // An event that came just before the deadline still counts.
            return match poll(&waker) {
                Poll::Ready(result) => Some(result),
                Poll::Pending => None,
            };
        }
    }
}

#[cfg(not(model_check))]
mod parking {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::{self, Thread};
    use std::time::Instant;

    pub(super) struct Parking {
        thread: Thread,
        /// Set by the waker, so that a stray token of the thread is not taken for a wake-up.
        woken: AtomicBool,
    }

    impl Parking {
        /// For the current thread.
        pub(super) fn new() -> Self {
            Self {
                thread: thread::current(),
                woken: AtomicBool::new(false),
            }
        }

        pub(super) fn wake(&self) {
            if !self.woken.swap(true, Ordering::AcqRel) {
                self.thread.unpark();
            }
        }

        /// Parks until woken; `false` if the deadline passes first.
        pub(super) fn sleep(&self, deadline: Option<Instant>) -> bool {
            while !self.woken.swap(false, Ordering::AcqRel) {
                match deadline {
                    None => thread::park(),
                    Some(deadline) => {
                        let left = deadline.saturating_duration_since(Instant::now());
                        if left.is_zero() {
                            return false;
                        }
                        thread::park_timeout(left);
                    }
                }
            }
            true
        }
    }
}

/// In loom's own parking, a wake-up also ends waits for other events. Time does not pass in a
/// model, so a deadline counts as passed.
#[cfg(model_check)]
mod parking {
    use std::time::Instant;

    use loom::sync::Condvar;

    use crate::sync::{Mutex, lock};

    pub(super) struct Parking {
        woken: Mutex<bool>,
        changed: Condvar,
    }

    impl Parking {
        pub(super) fn new() -> Self {
            Self {
                woken: Mutex::new(false),
                changed: Condvar::new(),
            }
        }

        pub(super) fn wake(&self) {
            *lock(&self.woken) = true;
            self.changed.notify_one();
        }

        pub(super) fn sleep(&self, deadline: Option<Instant>) -> bool {
            let mut woken = lock(&self.woken);
            while !*woken {
                if deadline.is_some() {
                    return false;
                }
                woken = self.changed.wait(woken).expect("no panic under the lock");
            }
            *woken = false;
            true
        }
    }
}
