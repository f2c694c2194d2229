//! [`Inbox`]: the ended chunks of a map that its consumer has not looked at.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex};
use std::task::Waker;
use std::time::Instant;

use crate::caller::ledger::RawResult;
use crate::sync::{lock, wait_until};

/// Ended chunks, each with the number of the chunk.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    ended: VecDeque<(u64, RawResult)>,
    waker: Option<Waker>,
}

impl Inbox {
    pub(super) fn push(&self, chunk: u64, result: RawResult) {
        let waker = {
            let mut state = lock(&self.state);
            state.ended.push_back((chunk, result));
            state.waker.take()
        };
        self.arrived.notify_one();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// All ended chunks.
    pub(super) fn take(&self) -> VecDeque<(u64, RawResult)> {
        mem::take(&mut lock(&self.state).ended)
    }

    /// Waits until a chunk has ended. `false` if the deadline passes first.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut state = lock(&self.state);
        while state.ended.is_empty() {
            let in_time;
            (state, in_time) = wait_until(&self.arrived, state, deadline);
            if !in_time {
                return false;
            }
        }
        true
    }

    /// Leaves a waker for the next chunk that ends. `false` if one has ended.
    pub(super) fn register(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut state = lock(&self.state);
        if !state.ended.is_empty() {
            return false;
        }
        let before = state.waker.replace(waker);
        drop(state);
        drop(before);
        true
    }
}
