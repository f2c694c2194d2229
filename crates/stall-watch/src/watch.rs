//! The user's handle.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::builder::Builder;
use crate::contain::drop_contained;
use crate::shared::Shared;
use crate::stats::Stats;
use crate::watchdog::Watchdog;
use crate::wrap::{Spot, Watched};
use crate::{BuildError, StillRunning};

/// A watchdog on a thread of its own. Dropping it ends and joins that thread.
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
    /// Disconnected when the watchdog's thread is about to end.
    ended: Mutex<Receiver<()>>,
    panic_on_drop: bool,
}

impl StallWatch {
    /// A watch that counts: its findings are in [`stats`](Self::stats), and [`assert_none`](Self::assert_none) checks them.
    /// For reports use the [`builder`](Self::builder).
    ///
    /// # Errors
    ///
    /// If the threshold is under a millisecond, or the system refuses a thread.
    pub fn new(threshold: Duration) -> Result<StallWatch, BuildError> {
        Self::builder(threshold).build()
    }

    /// A watch to be configured. A poll that takes at least `threshold` is a stall; 100 ms is a good start.
    pub fn builder(threshold: Duration) -> Builder {
        Builder::new(threshold)
    }

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
        shared.watched_by(thread.thread());
        Ok(Self {
            shared,
            watchdog: Some(thread),
            ended: Mutex::new(ended),
            panic_on_drop,
        })
    }

    /// Watches every poll of a future, which is known by the place of this call.
    ///
    /// Wrap what is spawned, once per task: what counts is how long the task holds the loop in one go. Futures inside may
    /// be wrapped too, in order to be told apart; that costs no look at the clock.
    #[track_caller]
    pub fn wrap<F>(&self, future: F) -> Watched<F> {
        Spot::unnamed(&self.shared, Location::caller()).wrap(future)
    }

    /// A name, and the place of this call, under which futures and closures can be watched.
    #[track_caller]
    pub fn named(&self, name: impl Into<Arc<str>>) -> Spot {
        let site = self.shared.sites.named(name.into(), Location::caller());
        Spot::new(&self.shared, site)
    }

    /// What was counted so far.
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

    /// For tests: that there was no stall so far.
    ///
    /// # Panics
    ///
    /// If there was one, with the first few of them as its message.
    #[track_caller]
    pub fn assert_none(&self) {
        let stalls = self.stats().stalls;
        if stalls > 0 {
            let kept = self.shared.kept();
            let lines: Vec<String> = kept.iter().map(|stall| format!("\n- {stall}")).collect();
            panic!(
                "the event loop was held up {stalls} times:{}",
                lines.concat()
            );
        }
    }

    /// Ends the watchdog, at the latest when the callback that it may be in returns.
    pub fn stop(self) {
        drop(self);
    }

    /// As [`stop`](Self::stop), with an upper bound on the wait.
    ///
    /// # Errors
    ///
    /// If the callback did not return in time. The watchdog ends when it does.
    pub fn stop_timeout(mut self, timeout: Duration) -> Result<(), StillRunning> {
        self.shared.stop();
        let ended = self.ended.get_mut();
        let ended = ended.unwrap_or_else(PoisonError::into_inner);
        match ended.recv_timeout(timeout) {
            Err(RecvTimeoutError::Timeout) => {
                // Not joined: the thread goes its own way.
                self.watchdog = None;
                Err(StillRunning)
            }
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
        }
    }

    fn join(&mut self) -> Result<(), Box<dyn Any + Send>> {
        self.shared.stop();
        match self.watchdog.take() {
            // Dropped by its own callback: it ends by itself, when that returns.
            Some(watchdog) if watchdog.thread().id() == thread::current().id() => Ok(()),
            Some(watchdog) => watchdog.join(),
            None => Ok(()),
        }
    }
}

impl Drop for StallWatch {
    fn drop(&mut self) {
        if let Err(panic) = self.join() {
            drop_contained(panic);
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
