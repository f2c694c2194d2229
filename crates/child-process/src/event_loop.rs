//! The event loop: waits with `poll` for pipes, processes and times.

use std::slice;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, Timespec, poll};
use rustix::io::Errno;

use crate::tree::proc_scan::ProcScan;

/// Non-blocking work that waits for descriptors and times.
pub(crate) trait Drive {
    /// Adds the descriptors that it waits for.
    fn interests<'a>(&'a self, fds: &mut Vec<PollFd<'a>>);

    /// When it has something to do even if no descriptor becomes ready.
    fn wake_at(&self) -> Option<Instant>;

    /// Does everything that can be done now. It takes exactly one flag for each of its interests,
    /// in the order in which it added them.
    fn advance(&mut self, now: Instant, flags: &mut ReadyFlags<'_>, scan: &mut ProcScan);

    /// Whether it is complete.
    fn over(&self) -> bool;
}

/// For each descriptor whether it is ready.
pub(crate) struct ReadyFlags<'a>(slice::Iter<'a, bool>);

impl ReadyFlags<'_> {
    /// Whether the next descriptor is ready.
    pub(crate) fn next(&mut self) -> bool {
        self.0.next().copied().unwrap_or(false)
    }
}

/// The loop, with the buffers that it keeps from one turn to the next.
#[derive(Debug, Default)]
pub(crate) struct EventLoop {
    ready: Vec<bool>,
    scan: ProcScan,
}

impl EventLoop {
    /// Waits for an event or for `deadline`, then lets the work advance.
    pub(crate) fn turn(&mut self, work: &mut dyn Drive, deadline: Option<Instant>) {
        let mut fds = Vec::with_capacity(4);
        work.interests(&mut fds);
        let due = [work.wake_at(), deadline].into_iter().flatten().min();
        let timeout = due.map(|due| timespec(due.saturating_duration_since(Instant::now())));
        self.ready.clear();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => self
                .ready
                .extend(fds.iter().map(|fd| !fd.revents().is_empty())),
            // No descriptor counts as ready; times are checked anyway.
            Err(Errno::INTR) => {}
            // The kernel is out of memory for now. Retrying is the only way to lose nothing.
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
        drop(fds);
        self.scan.invalidate();
        let mut flags = ReadyFlags(self.ready.iter());
        work.advance(Instant::now(), &mut flags, &mut self.scan);
    }

    /// Turns until `enough` holds, or until `deadline`. Returns whether `enough` holds.
    pub(crate) fn until<D: Drive>(
        &mut self,
        work: &mut D,
        deadline: Option<Instant>,
        mut enough: impl FnMut(&mut D) -> bool,
    ) -> bool {
        loop {
            if enough(work) {
                return true;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                // One more turn for events that are ready already: a wait of zero length polls.
                self.turn(work, deadline);
                return enough(work);
            }
            self.turn(work, deadline);
        }
    }
}

/// The duration for `poll`, capped at what it can represent; it then wakes up early.
fn timespec(duration: Duration) -> Timespec {
    Timespec::try_from(duration.min(Duration::from_secs(1 << 30))).unwrap_or_default()
}

/// Turns until the work is over.
pub(crate) fn until_over(work: &mut dyn Drive) {
    let mut event_loop = EventLoop::default();
    while !work.over() {
        event_loop.turn(work, None);
    }
}

/// [`EventLoop::until`] on a new loop.
pub(crate) fn until<D: Drive>(
    work: &mut D,
    deadline: Option<Instant>,
    enough: impl FnMut(&mut D) -> bool,
) -> bool {
    EventLoop::default().until(work, deadline, enough)
}

/// The instant `duration` from now; `None` if it is beyond the clock's range.
pub(crate) fn after(duration: Duration) -> Option<Instant> {
    Instant::now().checked_add(duration)
}
