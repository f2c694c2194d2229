//! The window of an ordered run: how far the inputs may run ahead of the outputs.
//!
//! Where a stage has several workers, one slow item lets all later ones pass, and they would pile
//! up in front of the consumer, which waits for the slow one. The window stops the inputs `size`
//! items after that one. (Known as the number of live tokens of a pipeline: McCool, Robison and
//! Reinders, "Structured Parallel Programming", 2012, chapter 9.)
//!
//! It cannot deadlock. The awaited item has been admitted, as the first of all that are not yet
//! out. It waits only for room in the buffers ahead of it, and the last of these is emptied by the
//! consumer that waits for it, however many later items come out first: the window has a place for
//! each of them. So every buffer ahead moves.

use crate::protocols::wait::Wait;
use crate::sync::{Mutex, Thread, current, lock};

pub struct Window {
    size: usize,
    state: Mutex<State>,
}

struct State {
    /// The number of outputs taken by the consumer, as last reported.
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

    /// Waits until the item of this index may enter; `false` if the wait is over first. `known` is
    /// the number of outputs that the source last read.
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

    /// Reports the total number of outputs taken.
    pub fn advance(&self, out: usize) {
        let mut state = lock(&self.state);
        state.out = out;
        let waiter = state.waiter.take();
        drop(state);
        if let Some(waiter) = waiter {
            waiter.unpark();
        }
    }

    /// The number of outputs after which the consumer reports at the latest. Reporting several at
    /// once costs one lock and only makes the window a little smaller; before the consumer waits,
    /// it reports all of them.
    pub fn report_interval(&self) -> usize {
        (self.size / 8).max(1)
    }
}
