//! A portal to one loop: a future that whoever drives it polls, with coroutines that need not be `Send`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, Stream as _};

use super::call::{Call, Rules};
use super::core::Core;
use super::task::{End, drive};
use super::{DEADLINE, Portal};
use crate::listener;
use crate::panic::{contain, drop_contained};
use crate::sync::{Mutex, lock};

/// Makes the coroutine on the loop's own thread.
type Start = Box<dyn FnOnce() -> LocalBoxFuture<'static, ()> + Send>;

struct Inbox {
    starts: Vec<Start>,
    waker: Option<Waker>,
    /// The loop looks out for calls by itself and need not be woken.
    is_looking: bool,
    /// The calls that it took up last have all ended at their first poll.
    is_brief: bool,
    /// The loop was dropped.
    is_gone: bool,
    /// No portal is left.
    is_closed: bool,
}

type Shared = Mutex<Inbox>;

/// A portal to a [`PortalLoop`]: its coroutines run inside that one future, and need not be `Send`.
///
/// A cheap handle: clones lead to the same loop, which ends when the last of them is dropped.
#[derive(Clone)]
pub struct LocalPortal {
    side: Arc<Side>,
    rules: Rules,
}

struct Side(Arc<Shared>);

impl Portal {
    /// A portal to a loop of its own, to be driven wherever a future can be: by [`futures::executor::block_on`], on a
    /// current-thread runtime of tokio, in async-std's `block_on`. The coroutines run inside it, on one thread.
    ///
    /// # Examples
    /// ```
    /// use std::rc::Rc;
    /// let (portal, portal_loop) = effective_bridge::Portal::local();
    /// let thread = std::thread::spawn(move || {
    ///     // What the coroutine holds across its awaits need not be `Send`: it is made on the loop's thread.
    ///     portal.call(|| async { *Rc::new(42) }).wait()
    /// });
    /// futures::executor::block_on(portal_loop); // ends with the last handle of the portal
    /// assert_eq!(thread.join().unwrap().unwrap(), 42);
    /// ```
    pub fn local() -> (LocalPortal, PortalLoop) {
        let shared = Arc::new(Mutex::new(Inbox {
            starts: Vec::new(),
            waker: None,
            is_looking: false,
            is_brief: false,
            is_gone: false,
            is_closed: false,
        }));
        let portal = LocalPortal {
            side: Arc::new(Side(Arc::clone(&shared))),
            rules: Rules {
                deadline: Some(DEADLINE),
                in_blocking_thread: false,
            },
        };
        let running = FuturesUnordered::new();
        let portal_loop = PortalLoop {
            shared,
            running,
            look_until: None,
            looks_out: num_cpus::get() > 1,
        };
        (portal, portal_loop)
    }
}

impl LocalPortal {
    /// As [`Portal::call`], but what `make` returns need not be `Send`: it is called on the loop's thread.
    pub fn call<F, Fut, R>(&self, make: F) -> Call<R>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = R> + 'static,
        R: Send + 'static,
    {
        let core = Arc::new(Core::new());
        let end = End::new(Arc::clone(&core));
        let start: Start = Box::new(move || Box::pin(drive(end, make)));
        let mut soon = false;
        let refused = {
            let mut inbox = lock(&self.side.0);
            if inbox.is_gone {
                Err(start)
            } else {
                inbox.starts.push(start);
                soon = inbox.is_looking && inbox.is_brief;
                let is_looking = inbox.is_looking;
                Ok(inbox.waker.take_if(|_| !is_looking))
            }
        };
        match refused {
            Ok(Some(waker)) => listener::wake(waker),
            Ok(None) => {}
            // With it goes its end, which says that the runtime is gone.
            Err(start) => drop_contained(start),
        }
        Call::new(core, self.rules).expect_soon(soon)
    }

    /// As [`Portal::deadline`].
    pub fn deadline(mut self, time: Option<Duration>) -> Self {
        self.rules.deadline = time;
        self
    }

    /// As [`Portal::allow_in_blocking_thread`].
    pub fn allow_in_blocking_thread(mut self) -> Self {
        self.rules.in_blocking_thread = true;
        self
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        let waker = {
            let mut inbox = lock(&self.0);
            inbox.is_closed = true;
            inbox.waker.take()
        };
        if let Some(waker) = waker {
            listener::wake(waker);
        }
    }
}

impl fmt::Debug for LocalPortal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalPortal")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

/// The loop behind a [`LocalPortal`]: a future that runs the coroutines that threads call, and ends when the last handle of
/// the portal is dropped and all of them have ended.
///
/// Dropping it drops the coroutines: their calls end with [`CallError::RuntimeGone`](crate::CallError::RuntimeGone).
#[must_use = "a future does nothing unless it is awaited"]
pub struct PortalLoop {
    shared: Arc<Shared>,
    running: FuturesUnordered<LocalBoxFuture<'static, ()>>,
    /// For how long it looks out for the next call.
    look_until: Option<Instant>,
    /// Off where there is one core only.
    looks_out: bool,
}

/// For how long a loop that has just ended a call looks out for the next one. Going to sleep and being woken costs about as
/// much.
const LOOK: Duration = Duration::from_micros(30);

impl PortalLoop {
    /// Polls what runs. Whether something has ended, and whether nothing runs any more.
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

    /// Whether to be polled again at once. That lets the runtime do everything else in between.
    fn goes_on_looking(&mut self, has_ended: bool) -> bool {
        if !self.looks_out || (!has_ended && self.look_until.is_none()) {
            return false;
        }
        let now = Instant::now();
        if has_ended {
            self.look_until = Some(now + LOOK);
        }
        let goes_on = self.look_until.is_some_and(|until| now < until);
        if !goes_on {
            self.look_until = None;
        }
        goes_on
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
        drop_contained(old);
        let has_started = !starts.is_empty();
        for start in starts {
            this.running.push(start());
        }
        let (has_ended, is_empty) = this.run(cx);
        if is_empty && is_closed {
            return Poll::Ready(());
        }
        let is_looking = this.goes_on_looking(has_ended);
        let must_go_on = {
            let mut inbox = lock(&this.shared);
            let was_looking = std::mem::replace(&mut inbox.is_looking, is_looking);
            if has_started {
                inbox.is_brief = is_empty;
            }
            // Whoever came while this was looking has not woken it.
            is_looking || was_looking && !(inbox.starts.is_empty() && inbox.is_closed == is_closed)
        };
        if must_go_on {
            cx.waker().wake_by_ref();
            // The one who was just told of its end may be on this very core.
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
        drop_contained(waker);
        for start in starts {
            drop_contained(start);
        }
        // Each of these keeps its panics to itself.
        drop_contained(contain(|| self.running.clear()));
    }
}

impl fmt::Debug for PortalLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortalLoop")
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}
