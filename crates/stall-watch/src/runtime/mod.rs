//! A whole tokio runtime, by the figures that stable tokio gives.

mod notes;
mod workers;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::runtime::{Builder, Handle, Id, RuntimeFlavor};

use crate::shared::{Shared, lock};
use crate::thread::Thread;
use crate::watch::StallWatch;

use notes::Known;
pub(crate) use notes::Life;
pub use notes::WorkerNotes;
pub(crate) use workers::Workers;

/// The interval of tokio's `event_interval` that [`StallWatch::configure`] sets.
const EVENT_INTERVAL: u32 = 8;

/// What a watch knows of runtimes.
#[derive(Debug, Default)]
pub(crate) struct Runtimes {
    watched: Mutex<Vec<Arc<Entry>>>,
    workers: Mutex<HashMap<(Id, usize), Worker>>,
    /// The threads that a runtime has started: its workers, and those that run blocking tasks. Each
    /// worker learns only later which one it is.
    started: Mutex<HashMap<Id, Vec<Known>>>,
}

/// A runtime that is watched.
#[derive(Debug)]
struct Entry {
    handle: Handle,
    /// Where a current-thread runtime is driven.
    driver: Option<Life>,
}

#[derive(Debug)]
struct Worker {
    known: Known,
    /// Whether it tells when it is unparked.
    tells: bool,
}

impl Runtimes {
    fn entries(&self) -> Vec<Arc<Entry>> {
        lock(&self.watched).clone()
    }

    /// Notes which thread the calling worker is on. Once per thread.
    pub(crate) fn note_worker(&self, life: &Life) {
        self.note(life, false);
    }

    fn note(&self, life: &Life, tells: bool) {
        let (Some(worker), Ok(runtime)) = (tokio::runtime::worker_index(), Handle::try_current())
        else {
            return;
        };
        let mut workers = lock(&self.workers);
        let key = (runtime.id(), worker);
        let tells = tells || workers.get(&key).is_some_and(|worker| worker.tells);
        // Once per thread, so there is time to forget those that are gone.
        workers.retain(|_, worker| worker.known.is_alive());
        let known = life.known();
        workers.insert(key, Worker { known, tells });
    }

    /// Notes that a runtime has started the calling thread.
    fn note_start(&self, runtime: &Handle, life: &Life) {
        let mut started = lock(&self.started);
        started.retain(|_, threads| {
            threads.retain(Known::is_alive);
            !threads.is_empty()
        });
        started.entry(runtime.id()).or_default().push(life.known());
    }

    /// The threads of a runtime of which it is not known which worker they are, if any.
    fn unplaced(&self, runtime: Id) -> Vec<Known> {
        let mut threads = lock(&self.started)
            .get(&runtime)
            .cloned()
            .unwrap_or_default();
        let workers = lock(&self.workers);
        let is_placed = |known: &Known| {
            let mut placed = workers.iter().filter(|((id, _), _)| *id == runtime);
            placed.any(|(_, worker)| worker.known.thread.id == known.thread.id)
        };
        threads.retain(|known| known.is_alive() && !is_placed(known));
        threads
    }

    /// The thread of a worker, if it is known, and whether it tells when it is unparked.
    fn worker(&self, entry: &Entry, worker: usize) -> (Option<Known>, bool) {
        let workers = lock(&self.workers);
        match workers.get(&(entry.handle.id(), worker)) {
            Some(worker) => (Some(worker.known.clone()), worker.tells),
            None => (entry.driver.as_ref().map(Life::known), false),
        }
    }
}

/// Watches a runtime as long as it lives: what [`StallWatch::runtime`] gives.
#[must_use = "the runtime is watched as long as this lives"]
pub struct RuntimeWatch {
    shared: Arc<Shared>,
    entry: Arc<Entry>,
}

impl Drop for RuntimeWatch {
    fn drop(&mut self) {
        let mut watched = lock(&self.shared.runtimes.watched);
        watched.retain(|entry| !Arc::ptr_eq(entry, &self.entry));
    }
}

impl fmt::Debug for RuntimeWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeWatch")
            .field("runtime", &self.entry.handle.id())
            .finish_non_exhaustive()
    }
}

impl StallWatch {
    /// Makes the workers of a runtime known, to be called before it is built. It sets four things, each of which tokio has
    /// once per builder, so that the last call counts: `on_thread_start`, `on_thread_park` and `on_thread_unpark`, as
    /// [`WorkerNotes`] says, and `event_interval` to 8, as [`runtime`](Self::runtime) says. Hooks of your own replace these,
    /// or are replaced: call [`worker_notes`](Self::worker_notes) in them instead.
    ///
    /// ```
    /// use std::time::Duration;
    /// use effective_stall_watch::StallWatch;
    ///
    /// let watch = StallWatch::new(Duration::from_millis(100)).unwrap();
    /// let runtime = watch
    ///     .configure(&mut tokio::runtime::Builder::new_current_thread())
    ///     .build()
    ///     .unwrap();
    /// runtime.block_on(async {
    ///     let _watched = watch.runtime(tokio::runtime::Handle::current());
    ///     tokio::task::yield_now().await;
    /// });
    /// watch.assert_none();
    /// ```
    pub fn configure<'b>(&self, builder: &'b mut Builder) -> &'b mut Builder {
        let (starts, parks, unparks) = (
            self.worker_notes(),
            self.worker_notes(),
            self.worker_notes(),
        );
        builder
            .on_thread_start(move || starts.starts())
            .on_thread_park(move || parks.parks())
            .on_thread_unpark(move || unparks.unparks())
            .event_interval(EVENT_INTERVAL)
    }

    /// What [`configure`](Self::configure) gives to a runtime's hooks, for hooks of your own.
    pub fn worker_notes(&self) -> WorkerNotes {
        WorkerNotes::new(Arc::clone(&self.shared))
    }

    /// Watches all workers of a runtime, wrapped tasks or not, until what this gives is dropped.
    ///
    /// A worker that is not parked and whose `worker_total_busy_duration` stands still for the threshold is held up. That
    /// figure moves once in `event_interval` turns of the worker, a turn being one task, or up to four that wake each other.
    /// So **the threshold must be longer than `event_interval` honest polls**, say 8 times the longest: with tokio's own
    /// interval, 61, a worker that merely has much to do looks the same as one that is stuck. A worker whose tasks are
    /// wrapped shows with each poll that it goes on, and needs none of this.
    ///
    /// What is known of an unwrapped task is the thread that it is on, and with the feature `backtrace` the place. Which
    /// thread a worker is on is known when the runtime was built by [`configure`](Self::configure), or when a wrapped task
    /// was polled there, or when the worker has run other tasks after one that held a worker up. Otherwise a report has its
    /// number only; also when a worker is held up before it was idle
    /// for the first time, while threads of `spawn_blocking` may be taken for it.
    ///
    /// A **current-thread** runtime only runs inside `block_on`, and stands still outside: call this inside, and drop the
    /// result there too. That is what happens when it is a local variable of the future. With the multi-thread runtime the
    /// future of `block_on` runs on no worker: wrap it.
    pub fn runtime(&self, handle: Handle) -> RuntimeWatch {
        let driver = (handle.runtime_flavor() == RuntimeFlavor::CurrentThread)
            .then(|| Life::new(&Arc::new(Thread::current())));
        let entry = Arc::new(Entry { handle, driver });
        lock(&self.shared.runtimes.watched).push(Arc::clone(&entry));
        self.shared.wake_if_dozing();
        RuntimeWatch {
            shared: Arc::clone(&self.shared),
            entry,
        }
    }
}
