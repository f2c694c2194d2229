//! Stand-ins for the queues of crossbeam-deque, as far as the pool uses them: one lock each.
//!
//! They give no more ordering than the real ones: a check from outside the lock is unordered and
//! may see an old length.

use std::collections::VecDeque;
use std::sync::Arc;

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicUsize, Ordering};

pub(crate) enum Steal<T> {
    Empty,
    Success(T),
    #[allow(
        dead_code,
        reason = "the real queues have it, and a lock never needs it"
    )]
    Retry,
}

struct Queue<T> {
    length: AtomicUsize,
    values: Mutex<VecDeque<T>>,
}

impl<T> Queue<T> {
    fn new() -> Self {
        Self {
            length: AtomicUsize::new(0),
            values: Mutex::new(VecDeque::new()),
        }
    }

    fn is_empty(&self) -> bool {
        self.length.load(Ordering::Relaxed) == 0
    }

    fn push(&self, value: T) {
        let mut values = self.values.lock().expect("no panic under the lock");
        values.push_back(value);
        self.length.store(values.len(), Ordering::Relaxed);
    }

    fn pop(&self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let mut values = self.values.lock().expect("no panic under the lock");
        let value = values.pop_front();
        self.length.store(values.len(), Ordering::Relaxed);
        value
    }

    fn steal(&self) -> Steal<T> {
        self.pop().map_or(Steal::Empty, Steal::Success)
    }
}

pub(crate) struct Injector<T>(Queue<T>);

impl<T> Injector<T> {
    pub(crate) fn new() -> Self {
        Self(Queue::new())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&self, value: T) {
        self.0.push(value);
    }

    pub(crate) fn steal(&self) -> Steal<T> {
        self.0.steal()
    }
}

pub(crate) struct Worker<T>(Arc<Queue<T>>);

impl<T> Worker<T> {
    pub(crate) fn new_fifo() -> Self {
        Self(Arc::new(Queue::new()))
    }

    pub(crate) fn stealer(&self) -> Stealer<T> {
        Stealer(Arc::clone(&self.0))
    }

    pub(crate) fn push(&self, value: T) {
        self.0.push(value);
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.0.pop()
    }
}

pub(crate) struct Stealer<T>(Arc<Queue<T>>);

impl<T> Stealer<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn steal(&self) -> Steal<T> {
        self.0.steal()
    }
}
