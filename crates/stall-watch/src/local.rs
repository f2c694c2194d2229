//! The thread-local records of the current thread, one for each watch that it has polled for.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};

#[cfg(feature = "tokio")]
use crate::runtime::thread_token::ThreadToken;
use crate::shared::Shared;
use crate::slot::{CurrentPoll, NO_SITE};
use crate::thread_record::ThreadRecord;

/// The registration of this thread with one watch.
struct Registration {
    watch: u64,
    // Weak, so that a long-lived thread does not keep a watch that was dropped.
    shared: Weak<Shared>,
    record: Arc<ThreadRecord>,
    /// How many wrapped polls are running, one inside another.
    depth: Cell<u32>,
    /// Shows the watch of a runtime that the thread is alive.
    #[cfg(feature = "tokio")]
    _token: ThreadToken,
}

struct Registrations(RefCell<Vec<Registration>>);

thread_local! {
    static REGISTRATIONS: Registrations = const { Registrations(RefCell::new(Vec::new())) };
}

impl Drop for Registrations {
    fn drop(&mut self) {
        for registration in self.0.get_mut().drain(..) {
            if let Some(shared) = registration.shared.upgrade() {
                shared.unregister(&registration.record);
            }
        }
    }
}

impl Registrations {
    /// Runs `f` with the registration of this watch, if there is one. `f` must not run user code.
    fn with<R>(&self, shared: &Shared, f: impl FnOnce(&Registration) -> R) -> Option<R> {
        let registrations = self.0.borrow();
        // Nearly always the first and only one.
        let mut registrations = registrations.iter();
        registrations.find(|it| it.watch == shared.id).map(f)
    }

    #[cold]
    fn register(&self, shared: &Arc<Shared>) {
        let record = Arc::new(ThreadRecord::of_current_thread());
        shared.register(&record);
        #[cfg(feature = "tokio")]
        let token = ThreadToken::new(&record.thread);
        #[cfg(feature = "tokio")]
        shared.runtimes.note_worker(&token, false);
        let mut registrations = self.0.borrow_mut();
        registrations.retain(|it| it.shared.strong_count() > 0);
        registrations.push(Registration {
            watch: shared.id,
            shared: Arc::downgrade(shared),
            record,
            depth: Cell::new(0),
            #[cfg(feature = "tokio")]
            _token: token,
        });
    }
}

/// A running poll. Dropping it ends the poll, also when a panic unwinds.
pub(crate) struct PollGuard<'a> {
    shared: &'a Shared,
    /// The site that was innermost before; `None` if this thread is exiting and has no record.
    before: Option<u64>,
}

impl<'a> PollGuard<'a> {
    /// Begins a poll on the current thread.
    pub(crate) fn begin(shared: &'a Arc<Shared>, site: u64) -> Self {
        // The destructors of other thread-locals may still poll futures: those are not watched.
        let before = REGISTRATIONS.try_with(|registrations| {
            registrations
                .with(shared, |it| it.begin(shared, site))
                .or_else(|| {
                    registrations.register(shared);
                    registrations.with(shared, |it| it.begin(shared, site))
                })
        });
        Self {
            shared,
            before: before.ok().flatten(),
        }
    }
}

impl Drop for PollGuard<'_> {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            let _ = REGISTRATIONS.try_with(|registrations| {
                registrations.with(self.shared, |it| it.end(self.shared, before))
            });
        }
    }
}

impl Registration {
    fn begin(&self, shared: &Shared, site: u64) -> u64 {
        let depth = self.depth.get();
        self.depth.set(depth + 1);
        // A nested poll does not read the clock: the outermost one decides how long the loop is
        // blocked.
        if depth > 0 {
            return self.record.slot.nest(site);
        }
        self.record.slot.begin(site, shared.now());
        shared.wake_if_dozing();
        NO_SITE
    }

    fn end(&self, shared: &Shared, before: u64) {
        let depth = self.depth.get() - 1;
        self.depth.set(depth);
        if depth > 0 {
            self.record.slot.nest(before);
            return;
        }
        let took = self.record.slot.end(shared.now(), shared.threshold);
        self.record.times.add(took);
    }
}

/// Runs a closure that may block, without counting its time: for a known and accepted wait inside a
/// poll, such as `tokio::task::block_in_place`.
///
/// It applies to the current thread and to all watches. The surrounding poll counts as ended before
/// the closure and as begun anew after it. Outside a wrapped poll it only runs the closure. A
/// runtime that is watched as a whole (feature `tokio`) still sees its worker blocked.
///
/// ```
/// use std::time::Duration;
/// use effective_stall_watch::{StallWatch, excused};
///
/// let watch = StallWatch::new(Duration::from_millis(10)).unwrap();
/// futures::executor::block_on(watch.wrap(async {
///     excused(|| std::thread::sleep(Duration::from_millis(50)));
/// }));
/// watch.assert_none();
/// ```
pub fn excused<R>(f: impl FnOnce() -> R) -> R {
    struct Resume(Vec<(Weak<Shared>, Arc<ThreadRecord>, CurrentPoll)>);
    impl Drop for Resume {
        fn drop(&mut self) {
            for (shared, record, paused) in self.0.drain(..) {
                if let Some(shared) = shared.upgrade() {
                    record.slot.begin(paused.site, shared.now());
                    record.slot.nest(paused.inner);
                    shared.wake_if_dozing();
                }
            }
        }
    }

    let paused = REGISTRATIONS.try_with(|registrations| {
        let registrations = registrations.0.borrow();
        let polling = registrations.iter().filter(|it| it.depth.get() > 0);
        polling
            .filter_map(|it| {
                let shared = it.shared.upgrade()?;
                // `None` inside another `excused`, which has paused the poll already.
                let poll = it.record.slot.current()?;
                let took = it.record.slot.end(shared.now(), shared.threshold);
                it.record.times.add(took);
                Some((Weak::clone(&it.shared), Arc::clone(&it.record), poll))
            })
            .collect()
    });
    let _resume = Resume(paused.unwrap_or_default());
    f()
}
