//! The thread's side of a call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::context::{self, Permit};
use super::core::Core;
use crate::offload::Blocked;
use crate::timer::Alarm;
use crate::{CallError, WouldDeadlock};

/// How long a thread looks out for the end of a coroutine that is likely to be brief, and whose loop is awake.
const MOMENT: Duration = Duration::from_micros(10);

/// From here on a time limit is one that most likely is not reached.
const LONG: Duration = Duration::from_secs(1);

/// A waker that unparks this thread.
fn unparker() -> Waker {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    thread_local! {
        static WAKER: Waker = Waker::from(Arc::new(Unpark(thread::current())));
    }
    WAKER
        .try_with(Waker::clone)
        // The thread is at its end.
        .unwrap_or_else(|_| Waker::from(Arc::new(Unpark(thread::current()))))
}

/// How a portal's calls may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) deadline: Option<Duration>,
    pub(crate) in_blocking_thread: bool,
}

/// A coroutine on its way: what [`Portal::call`](crate::Portal::call) returns.
///
/// A thread waits for it; a coroutine awaits it. Dropping it cancels the coroutine, which is dropped at its next await.
#[must_use = "dropping it cancels the coroutine"]
pub struct Call<R> {
    core: Arc<Core<R>>,
    rules: Rules,
    is_taken: bool,
    is_detached: bool,
    /// It pays to look out for its end before blocking.
    soon: bool,
    /// While a thread of an offload awaits it.
    blocked: Option<Blocked>,
}

impl<R> Call<R> {
    pub(super) fn new(core: Arc<Core<R>>, rules: Rules) -> Self {
        Self {
            core,
            rules,
            is_taken: false,
            is_detached: false,
            soon: false,
            blocked: None,
        }
    }

    /// The coroutine is likely to have ended within a moment.
    pub(super) fn expect_soon(mut self, soon: bool) -> Self {
        self.soon = soon;
        self
    }

    /// Blocks until the coroutine has ended, and returns its value.
    ///
    /// Where that could deadlock it is refused, also if the coroutine happens to have ended already.
    ///
    /// A coroutine that its runtime has not even polled within the portal's
    /// [deadline](crate::Portal::deadline) is given up. On a blocking thread of tokio or async-std, whose pools do not show
    /// that they are full, the deadline is that of the whole wait.
    ///
    /// # Errors
    /// [`CallError::WouldDeadlock`] at once where this thread may be what the coroutine waits for;
    /// [`CallError::TimedOut`] after the deadline; else what became of the coroutine. After any error the coroutine is
    /// cancelled, if it has not ended: use [`wait_timeout`](Self::wait_timeout) to keep it.
    ///
    /// # Panics
    /// If the value was taken before, by `wait_timeout` or a poll.
    pub fn wait(mut self) -> Result<R, CallError> {
        self.wait_for(None)
    }

    /// [`wait`](Self::wait) for at most `time`, and without the portal's own deadline. After
    /// [`CallError::TimedOut`] and [`CallError::WouldDeadlock`] the coroutine goes on and can be waited for again. With
    /// [`Duration::ZERO`] it does not block, and so may be called anywhere.
    ///
    /// # Errors
    /// As of [`wait`](Self::wait).
    ///
    /// # Panics
    /// If the value was taken before.
    pub fn wait_timeout(&mut self, time: Duration) -> Result<R, CallError> {
        self.wait_for(Some(time))
    }

    /// `None`: as the rules say.
    pub(crate) fn wait_for(&mut self, time: Option<Duration>) -> Result<R, CallError> {
        assert!(!self.is_taken, "the value of a call was taken before");
        if time == Some(Duration::ZERO) {
            return self.look();
        }
        // Also where there is nothing to wait for any more: what must not be must not work by luck.
        let permit = self.may_block()?;
        if std::mem::take(&mut self.soon)
            && let Some(result) = self.core.outcome.look_out(MOMENT)
        {
            self.is_taken = true;
            return result;
        }
        let start = Instant::now();
        // A time beyond the clock's range is no limit.
        let after = |time: Duration| start.checked_add(time);
        let (first, last) = match (time, self.rules.deadline) {
            (Some(time), _) => (after(time), after(time)),
            (None, None) => (None, None),
            (None, Some(time)) if permit.is_hidden() => (after(time), after(time)),
            (None, Some(time)) => (after(time), None),
        };
        let mut result = self.wait_first(first, first.map(|at| at - start));
        if result.is_none() && first != last && self.core.has_started() {
            result = self.core.outcome.wait_until(last);
        }
        match result {
            Some(result) => {
                self.is_taken = true;
                result
            }
            None => Err(CallError::TimedOut {
                after: start.elapsed(),
                started: self.core.has_started(),
            }),
        }
    }

    fn wait_first(
        &self,
        deadline: Option<Instant>,
        time: Option<Duration>,
    ) -> Option<Result<R, CallError>> {
        let alarm = match deadline {
            // One more thread to wake where the limit is reached, and no timer to set where it is not.
            Some(at) if time.is_some_and(|time| time >= LONG) => Alarm::set(at, &unparker()).ok(),
            _ => None,
        };
        if alarm.is_some() {
            self.core.outcome.wait_until_unparked(deadline)
        } else {
            self.core.outcome.wait_until(deadline)
        }
    }

    /// Takes what is there, without blocking.
    fn look(&mut self) -> Result<R, CallError> {
        match self.core.outcome.take() {
            Some(result) => {
                self.is_taken = true;
                result
            }
            None => Err(CallError::TimedOut {
                after: Duration::ZERO,
                started: self.core.has_started(),
            }),
        }
    }

    /// Asks the coroutine to end: it is dropped at its next await, and the call then ends with
    /// [`CallError::Cancelled`], unless the coroutine was faster. One that has not started never runs.
    pub fn cancel(&self) {
        self.core.cancel();
    }

    /// Whether the coroutine has ended, with a value or an error.
    pub fn is_done(&self) -> bool {
        self.core.outcome.is_there()
    }

    /// Lets the coroutine go on although nobody waits for it. Its value is dropped, and so is its panic, of which only the
    /// panic hook tells.
    pub fn detach(mut self) {
        self.is_detached = true;
    }

    pub(crate) fn may_block(&self) -> Result<Permit, WouldDeadlock> {
        context::permit(self.rules.in_blocking_thread)
    }

    /// For how long to wait at first, unless the user said so.
    pub(crate) fn default_deadline(&self, permit: &Permit) -> Option<Duration> {
        let is_open = permit.is_hidden() || !self.core.has_started();
        self.rules.deadline.filter(|_| is_open)
    }

    /// What became of a coroutine that is at its very end.
    pub(crate) fn into_ended(mut self) -> Result<R, CallError> {
        self.is_taken = true;
        let result = self.core.outcome.wait_until(None);
        result.unwrap_or(Err(CallError::RuntimeGone))
    }

    pub(crate) fn has_started(&self) -> bool {
        self.core.has_started()
    }
}

impl<R> Unpin for Call<R> {}

/// For a coroutine that calls a coroutine of another runtime. It never blocks. Where an executor that a call on an
/// [`Offload`](crate::Offload) has started polls it, another thread takes the part of that one, as with
/// [`wait`](Call::wait).
impl<R> Future for Call<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.is_taken, "the value of a call was taken before");
        if let Some(result) = self.core.outcome.poll(cx.waker()) {
            self.is_taken = true;
            self.blocked = None;
            return Poll::Ready(result);
        }
        if !self.blocked.as_ref().is_some_and(Blocked::is_here) {
            match Blocked::enter() {
                Ok(blocked) => self.blocked = blocked,
                Err(_) => return Poll::Ready(Err(WouldDeadlock::OffloadExhausted.into())),
            }
        }
        Poll::Pending
    }
}

impl<R> Drop for Call<R> {
    fn drop(&mut self) {
        if self.is_taken {
            return;
        }
        if !self.is_detached && !self.is_done() {
            self.core.cancel();
        }
        self.core.outcome.abandon();
    }
}

impl<R> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("is_done", &self.is_done())
            .finish_non_exhaustive()
    }
}
