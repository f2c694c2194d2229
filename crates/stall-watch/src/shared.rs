//! What the threads that poll, the watchdog and the user's handle share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread as StdThread;
use std::time::{Duration, Instant};

use crate::seat::Seat;
use crate::site::Sites;
use crate::stall::Stall;
use crate::times::PollTimes;

/// Stalls that are kept, for `assert_none`.
const KEPT: usize = 8;

/// Locks. No code of the user runs under the locks of this crate, so none is ever poisoned.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
pub(crate) struct Shared {
    /// Tells watches apart in the threads' own memory.
    pub(crate) id: u64,
    /// Nanoseconds. Also [`origin`](Self::now) is the zero of all times here.
    pub(crate) threshold: u64,
    origin: Instant,
    pub(crate) sites: Sites,
    seats: Mutex<Vec<Arc<Seat>>>,
    retired: Mutex<PollTimes>,
    pub(crate) counts: Counts,
    kept: Mutex<Vec<Stall>>,
    watchdog: OnceLock<StdThread>,
    dozing: AtomicBool,
    stopped: AtomicBool,
    #[cfg(feature = "tokio")]
    pub(crate) runtimes: crate::runtime::Runtimes,
}

/// What the watchdog has done.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) stalls: AtomicU64,
    pub(crate) ongoing: AtomicU64,
    pub(crate) suppressed: AtomicU64,
    pub(crate) callback_panics: AtomicU64,
    pub(crate) overslept: AtomicU64,
}

impl Shared {
    pub(crate) fn new(threshold: Duration) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            threshold: nanoseconds(threshold),
            origin: Instant::now(),
            sites: Sites::default(),
            seats: Mutex::new(Vec::new()),
            retired: Mutex::new(PollTimes::new()),
            counts: Counts::default(),
            kept: Mutex::new(Vec::new()),
            watchdog: OnceLock::new(),
            dozing: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            #[cfg(feature = "tokio")]
            runtimes: crate::runtime::Runtimes::default(),
        }
    }

    /// Nanoseconds since this watch was made. `Instant` does not advance while the machine is suspended, where that is
    /// known: on Linux it is `CLOCK_MONOTONIC`.
    pub(crate) fn now(&self) -> u64 {
        nanoseconds(self.origin.elapsed())
    }

    pub(crate) fn join(&self, seat: &Arc<Seat>) {
        lock(&self.seats).push(Arc::clone(seat));
    }

    pub(crate) fn leave(&self, seat: &Arc<Seat>) {
        // Both under the lock of the seats, so that no reader counts it twice or not at all.
        let mut seats = lock(&self.seats);
        seats.retain(|other| !Arc::ptr_eq(other, seat));
        seat.times.add_to(&mut lock(&self.retired));
    }

    pub(crate) fn seats(&self) -> Vec<Arc<Seat>> {
        lock(&self.seats).clone()
    }

    pub(crate) fn poll_times(&self) -> PollTimes {
        let seats = lock(&self.seats);
        let mut times = lock(&self.retired).clone();
        seats.iter().for_each(|seat| seat.times.add_to(&mut times));
        times
    }

    pub(crate) fn keep(&self, stall: &Stall) {
        let mut kept = lock(&self.kept);
        if kept.len() < KEPT {
            kept.push(stall.clone());
        }
    }

    pub(crate) fn kept(&self) -> Vec<Stall> {
        lock(&self.kept).clone()
    }

    pub(crate) fn watched_by(&self, watchdog: &StdThread) {
        // Set once, by whoever made this.
        let _ = self.watchdog.set(watchdog.clone());
    }

    pub(crate) fn wake_watchdog(&self) {
        if let Some(watchdog) = self.watchdog.get() {
            watchdog.unpark();
        }
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.wake_watchdog();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Called after every beginning of a poll: a load of what is hardly ever written.
    pub(crate) fn wake_if_dozing(&self) {
        if self.dozing.load(Ordering::Relaxed) {
            self.wake_from_doze();
        }
    }

    #[cold]
    fn wake_from_doze(&self) {
        if self.dozing.swap(false, Ordering::Relaxed) {
            self.wake_watchdog();
        }
    }

    pub(crate) fn set_dozing(&self, dozing: bool) {
        self.dozing.store(dozing, Ordering::SeqCst);
    }

    pub(crate) fn is_dozing(&self) -> bool {
        self.dozing.load(Ordering::SeqCst)
    }
}

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
