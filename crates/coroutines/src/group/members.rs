//! `Members`, the tasks of a group, whether they are `Send` or not.

use std::future::{Future, poll_fn};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use crate::error::{GroupError, TaskError};
use crate::panic::{TaskPanic, catch};
use crate::poll_budget::PollBudget;
use crate::set::Set;
use crate::slots::Slots;

/// The tasks of a group, and those that spawners have added since its last poll.
pub(super) struct Members<F> {
    tasks: Set<F>,
    /// The number of tasks; with a spawner, `added` has it.
    spawned: usize,
    added: Option<Arc<Added<F>>>,
}

/// Tasks that a spawner has added, until their group takes them.
///
/// Wakers and futures are cloned, called and dropped only while the lock is not held, because that
/// runs user code.
pub(super) struct Added<F>(Mutex<State<F>>);

struct State<F> {
    new: Vec<(usize, F)>,
    spawned: usize,
    owner: Option<Waker>,
    has_ended: bool,
}

impl<F> Added<F> {
    fn lock(&self) -> MutexGuard<'_, State<F>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a task.
    ///
    /// # Errors
    /// The task, if the group has ended.
    pub(super) fn add(&self, task: F) -> Result<(), F> {
        let owner = {
            let mut state = self.lock();
            if state.has_ended {
                return Err(task);
            }
            let index = state.spawned;
            state.spawned += 1;
            state.new.push((index, task));
            state.owner.take()
        };
        if let Some(owner) = owner {
            owner.wake();
        }
        Ok(())
    }

    /// Takes the new tasks. If there are none and the group `is_idle`, it has ended.
    fn take(&self, is_idle: bool) -> Vec<(usize, F)> {
        let mut state = self.lock();
        state.has_ended |= is_idle && state.new.is_empty();
        mem::take(&mut state.new)
    }

    /// Waits until there is a new task.
    fn poll_new(&self, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut state = self.lock();
        let has_new = !state.new.is_empty();
        let old = match has_new {
            true => Some(waker),
            false => state.owner.replace(waker),
        };
        drop(state);
        drop(old);
        if has_new {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Ends the group. Returns the tasks that it has not taken.
    fn end(&self) -> Vec<(usize, F)> {
        let mut state = self.lock();
        state.has_ended = true;
        let (new, owner) = (mem::take(&mut state.new), state.owner.take());
        drop(state);
        drop(owner);
        new
    }
}

impl<F> Members<F> {
    pub(super) fn new() -> Self {
        Self {
            tasks: Set::new(),
            spawned: 0,
            added: None,
        }
    }

    pub(super) fn spawned(&self) -> usize {
        match &self.added {
            Some(added) => added.lock().spawned,
            None => self.spawned,
        }
    }

    pub(super) fn insert(&mut self, task: F) {
        let index = self.spawned();
        match &self.added {
            Some(added) => added.lock().spawned += 1,
            None => self.spawned += 1,
        }
        self.tasks.insert(index, task);
    }

    pub(super) fn added(&mut self) -> Arc<Added<F>> {
        let spawned = self.spawned;
        let added = self.added.get_or_insert_with(|| {
            Arc::new(Added(Mutex::new(State {
                new: Vec::new(),
                spawned,
                owner: None,
                has_ended: false,
            })))
        });
        Arc::clone(added)
    }

    /// Takes the tasks that were added. Returns whether all tasks have ended.
    fn is_over(&mut self) -> bool {
        if let Some(added) = &self.added {
            for (index, task) in added.take(self.tasks.len() == 0) {
                self.tasks.insert(index, task);
            }
        }
        self.tasks.len() == 0
    }

    /// Drops all futures, including those that were not taken, and reports for each whether its
    /// destructor panicked.
    fn clear(&mut self, mut each: impl FnMut(usize, Result<(), TaskPanic>)) {
        self.tasks.clear(&mut each);
        let new = self
            .added
            .as_ref()
            .map_or_else(Vec::new, |added| added.end());
        for (index, task) in new {
            each(index, catch(|| drop(task)));
        }
    }

    fn poll_woken(&self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(added) = &self.added
            && added.poll_new(cx).is_ready()
        {
            return Poll::Ready(());
        }
        self.tasks.poll_woken(cx)
    }
}

impl<F, T, E> Members<F>
where
    F: Future<Output = Result<T, E>>,
{
    pub(super) async fn join_all(mut self) -> Result<Vec<T>, GroupError<E>> {
        let mut values = Slots::reserved((self.spawned(), None));
        let failure = poll_fn(|cx| {
            let mut budget = PollBudget::new();
            while !self.is_over() {
                ready!(budget.poll_step(cx));
                let Some(woken) = self.tasks.next_woken() else {
                    ready!(self.poll_woken(cx));
                    continue;
                };
                let ended = self.tasks.poll(woken);
                budget.polled(ended.is_some());
                match ended {
                    None => {}
                    Some((index, Ok(Ok(value)))) => values.fill(index, value),
                    Some((index, Ok(Err(error)))) => {
                        return Poll::Ready(Some((index, TaskError::Failed(error))));
                    }
                    Some((index, Err(panic))) => {
                        return Poll::Ready(Some((index, TaskError::Panicked(panic))));
                    }
                }
            }
            Poll::Ready(None)
        })
        .await;

        let Some(first) = failure else {
            return Ok(values.into_values());
        };
        let mut failures = vec![first];
        let mut cancelled = 0;
        self.clear(|index, dropped| match dropped {
            Ok(()) => cancelled += 1,
            Err(panic) => failures.push((index, TaskError::Panicked(panic))),
        });
        Err(GroupError::new(self.spawned(), failures, cancelled))
    }

    pub(super) fn cancel(mut self) -> Vec<Result<T, TaskError<E>>> {
        let mut results = Slots::reserved((self.spawned(), None));
        self.clear(|index, dropped| {
            let error = dropped.map_or_else(TaskError::Panicked, |()| TaskError::Cancelled);
            results.fill(index, Err(error));
        });
        results.into_values()
    }
}

impl<F> Drop for Members<F> {
    fn drop(&mut self) {
        self.clear(|_, dropped| drop(dropped));
    }
}
