//! The tasks of a group, whether they are `Send` or not.

use std::future::{Future, poll_fn};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use super::error::{GroupError, TaskFailure};
use crate::TaskPanic;
use crate::panic::{contain, drop_contained};
use crate::results::Results;
use crate::set::Set;
use crate::turn::Turn;

/// The tasks, and those that are on their way to it.
pub(super) struct Joint<F> {
    tasks: Set<F>,
    /// Unless there is a spawner: then this is kept there.
    spawned: usize,
    added: Option<Arc<Added<F>>>,
}

/// Tasks that were added by a spawner, until their group takes them.
///
/// Wakers and futures are cloned, called and dropped only while the lock is not held: they are the user's code.
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

    /// Gives the task back if the group has ended.
    pub(super) fn add(&self, task: F) -> Result<(), F> {
        let owner = {
            let mut state = self.lock();
            if state.has_ended {
                return Err(task);
            }
            let number = state.spawned;
            state.spawned += 1;
            state.new.push((number, task));
            state.owner.take()
        };
        if let Some(owner) = owner {
            drop(contain(|| owner.wake()));
        }
        Ok(())
    }

    /// Takes what is new. If that is nothing and the group `is_idle`, it has ended.
    fn take(&self, is_idle: bool) -> Vec<(usize, F)> {
        let mut state = self.lock();
        state.has_ended |= is_idle && state.new.is_empty();
        mem::take(&mut state.new)
    }

    /// Whether there is something new; if not, the owner is woken when there is.
    fn poll_new(&self, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut state = self.lock();
        let has_new = !state.new.is_empty();
        let old = match has_new {
            true => Some(waker),
            false => state.owner.replace(waker),
        };
        drop(state);
        drop_contained(old);
        if has_new {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// The group has ended. Returns what it has not taken.
    fn end(&self) -> Vec<(usize, F)> {
        let mut state = self.lock();
        state.has_ended = true;
        let (new, owner) = (mem::take(&mut state.new), state.owner.take());
        drop(state);
        drop_contained(owner);
        new
    }
}

impl<F> Joint<F> {
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
        let number = self.spawned();
        match &self.added {
            Some(added) => added.lock().spawned += 1,
            None => self.spawned += 1,
        }
        self.tasks.insert(number, task);
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

    /// Takes in what was added. Whether all tasks have ended.
    fn is_over(&mut self) -> bool {
        if let Some(added) = &self.added {
            for (number, task) in added.take(self.tasks.len() == 0) {
                self.tasks.insert(number, task);
            }
        }
        self.tasks.len() == 0
    }

    /// Drops all futures, those that were not taken in included, and tells of each whether that went well.
    fn clear(&mut self, mut each: impl FnMut(usize, Result<(), TaskPanic>)) {
        self.tasks.clear(&mut each);
        let new = self
            .added
            .as_ref()
            .map_or_else(Vec::new, |added| added.end());
        for (number, task) in new {
            each(number, contain(|| drop(task)));
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

impl<F, T, E> Joint<F>
where
    F: Future<Output = Result<T, E>>,
{
    pub(super) async fn join_all(mut self) -> Result<Vec<T>, GroupError<E>> {
        let mut values = Results::reserved((self.spawned(), None));
        let failure = poll_fn(|cx| {
            let mut turn = Turn::new();
            while !self.is_over() {
                ready!(turn.poll_step(cx));
                let Some(place) = self.tasks.next_woken() else {
                    ready!(self.poll_woken(cx));
                    continue;
                };
                let ended = self.tasks.poll(place);
                turn.polled(ended.is_some());
                match ended {
                    None => {}
                    Some((number, Ok(Ok(value)))) => values.put(number, value),
                    Some((number, Ok(Err(error)))) => {
                        return Poll::Ready(Some((number, TaskFailure::Failed(error))));
                    }
                    Some((number, Err(panic))) => {
                        return Poll::Ready(Some((number, TaskFailure::Panicked(panic))));
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
        self.clear(|number, dropped| match dropped {
            Ok(()) => cancelled += 1,
            Err(panic) => failures.push((number, TaskFailure::Panicked(panic))),
        });
        Err(GroupError::new(self.spawned(), failures, cancelled))
    }

    pub(super) fn cancel(mut self) -> Vec<Result<T, TaskFailure<E>>> {
        let mut results = Results::reserved((self.spawned(), None));
        self.clear(|number, dropped| {
            let failure = dropped.map_or_else(TaskFailure::Panicked, |()| TaskFailure::Cancelled);
            results.put(number, Err(failure));
        });
        results.into_values()
    }
}

impl<F> Drop for Joint<F> {
    fn drop(&mut self) {
        // A task that is dropped may add another.
        self.clear(|_, dropped| drop(dropped));
    }
}
