//! Who waits, and how it is woken: threads and tasks in one list, in the order in which they came.

mod park;
mod wait;

use std::collections::BTreeMap;
use std::task::Waker;

use crossbeam_utils::CachePadded;

use crate::contained::contained;
use crate::sync::{AtomicUsize, Mutex, Ordering, lock};

pub(crate) use park::{block_on, has_passed, spin};
pub(crate) use wait::Wait;

/// Those who wait for one thing.
pub(crate) struct Waiters {
    /// How many are on the list. Read by everybody who might have to wake somebody, so kept apart from the list.
    waiting: CachePadded<AtomicUsize>,
    list: Mutex<List>,
}

struct List {
    next: u64,
    /// By the order in which they came. Who is woken is taken off first: not to be on the list is to be notified.
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

    /// Puts a waiter at the end of the list.
    fn enlist(&self, waker: Waker) -> u64 {
        let mut list = lock(&self.list);
        let number = list.next;
        list.next += 1;
        list.wakers.insert(number, waker);
        self.waiting.store(list.wakers.len(), Ordering::SeqCst);
        number
    }

    /// Takes a waiter off the list; `false` if it has been notified before.
    fn delist(&self, number: u64) -> bool {
        let waker = {
            let mut list = lock(&self.list);
            let waker = list.wakers.remove(&number);
            self.waiting.store(list.wakers.len(), Ordering::SeqCst);
            waker
        };
        // Dropped here, without the lock: a waker is code of the user.
        waker.map(|waker| contained(|| drop(waker))).is_some()
    }

    /// Has a waiter woken by this waker from now on; `false` if it has been notified before.
    fn renew(&self, number: u64, waker: &Waker) -> bool {
        match lock(&self.list).wakers.get(&number) {
            None => return false,
            Some(old) if old.will_wake(waker) => return true,
            Some(_) => {}
        }
        let mut new = Some(waker.clone());
        let old = lock(&self.list)
            .wakers
            .get_mut(&number)
            .and_then(|old| new.take().map(|new| std::mem::replace(old, new)));
        // Without the lock, as above: the old one, or the new one that came too late.
        let listed = old.is_some();
        contained(|| drop((old, new)));
        listed
    }

    /// Somebody may be waiting. To be asked after the change that they wait for.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// Wakes as many as `wanted`, those first who have waited longest.
    #[inline]
    pub(crate) fn notify(&self, wanted: usize) {
        if self.any() {
            self.wake(wanted);
        }
    }

    /// Wakes everybody.
    #[inline]
    pub(crate) fn notify_all(&self) {
        self.notify(usize::MAX);
    }

    #[cold]
    fn wake(&self, wanted: usize) {
        // Who comes later has seen what there is to see; and one that is polled by its own wake-up and waits again must
        // not be woken for ever.
        let mut end = None;
        for _ in 0..wanted {
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
                // A waker that panics does so to nobody: the item is put, or done, and the next is waited for.
                Some((_, waker)) => contained(|| waker.wake()),
                None => break,
            }
        }
    }
}
