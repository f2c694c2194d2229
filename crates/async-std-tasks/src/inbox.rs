//! Where tasks that have ended leave their results for the one who waits for them.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use crate::TaskError;
use crate::panic::{contain, drop_contained};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// A task that has ended. Its future is dropped by then.
pub(crate) struct Ended<R> {
    /// Which task it was, as the owner counts.
    pub(crate) index: usize,
    pub(crate) outcome: Result<R, TaskError>,
    /// Where its handle is kept.
    pub(crate) slot: usize,
}

/// Filled by many tasks, emptied by one owner.
///
/// Wakers are cloned, called and dropped, and values dropped, only while the lock is not held: all of these are other
/// people's code, which may panic or come back here.
pub(crate) struct Inbox<R> {
    state: Mutex<State<R>>,
    /// Whether something has arrived: a hint for the owner, which needs no lock for it.
    has_ended: AtomicBool,
}

struct State<R> {
    ended: Vec<Ended<R>>,
    owner: Option<Waker>,
    closed: bool,
}

impl<R> Inbox<R> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                ended: Vec::new(),
                owner: None,
                closed: false,
            }),
            has_ended: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a result and wakes the owner, if it waits.
    pub(crate) fn put(&self, ended: Ended<R>) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            // Nobody will read this result. It is dropped here, on the task, and may panic no further.
            drop_contained(ended);
            return;
        }
        state.ended.push(ended);
        self.has_ended.store(true, Ordering::Relaxed);
        let owner = state.owner.take();
        drop(state);
        if let Some(owner) = owner {
            // The task has done its work; what its owner's waker does is not its concern.
            drop(contain(|| owner.wake()));
        }
    }

    /// Whether something has arrived. What arrives at this moment may not be seen.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    /// Exchanges `batch`, which is empty, for all that has arrived; without any, the owner is woken by the next.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>, batch: &mut Vec<Ended<R>>) -> Poll<()> {
        let mut waker = None;
        loop {
            let mut state = self.lock();
            if !state.ended.is_empty() {
                mem::swap(&mut state.ended, batch);
                self.has_ended.store(false, Ordering::Relaxed);
                return Poll::Ready(());
            }
            if let Some(waker) = waker.take() {
                let before = state.owner.replace(waker);
                drop(state);
                drop_contained(before);
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

    /// Nobody will read any more: what is there, and what still comes, is dropped.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let ended = mem::take(&mut state.ended);
        let owner = state.owner.take();
        drop(state);
        drop_contained(owner);
        ended.into_iter().for_each(drop_contained);
    }
}
