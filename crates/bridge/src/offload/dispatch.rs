//! The dispatch of jobs to workers: the queue, the waiting list before it, and the sleeping
//! workers.
//!
//! ```text
//! a job:     run ───▶ WAITING ──(room)──▶ QUEUED ──▶ TAKEN by a worker
//!            try_run ───────────────────────▲│
//!                          withdraw: CANCELLED
//!
//! a worker:  starting, woken or spinning ──▶ SEARCHING ──▶ RUNNING a job
//!                                                    └───▶ SLEEPING
//! ```
//!
//! All of it changes under one lock, which is held for a few steps and never while user code runs.
//! The invariants:
//!
//! - **There are at least as many searching workers as jobs that may be taken.** A searching worker
//!   looks at the queue before it sleeps. Queueing a job, taking one that leaves others behind, and
//!   blocking all call `request_worker`.
//! - **A job is taken once or withdrawn, never both**: its entry state changes under the lock.
//! - **A withdrawn job leaves only a tombstone**, and tombstones are swept before they outnumber
//!   the live jobs by much.
//!
//! `state.rs` has the rules that say which jobs may be taken.
#![allow(missing_docs, unreachable_pub, reason = "public for the model checks")]

use std::time::{Duration, Instant};

use super::error::Refusal;
use super::job_list::{EntryState, QUEUED, Queued, WAITING};
use super::state::{Action, Limits, Sleeper, State, WorkerState};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard, Pause, Thread, lock, park_until, spin_until, thread};

/// How long a worker that found no job spins before it parks. Being woken costs about as much.
///
/// It yields while it spins: it may share a core with the thread that it has just woken with a
/// result, which could not submit the next job until the spinning ends.
const SPIN: Duration = Duration::from_micros(30);

/// The action of `submit` if the queue is full.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum IfFull {
    Refuse,
    Wait,
    /// Accepts the job anyway: for work that is already bounded in another way.
    Accept,
}

pub struct Dispatch<J> {
    limits: Limits,
    /// The number of queued jobs, plus one once closed. Written under the lock, read by spinning
    /// workers.
    work: AtomicUsize,
    state: Mutex<State<J>>,
}

/// The duties of the caller of `close`, outside the lock.
pub struct Closing<J> {
    /// Wake these.
    pub sleepers: Vec<Thread>,
    /// Fail these: no worker will run them.
    pub refused: Vec<J>,
}

impl<J: Queued> Dispatch<J> {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            work: AtomicUsize::new(0),
            state: Mutex::new(State::new()),
        }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Accepts a job. The flag says whether a spinning worker is about to take it.
    pub fn submit(&self, job: J, full: IfFull) -> Result<(Action, bool), (Refusal, J)> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err((Refusal::Closed, job));
        }
        let queued = state.queued();
        if queued < self.limits.max_pending || full == IfFull::Accept {
            let soon = state.spinning > queued;
            state.push(job, true);
            self.note(&state);
            return Ok((state.request_worker(self.limits.max_threads), soon));
        }
        if full == IfFull::Refuse {
            return Err((Refusal::Full, job));
        }
        state.push(job, false);
        Ok((state.request_worker(self.limits.max_threads), false))
    }

    /// Takes back a job that has not started. If it returns `true`, the job belongs to the caller.
    pub fn withdraw(&self, place: &EntryState) -> bool {
        let mut state = lock(&self.state);
        let level = place.level();
        if place.is(QUEUED) {
            state.level(level).queue.withdraw(place);
            state.admit(self.limits.max_pending);
            self.note(&state);
            true
        } else if place.is(WAITING) {
            state.level(level).waiting.withdraw(place);
            true
        } else {
            false
        }
    }

    /// Registers a worker that `request_worker` asked for and that has started.
    pub fn register_worker(&self) -> WorkerState {
        let mut state = lock(&self.state);
        state.next_id += 1;
        WorkerState {
            id: state.next_id,
            searching: true,
            running: None,
            is_extra_due: false,
        }
    }

    /// Counts a worker that is about to be started although no job needs it yet.
    pub fn reserve_worker(&self) {
        let mut state = lock(&self.state);
        state.threads += 1;
        state.searching += 1;
    }

    /// Undoes the count of a worker that could not be started. Returns the jobs that no worker will
    /// ever take.
    pub fn start_failed(&self) -> Vec<J> {
        let mut state = lock(&self.state);
        state.threads -= 1;
        state.searching -= 1;
        let mut stranded = Vec::new();
        if state.threads <= state.blocked {
            state.clear(true, &mut stranded);
            self.note(&state);
        }
        stranded
    }

    /// Waits for the worker's next job. `None`: the worker must exit.
    pub fn next(&self, me: &mut WorkerState) -> Option<(J, Action)> {
        let mut state = lock(&self.state);
        state.end_job(me);
        let mut has_spun = false;
        loop {
            if let Some(job) = state.pop(&self.limits, me) {
                if std::mem::take(&mut me.searching) {
                    state.searching -= 1;
                }
                self.note(&state);
                return Some((job, state.request_worker(self.limits.max_threads)));
            }
            if state.closed && (state.has_watcher || !state.is_stuck(self.limits.max_threads)) {
                if std::mem::take(&mut me.searching) {
                    state.searching -= 1;
                }
                state.threads -= 1;
                // The watcher would sleep until its timeout although nothing is left to watch.
                if !state.is_stuck(self.limits.max_threads)
                    && let Some(at) = state.sleepers.iter().position(|other| other.is_watcher)
                {
                    let watcher = state.sleepers.remove(at);
                    state.has_watcher = false;
                    state.searching += 1;
                    watcher.thread.unpark();
                }
                return None;
            }
            if !std::mem::replace(&mut me.searching, true) {
                state.searching += 1;
            }
            // At most half of the workers spin at a time, but at least one may.
            if self.limits.spins
                && !has_spun
                && state.working() < self.limits.max_threads
                && state.spinning < (state.threads / 2).max(1)
            {
                has_spun = true;
                state.spinning += 1;
                drop(state);
                let has_work = || self.work.load(Ordering::Relaxed) > 0;
                spin_until(SPIN, Pause::Yield, has_work);
                state = lock(&self.state);
                state.spinning -= 1;
                continue;
            }
            state = self.sleep(state, me)?;
        }
    }

    /// Sleeps until woken by a thread that has counted this worker as searching. `None`: the idle
    /// timeout has expired and the worker must exit.
    fn sleep<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<J>>,
        me: &mut WorkerState,
    ) -> Option<MutexGuard<'a, State<J>>> {
        me.searching = false;
        state.searching -= 1;
        let is_stuck = !state.has_watcher && state.is_stuck(self.limits.max_threads);
        let deadlock_timeout = state.deadlock_timeout(&self.limits).filter(|_| is_stuck);
        let events = state.events;
        state.has_watcher |= deadlock_timeout.is_some();
        state.sleepers.push(Sleeper {
            id: me.id,
            thread: thread::current(),
            is_watcher: deadlock_timeout.is_some(),
        });
        // No deadline for a worker of the minimum, nor for a timeout beyond the clock's range.
        let may_leave = state.threads > self.limits.min_threads;
        let limit = may_leave.then_some(self.limits.idle_timeout);
        let limit = deadlock_timeout.or(limit);
        let mut deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            drop(state);
            park_until(deadline);
            state = lock(&self.state);
            if !state.sleepers.iter().rev().any(|other| other.id == me.id) {
                me.searching = true;
                return Some(state);
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                if deadlock_timeout.is_some() {
                    state.withdraw_sleeper(me.id);
                    state.has_watcher = false;
                    state.searching += 1;
                    me.searching = true;
                    // An event in the meantime restarts the timeout.
                    me.is_extra_due = state.events == events;
                    return Some(state);
                }
                if state.threads > self.limits.min_threads {
                    state.withdraw_sleeper(me.id);
                    state.threads -= 1;
                    return None;
                }
                // Other workers have left: this one now belongs to the minimum.
                deadline = None;
            }
        }
    }

    /// Stops accepting jobs. Waiting jobs are refused, and with `cancel_queued` queued ones as
    /// well.
    pub fn close(&self, cancel_queued: bool) -> Closing<J> {
        let mut state = lock(&self.state);
        state.closed = true;
        let mut refused = Vec::new();
        state.clear(cancel_queued, &mut refused);
        let sleepers = std::mem::take(&mut state.sleepers);
        state.has_watcher = false;
        state.searching += sleepers.len();
        self.note(&state);
        Closing {
            sleepers: sleepers.into_iter().map(|sleeper| sleeper.thread).collect(),
            refused,
        }
    }

    /// Notes that a worker is about to block in a wait of this crate, so that another may replace
    /// it. `nested` counts the jobs of this offload that then wait for one another, including the
    /// worker's own; `is_extra` says whether that was taken as an extra. `None`: it must not block.
    pub fn block(&self, nested: usize, is_extra: bool) -> Option<Action> {
        let mut state = lock(&self.state);
        let max = self.limits.max_threads;
        if nested > max {
            return None;
        }
        if is_extra {
            state.extra_helped = false;
        }
        state.blocked += 1;
        Some(state.request_worker(self.limits.max_threads))
    }

    /// Notes that a blocked worker has resumed.
    pub fn unblock(&self) {
        let mut state = lock(&self.state);
        state.blocked -= 1;
        state.events += 1;
    }

    /// Raises the level of a job that was submitted before it was known that another job waits for
    /// it.
    pub fn promote(&self, place: &EntryState, level: usize) -> Action {
        let mut state = lock(&self.state);
        let old = place.level();
        if old >= level {
            return Action::Nothing;
        }
        let is_queued = place.is(QUEUED);
        let job = if is_queued {
            state.level(old).queue.take(place)
        } else if place.is(WAITING) {
            state.level(old).waiting.take(place)
        } else {
            None
        };
        let Some(job) = job else {
            return Action::Nothing;
        };
        place.set_level(level);
        state.push(job, is_queued);
        state.request_worker(self.limits.max_threads)
    }

    pub fn threads(&self) -> usize {
        lock(&self.state).threads
    }

    /// The number of jobs that are accepted and not started.
    pub fn pending(&self) -> usize {
        lock(&self.state).queued()
    }

    /// The number of jobs that wait for room.
    pub fn waiting(&self) -> usize {
        let state = lock(&self.state);
        state.levels.iter().map(|level| level.waiting.live()).sum()
    }

    pub fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    fn note(&self, state: &State<J>) {
        let work = state.queued() + usize::from(state.closed);
        self.work.store(work, Ordering::Relaxed);
    }
}
