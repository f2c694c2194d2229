//! The slots of the calling thread, one per watch it has polled for.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};

use crate::shared::Shared;
use crate::slot::{Look, NO_SITE, Slot};
use crate::thread::Thread;
use crate::times::Recorder;

/// A thread as one watch sees it.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) slot: Slot,
    pub(crate) times: Recorder,
    pub(crate) thread: Arc<Thread>,
}

struct Taken {
    watch: u64,
    // Weak, so that a thread that lives for long does not keep what watches it no more.
    shared: Weak<Shared>,
    seat: Arc<Seat>,
    depth: Cell<u32>,
    /// Tells the watch of a runtime that the thread lives.
    #[cfg(feature = "tokio")]
    _life: crate::runtime::Life,
}

struct Seats(RefCell<Vec<Taken>>);

thread_local! {
    static SEATS: Seats = const { Seats(RefCell::new(Vec::new())) };
}

impl Drop for Seats {
    fn drop(&mut self) {
        for taken in self.0.get_mut().drain(..) {
            if let Some(shared) = taken.shared.upgrade() {
                shared.leave(&taken.seat);
            }
        }
    }
}

impl Seats {
    /// Runs `f` with the seat of this watch, if there is one. No code of the user runs in `f`.
    fn with<R>(&self, shared: &Shared, f: impl FnOnce(&Taken) -> R) -> Option<R> {
        let seats = self.0.borrow();
        // Nearly always the first and only one.
        seats.iter().find(|taken| taken.watch == shared.id).map(f)
    }

    #[cold]
    fn take(&self, shared: &Arc<Shared>) {
        let seat = Arc::new(Seat {
            slot: Slot::new(),
            times: Recorder::new(),
            thread: Arc::new(Thread::current()),
        });
        shared.join(&seat);
        #[cfg(feature = "tokio")]
        let life = crate::runtime::Life::new(&seat.thread);
        #[cfg(feature = "tokio")]
        shared.runtimes.note_worker(&life);
        let mut seats = self.0.borrow_mut();
        seats.retain(|taken| taken.shared.strong_count() > 0);
        seats.push(Taken {
            watch: shared.id,
            shared: Arc::downgrade(shared),
            seat,
            depth: Cell::new(0),
            #[cfg(feature = "tokio")]
            _life: life,
        });
    }
}

/// A poll that is under way. Ends it when dropped, also by a panic.
pub(crate) struct Turn<'a> {
    shared: &'a Shared,
    /// Who was innermost before; `None` if this thread is past having a slot.
    before: Option<u64>,
}

impl<'a> Turn<'a> {
    /// Begins a poll on the calling thread.
    pub(crate) fn begin(shared: &'a Arc<Shared>, site: u64) -> Self {
        // While a thread ends, futures may still be polled by the destructors of its locals: unwatched.
        let before = SEATS.try_with(|seats| {
            seats
                .with(shared, |taken| taken.begin(shared, site))
                .or_else(|| {
                    seats.take(shared);
                    seats.with(shared, |taken| taken.begin(shared, site))
                })
        });
        Self {
            shared,
            before: before.ok().flatten(),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            let _ = SEATS
                .try_with(|seats| seats.with(self.shared, |taken| taken.end(self.shared, before)));
        }
    }
}

impl Taken {
    fn begin(&self, shared: &Shared, site: u64) -> u64 {
        let depth = self.depth.get();
        self.depth.set(depth + 1);
        // A poll within a poll costs no look at the clock: how long the loop is held up is a matter of the outermost.
        if depth > 0 {
            return self.seat.slot.nest(site);
        }
        self.seat.slot.begin(site, shared.now());
        shared.wake_if_dozing();
        NO_SITE
    }

    fn end(&self, shared: &Shared, before: u64) {
        let depth = self.depth.get() - 1;
        self.depth.set(depth);
        if depth > 0 {
            self.seat.slot.nest(before);
            return;
        }
        let took = self.seat.slot.end(shared.now(), shared.threshold);
        self.seat.times.add(took);
    }
}

/// Runs a closure that may block, without its time being counted: for a wait inside a poll that is known and accepted,
/// such as `tokio::task::block_in_place`.
///
/// It concerns the calling thread and all watches; the poll that it is in counts as ended before and begun anew
/// afterwards. Outside of a wrapped poll it only runs the closure. A runtime that is watched as a whole
/// (feature `tokio`) still sees its worker stand still.
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
    struct Resume(Vec<(Weak<Shared>, Arc<Seat>, Look)>);
    impl Drop for Resume {
        fn drop(&mut self) {
            for (shared, seat, paused) in self.0.drain(..) {
                if let Some(shared) = shared.upgrade() {
                    seat.slot.begin(paused.site, shared.now());
                    seat.slot.nest(paused.inner);
                    shared.wake_if_dozing();
                }
            }
        }
    }

    let paused = SEATS.try_with(|seats| {
        let seats = seats.0.borrow();
        let polling = seats.iter().filter(|taken| taken.depth.get() > 0);
        polling
            .filter_map(|taken| {
                let shared = taken.shared.upgrade()?;
                // Within another `excused` it has been paused already.
                let look = taken.seat.slot.look()?;
                let took = taken.seat.slot.end(shared.now(), shared.threshold);
                taken.seat.times.add(took);
                Some((Weak::clone(&taken.shared), Arc::clone(&taken.seat), look))
            })
            .collect()
    });
    let _resume = Resume(paused.unwrap_or_default());
    f()
}
