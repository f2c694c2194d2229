//! The bounded buffer in front of a stage, or in front of whoever takes the outputs.
//!
//! It is not the crate's `Queue`, for three reasons. Everybody who waits here also waits for the run to be cut. What a
//! taker takes at once depends on how many takers share it. And nothing of it is ever joined, so no item pays for a count
//! of what is done.
//!
//! Items are put one by one: a result goes on the moment it is there, and never waits for company. They are taken
//! several at once, under one lock, which is where the speed comes from: a taker that comes late takes much, and one
//! that comes early takes what there is.

#![allow(unreachable_pub, reason = "public to the model checks")]

use std::collections::VecDeque;
use std::mem;

use crate::sync::{Mutex, Patience, lock, yield_now};
use crate::wait::{Wait, Waiters};

pub struct Buffer<T> {
    state: Mutex<State<T>>,
    room: usize,
    takers: usize,
}

struct State<T> {
    items: VecDeque<T>,
    /// How many may still put. At 0 the buffer is closed, and what is in it is the rest.
    putters: usize,
    /// How many may still take. At 0 nothing can be put any more.
    takers: usize,
    wait_for_items: Waiters,
    wait_for_room: Waiters,
}

impl<T> Buffer<T> {
    /// With room for so many items, at least 1.
    pub fn new(room: usize, putters: usize, takers: usize) -> Self {
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                putters,
                takers,
                wait_for_items: Waiters::default(),
                wait_for_room: Waiters::default(),
            }),
            room,
            takers,
        }
    }

    /// Put an item in, as soon as there is room.
    ///
    /// # Errors
    /// The item, when all takers are gone, or when the wait for room is over before there is any.
    pub fn put(&self, item: T, wait: &impl Wait) -> Result<(), T> {
        let mut state = lock(&self.state);
        let mut patience = Patience::default();
        let mut waited = false;
        while state.takers == 0 || state.items.len() >= self.room {
            if state.takers == 0 || wait.is_over() {
                state.wait_for_room.take_out_self();
                return Err(item);
            }
            if patience.is_left() {
                drop(state);
                yield_now();
            } else {
                waited = true;
                state.wait_for_room.enter();
                drop(state);
                wait.park();
            }
            state = lock(&self.state);
        }
        if waited {
            state.wait_for_room.take_out_self();
        }
        state.items.push_back(item);
        let taker = state.wait_for_items.next();
        drop(state);
        if let Some(taker) = taker {
            taker.unpark();
        }
        Ok(())
    }

    /// Move at most `most` items into `into`, which is empty, and at least one; and no more than this taker's share,
    /// if there are others. Waits for the first.
    ///
    /// Says how many there were before, or `None` when the last one has been taken and no more can come, or when the
    /// wait is over.
    pub fn take(
        &self,
        most: usize,
        into: &mut VecDeque<T>,
        wait: &impl Wait,
    ) -> Option<usize> {
        let mut state = lock(&self.state);
        let mut patience = Patience::default();
        let mut waited = false;
        while state.items.is_empty() {
            if state.putters == 0 || wait.is_over() {
                state.wait_for_items.take_out_self();
                return None;
            }
            if patience.is_left() {
                drop(state);
                yield_now();
            } else {
                waited = true;
                state.wait_for_items.enter();
                drop(state);
                wait.park();
            }
            state = lock(&self.state);
        }
        if waited {
            state.wait_for_items.take_out_self();
        }
        let found = state.items.len();
        let share = most.min(found.div_ceil(self.takers));
        if share == found && into.is_empty() {
            // The two trade places, allocations included.
            mem::swap(into, &mut state.items);
        } else {
            into.extend(state.items.drain(..share));
        }
        let room = self.room - state.items.len();
        let putters = state.wait_for_room.first(room);
        drop(state);
        for putter in putters {
            putter.unpark();
        }
        Some(found)
    }

    /// Say that one of those who put will put no more.
    pub fn leave_putting(&self) {
        let mut state = lock(&self.state);
        state.putters -= 1;
        let takers = if state.putters == 0 {
            state.wait_for_items.first(usize::MAX)
        } else {
            Vec::new()
        };
        drop(state);
        for taker in takers {
            taker.unpark();
        }
    }

    /// Say that one of those who take will take no more. The last one gets what is left, to drop it outside of the lock.
    pub fn leave_taking(&self) -> VecDeque<T> {
        let mut state = lock(&self.state);
        state.takers -= 1;
        if state.takers > 0 {
            return VecDeque::new();
        }
        let rest = mem::take(&mut state.items);
        let putters = state.wait_for_room.first(usize::MAX);
        drop(state);
        for putter in putters {
            putter.unpark();
        }
        rest
    }
}
