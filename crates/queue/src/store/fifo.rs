//! The FIFO store: crossbeam's channel, without its blocking operations, and a bulk store for
//! chunks.

use std::collections::VecDeque;
use std::iter;
use std::num::NonZeroUsize;

#[cfg(not(model_check))]
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
#[cfg(model_check)]
use stand_in::{Receiver, Sender, TrySendError, bounded, unbounded};

use super::bulk_store::BulkStore;
use super::shrink::shrink_deque;
use crate::sync::{Mutex, lock};

/// Holds both ends, so the channel is never disconnected. Closing is handled elsewhere.
pub(crate) struct Fifo<T> {
    sender: Sender<T>,
    receiver: Receiver<T>,
    room: Room<T>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "each queue has a single one, behind its `Arc`"
)]
enum Room<T> {
    Bounded(usize),
    /// A second path beside the channel, which is cheap for many items at once.
    Unbounded(BulkStore<T>),
    /// A bound too large to allocate at once, as the channel would do. The channel stays empty.
    Large(Mutex<VecDeque<T>>, usize),
}

/// The largest channel to allocate at once. One for usize::MAX items would panic, and one of half
/// the memory abort the process.
const MAX_CHANNEL_BYTES: usize = 256 << 20;

/// Whether a channel for `capacity` items can be allocated. Each item takes its size and a word.
fn fits_a_channel<T>(capacity: usize) -> bool {
    let slot = size_of::<T>() + size_of::<usize>();
    capacity <= MAX_CHANNEL_BYTES / slot
}

impl<T> Fifo<T> {
    pub(crate) fn new(capacity: Option<NonZeroUsize>) -> Self {
        let ((sender, receiver), room) = match capacity {
            Some(capacity) if fits_a_channel::<T>(capacity.get()) => {
                (bounded(capacity.get()), Room::Bounded(capacity.get()))
            }
            Some(capacity) => {
                let items = Mutex::new(VecDeque::new());
                (unbounded(), Room::Large(items, capacity.get()))
            }
            None => (unbounded(), Room::Unbounded(BulkStore::new())),
        };
        Self {
            sender,
            receiver,
            room,
        }
    }

    #[inline]
    pub(crate) fn push(&self, mut item: T) -> Result<(), T> {
        match &self.room {
            Room::Bounded(_) => {}
            Room::Unbounded(bulk) => match bulk.push_if_open(item) {
                Ok(()) => return Ok(()),
                Err(refused) => item = refused,
            },
            Room::Large(items, capacity) => {
                let mut items = lock(items);
                if items.len() >= *capacity {
                    return Err(item);
                }
                items.push_back(item);
                return Ok(());
            }
        }
        self.sender.try_send(item).map_err(TrySendError::into_inner)
    }

    /// Stores all items at once if there is no bound; `false` if there is one.
    pub(crate) fn push_chunk(&self, items: &mut VecDeque<T>) -> bool {
        match &self.room {
            Room::Unbounded(bulk) => {
                bulk.push_all(items);
                true
            }
            Room::Bounded(_) | Room::Large(..) => false,
        }
    }

    #[inline]
    pub(crate) fn pop(&self) -> Option<T> {
        match self.receiver.try_recv() {
            Ok(item) => Some(item),
            Err(_) => match &self.room {
                Room::Bounded(_) => None,
                Room::Unbounded(bulk) => bulk.pop(|| self.receiver.try_recv().ok()),
                Room::Large(items, _) => {
                    let mut items = lock(items);
                    let first = items.pop_front();
                    shrink_deque(&mut items);
                    first
                }
            },
        }
    }

    pub(crate) fn pop_batch(&self, max: usize) -> Vec<T> {
        let mut singles = iter::from_fn(|| self.receiver.try_recv().ok());
        let mut batch: Vec<T> = singles.by_ref().take(max).collect();
        match &self.room {
            Room::Unbounded(bulk) if batch.len() < max => {
                bulk.pop_batch(max, &mut batch, singles);
            }
            Room::Large(items, _) => {
                let mut items = lock(items);
                let taken = items.len().min(max);
                batch.extend(items.drain(..taken));
                shrink_deque(&mut items);
            }
            Room::Bounded(_) | Room::Unbounded(_) => {}
        }
        batch
    }

    pub(crate) fn len(&self) -> usize {
        let singles = self.receiver.len();
        match &self.room {
            Room::Bounded(_) => singles,
            Room::Unbounded(bulk) => singles + bulk.len(),
            Room::Large(items, _) => lock(items).len(),
        }
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        match self.room {
            Room::Bounded(capacity) | Room::Large(_, capacity) => Some(capacity),
            Room::Unbounded(_) => None,
        }
    }
}

/// A stand-in for crossbeam's channel, which has no loom build.
#[cfg(model_check)]
mod stand_in {
    use std::collections::VecDeque;
    use std::sync::Arc;

    use crate::sync::{Mutex, lock};

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
