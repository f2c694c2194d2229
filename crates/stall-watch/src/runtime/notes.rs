//! What a runtime's hooks tell.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use crate::shared::Shared;
use crate::thread::Thread;

/// What the calling thread has told of itself last.
struct Told {
    watch: u64,
    worker: usize,
    /// The watch has only a weak one, so that it knows when the thread is gone.
    _thread: Arc<Thread>,
}

thread_local! {
    static TOLD: RefCell<Option<Told>> = const { RefCell::new(None) };
}

/// For the hooks of a runtime: `parks` belongs into `on_thread_park`, `unparks` into `on_thread_unpark`, both or none.
///
/// The first tells on which thread a worker is, the second wakes the watchdog, which sleeps while all workers do.
///
/// ```
/// use std::time::Duration;
/// use stall_watch::StallWatch;
///
/// let watch = StallWatch::new(Duration::from_millis(100)).unwrap();
/// let (parks, unparks) = (watch.worker_notes(), watch.worker_notes());
/// let runtime = tokio::runtime::Builder::new_current_thread()
///     .event_interval(8)
///     .on_thread_park(move || parks.parks())
///     .on_thread_unpark(move || {
///         unparks.unparks();
///         // and whatever else the hook is for
///     })
///     .build()
///     .unwrap();
/// # drop(runtime);
/// ```
#[derive(Clone)]
pub struct WorkerNotes {
    shared: Arc<Shared>,
}

impl WorkerNotes {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The calling worker is about to park.
    pub fn parks(&self) {
        let Some(worker) = tokio::runtime::worker_index() else {
            return;
        };
        let watch = self.shared.id;
        // A thread that is ending tells nothing any more.
        let _ = TOLD.try_with(|told| {
            let mut told = told.borrow_mut();
            let known = |told: &Told| (told.watch, told.worker) == (watch, worker);
            if !told.as_ref().is_some_and(known) {
                let thread = Arc::new(Thread::current());
                self.shared.runtimes.note(&thread, true);
                *told = Some(Told {
                    watch,
                    worker,
                    _thread: thread,
                });
            }
        });
    }

    /// The calling worker was unparked.
    pub fn unparks(&self) {
        self.shared.wake_if_dozing();
    }
}

impl fmt::Debug for WorkerNotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerNotes").finish_non_exhaustive()
    }
}
