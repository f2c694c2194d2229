//! First in, first out: a channel of crossbeam, of which only what does not block is used.

use std::collections::VecDeque;
use std::iter;
use std::num::NonZeroUsize;

#[cfg(not(model_check))]
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
#[cfg(model_check)]
use stand_in::{Receiver, Sender, TrySendError, bounded, unbounded};

use super::lane::Lane;

/// Both ends are here, so the channel is never disconnected. That it is closed is known elsewhere.
pub(crate) struct Fifo<T> {
    sender: Sender<T>,
    receiver: Receiver<T>,
    room: Room<T>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a queue, behind its `Arc`"
)]
enum Room<T> {
    Bounded(usize),
    /// Without a bound there is a second way, which is cheap for many items at once.
    Unbounded(Lane<T>),
}

impl<T> Fifo<T> {
    pub(crate) fn new(capacity: Option<NonZeroUsize>) -> Self {
        let ((sender, receiver), room) = match capacity {
            Some(capacity) => (bounded(capacity.get()), Room::Bounded(capacity.get())),
            None => (unbounded(), Room::Unbounded(Lane::new())),
        };
        Self {
            sender,
            receiver,
            room,
        }
    }

    #[inline]
    pub(crate) fn push(&self, mut item: T) -> Result<(), T> {
        if let Room::Unbounded(lane) = &self.room {
            match lane.push_if_open(item) {
                Ok(()) => return Ok(()),
                Err(refused) => item = refused,
            }
        }
        self.sender.try_send(item).map_err(TrySendError::into_inner)
    }

    /// Stores all items at once, if there is no bound; `false` if there is one.
    pub(crate) fn push_chunk(&self, items: &mut VecDeque<T>) -> bool {
        match &self.room {
            Room::Unbounded(lane) => {
                lane.push_all(items);
                true
            }
            Room::Bounded(_) => false,
        }
    }

    #[inline]
    pub(crate) fn pop(&self) -> Option<T> {
        match self.receiver.try_recv() {
            Ok(item) => Some(item),
            Err(_) => match &self.room {
                Room::Bounded(_) => None,
                Room::Unbounded(lane) => lane.pop(|| self.receiver.try_recv().ok()),
            },
        }
    }

    pub(crate) fn pop_batch(&self, max: usize) -> Vec<T> {
        let mut singles = iter::from_fn(|| self.receiver.try_recv().ok());
        let mut batch: Vec<T> = singles.by_ref().take(max).collect();
        if batch.len() < max
            && let Room::Unbounded(lane) = &self.room
        {
            lane.pop_batch(max, &mut batch, singles);
        }
        batch
    }

    pub(crate) fn len(&self) -> usize {
        let singles = self.receiver.len();
        match &self.room {
            Room::Bounded(_) => singles,
            Room::Unbounded(lane) => singles + lane.len(),
        }
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        match self.room {
            Room::Bounded(capacity) => Some(capacity),
            Room::Unbounded(_) => None,
        }
    }
}

/// A channel whose every step loom sees: crossbeam's has no loom build.
#[cfg(model_check)]
mod stand_in {
    use std::collections::VecDeque;
    use std::sync::Arc;

    use super::super::super::sync::{Mutex, lock};

    pub(super) struct End<T> {
        items: Arc<Mutex<VecDeque<T>>>,
        capacity: usize,
    }

    pub(super) type Sender<T> = End<T>;
    pub(super) type Receiver<T> = End<T>;

    pub(super) struct TrySendError<T>(T);

    pub(super) fn bounded<T>(capacity: usize) -> (End<T>, End<T>) {
        let items = Arc::new(Mutex::new(VecDeque::new()));
        let other = Arc::clone(&items);
        (
            End { items, capacity },
            End {
                items: other,
                capacity,
            },
        )
    }

    pub(super) fn unbounded<T>() -> (End<T>, End<T>) {
        bounded(usize::MAX)
    }

    impl<T> TrySendError<T> {
        pub(super) fn into_inner(self) -> T {
            self.0
        }
    }

    impl<T> End<T> {
        pub(super) fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
            let mut items = lock(&self.items);
            if items.len() == self.capacity {
                return Err(TrySendError(item));
            }
            items.push_back(item);
            Ok(())
        }

        pub(super) fn try_recv(&self) -> Result<T, ()> {
            lock(&self.items).pop_front().ok_or(())
        }

        pub(super) fn len(&self) -> usize {
            lock(&self.items).len()
        }
    }
}
