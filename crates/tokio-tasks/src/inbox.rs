//! `Inbox`, where tasks that have ended leave their results for their owner.

#![allow(unreachable_pub, reason = "`tests/model_check.rs` uses this file")]

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use crate::error::TaskError;
use crate::panic::{catch, drop_quietly};
use crate::sync::{Mutex, lock};

/// A task that has ended. Its future is dropped by then.
pub struct Ended<R> {
    /// The index of the task, as its owner counts.
    pub index: usize,
    /// Its result.
    pub result: Result<R, TaskError>,
    /// The slot of its handle.
    pub slot: usize,
}

/// Many tasks fill it, one owner empties it.
///
/// Wakers are cloned, called and dropped, and values are dropped, only while the lock is not held:
/// all of these run code of others, which may panic or call back.
pub struct Inbox<R> {
    state: Mutex<State<R>>,
    /// Whether something has arrived: a hint for the owner, without the lock.
    has_ended: AtomicBool,
}

struct State<R> {
    ended: Vec<Ended<R>>,
    owner: Option<Waker>,
    closed: bool,
}

impl<R> Inbox<R> {
    /// An empty inbox.
    #[allow(clippy::new_without_default, reason = "no caller is generic")]
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State {
                ended: Vec::new(),
                owner: None,
                closed: false,
            }),
            has_ended: AtomicBool::new(false),
        }
    }

    /// Leaves a result and wakes the owner if it is waiting.
    pub fn put(&self, ended: Ended<R>) {
        let mut state = lock(&self.state);
        if state.closed {
            drop(state);
            // The result is dropped on the runtime, which may not survive a panic here.
            drop_quietly(ended);
            return;
        }
        state.ended.push(ended);
        self.has_ended.store(true, Ordering::Relaxed);
        let owner = state.owner.take();
        drop(state);
        if let Some(owner) = owner {
            // A panic of the caller's waker is not the task's.
            drop(catch(|| owner.wake()));
        }
    }

    /// Whether something has arrived. A result that arrives during the call may be missed.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    /// Swaps `batch`, which is empty, for all results that have arrived. If there are none, the
    /// next one wakes the owner.
    pub fn poll_take(&self, cx: &mut Context<'_>, batch: &mut Vec<Ended<R>>) -> Poll<()> {
        let mut waker = None;
        loop {
            let mut state = lock(&self.state);
            if !state.ended.is_empty() {
                mem::swap(&mut state.ended, batch);
                self.has_ended.store(false, Ordering::Relaxed);
                return Poll::Ready(());
            }
            if let Some(waker) = waker.take() {
                let before = state.owner.replace(waker);
                drop(state);
                drop(before);
                return Poll::Pending;
            }
            if let Some(owner) = &state.owner
                && owner.will_wake(cx.waker())
            {
                return Poll::Pending;
            }
            drop(state);
            waker = Some(cx.waker().clone());
        }
    }

    /// Drops the results that are there, and makes later ones be dropped as they arrive.
    pub fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let ended = mem::take(&mut state.ended);
        let owner = state.owner.take();
        drop(state);
        drop((ended, owner));
    }
}
