//! First in, first out: a channel of crossbeam, of which only what does not block is used.

use std::collections::VecDeque;
use std::iter;
use std::num::NonZeroUsize;

#[cfg(not(model_check))]
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
#[cfg(model_check)]
use stand_in::{Receiver, Sender, TrySendError, bounded, unbounded};

use super::give_back_front;
use super::lane::Lane;
use crate::sync::{Mutex, lock};

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
    /// A bound that is meant as none, or nearly: the channel, which takes the memory for all its room at once, stays
    /// empty.
    Large(Mutex<VecDeque<T>>, usize),
}

/// The most that a channel takes at once. One of usize::MAX items would panic, one of half the memory abort the process.
const MOST_BYTES: usize = 256 << 20;

/// Whether a channel with room for `capacity` items can be allocated: each takes its size and a word.
fn fits_a_channel<T>(capacity: usize) -> bool {
    let place = size_of::<T>() + size_of::<usize>();
    capacity <= MOST_BYTES / place
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
        match &self.room {
            Room::Bounded(_) => {}
            Room::Unbounded(lane) => match lane.push_if_open(item) {
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

    /// Stores all items at once, if there is no bound; `false` if there is one.
    pub(crate) fn push_chunk(&self, items: &mut VecDeque<T>) -> bool {
        match &self.room {
            Room::Unbounded(lane) => {
                lane.push_all(items);
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
                Room::Unbounded(lane) => lane.pop(|| self.receiver.try_recv().ok()),
                Room::Large(items, _) => {
                    let mut items = lock(items);
                    let first = items.pop_front();
                    give_back_front(&mut items);
                    first
                }
            },
        }
    }

    pub(crate) fn pop_batch(&self, max: usize) -> Vec<T> {
        let mut singles = iter::from_fn(|| self.receiver.try_recv().ok());
        let mut batch: Vec<T> = singles.by_ref().take(max).collect();
        match &self.room {
            Room::Unbounded(lane) if batch.len() < max => {
                lane.pop_batch(max, &mut batch, singles);
            }
            Room::Large(items, _) => {
                let mut items = lock(items);
                let taken = items.len().min(max);
                batch.extend(items.drain(..taken));
                give_back_front(&mut items);
            }
            Room::Bounded(_) | Room::Unbounded(_) => {}
        }
        batch
    }

    pub(crate) fn len(&self) -> usize {
        let singles = self.receiver.len();
        match &self.room {
            Room::Bounded(_) => singles,
            Room::Unbounded(lane) => singles + lane.len(),
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

/// A channel whose every step loom sees: crossbeam's has no loom build.
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
