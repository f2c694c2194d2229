//! One queue: how store, counts and waiters play together.

use std::collections::VecDeque;
use std::num::NonZeroUsize;

use crate::counts::Counts;
use crate::store::Store;
use crate::waiters::Waiters;

pub(crate) struct Shared<T> {
    pub(crate) store: Store<T>,
    pub(crate) counts: Counts,
    /// Wait for an item.
    pub(crate) getters: Waiters,
    /// Wait for room.
    pub(crate) putters: Waiters,
    /// Wait for all to be done.
    pub(crate) joiners: Waiters,
}

/// Why an item was not stored.
pub(crate) enum Refused<T> {
    Full(T),
    Closed(T),
}

/// Closed, and nothing is left.
pub(crate) struct Over;

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
            // It may have been counted for a moment.
            self.look_at_joiners();
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
                self.look_at_joiners();
                Err(Refused::Full(item))
            }
        }
    }

    /// Stores items from the front on, as far as there is room. What is refused stays.
    pub(crate) fn try_put_batch(&self, items: &mut VecDeque<T>) -> Result<(), Over> {
        let wanted = items.len();
        let Some(admitted) = self.counts.admit(wanted) else {
            self.look_at_joiners();
            return Err(Over);
        };
        self.store.push_batch(items);
        let refused = items.len();
        if refused > 0 {
            admitted.refused(refused);
        }
        admitted.landed(wanted);
        self.getters.notify(wanted - refused);
        if refused > 0 {
            self.look_at_joiners();
        }
        Ok(())
    }

    /// Takes an item; it is to be marked done later.
    #[inline]
    pub(crate) fn try_take(&self) -> Option<T> {
        let item = self.store.pop()?;
        self.made_room(1);
        Some(item)
    }

    /// Items have left the store.
    #[inline]
    pub(crate) fn made_room(&self, items: usize) {
        if self.store.capacity().is_some() {
            self.putters.notify(items);
        }
    }

    /// As [`try_take`](Self::try_take), and says when there will never be any more; `None` is to wait.
    #[inline]
    pub(crate) fn take_or_over(&self) -> Option<Result<T, Over>> {
        match self.try_take() {
            Some(item) => Some(Ok(item)),
            None => self.over(|| self.try_take()),
        }
    }

    /// Takes up to `max` items, if there is at least one; they are to be marked done later.
    pub(crate) fn try_take_batch(&self, max: NonZeroUsize) -> Option<Vec<T>> {
        let items = self.store.pop_batch(max.get());
        if items.is_empty() {
            return None;
        }
        self.made_room(items.len());
        Some(items)
    }

    /// As [`try_take_batch`](Self::try_take_batch), and says when there will never be any more; `None` is to wait.
    pub(crate) fn take_batch_or_over(&self, max: NonZeroUsize) -> Option<Result<Vec<T>, Over>> {
        match self.try_take_batch(max) {
            Some(items) => Some(Ok(items)),
            None => self.over(|| self.try_take_batch(max)),
        }
    }

    /// After `take` yielded nothing: that will never change, or what it yields now after all; `None` is to wait.
    #[inline]
    fn over<R>(&self, take: impl FnOnce() -> Option<R>) -> Option<Result<R, Over>> {
        if !self.counts.is_closed() {
            return None;
        }
        // What was in flight when `take` looked is stored after this, so it has to look once more.
        self.counts.wait_landed();
        Some(take().ok_or(Over))
    }

    /// Marks items done.
    #[inline]
    pub(crate) fn mark_done(&self, items: usize) {
        self.counts.done(items);
        self.look_at_joiners();
    }

    #[inline]
    fn look_at_joiners(&self) {
        if self.joiners.any() && self.counts.unfinished() == 0 {
            self.joiners.notify_all();
        }
    }

    /// No more puts. Everybody who waits looks again.
    pub(crate) fn close(&self) -> bool {
        let was_open = self.counts.close();
        self.getters.notify_all();
        self.putters.notify_all();
        was_open
    }

    /// After closing: takes what is left, and marks it done.
    pub(crate) fn take_rest(&self) -> Vec<T> {
        self.counts.wait_landed();
        let rest = self.store.pop_all();
        if !rest.is_empty() {
            self.made_room(rest.len());
            self.mark_done(rest.len());
        }
        rest
    }
}
