//! Somebody else to start children for a list.
//!
//! Who starts a child stands still until that has become its program, and on busy cores it then waits for its turn. One
//! thread alone therefore leaves a core without work now and then; two do not.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::event::{EventfdFlags, eventfd};

use crate::Error;
use crate::command::Command;
use crate::job::Job;
use crate::start::start;

/// A command with its index, and what became of starting it.
pub(crate) type Started = (usize, Command, Result<Job, Error>);

/// One that is being started and two that come next, so that the thread need not be woken for each. More would only wait,
/// while who gives them could start them itself.
const AT_HAND: usize = 3;

/// A thread that starts children, and has nothing else to do with them.
#[derive(Debug)]
pub(crate) struct Starter {
    /// `None` tells the thread to end.
    give: Option<Sender<(usize, Command)>>,
    started: Receiver<Started>,
    /// Readable when something was started.
    bell: Arc<OwnedFd>,
    /// Start no more.
    stop: Arc<AtomicBool>,
    /// How many were given and not taken.
    at_hand: usize,
    most: usize,
    thread: Option<JoinHandle<()>>,
}

impl Starter {
    /// One that has nothing to do, if there are a thread and a descriptor to be had. It starts none after `deadline`, and
    /// at most half of `limit` are left to it.
    pub(crate) fn new(limit: usize, deadline: Option<Instant>) -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let bell = Arc::new(eventfd(0, flags)?);
        let (give, given) = channel();
        let (tell, started) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let ring = Arc::clone(&bell);
        let late = {
            let stop = Arc::clone(&stop);
            move || {
                let over = |deadline| Instant::now() >= deadline;
                stop.load(Ordering::Relaxed) || deadline.is_some_and(over)
            }
        };
        let thread = thread::Builder::new().name("child-process".to_owned());
        let thread = thread.spawn(move || start_all(&given, &tell, &ring, late))?;
        Ok(Self {
            give: Some(give),
            started,
            bell,
            stop,
            at_hand: 0,
            most: (limit / 2).clamp(1, AT_HAND),
            thread: Some(thread),
        })
    }

    /// How many it has that were not taken.
    pub(crate) fn at_hand(&self) -> usize {
        self.at_hand
    }

    /// Has it start one. Gives it back if it has enough to do.
    pub(crate) fn give(&mut self, index: usize, command: Command) -> Option<(usize, Command)> {
        match &self.give {
            Some(give) if self.at_hand < self.most => {
                let sent = give.send((index, command));
                self.at_hand += usize::from(sent.is_ok());
                sent.err().map(|refused| refused.0)
            }
            _ => Some((index, command)),
        }
    }

    /// Nobody wants what it has not begun to start yet: that comes back as [`Error::NotStarted`].
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// The next one that was started, or was not.
    pub(crate) fn take(&mut self) -> Option<Started> {
        let started = self.started.try_recv().ok()?;
        self.at_hand -= 1;
        Some(started)
    }

    /// Becomes readable when there is something to take.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// The bell was heard. Before [`take`](Self::take), so that no ring is missed.
    pub(crate) fn hush(&self) {
        let _ = rustix::io::read(&*self.bell, &mut [0; 8][..]);
    }
}

fn start_all(
    given: &Receiver<(usize, Command)>,
    tell: &Sender<Started>,
    bell: &OwnedFd,
    late: impl Fn() -> bool,
) {
    for (index, command) in given {
        let result = if late() {
            let command = command.line();
            Err(Error::NotStarted { command })
        } else {
            start(&command)
        };
        if tell.send((index, command, result)).is_err() {
            return;
        }
        let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
    }
}

/// The thread ends when it has started what it was given. Who was not taken by then is ended.
impl Drop for Starter {
    fn drop(&mut self) {
        self.give = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
