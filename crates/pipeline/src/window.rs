//! How many items may be between the input and whoever takes the outputs.
//!
//! Only ordered outputs need it. Where a stage has several workers, one slow item lets all that come after it pass, and
//! they would pile up in front of the consumer, who waits for that one. With the window the input stops `size` items
//! after the one that is awaited. (Known as the number of live tokens of a pipeline: McCool, Robison and Reinders,
//! "Structured Parallel Programming", 2012, chapter 9.)
//!
//! It cannot lock up. The item that is awaited has been admitted, as the first of all that are not yet out. It waits for
//! nothing but room in the buffers ahead of it, and the last of these is emptied by the very consumer who waits for it,
//! however many later items come out first: there is a place for each in the window. So every buffer ahead moves.

#![allow(unreachable_pub, reason = "public to the model checks")]

use crate::sync::{Mutex, Thread, current, lock};
use crate::wait::Wait;

pub struct Window {
    size: usize,
    state: Mutex<State>,
}

struct State {
    out: usize,
    waiter: Option<Thread>,
}

impl Window {
    pub fn new(size: usize) -> Self {
        Self {
            size,
            state: Mutex::new(State {
                out: 0,
                waiter: None,
            }),
        }
    }

    /// Wait until the item of this index may come in. `known` is how many were out when the source last looked.
    ///
    /// False when the wait is over before.
    pub fn admit(&self, index: usize, known: &mut usize, wait: &impl Wait) -> bool {
        if index - *known < self.size {
            return true;
        }
        let mut state = lock(&self.state);
        loop {
            *known = state.out;
            if index - *known < self.size {
                return true;
            }
            if wait.is_over() {
                state.waiter = None;
                return false;
            }
            state.waiter = Some(current());
            drop(state);
            wait.park();
            state = lock(&self.state);
        }
    }

    /// Say that so many items are out in all.
    pub fn tell(&self, out: usize) {
        let mut state = lock(&self.state);
        state.out = out;
        let waiter = state.waiter.take();
        drop(state);
        if let Some(waiter) = waiter {
            waiter.unpark();
        }
    }

    /// After how many items the consumer tells at the latest. Several told together cost one lock, and only make the
    /// window a little smaller; before the consumer waits, all are told.
    pub fn interval(&self) -> usize {
        (self.size / 8).max(1)
    }
}
