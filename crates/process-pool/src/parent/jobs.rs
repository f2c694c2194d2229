//! The jobs that handles stand for.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::thread::Thread;

use super::callbacks::Callbacks;
use super::unit::Outcome;
use crate::as_completed::Finished;
use crate::error::drop_contained;

/// A job's place in the table, and how often the place had been used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    place: u32,
    turn: u32,
}

pub(crate) type Callback = Box<dyn FnOnce(Outcome) + Send>;

/// What a job is doing.
pub(crate) enum Stage {
    /// In the queue.
    Queued,
    /// In a worker's ring, begun or not.
    Lane {
        lane: usize,
        unit: u64,
    },
    Ended(Outcome),
}

/// Who wants to know when it has ended.
pub(crate) enum Waiter {
    Nobody,
    Thread(Thread),
    Task(Waker),
    List(Arc<Finished>, usize),
    Callback(Callback),
    /// The handle is gone.
    Detached,
}

impl Waiter {
    /// Whether the supervisor has to see to it.
    pub(crate) fn wants_events(&self) -> bool {
        !matches!(self, Self::Nobody | Self::Detached)
    }

    /// Whether dropping it runs code of the user.
    pub(crate) fn is_the_users(&self) -> bool {
        matches!(self, Self::Task(_) | Self::Callback(_))
    }
}

pub(crate) struct Entry {
    pub(crate) stage: Stage,
    pub(crate) waiter: Waiter,
}

#[derive(Default)]
pub(crate) struct Jobs {
    entries: Vec<(u32, Option<Entry>)>,
    free: Vec<u32>,
}

impl Jobs {
    pub(crate) fn insert(&mut self, entry: Entry) -> Key {
        let place = self.free.pop().unwrap_or_else(|| {
            self.entries.push((0, None));
            // 4,294,967,296 jobs at once are beyond any memory.
            (self.entries.len() - 1) as u32
        });
        let (turn, held) = &mut self.entries[place as usize];
        *held = Some(entry);
        Key { place, turn: *turn }
    }

    pub(crate) fn get(&mut self, key: Key) -> Option<&mut Entry> {
        let (turn, entry) = self.entries.get_mut(key.place as usize)?;
        if *turn == key.turn {
            entry.as_mut()
        } else {
            None
        }
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<Entry> {
        let (turn, entry) = self.entries.get_mut(key.place as usize)?;
        if *turn != key.turn {
            return None;
        }
        let entry = entry.take()?;
        *turn = turn.wrapping_add(1);
        self.free.push(key.place);
        Some(entry)
    }
}

/// To be done once the lock is released: it may run code of the user.
pub(crate) enum Wake {
    Thread(Thread),
    Task(Waker),
    List(Arc<Finished>, usize),
    Callback(Callback, Outcome),
    /// To be dropped, since another took its place.
    Drop(Waiter),
}

impl Wake {
    pub(crate) fn fire(self, callbacks: &Callbacks) {
        match self {
            Self::Thread(thread) => thread.unpark(),
            Self::List(finished, place) => finished.push(place),
            // Wakers and callbacks are the user's. Their panics have been printed by the panic hook, and end here.
            Self::Task(waker) => contained(|| waker.wake()),
            Self::Callback(callback, outcome) => callbacks.call(callback, outcome),
            Self::Drop(waiter) => drop_contained(waiter),
        }
    }
}

/// Runs code of the user, and keeps its panic.
pub(super) fn contained(work: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
        drop_contained(payload);
    }
}

impl Entry {
    /// Ends the job; what is to be done then, if anything.
    pub(crate) fn end(&mut self, outcome: Outcome) -> Option<Wake> {
        let waiter = mem::replace(&mut self.waiter, Waiter::Nobody);
        let wake = match waiter {
            Waiter::Callback(callback) => {
                self.waiter = Waiter::Detached;
                return Some(Wake::Callback(callback, outcome));
            }
            Waiter::Detached => {
                self.waiter = Waiter::Detached;
                None
            }
            Waiter::Nobody => None,
            Waiter::Thread(thread) => Some(Wake::Thread(thread)),
            Waiter::Task(waker) => Some(Wake::Task(waker)),
            Waiter::List(finished, place) => Some(Wake::List(finished, place)),
        };
        self.stage = Stage::Ended(outcome);
        wake
    }

    /// Whether nobody will ask for it any more.
    pub(crate) fn is_detached(&self) -> bool {
        matches!(self.waiter, Waiter::Detached)
    }
}
