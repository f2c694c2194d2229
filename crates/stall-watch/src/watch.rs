//! The public handle of a watch, and its statistics.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::StillRunning;
use crate::panic::drop_quietly;
use crate::shared::Shared;
use crate::times::PollTimes;
use crate::watchdog::run::Watchdog;
use crate::wrap::{Spot, Watched};

/// A watchdog on a thread of its own. Dropping it stops and joins that thread.
///
/// ```
/// use std::thread::sleep;
/// use std::time::Duration;
/// use effective_stall_watch::StallWatch;
///
/// let watch = StallWatch::builder(Duration::from_millis(50))
///     .on_stall(|stall| eprintln!("{stall}"))
///     .build()
///     .unwrap();
/// futures::executor::block_on(watch.named("greedy").wrap(async {
///     sleep(Duration::from_millis(200)); // blocks, instead of awaiting
/// }));
/// assert_eq!(watch.stats().stalls, 1);
/// ```
pub struct StallWatch {
    pub(crate) shared: Arc<Shared>,
    watchdog: Option<JoinHandle<()>>,
    /// Disconnected when the watchdog's thread is about to exit.
    ended: Mutex<Receiver<()>>,
    panic_on_drop: bool,
}

/// The statistics of a watch since it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The number of stalls.
    pub stalls: u64,
    /// The number of threads that were blocked at the watchdog's last check.
    pub ongoing: usize,
    /// The number of reports that the rate limit suppressed or delayed. `stalls` counts every
    /// stall.
    pub suppressed: u64,
    /// The number of panics of the callback or of a tracing subscriber, which were caught.
    pub callback_panics: u64,
    /// How often the watchdog woke late by more than half the threshold: the process was stopped or
    /// out of its CPU quota, or the machine was suspended or overloaded. Such time counts for no
    /// stall.
    pub overslept: u64,
    /// The durations of the polls of wrapped futures.
    pub poll_times: PollTimes,
}

impl StallWatch {
    pub(crate) fn start(
        shared: Arc<Shared>,
        watchdog: Watchdog,
        panic_on_drop: bool,
    ) -> io::Result<Self> {
        let (running, ended) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("stall-watch".to_owned())
            .spawn(move || {
                let _running = running;
                watchdog.run();
            })?;
        shared.set_watchdog(thread.thread());
        Ok(Self {
            shared,
            watchdog: Some(thread),
            ended: Mutex::new(ended),
            panic_on_drop,
        })
    }

    /// Watches every poll of a future. Reports identify it by the location of this call.
    ///
    /// Wrap each task once, where it is spawned: what counts is how long one poll of the task
    /// blocks the loop. Futures inside may be wrapped as well, to be distinguished in reports;
    /// their polls do not read the clock.
    #[track_caller]
    pub fn wrap<F>(&self, future: F) -> Watched<F> {
        Spot::unnamed(&self.shared, Location::caller()).wrap(future)
    }

    /// Returns a named spot, with the location of this call, for watching futures and closures.
    #[track_caller]
    pub fn named(&self, name: impl Into<Arc<str>>) -> Spot {
        let site = self.shared.sites.named(name.into(), Location::caller());
        Spot::new(&self.shared, site)
    }

    /// Returns the statistics so far.
    pub fn stats(&self) -> Stats {
        let counts = &self.shared.counts;
        Stats {
            stalls: counts.stalls.load(Ordering::Acquire),
            ongoing: counts.ongoing.load(Ordering::Relaxed) as usize,
            suppressed: counts.suppressed.load(Ordering::Relaxed),
            callback_panics: counts.callback_panics.load(Ordering::Relaxed),
            overslept: counts.overslept.load(Ordering::Relaxed),
            poll_times: self.shared.poll_times(),
        }
    }

    /// For tests: asserts that there was no stall so far.
    ///
    /// # Panics
    ///
    /// If there was one. The message lists the first few.
    #[track_caller]
    pub fn assert_none(&self) {
        let stalls = self.stats().stalls;
        if stalls > 0 {
            let kept = self.shared.kept();
            let lines: Vec<String> = kept.iter().map(|stall| format!("\n- {stall}")).collect();
            panic!(
                "the event loop was blocked {stalls} times:{}",
                lines.concat()
            );
        }
    }

    /// Stops the watchdog and waits for its thread, and so for a callback that is running.
    pub fn stop(self) {
        drop(self);
    }

    /// Like [`stop`](Self::stop), but waits at most `timeout`.
    ///
    /// # Errors
    ///
    /// If the callback did not return in time. The watchdog stops when it does.
    pub fn stop_timeout(mut self, timeout: Duration) -> Result<(), StillRunning> {
        self.shared.stop();
        let ended = self.ended.get_mut();
        let ended = ended.unwrap_or_else(PoisonError::into_inner);
        match ended.recv_timeout(timeout) {
            Err(RecvTimeoutError::Timeout) => {
                // The thread is detached.
                self.watchdog = None;
                Err(StillRunning)
            }
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
        }
    }

    fn join(&mut self) -> Result<(), Box<dyn Any + Send>> {
        self.shared.stop();
        match self.watchdog.take() {
            // Dropped by its own callback: the thread exits when that returns.
            Some(watchdog) if watchdog.thread().id() == thread::current().id() => Ok(()),
            Some(watchdog) => watchdog.join(),
            None => Ok(()),
        }
    }
}

impl Drop for StallWatch {
    fn drop(&mut self) {
        if let Err(panic) = self.join() {
            drop_quietly(panic);
        }
        if self.panic_on_drop && !thread::panicking() {
            self.assert_none();
        }
    }
}

impl fmt::Debug for StallWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StallWatch")
            .field("threshold", &Duration::from_nanos(self.shared.threshold))
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
