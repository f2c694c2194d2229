//! Futures and closures whose every run is watched.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::seat::Turn;
use crate::shared::Shared;
use crate::site::{Site, Task};

/// This file, as its frames name it.
#[cfg(all(feature = "backtrace", target_os = "linux"))]
pub(crate) const FILE: &str = file!();

/// A name and a place under which futures and closures are watched: what [`StallWatch::named`](crate::StallWatch::named)
/// gives. Cheap to clone; does not keep the watchdog.
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

    /// Name and place.
    pub fn task(&self) -> &Task {
        &self.site.task
    }

    /// Watches every poll of a future. It is polled as before: on whatever thread and runtime, and its panics pass through.
    pub fn wrap<F>(&self, future: F) -> Watched<F> {
        Watched {
            spot: self.clone(),
            future,
        }
    }

    /// Runs a closure as if it was one poll: for an event loop that has callbacks instead of futures.
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
        let _turn = Turn::begin(&self.shared, self.site.id);
        f()
    }
}

impl fmt::Debug for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spot").field(self.task()).finish()
    }
}

pin_project! {
    /// A future whose every poll is watched: what [`StallWatch::wrap`](crate::StallWatch::wrap) gives.
    ///
    /// It may move between threads and between runtimes, be dropped at any time, and contain others of its kind; when it
    /// outlives the watch, it is merely polled.
    #[must_use = "futures do nothing unless polled"]
    pub struct Watched<F> {
        spot: Spot,
        #[pin]
        future: F,
    }
}

impl<F> Watched<F> {
    /// The future inside.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _turn = Turn::begin(&this.spot.shared, this.spot.site.id);
        this.future.poll(context)
    }
}

impl<F> fmt::Debug for Watched<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(self.spot.task()).finish()
    }
}
