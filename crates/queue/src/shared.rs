//! The state of one queue, and the operations that combine store, counters and waiters.

use std::collections::VecDeque;
use std::num::NonZeroUsize;

use crate::counts::Counts;
use crate::store::Store;
use crate::waiters::list::Waiters;

pub(crate) struct Shared<T> {
    pub(crate) store: Store<T>,
    pub(crate) counts: Counts,
    /// Wait for an item.
    pub(crate) getters: Waiters,
    /// Wait for room.
    pub(crate) putters: Waiters,
    /// Wait until all items are done.
    pub(crate) joiners: Waiters,
}

/// Why an item was not stored.
pub(crate) enum Refused<T> {
    Full(T),
    Closed(T),
}

/// The queue is closed and, for a get, empty.
pub(crate) struct Closed;

impl<T> Shared<T> {
    pub(crate) fn new(store: Store<T>) -> Self {
        Self {
            store,
            counts: Counts::new(),
            getters: Waiters::new(),
            putters: Waiters::new(),
            joiners: Waiters::new(),
        }
    }

    /// Stores an item if the queue is open and has room.
    #[inline]
    pub(crate) fn try_put(&self, item: T) -> Result<(), Refused<T>> {
        let Some(admitted) = self.counts.admit(1) else {
            // A joiner may have seen the put counted for a moment.
            self.notify_joiners_if_done();
            return Err(Refused::Closed(item));
        };
        match self.store.push(item) {
            Ok(()) => {
                admitted.landed(1);
                self.getters.notify(1);
                Ok(())
            }
            Err(item) => {
                admitted.refused(1);
                admitted.landed(1);
                self.notify_joiners_if_done();
                Err(Refused::Full(item))
            }
        }
    }

    /// Stores items from the front on, as far as there is room. The refused ones stay in `items`.
    pub(crate) fn try_put_batch(&self, items: &mut VecDeque<T>) -> Result<(), Closed> {
        let wanted = items.len();
        let Some(admitted) = self.counts.admit(wanted) else {
            self.notify_joiners_if_done();
            return Err(Closed);
        };
        self.store.push_batch(items);
        let refused = items.len();
        if refused > 0 {
            admitted.refused(refused);
        }
        admitted.landed(wanted);
        self.getters.notify(wanted - refused);
        if refused > 0 {
            self.notify_joiners_if_done();
        }
        Ok(())
    }

    /// Takes an item, which the caller marks done later.
    #[inline]
    pub(crate) fn try_take(&self) -> Option<T> {
        let item = self.store.pop()?;
        self.notify_putters(1);
        Some(item)
    }

    /// Wakes putters after `items` have left the store.
    #[inline]
    pub(crate) fn notify_putters(&self, items: usize) {
        if self.store.capacity().is_some() {
            self.putters.notify(items);
        }
    }

    /// Like [`try_take`](Self::try_take), with an error if no item will ever come; `None` means
    /// wait.
    #[inline]
    pub(crate) fn take_or_closed(&self) -> Option<Result<T, Closed>> {
        match self.try_take() {
            Some(item) => Some(Ok(item)),
            None => self.closed_or(|| self.try_take()),
        }
    }

    /// Takes up to `max` items if there is at least one. The caller marks them done later.
    pub(crate) fn try_take_batch(&self, max: NonZeroUsize) -> Option<Vec<T>> {
        let items = self.store.pop_batch(max.get());
        if items.is_empty() {
            return None;
        }
        self.notify_putters(items.len());
        Some(items)
    }

    /// Like [`try_take_batch`](Self::try_take_batch), with an error if no item will ever come;
    /// `None` means wait.
    pub(crate) fn take_batch_or_closed(&self, max: NonZeroUsize) -> Option<Result<Vec<T>, Closed>> {
        match self.try_take_batch(max) {
            Some(items) => Some(Ok(items)),
            None => self.closed_or(|| self.try_take_batch(max)),
        }
    }

    /// Called after `take` has yielded nothing: that is final, or `take` yields something now;
    /// `None` means wait.
    #[inline]
    fn closed_or<R>(&self, take: impl FnOnce() -> Option<R>) -> Option<Result<R, Closed>> {
        if !self.counts.is_closed() {
            return None;
        }
        // Puts that were in flight during the first `take` have landed now, so it looks once more.
        self.counts.wait_landed();
        Some(take().ok_or(Closed))
    }

    /// Marks items done.
    #[inline]
    pub(crate) fn mark_done(&self, items: usize) {
        self.counts.done(items);
        self.notify_joiners_if_done();
    }

    #[inline]
    fn notify_joiners_if_done(&self) {
        if self.joiners.any() && self.counts.unfinished() == 0 {
            self.joiners.notify_all();
        }
    }

    /// Admits no more puts, and lets all waiters look again.
    pub(crate) fn close(&self) -> bool {
        let was_open = self.counts.close();
        self.getters.notify_all();
        self.putters.notify_all();
        was_open
    }

    /// Takes the remaining items after closing, and marks them done.
    pub(crate) fn take_rest(&self) -> Vec<T> {
        self.counts.wait_landed();
        let rest = self.store.pop_all();
        if !rest.is_empty() {
            self.notify_putters(rest.len());
            self.mark_done(rest.len());
        }
        rest
    }
}
