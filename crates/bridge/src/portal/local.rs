//! A portal to a loop of its own: one future that runs all coroutines, which need not be `Send`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, Stream as _};

use super::call::{Call, WaitPolicy};
use super::call_state::CallState;
use super::drive::{Completion, drive};
use super::handle::Portal;
use crate::panic::{catch, drop_quietly};
use crate::sync::{Mutex, lock};
use crate::waiter::Waiter;

/// Makes a coroutine, on the thread of the loop.
type Start = Box<dyn FnOnce() -> LocalBoxFuture<'static, ()> + Send>;

struct Inbox {
    starts: Vec<Start>,
    waker: Option<Waker>,
    /// The loop polls the inbox by itself and need not be woken.
    is_spinning: bool,
    /// The calls that the loop started last have all ended at their first poll.
    is_brief: bool,
    /// The loop was dropped.
    is_gone: bool,
    /// The last portal was dropped.
    is_closed: bool,
}

type Shared = Mutex<Inbox>;

/// A portal to a [`PortalLoop`]: its coroutines run inside that one future, and need not be `Send`.
///
/// This is a cheap handle: clones share the loop, which ends after the last of them is dropped.
#[derive(Clone)]
pub struct LocalPortal {
    inbox: Arc<CloseOnDrop>,
    policy: WaitPolicy,
}

/// Shared by all handles: dropping the last one closes the inbox.
struct CloseOnDrop(Arc<Shared>);

impl Portal {
    /// Creates a portal and its loop, a future that can be driven anywhere: by
    /// [`futures::executor::block_on`], on a current-thread runtime of tokio, in async-std's
    /// `block_on`. The coroutines run inside it, on one thread.
    ///
    /// # Examples
    /// ```
    /// use std::rc::Rc;
    /// let (portal, portal_loop) = effective_bridge::Portal::local();
    /// let thread = std::thread::spawn(move || {
    ///     // The coroutine need not be `Send`, since it is made on the loop's thread.
    ///     portal.call(|| async { *Rc::new(42) }).wait()
    /// });
    /// futures::executor::block_on(portal_loop); // ends with the last handle of the portal
    /// assert_eq!(thread.join().unwrap().unwrap(), 42);
    /// ```
    pub fn local() -> (LocalPortal, PortalLoop) {
        let shared = Arc::new(Mutex::new(Inbox {
            starts: Vec::new(),
            waker: None,
            is_spinning: false,
            is_brief: false,
            is_gone: false,
            is_closed: false,
        }));
        let portal = LocalPortal {
            inbox: Arc::new(CloseOnDrop(Arc::clone(&shared))),
            policy: WaitPolicy::default(),
        };
        let running = FuturesUnordered::new();
        let portal_loop = PortalLoop {
            shared,
            running,
            spin_until: None,
            spins: num_cpus::get() > 1,
        };
        (portal, portal_loop)
    }
}

impl LocalPortal {
    /// Like [`Portal::call`], but the coroutine need not be `Send`: `make` is called on the loop's
    /// thread.
    pub fn call<F, Fut, R>(&self, make: F) -> Call<R>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = R> + 'static,
        R: Send + 'static,
    {
        let state = Arc::new(CallState::new());
        let end = Completion::new(Arc::clone(&state));
        let start: Start = Box::new(move || Box::pin(drive(end, make)));
        let mut soon = false;
        let refused = {
            let mut inbox = lock(&self.inbox.0);
            if inbox.is_gone {
                Err(start)
            } else {
                inbox.starts.push(start);
                let is_spinning = inbox.is_spinning;
                soon = is_spinning && inbox.is_brief;
                Ok(inbox.waker.take_if(|_| !is_spinning))
            }
        };
        match refused {
            Ok(Some(waker)) => Waiter::Task(waker).wake(),
            Ok(None) => {}
            // Dropping its `Completion` sets `RuntimeGone`.
            Err(start) => drop_quietly(start),
        }
        Call::new(state, self.policy).expect_soon(soon)
    }

    /// Like [`Portal::deadlock_timeout`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_bridge::{CallError, Portal};
    ///
    /// let (portal, portal_loop) = Portal::local();
    /// let portal = portal.deadlock_timeout(Some(Duration::from_millis(10)));
    /// // Nothing drives the loop.
    /// assert!(matches!(portal.call(|| async {}).wait(), Err(CallError::TimedOut { .. })));
    /// # drop(portal_loop);
    /// ```
    pub fn deadlock_timeout(mut self, time: Option<Duration>) -> Self {
        self.policy.deadlock_timeout = time;
        self
    }

    /// Like [`Portal::allow_in_blocking_thread`].
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::thread;
    /// use effective_bridge::Portal;
    /// use futures::executor::block_on;
    ///
    /// let (send, receive) = mpsc::channel();
    /// let driving = thread::spawn(move || {
    ///     let (portal, portal_loop) = Portal::local();
    ///     send.send(portal.allow_in_blocking_thread()).unwrap();
    ///     block_on(portal_loop); // ends with the last handle of the portal
    /// });
    /// let portal = receive.recv()?;
    /// let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    /// let answer = runtime.block_on(async move {
    ///     tokio::task::spawn_blocking(move || portal.call(|| async { 6 * 7 }).wait()).await
    /// })?;
    /// assert_eq!(answer.unwrap(), 42);
    /// driving.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn allow_in_blocking_thread(mut self) -> Self {
        self.policy.allow_blocking_thread = true;
        self
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        let waker = {
            let mut inbox = lock(&self.0);
            inbox.is_closed = true;
            inbox.waker.take()
        };
        if let Some(waker) = waker {
            Waiter::Task(waker).wake();
        }
    }
}

impl fmt::Debug for LocalPortal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalPortal")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// The loop behind a [`LocalPortal`]: a future that runs the coroutines. It completes when the last
/// handle of the portal is dropped and all coroutines have ended.
///
/// Dropping it drops the coroutines: their calls end with
/// [`CallError::RuntimeGone`](crate::CallError::RuntimeGone).
#[must_use = "a future does nothing unless it is awaited"]
pub struct PortalLoop {
    shared: Arc<Shared>,
    running: FuturesUnordered<LocalBoxFuture<'static, ()>>,
    /// Until when it spins for the next call.
    spin_until: Option<Instant>,
    /// Whether it spins at all: not on a machine with one core.
    spins: bool,
}

/// How long a loop spins for the next call after one has ended. Parking and being woken costs about
/// as much.
const SPIN: Duration = Duration::from_micros(30);

impl PortalLoop {
    /// Polls the coroutines. Returns whether one has ended, and whether none is left.
    fn run(&mut self, cx: &mut Context<'_>) -> (bool, bool) {
        let mut has_ended = false;
        loop {
            match Pin::new(&mut self.running).poll_next(cx) {
                Poll::Ready(Some(())) => has_ended = true,
                Poll::Ready(None) => return (has_ended, true),
                Poll::Pending => return (has_ended, false),
            }
        }
    }

    /// Whether to ask to be polled again at once, which lets the runtime do its other work in
    /// between.
    fn keeps_spinning(&mut self, has_ended: bool) -> bool {
        if !self.spins || (!has_ended && self.spin_until.is_none()) {
            return false;
        }
        let now = Instant::now();
        if has_ended {
            self.spin_until = Some(now + SPIN);
        }
        let keeps_on = self.spin_until.is_some_and(|until| now < until);
        if !keeps_on {
            self.spin_until = None;
        }
        keeps_on
    }
}

impl Future for PortalLoop {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let waker = cx.waker().clone();
        let (starts, is_closed, old) = {
            let mut inbox = lock(&this.shared);
            let old = inbox.waker.replace(waker);
            (std::mem::take(&mut inbox.starts), inbox.is_closed, old)
        };
        // A panic here would lose the calls in `starts`.
        drop_quietly(old);
        let has_started = !starts.is_empty();
        for start in starts {
            this.running.push(start());
        }
        let (has_ended, is_empty) = this.run(cx);
        if is_empty && is_closed {
            return Poll::Ready(());
        }
        let is_spinning = this.keeps_spinning(has_ended);
        let poll_again = {
            let mut inbox = lock(&this.shared);
            let was_spinning = std::mem::replace(&mut inbox.is_spinning, is_spinning);
            if has_started {
                inbox.is_brief = is_empty;
            }
            // A call that arrived while the loop was spinning has not woken it.
            is_spinning
                || was_spinning && !(inbox.starts.is_empty() && inbox.is_closed == is_closed)
        };
        if poll_again {
            cx.waker().wake_by_ref();
            // The thread that was just woken with a result may need this very core.
            thread::yield_now();
        }
        Poll::Pending
    }
}

impl Drop for PortalLoop {
    fn drop(&mut self) {
        let (starts, waker) = {
            let mut inbox = lock(&self.shared);
            inbox.is_gone = true;
            (std::mem::take(&mut inbox.starts), inbox.waker.take())
        };
        drop_quietly(waker);
        for start in starts {
            drop_quietly(start);
        }
        // `drive` contains the panics of the coroutines.
        drop(catch(|| self.running.clear()));
    }
}

impl fmt::Debug for PortalLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortalLoop")
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}
