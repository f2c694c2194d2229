//! [`ResultRef`], the reference to a task that its handle holds: the only one that takes the
//! result.

#![allow(
    unsafe_code,
    reason = "the reference count is in the task: see `state.rs`"
)]

use std::ptr::NonNull;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::body::{AnyTask, AnyTaskOf, Task};
use super::state::{Progress, State, Take};
use super::task_ref::TaskRef;
use crate::callback::Callback;
use crate::error::JobError;
use crate::listeners::{self, Listeners, Watcher};
use crate::panic::drop_quietly;
use crate::sync::{Mutex, lock, park_until, spin_until, thread};

/// How long a waiter spins for a result that may come soon, before it blocks: about the cost of
/// blocking and waking.
///
/// It does not yield while it spins. Worker and waiter would then alternate on one core by system
/// calls, and the scheduler would see no reason to move one of them: measured, that is ten times
/// slower than a core for each.
const SPIN: Duration = Duration::from_micros(20);

/// The one reference to a task that may take its result. It cannot be cloned, and taking the result
/// needs `&mut`, so no two threads ever do.
///
/// Taking the result panics if it was taken before, which can only happen by polling the handle.
pub(crate) struct ResultRef<R>(NonNull<dyn AnyTaskOf<R>>);

// SAFETY: As for a `Box` of a type that is `Send` and `Sync`, which every `AnyTask` is. The result
// comes out on the thread that has the reference, so `R` must be `Send`.
unsafe impl<R: Send> Send for ResultRef<R> {}
// SAFETY: no method with `&self` returns the result or a reference to it.
unsafe impl<R: Send> Sync for ResultRef<R> {}

impl<R: 'static> ResultRef<R> {
    pub(super) fn new<F>(job: F) -> (TaskRef, Self)
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send,
    {
        let task: NonNull<Task<F, R>> = NonNull::from(Box::leak(Box::new(Task::new(job))));
        // SAFETY: A `Task` from a leaked box. Of its two references one goes to the `TaskRef` and
        // one to `Self`.
        (unsafe { TaskRef::from_raw(task) }, Self(task))
    }

    /// Returns one more reference, to run the job or to check its progress.
    pub(crate) fn task_ref(&self) -> TaskRef {
        self.state().add_reference();
        // SAFETY: as in `new`, with the reference counted in the line above.
        unsafe { TaskRef::from_raw(self.as_any()) }
    }

    fn as_any(&self) -> NonNull<dyn AnyTask> {
        self.0
    }

    /// Takes the result, blocking until `deadline` or, without one, until the job has ended. With
    /// `soon`, a worker is about to claim the job, so spinning before blocking pays.
    pub(crate) fn wait_until(
        &mut self,
        deadline: Option<Instant>,
        soon: bool,
    ) -> Option<Result<R, JobError>> {
        if let Some(result) = self.take() {
            return Some(result);
        }
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            // A poll through a timeout of zero must not spin.
            return None;
        }
        // If a worker must be woken first, spinning would only take its core away.
        if (soon || matches!(self.progress(), Progress::Running(_)))
            && spin_until(SPIN, || {}, || self.progress() == Progress::Finished)
        {
            return self.take();
        }
        self.block_until(deadline);
        self.take()
    }

    /// Blocks until the job has ended or the deadline has passed.
    fn block_until(&self, deadline: Option<Instant>) {
        let this_thread = thread::current();
        {
            let mut slot = lock(self.listeners());
            if !self.state().listen() {
                return;
            }
            slot.get_or_insert_default().thread = Some(this_thread);
        }
        while self.progress() != Progress::Finished {
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                if let Some(listeners) = &mut *lock(self.listeners()) {
                    listeners.thread = None;
                }
                return;
            }
            park_until(deadline);
        }
    }

    /// Takes the result, or stores the waker until the job has ended.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<Result<R, JobError>> {
        if let Some(result) = self.take() {
            return Poll::Ready(result);
        }
        if let Some(listeners) = &*lock(self.listeners())
            && listeners.will_wake(Watcher::Future, waker)
        {
            return Poll::Pending;
        }
        // Cloning and dropping a waker runs user code, so both happen outside the lock.
        match self.listen(Watcher::Future, waker.clone()) {
            Ok(()) => Poll::Pending,
            // The job ended meanwhile.
            Err(unused) => {
                drop_quietly(unused);
                self.take().map_or(Poll::Pending, Poll::Ready)
            }
        }
    }

    /// Wakes `waker` when the job has ended, or at once if it has.
    pub(crate) fn watch(&self, watcher: Watcher, waker: Waker) {
        if let Err(waker) = self.listen(watcher, waker) {
            listeners::wake(waker);
        }
    }

    /// Stores the waker, or returns it if the job has ended.
    fn listen(&self, watcher: Watcher, waker: Waker) -> Result<(), Waker> {
        let mut slot = lock(self.listeners());
        if !self.state().listen() {
            return Err(waker);
        }
        let before = slot.get_or_insert_default().replace(watcher, Some(waker));
        drop(slot);
        drop_quietly(before);
        Ok(())
    }

    /// Calls `callback` when the job has ended, or at once on this thread if it has.
    pub(crate) fn on_complete(&mut self, callback: Callback<R>) {
        {
            let mut slot = lock(self.listeners());
            if self.state().listen() {
                slot.get_or_insert_default().add(callback);
                return;
            }
        }
        if self.state().is_taken() {
            already_taken();
        }
        let mut callback = Some(callback);
        // SAFETY: The job has ended, its result has not been taken, and this reference is
        // exclusive, so no other thread can take it.
        unsafe {
            self.0.as_ref().with_result(&mut |result| {
                if let Some(callback) = callback.take() {
                    callback.call(result);
                }
            });
        }
    }

    /// Whether the job has ended with an error.
    pub(crate) fn has_failed(&self) -> bool {
        self.state().has_failed()
    }

    /// Takes the result if the job has ended.
    /// Takes the result if the job has ended.
    pub(crate) fn take(&mut self) -> Option<Result<R, JobError>> {
        match self.state().take() {
            // SAFETY: the state just returned so, and this reference is exclusive.
            Take::Yours => Some(unsafe { self.0.as_ref().take() }),
            Take::NotYet => None,
            Take::Gone => already_taken(),
        }
    }

    /// Runs the job. Returns `false` if it was already claimed. Never unwinds.
    pub(crate) fn run(&self, worker: usize) -> bool {
        self.task_ref().run(worker)
    }

    /// Cancels the job if it is pending: drops its closure and stores `why` as its result. Never
    /// unwinds.
    pub(crate) fn cancel(&self, why: JobError) -> bool {
        // SAFETY: this reference keeps it alive.
        unsafe { self.0.as_ref() }.cancel(why)
    }
}

impl<R> ResultRef<R> {
    /// Removes the waker, if it was not used yet.
    pub(crate) fn unwatch(&self, watcher: Watcher) {
        let before = lock(self.listeners())
            .as_mut()
            .and_then(|listeners| listeners.replace(watcher, None));
        drop_quietly(before);
    }

    pub(crate) fn progress(&self) -> Progress {
        self.state().progress()
    }

    fn state(&self) -> &State {
        // SAFETY: this reference keeps it alive, and the state comes first in a task.
        unsafe { self.0.cast::<State>().as_ref() }
    }

    fn listeners(&self) -> &Mutex<Option<Box<Listeners<R>>>> {
        // SAFETY: this reference keeps it alive.
        unsafe { self.0.as_ref() }.listeners()
    }
}

#[track_caller]
fn already_taken() -> ! {
    panic!(
        "the result of this job was taken when its handle was polled: do not use a handle after it was ready"
    )
}

impl<R> Drop for ResultRef<R> {
    fn drop(&mut self) {
        // SAFETY: this reference keeps the state alive, and is not used again.
        if unsafe { State::release(self.0.cast().as_ptr()) } {
            // SAFETY: The task comes from a leaked box, and that was the last reference. A panic of
            // the result's destructor reaches the owner of the handle.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}
