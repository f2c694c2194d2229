//! How a watch is to be.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::BuildError;
use crate::shared::Shared;
use crate::stall::Stall;
use crate::watch::StallWatch;
use crate::watchdog::{Limit, Sink, Watchdog};

/// The shortest threshold.
const SHORTEST: Duration = Duration::from_millis(1);

/// The limit on reports unless another is set.
const PER_SECOND: u32 = 10;

/// How a watch is to be: what [`StallWatch::builder`] gives.
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    threshold: Duration,
    sink: Sink,
    per_second: Option<u32>,
    panic_on_drop: bool,
    #[cfg(all(feature = "backtrace", target_os = "linux"))]
    backtraces: bool,
}

impl Builder {
    pub(crate) fn new(threshold: Duration) -> Self {
        Self {
            threshold,
            sink: Sink::default(),
            per_second: None,
            panic_on_drop: false,
            #[cfg(all(feature = "backtrace", target_os = "linux"))]
            backtraces: false,
        }
    }

    /// Calls this with each report, on the watchdog's thread.
    ///
    /// While it runs, nobody watches: it should hand the report on and return. It must not wait for the event loop, which is
    /// held up. Its panics are contained and counted.
    pub fn on_stall(mut self, on_stall: impl FnMut(&Stall) + Send + 'static) -> Self {
        self.sink.on_stall = Some(Box::new(on_stall));
        self
    }

    /// Makes each report an event with the target `stall_watch`: a warning while the stall goes on, information when it has
    /// ended.
    ///
    /// The event comes from the watchdog's thread, so outside of all spans, and goes to the global default subscriber.
    #[cfg(feature = "tracing")]
    pub fn tracing(mut self) -> Self {
        self.sink.tracing = true;
        self
    }

    /// Takes a backtrace of the held-up thread with each report.
    ///
    /// The process gets a signal handler for the rest of its life. [`Backtrace`](crate::Backtrace)
    /// explains how it works and what it means for the process: the program needs no code for it,
    /// but system calls that are not restarted return `EINTR`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_stall_watch::{BuildError, StallWatch};
    ///
    /// let watch = StallWatch::builder(Duration::from_millis(100))
    ///     .backtraces()
    ///     .on_stall(|stall| eprintln!("{stall:#}"))
    ///     .build()?;
    /// # Ok::<(), BuildError>(())
    /// ```
    #[cfg(all(feature = "backtrace", target_os = "linux"))]
    pub fn backtraces(mut self) -> Self {
        self.backtraces = true;
        self
    }

    /// Limits the rate of reports about stalls that go on.
    ///
    /// A report over the limit is held back: it comes with the first look that has room for it, if the stall still goes on
    /// then, the longest stall first. Those of stalls that are over by then are left out and only counted. The end of a
    /// stall is reported if its beginning was, and does not count.
    ///
    /// The default is 10 a second, and in a burst one per watched thread if these are more, so that all are named when
    /// all are held up. With 0 there are no reports.
    pub fn reports_per_second(mut self, reports: u32) -> Self {
        self.per_second = Some(reports);
        self
    }

    /// For tests: dropping the watch panics if there was a stall, as [`StallWatch::assert_none`] does, but not while the
    /// thread panics already.
    pub fn panic_on_drop(mut self) -> Self {
        self.panic_on_drop = true;
        self
    }

    /// Starts the watchdog.
    ///
    /// # Errors
    ///
    /// If the threshold is under a millisecond, the system refuses a thread, or there are to be backtraces and cannot be.
    pub fn build(self) -> Result<StallWatch, BuildError> {
        if self.threshold < SHORTEST {
            return Err(BuildError::ThresholdTooShort(self.threshold));
        }
        #[cfg(all(feature = "backtrace", target_os = "linux"))]
        if self.backtraces {
            crate::backtrace::install().map_err(BuildError::Backtraces)?;
        }
        let shared = Arc::new(Shared::new(self.threshold));
        let limit = match self.per_second {
            Some(reports) => Limit::fixed(reports),
            None => Limit::growing(PER_SECOND),
        };
        let watchdog = Watchdog::new(Arc::clone(&shared), self.sink, limit);
        #[cfg(all(feature = "backtrace", target_os = "linux"))]
        let watchdog = watchdog.with_backtraces(self.backtraces);
        StallWatch::start(shared, watchdog, self.panic_on_drop).map_err(BuildError::Thread)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("threshold", &self.threshold)
            .field("reports_per_second", &self.per_second)
            .field("panic_on_drop", &self.panic_on_drop)
            .finish_non_exhaustive()
    }
}
