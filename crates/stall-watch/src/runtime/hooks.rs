//! The hooks of a runtime, which tell the watch which thread a worker runs on.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Weak};

use tokio::runtime::{Handle, worker_index};

use super::thread_token::ThreadToken;
use crate::shared::Shared;

/// The last note of the current thread for a watch.
struct Note {
    watch: u64,
    shared: Weak<Shared>,
    worker: Option<usize>,
    /// Whether a hook noted it: then the hooks wake the watchdog as well.
    by_hook: bool,
    token: ThreadToken,
}

thread_local! {
    static NOTES: RefCell<Vec<Note>> = const { RefCell::new(Vec::new()) };
}

/// The hooks of a runtime: call `on_start` in `on_thread_start`, `on_park` in `on_thread_park` and
/// `on_unpark` in `on_thread_unpark`; the last two both or neither.
///
/// The first two tell the watch which thread a worker runs on. The third wakes the watchdog, which
/// sleeps while all workers do.
///
/// ```
/// use std::time::Duration;
/// use effective_stall_watch::StallWatch;
///
/// let watch = StallWatch::new(Duration::from_millis(100)).unwrap();
/// let (start, park, unpark) = (watch.worker_hooks(), watch.worker_hooks(), watch.worker_hooks());
/// let runtime = tokio::runtime::Builder::new_current_thread()
///     .event_interval(8)
///     .on_thread_start(move || start.on_start())
///     .on_thread_park(move || park.on_park())
///     .on_thread_unpark(move || {
///         unpark.on_unpark();
///         // and whatever else the hook is for
///     })
///     .build()
///     .unwrap();
/// # drop(runtime);
/// ```
#[derive(Clone)]
pub struct WorkerHooks {
    shared: Arc<Shared>,
}

impl WorkerHooks {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Notes that the runtime has started the current thread. With this hook the thread of a worker
    /// is known before it parks for the first time.
    pub fn on_start(&self) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let token = ThreadToken::of_current_thread();
        self.shared.runtimes.note_start(&runtime, &token);
        remember(&self.shared, None, true, token);
    }

    /// Notes that the current worker is about to park.
    pub fn on_park(&self) {
        note_worker(&self.shared, true);
    }

    /// Notes that the current worker was unparked.
    pub fn on_unpark(&self) {
        self.shared.wake_if_dozing();
    }
}

/// Notes which worker the current thread is, if it is one and that is news.
pub(super) fn note_worker(shared: &Arc<Shared>, by_hook: bool) {
    let Some(index) = worker_index() else {
        return;
    };
    // Fails while the thread is exiting.
    let before = NOTES.try_with(|notes| {
        let notes = notes.borrow();
        let note = notes.iter().find(|note| note.watch == shared.id)?;
        let is_news = note.worker != Some(index) || by_hook && !note.by_hook;
        Some((is_news, is_news.then(|| note.token.clone())))
    });
    let token = match before {
        Ok(Some((true, token))) => token,
        Ok(None) => None,
        Ok(Some((false, _))) | Err(_) => return,
    };
    let token = token.unwrap_or_else(ThreadToken::of_current_thread);
    shared.runtimes.note_worker(&token, by_hook);
    remember(shared, Some(index), by_hook, token);
}

/// Keeps the note and the token for as long as the current thread lives.
fn remember(shared: &Arc<Shared>, worker: Option<usize>, by_hook: bool, token: ThreadToken) {
    let _ = NOTES.try_with(|notes| {
        let mut notes = notes.borrow_mut();
        notes.retain(|note| note.watch != shared.id && note.shared.strong_count() > 0);
        notes.push(Note {
            watch: shared.id,
            shared: Arc::downgrade(shared),
            worker,
            by_hook,
            token,
        });
    });
}

impl fmt::Debug for WorkerHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerHooks").finish_non_exhaustive()
    }
}
