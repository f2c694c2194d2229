//! [`Promise`]: the result of one job, and whoever waits for it.

use std::mem;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Poll, Waker};
use std::time::Instant;

use super::ledger::RawResult;
use crate::finished_queue::FinishedQueue;
use crate::sync::{lock, wait_until};

pub(crate) type Callback = Box<dyn FnOnce(RawResult) + Send>;

/// A result that is still to come.
#[derive(Default)]
pub(crate) struct Promise {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
enum State {
    #[default]
    Open,
    /// A thread waits.
    Waited,
    Polled(Waker),
    Queued(Arc<FinishedQueue>, usize),
    Callback(Callback),
    Ended(RawResult),
    Taken,
}

impl Promise {
    /// Sets the result, once. Returns the callback to call with it, if there is one.
    pub(crate) fn set(&self, result: RawResult) -> Option<(Callback, RawResult)> {
        let before = {
            let mut state = lock(&self.state);
            if let State::Callback(_) = *state {
                let State::Callback(callback) = mem::replace(&mut *state, State::Taken) else {
                    return None;
                };
                return Some((callback, result));
            }
            mem::replace(&mut *state, State::Ended(result))
        };
        match before {
            // A notification is a system call, even if no thread waits.
            State::Waited => self.ended.notify_all(),
            State::Polled(waker) => waker.wake(),
            State::Queued(queue, index) => queue.push(index),
            _ => {}
        }
        None
    }

    pub(crate) fn is_ended(&self) -> bool {
        matches!(*lock(&self.state), State::Ended(_))
    }

    /// Waits for the result and takes it. `None` if the deadline passes first.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Option<RawResult> {
        let mut state = lock(&self.state);
        loop {
            if let Some(result) = take(&mut state) {
                return Some(result);
            }
            *state = State::Waited;
            let in_time;
            (state, in_time) = wait_until(&self.ended, state, deadline);
            if !in_time {
                return take(&mut state);
            }
        }
    }

    /// Takes the result, or leaves the waker.
    pub(crate) fn poll(&self, waker: Waker) -> Poll<RawResult> {
        let mut state = lock(&self.state);
        if let Some(result) = take(&mut state) {
            return Poll::Ready(result);
        }
        let before = mem::replace(&mut *state, State::Polled(waker));
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// Pushes `index` to the queue when the result is there, or now.
    pub(crate) fn report_to(&self, queue: &Arc<FinishedQueue>, index: usize) {
        let mut state = lock(&self.state);
        if matches!(*state, State::Ended(_)) {
            drop(state);
            queue.push(index);
        } else {
            *state = State::Queued(Arc::clone(queue), index);
        }
    }

    /// Leaves a callback, or returns it with the result if that is there.
    pub(crate) fn call_back(&self, callback: Callback) -> Option<(Callback, RawResult)> {
        let mut state = lock(&self.state);
        if let Some(result) = take(&mut state) {
            return Some((callback, result));
        }
        *state = State::Callback(callback);
        None
    }
}

fn take(state: &mut State) -> Option<RawResult> {
    match mem::replace(state, State::Taken) {
        State::Ended(result) => Some(result),
        other => {
            *state = other;
            None
        }
    }
}
