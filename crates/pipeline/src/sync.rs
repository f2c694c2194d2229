//! The primitives of `protocols`: std's, or loom's when a model is checked.

#[cfg(not(model_check))]
pub(crate) use std::{
    sync::atomic::{AtomicUsize, Ordering},
    sync::{Mutex, MutexGuard},
    thread::{Thread, current, park, park_timeout, yield_now},
};

#[cfg(model_check)]
pub(crate) use loom::{
    sync::atomic::{AtomicUsize, Ordering},
    sync::{Mutex, MutexGuard},
    thread::yield_now,
};
#[cfg(model_check)]
pub(crate) use loom_thread::{Thread, current, park};

use std::sync::PoisonError;
use std::time::Instant;

/// The yields of a thread that finds nothing to do, before it parks. With tiny items they keep the
/// threads awake, and waking a thread costs more than many yields.
#[derive(Default)]
pub(crate) struct Yields(usize);

impl Yields {
    /// None under loom: each yield would only repeat the same interleavings.
    const MAX: usize = if cfg!(model_check) { 0 } else { 4 };

    pub(crate) fn is_left(&mut self) -> bool {
        self.0 += 1;
        self.0 <= Self::MAX
    }
}

/// Locks. No user code runs under a lock of this crate, so a poisoned one holds nothing half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Parks until this thread is unparked, or until the deadline.
#[cfg(not(model_check))]
pub(crate) fn park_until(deadline: Option<Instant>) {
    match deadline {
        None => park(),
        Some(deadline) => park_timeout(deadline.saturating_duration_since(Instant::now())),
    }
}

/// Parks until this thread is unparked; time does not pass in a model.
#[cfg(model_check)]
pub(crate) fn park_until(_deadline: Option<Instant>) {
    park();
}

/// A stand-in for std's `Thread` whose token is kept for the next `park`. In loom's own, an
/// `unpark` that meets a thread waiting for a mutex ends that wait instead.
#[cfg(model_check)]
#[allow(unreachable_pub, reason = "`tests/model_check.rs` parks with it")]
pub(crate) mod loom_thread {
    use loom::sync::{Arc, Condvar, Mutex};
    use loom::thread::{self, ThreadId};

    use super::lock;

    #[derive(Clone)]
    pub struct Thread {
        id: ThreadId,
        token: Arc<Token>,
    }

    struct Token {
        is_set: Mutex<bool>,
        set: Condvar,
    }

    impl Thread {
        pub fn id(&self) -> ThreadId {
            self.id
        }

        pub fn unpark(&self) {
            *lock(&self.token.is_set) = true;
            self.token.set.notify_one();
        }
    }

    loom::thread_local! {
        static CURRENT: Thread = Thread {
            id: thread::current().id(),
            token: Arc::new(Token {
                is_set: Mutex::new(false),
                set: Condvar::new(),
            }),
        };
    }

    pub fn current() -> Thread {
        CURRENT.with(Clone::clone)
    }

    /// Parks this thread until it is unparked.
    pub fn park() {
        let me = current();
        let mut is_set = lock(&me.token.is_set);
        while !*is_set {
            is_set = me.token.set.wait(is_set).expect("no panic under the lock");
        }
        *is_set = false;
    }
}
