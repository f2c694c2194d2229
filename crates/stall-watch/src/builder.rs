//! The settings of a watch.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::BuildError;
use crate::shared::Shared;
use crate::stall::Stall;
use crate::watch::StallWatch;
use crate::watchdog::rate_limit::RateLimit;
use crate::watchdog::run::Watchdog;
use crate::watchdog::sink::Sink;

const MIN_THRESHOLD: Duration = Duration::from_millis(1);

/// The default limit of reports.
const REPORTS_PER_SECOND: u32 = 10;

/// The settings of a [`StallWatch`]; see [`StallWatch::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder {
    threshold: Duration,
    sink: Sink,
    per_second: Option<u32>,
    panic_on_drop: bool,
    #[cfg(all(feature = "backtrace", target_os = "linux"))]
    backtraces: bool,
}

impl StallWatch {
    /// Creates a watch that only counts stalls: see [`stats`](Self::stats) and
    /// [`assert_none`](Self::assert_none). For reports use the [`builder`](Self::builder).
    ///
    /// # Errors
    ///
    /// If the threshold is shorter than a millisecond, or the system refuses a thread.
    pub fn new(threshold: Duration) -> Result<StallWatch, BuildError> {
        Self::builder(threshold).build()
    }

    /// Returns a builder. A poll that takes at least `threshold` is a stall; 100 ms is a good
    /// start.
    pub fn builder(threshold: Duration) -> Builder {
        Builder {
            threshold,
            sink: Sink::default(),
            per_second: None,
            panic_on_drop: false,
            #[cfg(all(feature = "backtrace", target_os = "linux"))]
            backtraces: false,
        }
    }
}

impl Builder {
    /// Calls `on_stall` with each report, on the watchdog's thread.
    ///
    /// Nothing is watched while it runs, so it should pass the report on and return. It must not
    /// wait for the event loop, which is blocked. Its panics are caught and counted.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use effective_stall_watch::StallWatch;
    ///
    /// let (send, reports) = mpsc::channel();
    /// let watch = StallWatch::builder(Duration::from_millis(20))
    ///     .on_stall(move |stall| drop(send.send(stall.to_string())))
    ///     .build()?;
    /// // Blocks until the report is there.
    /// let report = watch.named("parser").run(|| reports.recv());
    /// assert!(report.is_ok_and(|report| report.contains("by the task `parser`")));
    /// # Ok::<(), effective_stall_watch::BuildError>(())
    /// ```
    pub fn on_stall(mut self, on_stall: impl FnMut(&Stall) + Send + 'static) -> Self {
        self.sink.on_stall = Some(Box::new(on_stall));
        self
    }

    /// Emits each report as a tracing event with the target `stall_watch`: a warning while the
    /// stall continues, information when it has ended.
    ///
    /// The events come from the watchdog's thread, outside all spans, and go to the global default
    /// subscriber.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_stall_watch::StallWatch;
    ///
    /// let watch = StallWatch::builder(Duration::from_millis(100)).tracing().build()?;
    /// # drop(watch);
    /// # Ok::<(), effective_stall_watch::BuildError>(())
    /// ```
    #[cfg(feature = "tracing")]
    pub fn tracing(mut self) -> Self {
        self.sink.tracing = true;
        self
    }

    /// Takes a backtrace of the blocked thread with each report.
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

    /// Limits the rate of reports about stalls that continue. With 0 there are no reports.
    ///
    /// A report over the limit is delayed until the limit allows it, if its stall still continues
    /// then; the longest stall goes first. Reports of stalls that have ended by then are suppressed
    /// and only counted. The end of a stall is reported if its beginning was, and does not count.
    ///
    /// The default is 10 a second, and in a burst one per watched thread if these are more, so that
    /// all threads are named when all are blocked.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_stall_watch::StallWatch;
    ///
    /// // Counts stalls, and reports none.
    /// let watch = StallWatch::builder(Duration::from_millis(10))
    ///     .on_stall(|stall| panic!("{stall}"))
    ///     .reports_per_second(0)
    ///     .build()?;
    /// while watch.stats().stalls == 0 {
    ///     watch.named("slow").run(|| std::thread::sleep(Duration::from_millis(20)));
    /// }
    /// assert_eq!(watch.stats().callback_panics, 0);
    /// # Ok::<(), effective_stall_watch::BuildError>(())
    /// ```
    pub fn reports_per_second(mut self, reports: u32) -> Self {
        self.per_second = Some(reports);
        self
    }

    /// For tests: makes dropping the watch panic if there was a stall, as
    /// [`StallWatch::assert_none`] does, unless the thread is already panicking.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_stall_watch::StallWatch;
    ///
    /// // At the start of a test: its end fails if something has blocked for a minute.
    /// let watch = StallWatch::builder(Duration::from_secs(60)).panic_on_drop().build()?;
    /// let answer = futures::executor::block_on(watch.wrap(async { 6 * 7 }));
    /// assert_eq!(answer, 42);
    /// # Ok::<(), effective_stall_watch::BuildError>(())
    /// ```
    pub fn panic_on_drop(mut self) -> Self {
        self.panic_on_drop = true;
        self
    }

    /// Starts the watchdog.
    ///
    /// # Errors
    ///
    /// If the threshold is shorter than a millisecond, the system refuses a thread, or backtraces
    /// were asked for and are unavailable.
    pub fn build(self) -> Result<StallWatch, BuildError> {
        if self.threshold < MIN_THRESHOLD {
            return Err(BuildError::ThresholdTooShort(self.threshold));
        }
        #[cfg(all(feature = "backtrace", target_os = "linux"))]
        if self.backtraces {
            crate::backtrace::install().map_err(BuildError::Backtraces)?;
        }
        let shared = Arc::new(Shared::new(self.threshold));
        let limit = match self.per_second {
            Some(reports) => RateLimit::fixed(reports),
            None => RateLimit::growing(REPORTS_PER_SECOND),
        };
        let watchdog = Watchdog::new(Arc::clone(&shared), self.sink, limit);
        #[cfg(all(feature = "backtrace", target_os = "linux"))]
        let watchdog = watchdog.with_backtraces(self.backtraces.then_some(crate::wrap::FILE));
        StallWatch::start(shared, watchdog, self.panic_on_drop).map_err(BuildError::Spawn)
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
