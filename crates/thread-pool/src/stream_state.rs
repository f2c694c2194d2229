//! The state that a lazy map shares with its workers: unclaimed inputs, and a window of results in
//! the order of the inputs.
//!
//! The consumer adds inputs at one end and takes results from the front of the window. Workers
//! claim the next few inputs, call the function without the lock, and store the results in their
//! slots. A worker that finds no input leaves; the consumer queues another one when there are
//! inputs again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::error::JobError;
use crate::panic::{Quiet, catch, drop_quietly};
use crate::shared::Shared;
use crate::sync::{Condvar, Mutex, lock, wait_until};

pub(crate) struct StreamState<T, R, F> {
    inner: Mutex<Inner<T, R>>,
    changed: Condvar,
    f: Quiet<F>,
    limit: usize,
    chunk: usize,
    pool: Arc<Shared>,
}

struct Inner<T, R> {
    /// The unclaimed inputs. Their results are the last of the window.
    unclaimed: VecDeque<T>,
    window: VecDeque<Option<Result<R, JobError>>>,
    /// The index of the input at the front of the window.
    front: usize,
    /// The number of helpers that were queued and have not left.
    helpers: usize,
    /// The number of threads that process inputs now; never above the limit.
    active: usize,
    waiting: bool,
}

/// The state of the front of the window, which tells the consumer what to do next.
pub(crate) enum Front {
    /// Results were taken and can be yielded.
    Ready,
    /// The input at the front is unclaimed.
    Unclaimed,
    /// A worker has claimed the input at the front.
    Claimed,
    /// The window is empty.
    Empty,
}

impl<T, R, F> StreamState<T, R, F>
where
    F: Fn(T) -> R,
{
    /// Claims respect `limit` and `chunk`; the consumer bounds the number of inputs.
    pub(crate) fn new(f: F, limit: usize, chunk: usize, pool: Arc<Shared>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                unclaimed: VecDeque::new(),
                window: VecDeque::new(),
                front: 0,
                helpers: 0,
                active: 0,
                waiting: false,
            }),
            changed: Condvar::new(),
            f: Quiet::new(f),
            limit,
            chunk,
            pool,
        }
    }

    /// Adds `inputs`, and returns how many helpers the caller must queue. These are already
    /// counted.
    pub(crate) fn push(&self, inputs: &mut Vec<T>) -> usize {
        let mut inner = lock(&self.inner);
        let window = inner.window.len() + inputs.len();
        inner.window.resize_with(window, || None);
        inner.unclaimed.extend(inputs.drain(..));
        // Helpers that have not arrived will claim at least one chunk each. Active ones may be busy
        // for long. (All active threads are helpers here: the consumer is active at times, but not
        // while it calls this.)
        let on_their_way = inner.helpers.saturating_sub(inner.active);
        let chunks = inner.unclaimed.len().div_ceil(self.chunk);
        let wanted = chunks
            .saturating_sub(on_their_way)
            .min(self.limit - inner.helpers);
        inner.helpers += wanted;
        wanted
    }

    /// Moves all ready results from the front into `ready`.
    pub(crate) fn take(&self, ready: &mut VecDeque<Result<R, JobError>>) -> Front {
        let mut inner = lock(&self.inner);
        while let Some(slot) = inner.window.front_mut() {
            let Some(result) = slot.take() else { break };
            ready.push_back(result);
            inner.window.pop_front();
            inner.front += 1;
        }
        if !ready.is_empty() {
            Front::Ready
        } else if inner.window.is_empty() {
            Front::Empty
        } else if inner.unclaimed.len() == inner.window.len() {
            Front::Unclaimed
        } else {
            Front::Claimed
        }
    }

    /// Blocks until the consumer can act on the front (`true`), or until `deadline` (`false`).
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut inner = lock(&self.inner);
        loop {
            let ready = matches!(inner.window.front(), None | Some(Some(_)));
            // No helper will claim it: the consumer must.
            let lonely = inner.helpers == 0 && inner.unclaimed.len() == inner.window.len();
            if ready || lonely {
                inner.waiting = false;
                return true;
            }
            inner.waiting = true;
            let in_time;
            (inner, in_time) = wait_until(&self.changed, inner, deadline);
            if !in_time {
                inner.waiting = false;
                return false;
            }
        }
    }

    /// Processes inputs until none is left, if the limit allows another worker. Afterwards it no
    /// longer counts as a helper. Never unwinds.
    fn help(&self) {
        if !self.join() {
            return self.leave(&mut lock(&self.inner));
        }
        let (mut chunk, mut results) = (Vec::new(), Vec::new());
        while let Some(first) = self.claim(&mut chunk) {
            self.run(first, &mut chunk, &mut results);
        }
    }

    /// Moves the next inputs into `chunk` and returns the index of the first. If there are none,
    /// the helper leaves in the same step, since the consumer must not rely on a helper that has
    /// already looked.
    fn claim(&self, chunk: &mut Vec<T>) -> Option<usize> {
        let mut inner = lock(&self.inner);
        if inner.unclaimed.is_empty() || self.pool.is_cancelling() {
            inner.active -= 1;
            self.leave(&mut inner);
            return None;
        }
        let first = inner.front + inner.window.len() - inner.unclaimed.len();
        let size = self.chunk.min(inner.unclaimed.len());
        chunk.extend(inner.unclaimed.drain(..size));
        Some(first)
    }

    fn leave(&self, inner: &mut Inner<T, R>) {
        inner.helpers -= 1;
        if inner.helpers == 0 && inner.waiting {
            self.changed.notify_one();
        }
    }

    /// Processes the input at the front, if it is unclaimed and the limit allows. Never unwinds.
    ///
    /// If the limit does not, that many workers are active, and one of them claims the front next.
    pub(crate) fn run_front(&self) {
        if !self.join() {
            return;
        }
        if let Some((number, input)) = self.claim_front() {
            self.run(number, &mut vec![input], &mut Vec::new());
        }
        lock(&self.inner).active -= 1;
    }

    fn join(&self) -> bool {
        let mut inner = lock(&self.inner);
        let joins = inner.active < self.limit;
        inner.active += usize::from(joins);
        joins
    }

    fn claim_front(&self) -> Option<(usize, T)> {
        let mut inner = lock(&self.inner);
        if inner.unclaimed.len() < inner.window.len() {
            return None;
        }
        let input = inner.unclaimed.pop_front()?;
        Some((inner.front, input))
    }

    /// Processes a chunk and stores all of its results in one step.
    fn run(&self, first: usize, chunk: &mut Vec<T>, results: &mut Vec<Result<R, JobError>>) {
        let f = self.f.get();
        results.extend(
            chunk
                .drain(..)
                .map(|input| catch(|| f(input)).map_err(JobError::Panicked)),
        );
        let wake = {
            let mut inner = lock(&self.inner);
            let place = first - inner.front;
            // A dropped stream has no window.
            if place < inner.window.len() {
                let slots = inner.window.range_mut(place..);
                for (slot, result) in slots.zip(results.drain(..)) {
                    *slot = Some(result);
                }
            }
            place == 0 && inner.waiting
        };
        if wake {
            self.changed.notify_one();
        }
        results.drain(..).for_each(drop_quietly);
    }

    /// Turns each unclaimed input into an error, and returns their number.
    pub(crate) fn give_up(&self) -> usize {
        let dropped = {
            let mut inner = lock(&self.inner);
            let first = inner.window.len() - inner.unclaimed.len();
            for slot in inner.window.range_mut(first..) {
                *slot = Some(Err(self.pool.cancel_error()));
            }
            std::mem::take(&mut inner.unclaimed)
        };
        let given_up = dropped.len();
        dropped.into_iter().for_each(drop_quietly);
        given_up
    }

    /// Turns the input at the front into an error, if it is unclaimed.
    pub(crate) fn give_up_front(&self) {
        let dropped = {
            let mut inner = lock(&self.inner);
            if inner.unclaimed.len() < inner.window.len() {
                return;
            }
            if let Some(slot) = inner.window.front_mut() {
                *slot = Some(Err(JobError::WouldDeadlock));
            }
            inner.unclaimed.pop_front()
        };
        drop_quietly(dropped);
    }

    /// Reacts to the drop of the stream: starts nothing more and keeps no result.
    pub(crate) fn stop(&self) {
        let (unclaimed, window) = {
            let mut inner = lock(&self.inner);
            // `front` stays behind the claims, so that their results find no slot.
            let window = std::mem::take(&mut inner.window);
            (std::mem::take(&mut inner.unclaimed), window)
        };
        unclaimed.into_iter().for_each(drop_quietly);
        window.into_iter().for_each(drop_quietly);
    }
}

/// A helper of a lazy map, as its queue entry.
pub(crate) struct Helper<T, R, F>
where
    F: Fn(T) -> R,
{
    /// `None` once it has arrived.
    state: Option<Arc<StreamState<T, R, F>>>,
}

impl<T, R, F> Helper<T, R, F>
where
    F: Fn(T) -> R,
{
    /// A helper that `push` has already counted.
    pub(crate) fn new(state: &Arc<StreamState<T, R, F>>) -> Self {
        Self {
            state: Some(Arc::clone(state)),
        }
    }

    pub(crate) fn help(mut self) {
        if let Some(state) = self.state.take() {
            state.help();
        }
    }
}

impl<T, R, F> Drop for Helper<T, R, F>
where
    F: Fn(T) -> R,
{
    fn drop(&mut self) {
        // Cancelled before it arrived.
        if let Some(state) = &self.state {
            state.leave(&mut lock(&state.inner));
        }
    }
}
