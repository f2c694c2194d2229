//! What is reported.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

#[cfg(all(feature = "backtrace", target_os = "linux"))]
use crate::backtrace::Backtrace;
use crate::site::Task;
use crate::thread::Thread;

/// How far a stall is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The first report of it: it has passed the threshold and goes on. By how much depends on the limit of reports, see
    /// [`Builder::reports_per_second`](crate::Builder::reports_per_second).
    Began,
    /// It still goes on, ten times as long as the threshold, then a hundred times, and so on.
    Continues,
    /// It is over. Comes only after `Began` was reported.
    Ended,
}

/// One report about a thread that is held up.
///
/// `Display` says it in one line. With a backtrace, `{:#}` adds its frames, one per line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stall {
    /// Whether it goes on.
    pub phase: Phase,
    /// The thread. `None` for a runtime's worker whose thread has not been seen; `StallWatch::configure`, of the feature
    /// `tokio`, makes them known.
    pub thread: Option<Arc<Thread>>,
    /// The outermost wrapped future that is being polled. `None` if what blocks is not wrapped.
    pub task: Option<Task>,
    /// The innermost wrapped future that is being polled inside it, if there is one.
    pub within: Option<Task>,
    /// The number of the worker, if a runtime that is watched as a whole reports it.
    pub worker: Option<usize>,
    /// When it began.
    pub since: SystemTime,
    /// How long it has lasted so far, or did when it has ended. Time for which the whole process stood still is not in it,
    /// nor, under a CPU quota, time for which the thread was ready to run and got no CPU.
    pub lasted: Duration,
    /// How many threads are held up at this moment, this one included, and how many are watched.
    pub held_up: (usize, usize),
    /// Reports that were left out or held back since the last one, to limit their rate.
    pub suppressed: u64,
    /// What the thread was doing, if that was asked for. Never with [`Phase::Ended`].
    #[cfg(all(feature = "backtrace", target_os = "linux"))]
    pub backtrace: Option<Backtrace>,
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.thread {
            Some(thread) => write!(f, "{thread}")?,
            None => f.write_str("a thread not known")?,
        }
        if let Some(worker) = self.worker {
            write!(f, ", worker {worker},")?;
        }
        let lasted = self.lasted;
        match self.phase {
            Phase::Began => write!(f, " is held up, for {lasted:.1?} so far")?,
            Phase::Continues => write!(f, " is still held up, for {lasted:.1?} so far")?,
            Phase::Ended => write!(f, " was held up for {lasted:.1?}")?,
        }
        match &self.task {
            Some(task) => write!(f, ", by the task {task}")?,
            None => f.write_str(", by a task that is not wrapped")?,
        }
        if let Some(within) = &self.within {
            write!(f, ", in the task {within}")?;
        }
        #[cfg(all(feature = "backtrace", target_os = "linux"))]
        if let Some(place) = self.backtrace.as_ref().and_then(Backtrace::place) {
            write!(f, ", at {place}")?;
        }
        match self.held_up {
            _ if self.phase == Phase::Ended => {}
            (0 | 1, _) => {}
            (all, watched) if all == watched => write!(f, "; so are all {all} watched threads")?,
            (some, watched) => write!(f, "; {some} of {watched} watched threads are")?,
        }
        if self.suppressed > 0 {
            write!(f, "; {} reports were left out", self.suppressed)?;
        }
        #[cfg(all(feature = "backtrace", target_os = "linux"))]
        if let (true, Some(backtrace)) = (f.alternate(), &self.backtrace) {
            write!(f, "\n{backtrace}")?;
        }
        Ok(())
    }
}
