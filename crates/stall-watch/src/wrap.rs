//! Wrappers that watch every poll of a future and every run of a closure.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::local::PollGuard;
use crate::shared::Shared;
use crate::site::{Site, Task};

/// The path of this file in backtraces: the frames from here on are those of the poll.
#[cfg(all(feature = "backtrace", target_os = "linux"))]
pub(crate) const FILE: &str = file!();

/// A name and a source location under which futures and closures are watched; see
/// [`StallWatch::named`](crate::StallWatch::named).
///
/// Cheap to clone. It does not keep the watchdog running.
#[derive(Clone)]
pub struct Spot {
    shared: Arc<Shared>,
    site: Arc<Site>,
}

impl Spot {
    pub(crate) fn new(shared: &Arc<Shared>, site: Arc<Site>) -> Self {
        Self {
            shared: Arc::clone(shared),
            site,
        }
    }

    pub(crate) fn unnamed(shared: &Arc<Shared>, location: &'static Location<'static>) -> Self {
        Self::new(shared, shared.sites.unnamed(location))
    }

    /// Returns the name and the location.
    pub fn task(&self) -> &Task {
        &self.site.task
    }

    /// Watches every poll of a future, on any thread and runtime. Panics pass through.
    pub fn wrap<F>(&self, future: F) -> Watched<F> {
        Watched {
            spot: self.clone(),
            future,
        }
    }

    /// Runs a closure as if it were one poll: for an event loop with callbacks instead of futures.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_stall_watch::StallWatch;
    ///
    /// let watch = StallWatch::new(Duration::from_millis(100)).unwrap();
    /// let redraw = watch.named("redraw");
    /// for frame in 0..3 {
    ///     redraw.run(|| frame * 2);
    /// }
    /// assert_eq!(watch.stats().poll_times.count(), 3);
    /// ```
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        let _poll = PollGuard::begin(&self.shared, self.site.id);
        f()
    }
}

impl fmt::Debug for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spot").field(self.task()).finish()
    }
}

pin_project! {
    /// A future whose every poll is watched; see [`StallWatch::wrap`](crate::StallWatch::wrap).
    ///
    /// It may move between threads and runtimes, be dropped at any time, and contain other wrapped
    /// futures. After the watch is dropped, it is polled unwatched.
    #[must_use = "futures do nothing unless polled"]
    pub struct Watched<F> {
        spot: Spot,
        #[pin]
        future: F,
    }
}

impl<F> Watched<F> {
    /// Returns the wrapped future.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _poll = PollGuard::begin(&this.spot.shared, this.spot.site.id);
        this.future.poll(context)
    }
}

impl<F> fmt::Debug for Watched<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(self.spot.task()).finish()
    }
}
