//! Threads that start children.
//!
//! The thread that starts a child stands still until the child has become its program. That takes
//! half a millisecond, but seconds if the program's file is on a slow network disk. A thread that
//! watches other children must not stand still for so long, since it keeps their time limits.
//!
//! Two threads keep two cores busy. If none of them gets on, more are added, so that one slow start
//! does not hold up all others.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

use crate::descriptor::above_standard;

/// A start, and what becomes of it.
pub(crate) type Work<R> = Box<dyn FnOnce() -> R + Send>;

/// The threads that there are unless starts are slow.
const USUAL_THREADS: usize = 2;

/// The most threads.
const MOST_THREADS: usize = 16;

/// If no start began or ended for so long, one more thread is added.
const STUCK_AFTER: Duration = Duration::from_millis(20);

/// Threads that start children, and have nothing else to do with them.
pub(crate) struct Starter<R> {
    shared: Arc<Shared<R>>,
    threads: Vec<JoinHandle<()>>,
    /// The number of starts that were given and not taken.
    at_hand: usize,
}

struct Shared<R> {
    queue: Mutex<Queue<R>>,
    /// Something was given, or the threads are to end.
    changed: Condvar,
    /// Readable when something was started.
    bell: OwnedFd,
}

struct Queue<R> {
    waiting: VecDeque<Work<R>>,
    started: VecDeque<R>,
    idle_threads: usize,
    /// When a start last began or ended.
    moved: Instant,
    closed: bool,
}

impl<R> Shared<R> {
    fn queue(&self) -> MutexGuard<'_, Queue<R>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Send + 'static> Starter<R> {
    /// One without threads; they come with the work.
    ///
    /// # Errors
    /// If there is no descriptor left.
    pub(crate) fn new() -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let queue = Queue {
            waiting: VecDeque::new(),
            started: VecDeque::new(),
            idle_threads: 0,
            moved: Instant::now(),
            closed: false,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                queue: Mutex::new(queue),
                changed: Condvar::new(),
                bell: above_standard(eventfd(0, flags)?)?,
            }),
            threads: Vec::new(),
            at_hand: 0,
        })
    }

    /// Does the work on another thread. Gives it back if there is none.
    pub(crate) fn give(&mut self, work: Work<R>) -> Result<(), Work<R>> {
        let enough_threads = {
            let mut queue = self.shared.queue();
            if queue.waiting.is_empty() {
                queue.moved = Instant::now();
            }
            queue.waiting.push_back(work);
            queue.idle_threads >= queue.waiting.len()
        };
        self.at_hand += 1;
        if enough_threads {
            self.shared.changed.notify_one();
        } else if self.threads.len() < USUAL_THREADS {
            self.add_thread();
        }
        if self.threads.is_empty()
            && let Some(work) = self.shared.queue().waiting.pop_back()
        {
            self.at_hand -= 1;
            return Err(work);
        }
        Ok(())
    }

    fn add_thread(&mut self) {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name("child-process".to_owned());
        // Without one more it takes a little longer.
        self.threads.extend(thread.spawn(move || work(&shared)));
    }

    /// The next result.
    pub(crate) fn take(&mut self) -> Option<R> {
        if self.at_hand == 0 {
            return None;
        }
        let started = self.shared.queue().started.pop_front()?;
        self.at_hand -= 1;
        Some(started)
    }

    /// When to look whether the threads get on.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        if self.at_hand == 0 || self.threads.len() >= MOST_THREADS {
            return None;
        }
        let queue = self.shared.queue();
        (!queue.waiting.is_empty()).then(|| queue.moved + STUCK_AFTER)
    }

    /// The bell was heard if `rung`. Adds a thread if the others do not get on. Before
    /// [`take`](Self::take), so that no ring is missed.
    pub(crate) fn tend(&mut self, now: Instant, rung: bool) {
        if rung {
            let _ = rustix::io::read(&self.shared.bell, &mut [0; 8][..]);
        }
        if self.wake_at().is_some_and(|due| now >= due) {
            self.shared.queue().moved = now;
            self.add_thread();
        }
    }
}

impl<R> Starter<R> {
    /// The number of starts that were given and not taken.
    pub(crate) fn at_hand(&self) -> usize {
        self.at_hand
    }

    /// Becomes readable when there is something to take.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.shared.bell.as_fd()
    }
}

fn work<R>(shared: &Shared<R>) {
    let mut queue = shared.queue();
    while !queue.closed {
        let Some(work) = queue.waiting.pop_front() else {
            queue.idle_threads += 1;
            queue = shared
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
            queue.idle_threads -= 1;
            continue;
        };
        queue.moved = Instant::now();
        drop(queue);
        let started = work();
        queue = shared.queue();
        queue.started.push_back(started);
        queue.moved = Instant::now();
        let _ = rustix::io::write(&shared.bell, &1_u64.to_ne_bytes());
    }
}

impl<R> fmt::Debug for Starter<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starter")
            .field("at_hand", &self.at_hand)
            .finish_non_exhaustive()
    }
}

/// The threads end with the starts that they are at. Children that were not taken by then are ended.
impl<R> Drop for Starter<R> {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
