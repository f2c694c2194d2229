//! The sleep protocol: how idle workers park, and how new jobs wake them.
//!
//! A worker is in one of three states.
//!
//! ```text
//!              finds nothing                 finds nothing for a short, bounded spin
//!   WORKING ──────────────────▶ SEARCHING ─────────────────────────────────────────▶ SLEEPING
//!      ▲                          │   ▲                                                 │
//!      └────── finds a job ───────┘   └────────── woken (the waker moves it) ───────────┘
//! ```
//!
//! A single atomic word counts searching and sleeping workers. Queueing a job wakes a sleeper only
//! if no worker is searching, since a searching worker will find the job. This saves a system call
//! for each job of a burst, and rests on one promise:
//!
//! **While a job is queued and a worker sleeps, at least one worker searches.**
//!
//! One argument closes every way of breaking it. Two sides each write, pass a `SeqCst` fence (or a
//! `SeqCst` read-modify-write that is followed by one), and then read what the other wrote, so at
//! least one of them sees the other.
//!
//! 1. *A job is queued while the last searcher goes to sleep.* The submitter queues, fences, and
//!    reads the counts. The worker moves itself to SLEEPING, fences, and looks into the queues once
//!    more. If the submitter still saw a searcher, the worker sees the job and withdraws from
//!    sleeping. If the worker saw nothing, the submitter saw it asleep and wakes it.
//! 2. *A job is queued while the last searcher finds another job.* The worker leaves SEARCHING,
//!    fences, and looks into the queues. If there is more and no worker searches now, it wakes
//!    another one. The submitter acts as above. A searcher that is not the last has no duty: the
//!    last one will go through 1 or 2.
//! 3. *A woken worker is not yet running.* Its waker counted it as searching in the same step that
//!    took it off the stack of sleepers, so later submitters rely on it. That is safe, since it
//!    looks into the queues when it runs.
//! 4. *The pool is closed, or closed and emptied, while a worker goes to sleep.* As 1, with the
//!    ledger in place of the queue and `wake_all` in place of `notify`.
//! 5. *A worker whose idle timeout has elapsed retires.* It first moves itself to SEARCHING and
//!    then leaves as in 2. If no sleeper can be woken, it has a new thread started (see
//!    `growth.rs`).
//!
//! The protocol needs one property of the queues: a job is in one of them until a worker takes it
//! to run. Workers therefore take single jobs. A batch on its way to another deque would for a
//! moment be in no queue, while another worker falls asleep; moving it would need a notification as
//! for newly queued jobs. (Batches of 4 to 32 were measured: they save nothing here, and jobs would
//! no longer start in the order of submission.)
//!
//! At most half of the workers, and at least one, may spin at a time, to leave cores for jobs and
//! submitters. Any further worker passes through SEARCHING straight on to SLEEPING. Nothing above
//! depends on how long a worker spins.
//!
//! A woken worker counts as searching at once, but takes a while to run. So `notify` returns
//! whether an *awake* worker was searching: only then does it pay to spin for the result (see
//! `task/result_ref.rs`).
//!
//! A worker that blocks inside a job counts as WORKING and is never woken; jobs in its own deque
//! can be stolen.

use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use crate::sync::thread::{self, Thread};
use crate::sync::{Mutex, lock, park_until};

const SEARCHING: u64 = 1;
const SLEEPING: u64 = 1 << 16;
/// Woken, counted as searching, and not yet running.
const WAKING: u64 = 1 << 32;

/// The maximum number of workers of a pool, well within the range of the counts. An idle worker
/// looks into the queues of all others. At about four times this number, a Linux process runs out
/// of memory mappings, and a starting thread then aborts it.
pub(crate) const MAX_WORKERS: usize = 4_096;

pub(crate) struct Sleep {
    /// The numbers of workers that search, sleep and are being woken: 16 bits each, from the
    /// lowest.
    counts: CachePadded<AtomicU64>,
    /// The sleepers. A stack, since the last one to sleep has the warmest cache. Its length is the
    /// middle part of `counts`.
    stack: Mutex<Vec<Sleeper>>,
    /// One flag per worker, set by its waker, so that a stray unpark is not taken for a wake-up.
    woken: Box<[CachePadded<AtomicBool>]>,
    /// The maximum number of workers that spin. The other cores are for jobs and submitters.
    spinners: usize,
}

struct Sleeper {
    worker: usize,
    thread: Thread,
}

impl Sleep {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            counts: CachePadded::new(AtomicU64::new(0)),
            stack: Mutex::new(Vec::with_capacity(workers)),
            woken: (0..workers)
                .map(|_| CachePadded::new(AtomicBool::new(false)))
                .collect(),
            spinners: (workers / 2).max(1),
        }
    }

    /// WORKING to SEARCHING.
    pub(crate) fn start_search(&self) {
        self.counts.fetch_add(SEARCHING, Ordering::SeqCst);
    }

    /// Whether more workers search than may spin.
    pub(crate) fn is_crowded(&self) -> bool {
        searching(self.counts.load(Ordering::Relaxed)) > self.spinners
    }

    /// SEARCHING to WORKING. The last worker to stop passes the search on if `more` finds further
    /// jobs.
    pub(crate) fn stop_search(&self, more: impl FnOnce() -> bool) {
        let before = self.counts.fetch_sub(SEARCHING, Ordering::SeqCst);
        if searching(before) == 1 && sleeping(before) > 0 {
            fence(Ordering::SeqCst);
            if more() {
                self.notify(1);
            }
        }
    }

    /// Announces that `jobs` jobs were just queued. Returns whether an awake worker was searching,
    /// which will soon take one of them.
    pub(crate) fn notify(&self, jobs: usize) -> bool {
        fence(Ordering::SeqCst);
        let counts = self.counts.load(Ordering::SeqCst);
        let wanted = jobs.saturating_sub(searching(counts)).min(sleeping(counts));
        for _ in 0..wanted {
            if !self.wake_one() {
                break;
            }
        }
        searching(counts) > waking(counts)
    }

    /// Wakes every sleeper, for a change that is not a job.
    pub(crate) fn wake_all(&self) {
        while self.wake_one() {}
    }

    /// The number of workers that search or sleep.
    pub(crate) fn idle(&self) -> usize {
        let counts = self.counts.load(Ordering::SeqCst);
        searching(counts) + sleeping(counts)
    }

    /// SEARCHING to SLEEPING, and back to SEARCHING when woken, or at once if `awake` finds a
    /// reason to stay awake. Returns `false` if it was not woken within `limit`.
    pub(crate) fn sleep(
        &self,
        worker: usize,
        limit: Option<Duration>,
        awake: impl FnOnce() -> bool,
    ) -> bool {
        let woken = &self.woken[worker];
        let sleeper = Sleeper {
            worker,
            thread: thread::current(),
        };
        {
            let mut stack = lock(&self.stack);
            woken.store(false, Ordering::Relaxed);
            stack.push(sleeper);
            self.counts
                .fetch_add(SLEEPING - SEARCHING, Ordering::SeqCst);
        }
        fence(Ordering::SeqCst);
        if awake() && self.withdraw(worker) {
            return true;
        }
        // A deadline beyond the clock's range is no deadline.
        let mut deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        while !woken.load(Ordering::Acquire) {
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                if self.withdraw(worker) {
                    return false;
                }
                // A waker has claimed this worker and is about to wake it: check again before
                // parking.
                deadline = None;
                continue;
            }
            park_until(deadline);
        }
        self.counts.fetch_sub(WAKING, Ordering::SeqCst);
        true
    }

    /// SLEEPING to SEARCHING. Returns `false` if a waker has already counted this worker as
    /// searching, and is about to unpark it.
    fn withdraw(&self, worker: usize) -> bool {
        let mut stack = lock(&self.stack);
        let Some(place) = stack.iter().rposition(|other| other.worker == worker) else {
            return false;
        };
        let sleeper = stack.remove(place);
        self.counts
            .fetch_sub(SLEEPING - SEARCHING, Ordering::SeqCst);
        drop(stack);
        drop(sleeper);
        true
    }

    fn wake_one(&self) -> bool {
        let sleeper = {
            let mut stack = lock(&self.stack);
            let Some(sleeper) = stack.pop() else {
                return false;
            };
            self.counts.fetch_add(
                (SEARCHING + WAKING).wrapping_sub(SLEEPING),
                Ordering::SeqCst,
            );
            sleeper
        };
        self.woken[sleeper.worker].store(true, Ordering::Release);
        sleeper.thread.unpark();
        true
    }
}

fn searching(counts: u64) -> usize {
    part(counts)
}

fn sleeping(counts: u64) -> usize {
    part(counts >> 16)
}

fn waking(counts: u64) -> usize {
    part(counts >> 32)
}

fn part(counts: u64) -> usize {
    usize::from(counts as u16)
}
