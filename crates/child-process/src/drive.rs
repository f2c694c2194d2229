//! The one loop: pipes and processes, watched together.

use std::slice;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, Timespec, poll};
use rustix::io::Errno;

use crate::tree::Census;

/// Work that waits for descriptors and for times, and never blocks.
pub(crate) trait Drive {
    /// The descriptors that it waits for.
    fn interests<'a>(&'a self, fds: &mut Vec<PollFd<'a>>);

    /// When it has something to do even if nothing happens.
    fn wake_at(&self) -> Option<Instant>;

    /// Does what can be done now. `flags` are those of its interests, in the order in which it named them, and it takes
    /// exactly as many.
    fn advance(&mut self, now: Instant, flags: &mut Flags<'_>, census: &mut Census);

    /// Whether there is nothing left to do.
    fn over(&self) -> bool;
}

/// Which descriptors are ready.
pub(crate) struct Flags<'a>(slice::Iter<'a, bool>);

impl Flags<'_> {
    /// Whether the next descriptor is ready.
    pub(crate) fn next(&mut self) -> bool {
        self.0.next().copied().unwrap_or(false)
    }
}

/// What is kept from one turn of the loop to the next.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    ready: Vec<bool>,
    census: Census,
}

impl Turns {
    /// Waits until something happens, or until then, and has the work do what can be done.
    pub(crate) fn turn(&mut self, work: &mut dyn Drive, until: Option<Instant>) {
        let mut fds = Vec::with_capacity(4);
        work.interests(&mut fds);
        let due = [work.wake_at(), until].into_iter().flatten().min();
        let timeout = due.map(|due| timespec(due.saturating_duration_since(Instant::now())));
        self.ready.clear();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => self
                .ready
                .extend(fds.iter().map(|fd| !fd.revents().is_empty())),
            // Then nobody is ready but for the time.
            Err(Errno::INTR) => {}
            // The kernel is out of memory for the moment. To go on is the only way to lose nothing.
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
        drop(fds);
        self.census.forget();
        let mut flags = Flags(self.ready.iter());
        work.advance(Instant::now(), &mut flags, &mut self.census);
    }

    /// The same as [`until`].
    pub(crate) fn until<D: Drive>(
        &mut self,
        work: &mut D,
        time: Option<Instant>,
        mut enough: impl FnMut(&mut D) -> bool,
    ) -> bool {
        loop {
            if enough(work) {
                return true;
            }
            if time.is_some_and(|time| Instant::now() >= time) {
                // Once more, for what is ready already: a wait of no length asks how it stands.
                self.turn(work, time);
                return enough(work);
            }
            self.turn(work, time);
        }
    }
}

/// One that is too long to be written down is no time limit.
fn timespec(duration: Duration) -> Timespec {
    Timespec::try_from(duration.min(Duration::from_secs(1 << 30))).unwrap_or_default()
}

/// Turns until all is done.
pub(crate) fn until_over(work: &mut dyn Drive) {
    let mut turns = Turns::default();
    while !work.over() {
        turns.turn(work, None);
    }
}

/// Turns until the work says so, or until that time; true if the work has said so.
pub(crate) fn until<D: Drive>(
    work: &mut D,
    time: Option<Instant>,
    enough: impl FnMut(&mut D) -> bool,
) -> bool {
    Turns::default().until(work, time, enough)
}

/// An instant that far away, if there is one.
pub(crate) fn after(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}
