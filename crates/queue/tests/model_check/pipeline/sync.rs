//! Loom's primitives, under the names of `src/pipeline/sync.rs`.

pub(crate) use loom::sync::atomic::{AtomicUsize, Ordering};
pub(crate) use loom::sync::{Mutex, MutexGuard};
pub(crate) use loom::thread::yield_now;

use loom::sync::{Arc, Condvar};
use loom::thread::{self, ThreadId};

/// None: each time is only more of the same to look through.
#[derive(Default)]
pub(crate) struct Patience(());

impl Patience {
    pub(crate) fn is_left(&mut self) -> bool {
        false
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no model panics under a lock")
}

/// A stand-in for std's `Thread`, with a token that is kept for the next `park`. Loom has one, but there an `unpark` that
/// meets a thread in its wait for a mutex ends that wait.
#[derive(Clone)]
pub(crate) struct Thread {
    id: ThreadId,
    token: Arc<Token>,
}

struct Token {
    there: Mutex<bool>,
    given: Condvar,
}

impl Thread {
    pub(crate) fn id(&self) -> ThreadId {
        self.id
    }

    pub(crate) fn unpark(&self) {
        *lock(&self.token.there) = true;
        self.token.given.notify_one();
    }
}

loom::thread_local! {
    static CURRENT: Thread = Thread {
        id: thread::current().id(),
        token: Arc::new(Token {
            there: Mutex::new(false),
            given: Condvar::new(),
        }),
    };
}

pub(crate) fn current() -> Thread {
    CURRENT.with(Clone::clone)
}

pub(crate) fn park() {
    let me = current();
    let mut there = lock(&me.token.there);
    while !*there {
        there = me
            .token
            .given
            .wait(there)
            .expect("no model panics under a lock");
    }
    *there = false;
}
