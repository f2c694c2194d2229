//! The thread's side of a call: a future that can also be waited for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::call_state::CallState;
use super::context::{self, Permit};
use super::error::{CallError, WouldDeadlock};
use crate::offload::shared::Blocked;
use crate::timer::Alarm;

/// How long a thread spins for a coroutine that is likely to be brief and whose loop is awake.
const SPIN: Duration = Duration::from_micros(10);

/// A timeout of at least this is unlikely to expire.
const LONG: Duration = Duration::from_secs(1);

/// The default deadlock timeout of a portal.
const DEADLOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// Returns a waker that unparks this thread.
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
        // The thread is exiting.
        .unwrap_or_else(|_| Waker::from(Arc::new(Unpark(thread::current()))))
}

/// How the calls of a portal may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct WaitPolicy {
    pub(super) deadlock_timeout: Option<Duration>,
    pub(super) allow_blocking_thread: bool,
}

impl Default for WaitPolicy {
    fn default() -> Self {
        Self {
            deadlock_timeout: Some(DEADLOCK_TIMEOUT),
            allow_blocking_thread: false,
        }
    }
}

/// A call of a coroutine that is in flight; see [`Portal::call`](crate::Portal::call).
///
/// A thread waits for it; a coroutine awaits it. Dropping it cancels the coroutine, which is
/// dropped at its next await.
#[must_use = "dropping it cancels the coroutine"]
pub struct Call<R> {
    state: Arc<CallState<R>>,
    policy: WaitPolicy,
    is_taken: bool,
    is_detached: bool,
    /// The coroutine is likely to end within microseconds.
    soon: bool,
    /// Set while a worker of an offload awaits the call.
    blocked: Option<Blocked>,
}

impl<R> Call<R> {
    pub(super) fn new(state: Arc<CallState<R>>, policy: WaitPolicy) -> Self {
        Self {
            state,
            policy,
            is_taken: false,
            is_detached: false,
            soon: false,
            blocked: None,
        }
    }

    /// Sets whether the coroutine is likely to end within microseconds.
    pub(super) fn expect_soon(mut self, soon: bool) -> Self {
        self.soon = soon;
        self
    }

    /// Blocks until the coroutine has ended, and returns its value.
    ///
    /// Where blocking could deadlock, the wait is refused, even if the coroutine has already ended.
    /// A wait that lasts longer than the portal's [deadlock
    /// timeout](crate::Portal::deadlock_timeout) is given up.
    ///
    /// # Errors
    /// [`CallError::WouldDeadlock`] at once if the coroutine may need this very thread;
    /// [`CallError::TimedOut`] after the deadlock timeout; otherwise the coroutine's own error.
    /// After any error a coroutine that has not ended is cancelled;
    /// [`wait_timeout`](Self::wait_timeout) keeps it.
    ///
    /// # Panics
    /// If the value was taken before, by `wait_timeout` or a poll.
    pub fn wait(mut self) -> Result<R, CallError> {
        self.wait_for(None)
    }

    /// Like [`wait`](Self::wait), but for at most `timeout` instead of the deadlock timeout. After
    /// [`CallError::TimedOut`] and [`CallError::WouldDeadlock`] the coroutine keeps running and can
    /// be waited for again. With [`Duration::ZERO`] this never blocks, and so may be called
    /// anywhere.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait).
    ///
    /// # Panics
    /// If the value was taken before.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<R, CallError> {
        self.wait_for(Some(timeout))
    }

    /// Waits for at most `timeout`, or as the policy says.
    pub(crate) fn wait_for(&mut self, timeout: Option<Duration>) -> Result<R, CallError> {
        assert!(!self.is_taken, "the value of a call was taken before");
        if timeout == Some(Duration::ZERO) {
            return self.try_take();
        }
        // Checked even if the result is there: a forbidden wait must not succeed by luck.
        let permit = self.may_block()?;
        if std::mem::take(&mut self.soon)
            && let Some(result) = self.state.result.spin_take(SPIN)
        {
            self.is_taken = true;
            return result;
        }
        let start = Instant::now();
        // A timeout beyond the clock's range is none.
        let after = |time: Duration| start.checked_add(time);
        let (first, last) = match (timeout, self.policy.deadlock_timeout) {
            (Some(time), _) => (after(time), after(time)),
            (None, None) => (None, None),
            (None, Some(time)) if permit.is_hidden() => (after(time), after(time)),
            (None, Some(time)) => (after(time), None),
        };
        let mut result = self.wait_first(first, first.map(|at| at - start));
        if result.is_none() && first != last && self.state.has_started() {
            result = self.state.result.wait_until(last);
        }
        match result {
            Some(result) => {
                self.is_taken = true;
                result
            }
            None => Err(CallError::TimedOut {
                after: start.elapsed(),
                started: self.state.has_started(),
            }),
        }
    }

    fn wait_first(
        &self,
        deadline: Option<Instant>,
        time: Option<Duration>,
    ) -> Option<Result<R, CallError>> {
        let alarm = match deadline {
            // A park without a timeout is cheaper: the timer thread unparks this one if it expires.
            Some(at) if time.is_some_and(|time| time >= LONG) => Alarm::set(at, &unparker()).ok(),
            _ => None,
        };
        if alarm.is_some() {
            self.state.result.wait_until_unparked(deadline)
        } else {
            self.state.result.wait_until(deadline)
        }
    }

    fn try_take(&mut self) -> Result<R, CallError> {
        match self.state.result.take() {
            Some(result) => {
                self.is_taken = true;
                result
            }
            None => Err(CallError::TimedOut {
                after: Duration::ZERO,
                started: self.state.has_started(),
            }),
        }
    }

    /// Cancels the coroutine: it is dropped at its next await, and the call ends with
    /// [`CallError::Cancelled`], unless the coroutine ends first. A coroutine that has not started
    /// never runs.
    pub fn cancel(&self) {
        self.state.cancel();
    }

    /// Returns whether the coroutine has ended, with a value or an error.
    pub fn is_done(&self) -> bool {
        self.state.result.is_set()
    }

    /// Lets the coroutine run on without a handle. Its value is dropped; a panic is only seen by
    /// the panic hook.
    pub fn detach(mut self) {
        self.is_detached = true;
    }

    pub(crate) fn may_block(&self) -> Result<Permit, WouldDeadlock> {
        context::permit(self.policy.allow_blocking_thread)
    }

    /// How long a wait without a timeout lasts at first.
    pub(crate) fn default_timeout(&self, permit: &Permit) -> Option<Duration> {
        let is_open = permit.is_hidden() || !self.state.has_started();
        self.policy.deadlock_timeout.filter(|_| is_open)
    }

    /// Waits for the result of a coroutine that is about to end.
    pub(crate) fn into_ended(mut self) -> Result<R, CallError> {
        self.is_taken = true;
        let result = self.state.result.wait_until(None);
        result.unwrap_or(Err(CallError::RuntimeGone))
    }

    pub(crate) fn has_started(&self) -> bool {
        self.state.has_started()
    }
}

impl<R> Unpin for Call<R> {}

/// For a coroutine that calls a coroutine of another runtime. A poll never blocks. If the polling
/// executor runs inside a job of an [`Offload`](crate::Offload), the worker counts as blocked and
/// may be replaced, as in [`wait`](Call::wait).
impl<R> Future for Call<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.is_taken, "the value of a call was taken before");
        if let Some(result) = self.state.result.poll(cx.waker()) {
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
            self.state.cancel();
        }
        self.state.result.abandon();
    }
}

impl<R> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("is_done", &self.is_done())
            .finish_non_exhaustive()
    }
}
