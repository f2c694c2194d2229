//! The tasks of a group, which its owner and its tasks may add to.

use std::future::Future;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::TaskError;
use crate::inbox::{Ended, Inbox};
use crate::running::Reporting;
use crate::runtime::{Runtime, Task};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// What the group and its spawners share.
///
/// Tasks are spawned and aborted only while the lock is not held: both may drop a future, which is the user's code.
pub(super) struct Members<R> {
    inbox: Arc<Inbox<R>>,
    state: Mutex<State>,
}

struct State {
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// Tasks that were spawned and have not been handed out as ended.
    live: usize,
    spawned: usize,
    /// No task is added any more.
    has_ended: bool,
}

enum Slot {
    Free,
    /// The task is being spawned.
    Starting,
    /// It has ended before its handle was there.
    EndedAtOnce,
    Task(Task<()>),
    /// It has been aborted and has not arrived yet.
    Aborted,
}

impl<R> Members<R> {
    pub(super) fn new() -> Self {
        Self {
            inbox: Arc::new(Inbox::new()),
            state: Mutex::new(State {
                slots: Vec::new(),
                free: Vec::new(),
                live: 0,
                spawned: 0,
                has_ended: false,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn spawned(&self) -> usize {
        self.lock().spawned
    }

    /// Whether all tasks have ended. Then no more are added.
    pub(super) fn end_if_idle(&self) -> bool {
        let mut state = self.lock();
        state.has_ended |= state.live == 0;
        state.live == 0
    }

    /// Aborts every task, and adds none any more. Each still arrives: cancelled, or ended just before.
    pub(super) fn abort_all(&self) {
        let mut tasks = Vec::new();
        let mut state = self.lock();
        state.has_ended = true;
        for slot in &mut state.slots {
            if let Slot::Task(_) = slot
                && let Slot::Task(task) = mem::replace(slot, Slot::Aborted)
            {
                tasks.push(task);
            }
        }
        drop(state);
        tasks.into_iter().for_each(Task::abort);
    }

    /// Aborts every task, and drops what they still end with.
    pub(super) fn close(&self) {
        self.abort_all();
        self.inbox.close();
    }

    /// Hands all tasks that have ended to `each`, in the order in which they ended; waits until there is one. `batch` is
    /// a buffer, empty in between.
    pub(super) fn poll_ended(
        &self,
        cx: &mut Context<'_>,
        batch: &mut Vec<Ended<R>>,
        mut each: impl FnMut(usize, Result<R, TaskError>),
    ) -> Poll<()> {
        ready!(self.inbox.poll_take(cx, batch));
        let handles: Vec<Slot> = {
            let mut state = self.lock();
            state.live -= batch.len();
            let slots = batch.iter().map(|ended| ended.slot);
            slots.map(|slot| state.vacate(slot)).collect()
        };
        drop(handles);
        for Ended { index, outcome, .. } in batch.drain(..) {
            each(index, outcome);
        }
        Poll::Ready(())
    }
}

impl State {
    fn vacate(&mut self, slot: usize) -> Slot {
        let is_starting = matches!(self.slots[slot], Slot::Starting);
        if is_starting {
            return mem::replace(&mut self.slots[slot], Slot::EndedAtOnce);
        }
        self.free.push(slot);
        mem::replace(&mut self.slots[slot], Slot::Free)
    }
}

impl<R: Send + 'static> Members<R> {
    /// Spawns a task; `false` if the group has ended, and the future is dropped.
    pub(super) fn spawn<F>(&self, runtime: &Runtime, future: F) -> bool
    where
        F: Future<Output = R> + Send + 'static,
    {
        let (number, place) = {
            let mut state = self.lock();
            if state.has_ended {
                return false;
            }
            state.live += 1;
            state.spawned += 1;
            let place = state.free.pop().unwrap_or_else(|| {
                state.slots.push(Slot::Free);
                state.slots.len() - 1
            });
            state.slots[place] = Slot::Starting;
            (state.spawned - 1, place)
        };
        let task = runtime.spawn(Reporting::new(future, number, place, &self.inbox));
        let mut state = self.lock();
        let aborted = if let Slot::EndedAtOnce = state.slots[place] {
            state.slots[place] = Slot::Free;
            state.free.push(place);
            None
        } else if state.has_ended {
            state.slots[place] = Slot::Aborted;
            Some(task)
        } else {
            state.slots[place] = Slot::Task(task);
            None
        };
        drop(state);
        if let Some(task) = aborted {
            task.abort();
        }
        true
    }
}
