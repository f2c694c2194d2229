//! A report of a stall.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

#[cfg(all(feature = "backtrace", target_os = "linux"))]
use crate::backtrace::Backtrace;
use crate::site::Task;
use crate::thread::Thread;

/// The phase of a stall that a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The first report: the stall has passed the threshold and continues. How long after that it
    /// comes depends on the rate limit, see
    /// [`Builder::reports_per_second`](crate::Builder::reports_per_second).
    Began,
    /// The stall still continues, after ten times the threshold, then a hundred times, and so on.
    Continues,
    /// The stall is over. Reported only if `Began` was.
    Ended,
}

/// A report about a blocked thread.
///
/// `Display` prints one line. With a backtrace, `{:#}` adds its frames, one per line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stall {
    /// The phase of the stall.
    pub phase: Phase,
    /// The blocked thread. `None` for a worker of a runtime whose thread is not known;
    /// `StallWatch::configure` (feature `tokio`) makes the threads known.
    pub thread: Option<Arc<Thread>>,
    /// The outermost wrapped future that is being polled. `None` if the blocking task is not
    /// wrapped.
    pub task: Option<Task>,
    /// The innermost wrapped future that is being polled inside it, if there is one.
    pub within: Option<Task>,
    /// The index of the worker, for a runtime that is watched as a whole.
    pub worker: Option<usize>,
    /// When the stall began.
    pub since: SystemTime,
    /// How long it has lasted so far, or lasted in all. This excludes time in which the whole
    /// process was stopped and, under a CPU quota, time in which the thread was runnable but got no
    /// CPU.
    pub lasted: Duration,
    /// How many threads are blocked at this moment, including this one.
    pub blocked: usize,
    /// How many threads are watched.
    pub watched: usize,
    /// How many reports were suppressed or delayed by the rate limit since the previous one.
    pub suppressed: u64,
    /// The backtrace of the thread, if backtraces were asked for. Never with [`Phase::Ended`].
    #[cfg(all(feature = "backtrace", target_os = "linux"))]
    pub backtrace: Option<Backtrace>,
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.thread {
            Some(thread) => write!(f, "{thread}")?,
            None => f.write_str("an unknown thread")?,
        }
        if let Some(worker) = self.worker {
            write!(f, ", worker {worker},")?;
        }
        let lasted = self.lasted;
        match self.phase {
            Phase::Began => write!(f, " has been blocked for {lasted:.1?}")?,
            Phase::Continues => write!(f, " is still blocked, after {lasted:.1?},")?,
            Phase::Ended => write!(f, " was blocked for {lasted:.1?}")?,
        }
        match &self.task {
            Some(task) => write!(f, " by the task {task}")?,
            None => f.write_str(" by a task that is not wrapped")?,
        }
        if let Some(within) = &self.within {
            write!(f, ", in the task {within}")?;
        }
        #[cfg(all(feature = "backtrace", target_os = "linux"))]
        if let Some(location) = self.backtrace.as_ref().and_then(Backtrace::location) {
            write!(f, ", in {location}")?;
        }
        if self.phase != Phase::Ended && self.blocked > 1 {
            match (self.blocked, self.watched) {
                (all, watched) if all == watched => {
                    write!(f, "; all {all} watched threads are blocked")?;
                }
                (some, watched) => write!(f, "; {some} of {watched} watched threads are blocked")?,
            }
        }
        if self.suppressed > 0 {
            write!(f, "; {} reports were suppressed", self.suppressed)?;
        }
        #[cfg(all(feature = "backtrace", target_os = "linux"))]
        if let (true, Some(backtrace)) = (f.alternate(), &self.backtrace) {
            write!(f, "\n{backtrace}")?;
        }
        Ok(())
    }
}
