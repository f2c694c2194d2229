//! The state that the polling threads, the watchdog and the user's handle share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::Thread as StdThread;
use std::time::{Duration, Instant};

#[cfg(feature = "tokio")]
use crate::runtime::registry::RuntimeRegistry;
use crate::site::Sites;
use crate::stall::Stall;
use crate::sync::lock;
use crate::thread_record::ThreadRecord;
use crate::times::PollTimes;

/// How many stalls are kept for `assert_none`.
const KEPT: usize = 8;

#[derive(Debug)]
pub(crate) struct Shared {
    /// Identifies the watch in thread-locals.
    pub(crate) id: u64,
    /// In nanoseconds.
    pub(crate) threshold: u64,
    /// The zero of all times.
    origin: Instant,
    pub(crate) sites: Sites,
    records: Mutex<Vec<Arc<ThreadRecord>>>,
    /// The poll times of threads that have exited.
    retired: Mutex<PollTimes>,
    pub(crate) counts: Counts,
    kept: Mutex<Vec<Stall>>,
    watchdog: OnceLock<StdThread>,
    dozing: AtomicBool,
    stopped: AtomicBool,
    #[cfg(feature = "tokio")]
    pub(crate) runtimes: RuntimeRegistry,
}

/// The watchdog's counts.
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
            records: Mutex::new(Vec::new()),
            retired: Mutex::new(PollTimes::new()),
            counts: Counts::default(),
            kept: Mutex::new(Vec::new()),
            watchdog: OnceLock::new(),
            dozing: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            #[cfg(feature = "tokio")]
            runtimes: RuntimeRegistry::default(),
        }
    }

    /// Nanoseconds since this watch was made. On Linux `Instant` is `CLOCK_MONOTONIC`, which does
    /// not advance while the machine is suspended.
    pub(crate) fn now(&self) -> u64 {
        nanoseconds(self.origin.elapsed())
    }

    pub(crate) fn register(&self, record: &Arc<ThreadRecord>) {
        lock(&self.records).push(Arc::clone(record));
    }

    pub(crate) fn unregister(&self, record: &Arc<ThreadRecord>) {
        // Both steps under the lock of the records, so that a reader counts each thread once.
        let mut records = lock(&self.records);
        records.retain(|other| !Arc::ptr_eq(other, record));
        record.times.add_to(&mut lock(&self.retired));
    }

    pub(crate) fn records(&self) -> Vec<Arc<ThreadRecord>> {
        lock(&self.records).clone()
    }

    pub(crate) fn poll_times(&self) -> PollTimes {
        let records = lock(&self.records);
        let mut times = lock(&self.retired).clone();
        for record in &*records {
            record.times.add_to(&mut times);
        }
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

    pub(crate) fn set_watchdog(&self, watchdog: &StdThread) {
        // Called once, when the watch is made.
        let _ = self.watchdog.set(watchdog.clone());
    }

    fn wake_watchdog(&self) {
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

    /// Called when a poll has begun: one load of a flag that rarely changes.
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
