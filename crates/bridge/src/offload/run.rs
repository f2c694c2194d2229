//! The futures of offloaded calls.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::Offload;
use super::dispatch::{Denied, IfFull};
use super::nesting;
use super::shared::{Blocked, Exhausted, Shared};
use super::task::{Awaited, BRIEF, Task};
use crate::OffloadError;
use crate::timer::Alarm;

/// A call on its way through an offload: what [`Offload::run`] returns.
///
/// Nothing happens before it is polled. Dropping it takes a call back that has not started: it never runs. A call that
/// runs already runs on, and its value is dropped.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Run<F, R> {
    offload: Offload,
    limit: Option<Duration>,
    step: Step<F, R>,
}

enum Step<F, R> {
    New(F),
    Under(Job<R>),
    Ended,
}

impl<F, R> Run<F, R> {
    pub(super) fn new(offload: Offload, call: F, limit: Option<Duration>) -> Self {
        Self {
            offload,
            limit,
            step: Step::New(call),
        }
    }
}

// Nothing in it is pinned.
impl<F, R> Unpin for Run<F, R> {}

impl<F, R> Future for Run<F, R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    type Output = Result<R, OffloadError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Step::New(_) = this.step {
            let Step::New(call) = mem::replace(&mut this.step, Step::Ended) else {
                return Poll::Pending;
            };
            let mut job = Job::submit(&this.offload.inner.shared, call);
            if let Some(limit) = this.limit {
                job.set_limit(limit);
            }
            this.step = Step::Under(job);
        }
        let Step::Under(job) = &mut this.step else {
            panic!("an offloaded call was polled after it had ended");
        };
        let polled = job.poll_result(cx.waker());
        if polled.is_ready() {
            this.step = Step::Ended;
        }
        polled
    }
}

impl<F, R> fmt::Debug for Run<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}

/// A call that an offload has accepted: what [`Offload::try_run`] returns. A future of the call's value.
///
/// Dropping it takes a call back that has not started: it never runs. A call that runs already runs on, and its value is
/// dropped. [`detach`](Self::detach) lets it run in any case.
#[must_use = "dropping it cancels the call"]
pub struct Job<R> {
    /// `None` once the value was taken, or the call detached.
    task: Option<Arc<dyn Awaited<R>>>,
    shared: Arc<Shared>,
    /// The call was handed to a thread that was looking out for it, and will have ended in a moment.
    soon: bool,
    limit: Option<Limit>,
    /// While a thread of an offload waits for it.
    blocked: Option<Blocked>,
}

struct Limit {
    after: Duration,
    at: Instant,
    alarm: Option<Alarm>,
}

/// A task that knows what it is called from. On a thread of an offload, others wait for it only if it `is_awaited`.
fn new_task<F, R>(shared: &Shared, call: F, is_awaited: bool) -> Task<F, R> {
    let (origin, is_by_thread) = nesting::current();
    let level = match &origin {
        Some(origin) if is_awaited || !is_by_thread => origin.count(shared.number()),
        _ => 0,
    };
    Task::new(call, origin, level)
}

impl<R: Send + 'static> Job<R> {
    /// Hands the call in, or lets it stand in line for room. One that is refused has its error already.
    pub(crate) fn submit(shared: &Arc<Shared>, call: impl FnOnce() -> R + Send + 'static) -> Self {
        Self::hand_in(shared, call, IfFull::StandInLine, true)
    }

    /// Hands the call in without waiting for room: for a call of which there is never more than one for some value that the
    /// user holds, or has dropped, and which must not be lost.
    pub(crate) fn submit_at_once(
        shared: &Arc<Shared>,
        call: impl FnOnce() -> R + Send + 'static,
    ) -> Self {
        Self::hand_in(shared, call, IfFull::Accept, false)
    }

    fn hand_in(
        shared: &Arc<Shared>,
        call: impl FnOnce() -> R + Send + 'static,
        full: IfFull,
        is_awaited: bool,
    ) -> Self {
        let task = Arc::new(new_task(shared, call, is_awaited));
        let soon = match shared.submit(Arc::clone(&task) as _, full) {
            Ok(soon) => soon,
            Err((_, job)) => {
                job.fail(OffloadError::Closed);
                false
            }
        };
        Self::accepted(task, shared, soon)
    }

    /// Hands the call in, if there is room.
    pub(super) fn try_submit<F>(shared: &Arc<Shared>, call: F) -> Result<Self, (Denied, F)>
    where
        F: FnOnce() -> R + Send + 'static,
    {
        let task = Arc::new(new_task(shared, call, false));
        match shared.submit(Arc::clone(&task) as _, IfFull::Refuse) {
            Ok(soon) => Ok(Self::accepted(task, shared, soon)),
            Err((denied, _)) => match task.take_closure() {
                Some(call) => Err((denied, call)),
                // What was not accepted has its closure.
                None => unreachable!("a refused call was run"),
            },
        }
    }

    fn accepted(task: Arc<dyn Awaited<R>>, shared: &Arc<Shared>, soon: bool) -> Self {
        Self {
            task: Some(task),
            shared: Arc::clone(shared),
            soon,
            limit: None,
            blocked: None,
        }
    }

    fn set_limit(&mut self, after: Duration) {
        // A time beyond the clock's range is no limit.
        self.limit = Instant::now().checked_add(after).map(|at| Limit {
            after,
            at,
            alarm: None,
        });
    }

    fn poll_result(&mut self, waker: &Waker) -> Poll<Result<R, OffloadError>> {
        let Some(task) = &self.task else {
            panic!("an offloaded call was polled after it had ended");
        };
        if mem::take(&mut self.soon)
            && let Some(result) = task.outcome().look_out(BRIEF)
        {
            self.end();
            return Poll::Ready(result);
        }
        // On a thread of an offload somebody blocks on this future, and the call may wait for that very thread.
        let has_entered = self.blocked.as_ref().is_some_and(Blocked::is_here);
        if !has_entered && !task.outcome().is_there() {
            match Blocked::enter() {
                Ok(blocked) => {
                    self.blocked = blocked;
                    // It may have been handed in before anybody waited for it.
                    if let (Some(origin), _) = nesting::current()
                        && let level @ 1.. = origin.count(self.shared.number())
                    {
                        self.shared
                            .give(self.shared.dispatch.promote(task.place(), level));
                    }
                }
                Err(Exhausted) => {
                    if self.shared.dispatch.withdraw(task.place()) {
                        task.fail(OffloadError::WouldDeadlock);
                    }
                }
            }
        }
        if let Some(result) = task.outcome().poll(waker) {
            self.end();
            return Poll::Ready(result);
        }
        match self.poll_limit(waker) {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Pending,
        }
    }

    /// The error, if the time has run out; or sees to it that the coroutine is woken then.
    fn poll_limit(&mut self, waker: &Waker) -> Option<OffloadError> {
        let limit = self.limit.as_mut()?;
        if limit.at > Instant::now() {
            match &limit.alarm {
                Some(alarm) => alarm.update(waker),
                None => match Alarm::set(limit.at, waker) {
                    Ok(alarm) => limit.alarm = Some(alarm),
                    Err(error) => {
                        self.give_up();
                        return Some(OffloadError::NoThread(Arc::new(error)));
                    }
                },
            }
            return None;
        }
        let after = limit.after;
        let started = !self.give_up();
        Some(OffloadError::TimedOut { after, started })
    }
}

impl<R> Job<R> {
    /// Whether the call has ended, with a value or an error.
    pub fn is_done(&self) -> bool {
        self.task
            .as_ref()
            .is_none_or(|task| task.outcome().is_there())
    }

    /// Takes the call back if it has not started: `true`, and it never runs. `false`: it runs or has ended.
    pub fn cancel(mut self) -> bool {
        self.give_up()
    }

    /// Lets the call run although nobody awaits it. Its value is dropped, and so is its panic, of which only the panic hook
    /// tells. It runs only while the process lives: before `main` returns, wait for it with
    /// [`Offload::shutdown_timeout`].
    pub fn detach(mut self) {
        if let Some(task) = self.task.take() {
            task.outcome().abandon();
        }
    }

    /// Whoever waited for it waits no more, for now.
    pub(crate) fn unblock(&mut self) {
        self.blocked = None;
    }

    fn end(&mut self) {
        self.task = None;
        self.blocked = None;
    }

    fn give_up(&mut self) -> bool {
        self.blocked = None;
        let Some(task) = self.task.take() else {
            return false;
        };
        let withdrawn = !task.outcome().is_there() && self.shared.dispatch.withdraw(task.place());
        if withdrawn {
            task.discard();
        }
        task.outcome().abandon();
        withdrawn
    }
}

impl<R> Unpin for Job<R> {}

impl<R: Send + 'static> Future for Job<R> {
    type Output = Result<R, OffloadError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_result(cx.waker())
    }
}

impl<R> Drop for Job<R> {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl<R> fmt::Debug for Job<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("is_done", &self.is_done())
            .finish_non_exhaustive()
    }
}
