//! What a runtime's hooks tell.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Weak};

use tokio::runtime::{Handle, worker_index};

use crate::shared::Shared;
use crate::thread::Thread;

/// What the calling thread has told a watch last.
struct Told {
    watch: u64,
    shared: Weak<Shared>,
    worker: Option<usize>,
    /// Whether its runtime's hooks told it, so that they wake the watchdog too.
    by_hook: bool,
    life: Life,
}

/// A thread, and a token that lives as long as the thread does.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) thread: Arc<Thread>,
    token: Arc<()>,
}

impl Life {
    pub(crate) fn new(thread: &Arc<Thread>) -> Self {
        Self {
            thread: Arc::clone(thread),
            token: Arc::new(()),
        }
    }

    pub(crate) fn known(&self) -> Known {
        Known {
            thread: Arc::clone(&self.thread),
            token: Arc::downgrade(&self.token),
        }
    }
}

/// A thread that may have ended. Reports keep `thread`, so that does not tell.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) thread: Arc<Thread>,
    token: Weak<()>,
}

impl Known {
    pub(crate) fn is_alive(&self) -> bool {
        self.token.strong_count() > 0
    }
}

thread_local! {
    static TOLD: RefCell<Vec<Told>> = const { RefCell::new(Vec::new()) };
}

/// For the hooks of a runtime: `starts` belongs into `on_thread_start`, `parks` into `on_thread_park`, `unparks` into
/// `on_thread_unpark`; the last two both or neither.
///
/// The first two tell on which thread a worker is, the third wakes the watchdog, which sleeps while all workers do.
///
/// ```
/// use std::time::Duration;
/// use effective_stall_watch::StallWatch;
///
/// let watch = StallWatch::new(Duration::from_millis(100)).unwrap();
/// let (starts, parks, unparks) = (watch.worker_notes(), watch.worker_notes(), watch.worker_notes());
/// let runtime = tokio::runtime::Builder::new_current_thread()
///     .event_interval(8)
///     .on_thread_start(move || starts.starts())
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

    /// The calling thread of a runtime has started. With this the thread of a worker is known
    /// before it parks for the first time.
    pub fn starts(&self) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let life = Life::new(&Arc::new(Thread::current()));
        self.shared.runtimes.note_start(&runtime, &life);
        remember(&self.shared, None, true, life);
    }

    /// The calling worker is about to park.
    pub fn parks(&self) {
        tell(&self.shared, true);
    }

    /// The calling worker was unparked.
    pub fn unparks(&self) {
        self.shared.wake_if_dozing();
    }
}

/// Notes which worker the calling thread is, if it is one and that is new.
pub(crate) fn tell(shared: &Arc<Shared>, by_hook: bool) {
    let Some(index) = worker_index() else {
        return;
    };
    // A thread that is ending tells nothing any more.
    let before = TOLD.try_with(|told| {
        let told = told.borrow();
        let told = told.iter().find(|told| told.watch == shared.id)?;
        let is_new = told.worker != Some(index) || by_hook && !told.by_hook;
        Some((is_new, is_new.then(|| told.life.clone())))
    });
    let life = match before {
        Ok(Some((true, life))) => life,
        Ok(None) => None,
        Ok(Some((false, _))) | Err(_) => return,
    };
    let life = life.unwrap_or_else(|| Life::new(&Arc::new(Thread::current())));
    shared.runtimes.note(&life, by_hook);
    remember(shared, Some(index), by_hook, life);
}

/// Keeps what the calling thread has told, as long as it lives.
fn remember(shared: &Arc<Shared>, worker: Option<usize>, by_hook: bool, life: Life) {
    let _ = TOLD.try_with(|told| {
        let mut told = told.borrow_mut();
        told.retain(|told| told.watch != shared.id && told.shared.strong_count() > 0);
        told.push(Told {
            watch: shared.id,
            shared: Arc::downgrade(shared),
            worker,
            by_hook,
            life,
        });
    });
}

impl fmt::Debug for WorkerNotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerNotes").finish_non_exhaustive()
    }
}
