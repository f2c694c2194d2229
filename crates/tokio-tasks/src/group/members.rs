//! `Members`, the tasks of a group, to which its owner and its tasks add.

use std::future::Future;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::error::TaskError;
use crate::inbox::{Ended, Inbox};
use crate::running::Reporting;
use crate::runtime::{Runtime, Task};
use crate::sync::{Mutex, lock};

/// The state that a group and its spawners share.
///
/// Tasks are spawned and aborted only while the lock is not held, because both may drop a future,
/// which is user code.
pub(super) struct Members<R> {
    inbox: Arc<Inbox<R>>,
    state: Mutex<State>,
}

struct State {
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// The number of tasks that were spawned and have not been returned as ended.
    live: usize,
    spawned: usize,
    /// Whether adding a task is refused.
    has_ended: bool,
}

enum Slot {
    Free,
    /// The task is being spawned.
    Starting,
    /// The task ended before its handle was stored.
    EndedAtOnce,
    Task(Task<()>),
    /// The task was aborted and has not arrived yet.
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

    pub(super) fn spawned(&self) -> usize {
        lock(&self.state).spawned
    }

    /// Whether all tasks have ended. If so, adding another is refused from now on.
    pub(super) fn end_if_idle(&self) -> bool {
        let mut state = lock(&self.state);
        state.has_ended |= state.live == 0;
        state.live == 0
    }

    /// Aborts every task and refuses new ones. Each still arrives: cancelled, or ended just before.
    pub(super) fn abort_all(&self) {
        let mut tasks = Vec::new();
        let mut state = lock(&self.state);
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

    /// Aborts every task, and drops the results that still arrive.
    pub(super) fn close(&self) {
        self.abort_all();
        self.inbox.close();
    }

    /// Passes all tasks that have ended to `each`, in the order in which they ended. Waits until
    /// there is one. `batch` is a buffer, empty between calls.
    pub(super) fn poll_ended(
        &self,
        cx: &mut Context<'_>,
        batch: &mut Vec<Ended<R>>,
        mut each: impl FnMut(usize, Result<R, TaskError>),
    ) -> Poll<()> {
        ready!(self.inbox.poll_take(cx, batch));
        let handles: Vec<Slot> = {
            let mut state = lock(&self.state);
            state.live -= batch.len();
            let slots = batch.iter().map(|ended| ended.slot);
            slots.map(|slot| state.vacate(slot)).collect()
        };
        drop(handles);
        for Ended { index, result, .. } in batch.drain(..) {
            each(index, result);
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
    /// Spawns a task. If the group has ended, returns `false` and drops the future.
    pub(super) fn spawn<F>(&self, runtime: &Runtime, future: F) -> bool
    where
        F: Future<Output = R> + Send + 'static,
    {
        let (index, slot) = {
            let mut state = lock(&self.state);
            if state.has_ended {
                return false;
            }
            state.live += 1;
            state.spawned += 1;
            let slot = state.free.pop().unwrap_or_else(|| {
                state.slots.push(Slot::Free);
                state.slots.len() - 1
            });
            state.slots[slot] = Slot::Starting;
            (state.spawned - 1, slot)
        };
        let task = runtime.spawn(Reporting::new(future, index, slot, &self.inbox));
        let mut state = lock(&self.state);
        let aborted = if let Slot::EndedAtOnce = state.slots[slot] {
            state.slots[slot] = Slot::Free;
            state.free.push(slot);
            None
        } else if state.has_ended {
            state.slots[slot] = Slot::Aborted;
            Some(task)
        } else {
            state.slots[slot] = Slot::Task(task);
            None
        };
        drop(state);
        if let Some(task) = aborted {
            task.abort();
        }
        true
    }
}
