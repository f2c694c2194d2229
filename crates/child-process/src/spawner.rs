//! Threads that spawn children for a thread that serves other children.
//!
//! Spawning blocks the caller until the child has called `exec`. That takes half a millisecond, but
//! seconds if the program's file is on a slow network disk. A thread that serves children enforces
//! their time limits, so it must not block that long.
//!
//! Two threads keep two cores busy. If they make no progress, more are added, so that one slow
//! spawn does not delay all others.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

use crate::descriptor::above_standard;

/// A closure that spawns a child and returns the result.
pub(crate) type SpawnFn<R> = Box<dyn FnOnce() -> R + Send>;

/// The number of threads unless spawns are slow.
const USUAL_THREADS: usize = 2;

const THREADS_MAX: usize = 16;

/// A thread is added if no spawn has begun or ended for this long.
const STUCK_AFTER: Duration = Duration::from_millis(20);

/// A queue of spawns, and the threads that run them.
pub(crate) struct Spawner<R> {
    shared: Arc<Shared<R>>,
    threads: Vec<JoinHandle<()>>,
    /// The number of spawns submitted and not received yet.
    pending: usize,
}

struct Shared<R> {
    queue: Mutex<Queue<R>>,
    /// Notified when a spawn is queued or the queue is closed.
    changed: Condvar,
    /// An eventfd, readable when a spawn has ended.
    event: OwnedFd,
}

struct Queue<R> {
    waiting: VecDeque<SpawnFn<R>>,
    spawned: VecDeque<R>,
    idle_threads: usize,
    /// When a spawn last began or ended.
    last_progress: Instant,
    closed: bool,
}

impl<R> Shared<R> {
    fn queue(&self) -> MutexGuard<'_, Queue<R>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Send + 'static> Spawner<R> {
    /// A spawner without threads; they are created as spawns are submitted.
    ///
    /// # Errors
    /// If no descriptor is available.
    pub(crate) fn new() -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let queue = Queue {
            waiting: VecDeque::new(),
            spawned: VecDeque::new(),
            idle_threads: 0,
            last_progress: Instant::now(),
            closed: false,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                queue: Mutex::new(queue),
                changed: Condvar::new(),
                event: above_standard(eventfd(0, flags)?)?,
            }),
            threads: Vec::new(),
            pending: 0,
        })
    }

    /// Runs the spawn on another thread. Returns it if there is none.
    pub(crate) fn submit(&mut self, spawn: SpawnFn<R>) -> Result<(), SpawnFn<R>> {
        let enough_threads = {
            let mut queue = self.shared.queue();
            if queue.waiting.is_empty() {
                queue.last_progress = Instant::now();
            }
            queue.waiting.push_back(spawn);
            queue.idle_threads >= queue.waiting.len()
        };
        self.pending += 1;
        if enough_threads {
            self.shared.changed.notify_one();
        } else if self.threads.len() < USUAL_THREADS {
            self.add_thread();
        }
        if self.threads.is_empty()
            && let Some(spawn) = self.shared.queue().waiting.pop_back()
        {
            self.pending -= 1;
            return Err(spawn);
        }
        Ok(())
    }

    fn add_thread(&mut self) {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name("child-process".to_owned());
        // If the system refuses, the existing threads do the work, a little later.
        self.threads.extend(thread.spawn(move || run(&shared)));
    }

    /// Takes the next result.
    pub(crate) fn receive(&mut self) -> Option<R> {
        if self.pending == 0 {
            return None;
        }
        let spawned = self.shared.queue().spawned.pop_front()?;
        self.pending -= 1;
        Some(spawned)
    }

    /// When to check whether the threads make progress.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        if self.pending == 0 || self.threads.len() >= THREADS_MAX {
            return None;
        }
        let queue = self.shared.queue();
        (!queue.waiting.is_empty()).then(|| queue.last_progress + STUCK_AFTER)
    }

    /// Clears the event if it was `ready`, and adds a thread if the others make no progress. To
    /// call before [`receive`](Self::receive), so that no event is missed.
    pub(crate) fn advance(&mut self, now: Instant, ready: bool) {
        if ready {
            let _ = rustix::io::read(&self.shared.event, &mut [0; 8][..]);
        }
        if self.wake_at().is_some_and(|due| now >= due) {
            self.shared.queue().last_progress = now;
            self.add_thread();
        }
    }
}

impl<R> Spawner<R> {
    /// The number of spawns submitted and not received yet.
    pub(crate) fn pending(&self) -> usize {
        self.pending
    }

    /// A descriptor that is readable when there is a result to receive.
    pub(crate) fn event(&self) -> BorrowedFd<'_> {
        self.shared.event.as_fd()
    }
}

/// The loop of a spawner thread.
fn run<R>(shared: &Shared<R>) {
    let mut queue = shared.queue();
    while !queue.closed {
        let Some(spawn) = queue.waiting.pop_front() else {
            queue.idle_threads += 1;
            queue = shared
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
            queue.idle_threads -= 1;
            continue;
        };
        queue.last_progress = Instant::now();
        drop(queue);
        let spawned = spawn();
        queue = shared.queue();
        queue.spawned.push_back(spawned);
        queue.last_progress = Instant::now();
        let _ = rustix::io::write(&shared.event, &1_u64.to_ne_bytes());
    }
}

impl<R> fmt::Debug for Spawner<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner")
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

/// Joins the threads, which finish their current spawn. Children that were not received are killed.
impl<R> Drop for Spawner<R> {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
