//! The list of waiters: threads and tasks, in the order in which they came.

use std::collections::BTreeMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicUsize, Mutex, Ordering, lock};

/// The waiters for one kind of event.
pub(crate) struct Waiters {
    /// The length of the list. Every thread that may have to wake a waiter reads it, so it has a
    /// cache line of its own.
    waiting: CachePadded<AtomicUsize>,
    list: Mutex<List>,
}

struct List {
    next: u64,
    /// By order of arrival. A waiter is removed before it is woken, so not being on the list means
    /// having been notified.
    wakers: BTreeMap<u64, Waker>,
}

impl Waiters {
    pub(crate) fn new() -> Self {
        Self {
            waiting: CachePadded::new(AtomicUsize::new(0)),
            list: Mutex::new(List {
                next: 0,
                wakers: BTreeMap::new(),
            }),
        }
    }

    /// Adds a waiter at the end of the list, and returns its number.
    pub(super) fn insert(&self, waker: Waker) -> u64 {
        let mut list = lock(&self.list);
        let number = list.next;
        list.next += 1;
        list.wakers.insert(number, waker);
        self.waiting.store(list.wakers.len(), Ordering::SeqCst);
        number
    }

    /// Removes a waiter; `false` if it has been notified already.
    pub(super) fn remove(&self, number: u64) -> bool {
        let waker = {
            let mut list = lock(&self.list);
            let waker = list.wakers.remove(&number);
            self.waiting.store(list.wakers.len(), Ordering::SeqCst);
            waker
        };
        let is_removed = waker.is_some();
        // Without the lock, because its drop is user code. The caller may hold an item already,
        // which a panic would lose.
        contain(|| drop(waker));
        is_removed
    }

    /// Replaces the waker of a waiter; `false` if it has been notified already.
    pub(super) fn replace_waker(&self, number: u64, waker: &Waker) -> bool {
        match lock(&self.list).wakers.get(&number) {
            None => return false,
            Some(old) if old.will_wake(waker) => return true,
            Some(_) => {}
        }
        let mut new = Some(waker.clone());
        let old = lock(&self.list)
            .wakers
            .get_mut(&number)
            .and_then(|old| new.take().map(|new| mem::replace(old, new)));
        // The waker that is not needed is dropped here, without the lock.
        old.is_some()
    }

    /// Whether there may be a waiter. Called after the change that they wait for.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// Wakes up to `count` waiters, the longest waiting first.
    #[inline]
    pub(crate) fn notify(&self, count: usize) {
        if self.any() {
            self.wake(count);
        }
    }

    /// Wakes all waiters.
    #[inline]
    pub(crate) fn notify_all(&self) {
        self.notify(usize::MAX);
    }

    #[cold]
    fn wake(&self, count: usize) {
        // Later waiters have seen the change already. Without this bound, a task that is polled by
        // its own wake-up and waits again would be woken endlessly.
        let mut end = None;
        for _ in 0..count {
            let waker = {
                let mut list = lock(&self.list);
                let end = *end.get_or_insert(list.next);
                let first = match list.wakers.first_key_value() {
                    Some((&number, _)) if number < end => list.wakers.pop_first(),
                    _ => None,
                };
                self.waiting.store(list.wakers.len(), Ordering::SeqCst);
                first
            };
            match waker {
                // The panic of a waker must not cost the other waiters their wake-up.
                Some((_, waker)) => contain(|| waker.wake()),
                None => break,
            }
        }
    }
}

/// Calls code of a waker, and discards its panic.
fn contain(work: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
        // Its destructor could panic as well.
        mem::forget(payload);
    }
}

#[cfg(all(test, not(model_check)))]
mod tests {
    use std::panic::panic_any;
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    /// Panics when it is woken or dropped, with a payload that panics when it is dropped.
    struct Bomb;

    struct Payload;

    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            // Dropping it here would be a second panic.
            mem::forget(self);
            panic_any(Payload);
        }
    }

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_any(Payload);
        }
    }

    impl Drop for Payload {
        fn drop(&mut self) {
            panic!("the payload panics");
        }
    }

    #[test]
    fn panics_of_wakers_are_contained() {
        let waiters = Waiters::new();
        let number = waiters.insert(Waker::from(Arc::new(Bomb)));
        assert!(waiters.remove(number));
        waiters.insert(Waker::from(Arc::new(Bomb)));
        waiters.notify_all();
        assert!(!waiters.any());
    }
}
