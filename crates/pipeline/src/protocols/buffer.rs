//! The bounded buffer in front of a stage, or in front of the consumer of the outputs.
//!
//! It is no general queue, for three reasons. Every thread that waits here also waits for the run
//! to stop. The number of items that a worker takes at once depends on how many workers share the
//! buffer. And nothing is ever joined, so no item pays for a count of those that are done.
//!
//! Items are put one by one: a result is passed on at once and never waits for others. They are
//! taken several at once under one lock, which is where the speed comes from: a late taker takes
//! many, an early one takes what is there.

use std::collections::VecDeque;
use std::mem;

use crate::protocols::wait::{Wait, Waiters};
use crate::sync::{Mutex, Yields, lock, yield_now};

pub struct Buffer<T> {
    state: Mutex<State<T>>,
    room: usize,
    takers: usize,
}

struct State<T> {
    items: VecDeque<T>,
    /// The number of threads that may still put. At 0 the buffer is closed, and it holds the last
    /// items.
    putters: usize,
    /// The number of threads that may still take. At 0 nothing can be put any more.
    takers: usize,
    awaiting_items: Waiters,
    awaiting_room: Waiters,
}

impl<T> Buffer<T> {
    /// A buffer with room for `room` items, at least 1.
    pub fn new(room: usize, putters: usize, takers: usize) -> Self {
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                putters,
                takers,
                awaiting_items: Waiters::default(),
                awaiting_room: Waiters::default(),
            }),
            room,
            takers,
        }
    }

    /// Puts an item in, as soon as there is room.
    ///
    /// # Errors
    /// Returns the item if all takers are gone, or if the wait is over before there is room.
    pub fn put(&self, item: T, wait: &impl Wait) -> Result<(), T> {
        let mut state = lock(&self.state);
        let mut yields = Yields::default();
        let mut waited = false;
        while state.takers == 0 || state.items.len() >= self.room {
            if state.takers == 0 || wait.is_over() {
                state.awaiting_room.remove_self();
                return Err(item);
            }
            if yields.is_left() {
                drop(state);
                yield_now();
            } else {
                waited = true;
                state.awaiting_room.add_self();
                drop(state);
                wait.park();
            }
            state = lock(&self.state);
        }
        if waited {
            state.awaiting_room.remove_self();
        }
        state.items.push_back(item);
        let taker = state.awaiting_items.pop_first();
        drop(state);
        if let Some(taker) = taker {
            taker.unpark();
        }
        Ok(())
    }

    /// Moves up to `most` items into `into`, which is empty, and at least one, but no more than
    /// this taker's share if there are others. Waits for the first item.
    ///
    /// Returns the number of items that were there before, or `None` if no more can come or the
    /// wait is over.
    pub fn take(&self, most: usize, into: &mut VecDeque<T>, wait: &impl Wait) -> Option<usize> {
        let mut state = lock(&self.state);
        let mut yields = Yields::default();
        let mut waited = false;
        while state.items.is_empty() {
            if state.putters == 0 || wait.is_over() {
                state.awaiting_items.remove_self();
                return None;
            }
            if yields.is_left() {
                drop(state);
                yield_now();
            } else {
                waited = true;
                state.awaiting_items.add_self();
                drop(state);
                wait.park();
            }
            state = lock(&self.state);
        }
        if waited {
            state.awaiting_items.remove_self();
        }
        let found = state.items.len();
        let share = most.min(found.div_ceil(self.takers));
        if share == found && into.is_empty() {
            // The two swap places, including their allocations.
            mem::swap(into, &mut state.items);
        } else {
            into.extend(state.items.drain(..share));
        }
        let room = self.room - state.items.len();
        let putters = state.awaiting_room.pop_up_to(room);
        drop(state);
        for putter in putters {
            putter.unpark();
        }
        Some(found)
    }

    /// Records that one putter will put no more.
    pub fn remove_putter(&self) {
        let mut state = lock(&self.state);
        state.putters -= 1;
        let takers = if state.putters == 0 {
            state.awaiting_items.pop_up_to(usize::MAX)
        } else {
            Vec::new()
        };
        drop(state);
        for taker in takers {
            taker.unpark();
        }
    }

    /// Records that one taker will take no more. The last one receives the remaining items, to drop
    /// them outside the lock.
    pub fn remove_taker(&self) -> VecDeque<T> {
        let mut state = lock(&self.state);
        state.takers -= 1;
        if state.takers > 0 {
            return VecDeque::new();
        }
        let rest = mem::take(&mut state.items);
        let putters = state.awaiting_room.pop_up_to(usize::MAX);
        drop(state);
        for putter in putters {
            putter.unpark();
        }
        rest
    }
}
