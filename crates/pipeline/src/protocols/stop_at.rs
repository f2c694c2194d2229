//! The index at which a run stops.

use crate::sync::{AtomicUsize, Mutex, Ordering, Thread, current, lock};

/// Not set: every index lies before it.
const NEVER: usize = usize::MAX;

/// The index of the first item that is no longer processed, with the cause, and the threads to
/// notify.
///
/// In a run with ordered outputs, a failing item sets its own index: the items before it proceed,
/// and one of them that fails lowers the index further. So the outputs and the error are those of a
/// loop over the inputs. Unordered runs, and `stop`, set 0, which ends everything.
pub struct StopAt<C> {
    index: AtomicUsize,
    cause: Mutex<Option<C>>,
    listeners: Mutex<Listeners>,
}

#[derive(Default)]
struct Listeners {
    workers: Vec<Thread>,
    /// The thread that takes the outputs, which may change between two of them.
    consumer: Option<Thread>,
}

impl<C> StopAt<C> {
    pub fn new() -> Self {
        Self {
            index: AtomicUsize::new(NEVER),
            cause: Mutex::new(None),
            listeners: Mutex::new(Listeners::default()),
        }
    }

    /// The index of the first item not to process.
    ///
    /// `Relaxed`, because no other data is read on the strength of it. A thread that reads it
    /// before parking misses no change either: it is unparked after the change, which orders both.
    pub fn index(&self) -> usize {
        self.index.load(Ordering::Relaxed)
    }

    pub fn is_set(&self) -> bool {
        self.index() != NEVER
    }

    /// Whether everything ends.
    pub fn is_zero(&self) -> bool {
        self.index() == 0
    }

    /// Unparks this thread of the run at each change from now on.
    pub fn register_worker(&self) {
        lock(&self.listeners).workers.push(current());
    }

    /// Unparks this thread, in place of the previous consumer, at each change from now on.
    pub fn register_consumer(&self) {
        lock(&self.listeners).consumer = Some(current());
    }

    /// Lowers the index. Returns the cause that lost: `cause` if the index was not above `index`,
    /// otherwise the previous one.
    pub fn lower(&self, index: usize, cause: C) -> Option<C> {
        let mut kept = lock(&self.cause);
        if self.index() <= index {
            return Some(cause);
        }
        let previous = kept.replace(cause);
        self.index.store(index, Ordering::Relaxed);
        drop(kept);
        // After the store: a thread that registers later takes this lock after us and sees it.
        let listeners = lock(&self.listeners);
        for thread in listeners.workers.iter().chain(&listeners.consumer) {
            thread.unpark();
        }
        previous
    }

    /// The cause, for the first caller only.
    pub fn take_cause(&self) -> Option<C> {
        lock(&self.cause).take()
    }
}
