//! Which job goes to which thread: the queue, the line before it, and who sleeps.
//!
//! ```text
//!   run ─────▶ LINE ──(room)──▶ QUEUED ──▶ TAKEN by a thread        a thread:  starting ─┐
//!   try_run ──────────────────────▲│                                           woken ────┼─▶ COMING ─▶ at a job
//!                 withdraw: CANCELLED                                          spinning ─┘      └────▶ SLEEPING
//! ```
//!
//! All of it changes under one lock, which is held for a few steps and never while code of the user runs. So the promises
//! are checked by reading:
//!
//! - **While jobs may be taken, as many threads are coming as there are such jobs.** A thread that is coming looks at the
//!   queue before it sleeps. Queueing a job, taking one that leaves others behind, and blocking all call `hire`.
//! - **A job is taken once or withdrawn, never both**: its place says which, and changes under the lock.
//! - **A withdrawn job leaves only a husk in the queue**, and husks never outnumber what is alive by much.
//!
//! Which jobs may be taken is in `state.rs`.

use std::time::{Duration, Instant};

use super::lane::{LINE, Place, QUEUED, Queued};
use super::state::{Help, Limits, Member, Sleeper, State};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Between, Mutex, MutexGuard, Thread, lock, park_until, spin_until, thread};

/// How long a thread that found nothing looks out for a job before it parks. Being woken costs about as much.
///
/// It yields meanwhile: it may be on the core of the very thread that it has just woken with a result, which otherwise
/// would wait for the end of the spinning before it can ask for the next job.
const SPIN: Duration = Duration::from_micros(30);

/// What to do where the queue is full.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfFull {
    Refuse,
    StandInLine,
    /// Accepts it all the same: for what was accepted in another form already, and is bounded otherwise.
    Accept,
}

/// Why a job was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    Full,
    Closed,
}

pub(crate) struct Dispatch<J> {
    limits: Limits,
    /// How many live jobs are queued, for those who spin: written under the lock. Also above 0 once closed.
    work: AtomicUsize,
    state: Mutex<State<J>>,
}

/// What is to be done about a dispatch that was closed.
pub(crate) struct Closing<J> {
    /// To be woken.
    pub(crate) sleepers: Vec<Thread>,
    /// Nobody will run these.
    pub(crate) refused: Vec<J>,
}

impl<J: Queued> Dispatch<J> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            work: AtomicUsize::new(0),
            state: Mutex::new(State::new()),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Accepts a job. The flag says whether a thread that spins will come to it within a moment.
    pub(crate) fn submit(&self, job: J, full: IfFull) -> Result<(Help, bool), (Denied, J)> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err((Denied::Closed, job));
        }
        let queued = state.queued();
        if queued < self.limits.max_pending || full == IfFull::Accept {
            let soon = state.spinning > queued;
            state.push(job, true);
            self.note(&state);
            return Ok((state.hire(self.limits.max_threads), soon));
        }
        if full == IfFull::Refuse {
            return Err((Denied::Full, job));
        }
        state.push(job, false);
        Ok((state.hire(self.limits.max_threads), false))
    }

    /// Takes back a job that nobody has started: from now on it is the caller's, and nobody else touches it.
    pub(crate) fn withdraw(&self, place: &Place) -> bool {
        let mut state = lock(&self.state);
        let level = place.level();
        if place.is(QUEUED) {
            state.level(level).queue.withdraw(place);
            state.admit(self.limits.max_pending);
            self.note(&state);
            true
        } else if place.is(LINE) {
            state.level(level).line.withdraw(place);
            true
        } else {
            false
        }
    }

    /// A thread that `hire` asked for has started.
    pub(crate) fn join(&self) -> Member {
        let mut state = lock(&self.state);
        state.next_id += 1;
        Member {
            id: state.next_id,
            coming: true,
            at: None,
            is_extra_due: false,
        }
    }

    /// Adds threads without a job, to have them ready.
    pub(crate) fn expect_one(&self) {
        let mut state = lock(&self.state);
        state.threads += 1;
        state.coming += 1;
    }

    /// A thread that `hire` asked for could not be started. Returns the jobs that nobody will ever come to.
    pub(crate) fn start_failed(&self) -> Vec<J> {
        let mut state = lock(&self.state);
        state.threads -= 1;
        state.coming -= 1;
        let mut stranded = Vec::new();
        if state.threads <= state.blocked {
            state.clear(true, &mut stranded);
            self.note(&state);
        }
        stranded
    }

    /// The thread's next job, for which it may sleep; `None` when it is to end.
    pub(crate) fn next(&self, me: &mut Member) -> Option<(J, Help)> {
        let mut state = lock(&self.state);
        state.end_job(me);
        let mut has_spun = false;
        loop {
            if let Some(job) = state.pop(&self.limits, me) {
                if std::mem::take(&mut me.coming) {
                    state.coming -= 1;
                }
                self.note(&state);
                return Some((job, state.hire(self.limits.max_threads)));
            }
            if state.closed && (state.is_watched || !state.is_stuck(self.limits.max_threads)) {
                if std::mem::take(&mut me.coming) {
                    state.coming -= 1;
                }
                state.threads -= 1;
                // The thread that watches sleeps until its patience ends, and has nothing to watch.
                if !state.is_stuck(self.limits.max_threads)
                    && let Some(at) = state.sleepers.iter().position(|other| other.watches)
                {
                    let watcher = state.sleepers.remove(at);
                    state.is_watched = false;
                    state.coming += 1;
                    watcher.thread.unpark();
                }
                return None;
            }
            if !std::mem::replace(&mut me.coming, true) {
                state.coming += 1;
            }
            // Half of the threads may spin at a time, and one at least.
            if self.limits.spins
                && !has_spun
                && state.working() < self.limits.max_threads
                && state.spinning < (state.threads / 2).max(1)
            {
                has_spun = true;
                state.spinning += 1;
                drop(state);
                let has_work = || self.work.load(Ordering::Relaxed) > 0;
                spin_until(SPIN, Between::Yield, has_work);
                state = lock(&self.state);
                state.spinning -= 1;
                continue;
            }
            state = self.sleep(state, me)?;
        }
    }

    /// Sleeps until woken, by somebody who counts this thread as coming. `None`: nobody did for so long that it has left.
    fn sleep<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<J>>,
        me: &mut Member,
    ) -> Option<MutexGuard<'a, State<J>>> {
        me.coming = false;
        state.coming -= 1;
        let is_stuck = !state.is_watched && state.is_stuck(self.limits.max_threads);
        let patience = state.patience(&self.limits).filter(|_| is_stuck);
        let events = state.events;
        state.is_watched |= patience.is_some();
        state.sleepers.push(Sleeper {
            id: me.id,
            thread: thread::current(),
            watches: patience.is_some(),
        });
        // A time beyond the clock's range is no limit; nor has a thread one that is to stay.
        let may_leave = state.threads > self.limits.min_threads;
        let limit = may_leave.then_some(self.limits.idle_timeout);
        let limit = patience.or(limit);
        let mut deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            drop(state);
            park_until(deadline);
            state = lock(&self.state);
            if !state.sleepers.iter().rev().any(|other| other.id == me.id) {
                me.coming = true;
                return Some(state);
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                if patience.is_some() {
                    state.withdraw_sleeper(me.id);
                    state.is_watched = false;
                    state.coming += 1;
                    me.coming = true;
                    // If something has happened meanwhile, it starts anew.
                    me.is_extra_due = state.events == events;
                    return Some(state);
                }
                if state.threads > self.limits.min_threads {
                    state.withdraw_sleeper(me.id);
                    state.threads -= 1;
                    return None;
                }
                // Others have left meanwhile: this one is to stay.
                deadline = None;
            }
        }
    }

    /// Takes no more jobs. What is in line is refused; what is queued as well, if `cut` says so.
    pub(crate) fn close(&self, cut: bool) -> Closing<J> {
        let mut state = lock(&self.state);
        state.closed = true;
        let mut refused = Vec::new();
        state.clear(cut, &mut refused);
        let sleepers = std::mem::take(&mut state.sleepers);
        state.is_watched = false;
        state.coming += sleepers.len();
        self.note(&state);
        Closing {
            sleepers: sleepers.into_iter().map(|sleeper| sleeper.thread).collect(),
            refused,
        }
    }

    /// One of the threads is about to block in a wait of this crate: another may take its part. `nested` is how many calls
    /// of this offload wait for one another then, its own included; `is_extra`: its own was taken as one. `None` if it must
    /// not block.
    pub(crate) fn block(&self, nested: usize, is_extra: bool) -> Option<Help> {
        let mut state = lock(&self.state);
        let max = self.limits.max_threads;
        if nested > max {
            return None;
        }
        if is_extra {
            state.extra_helped = false;
        }
        state.blocked += 1;
        Some(state.hire(self.limits.max_threads))
    }

    /// It does not block any more.
    pub(crate) fn unblock(&self) {
        let mut state = lock(&self.state);
        state.blocked -= 1;
        state.events += 1;
    }

    /// A call of this offload waits for this job, which was handed in before that was known.
    pub(crate) fn promote(&self, place: &Place, level: usize) -> Help {
        let mut state = lock(&self.state);
        let old = place.level();
        if old >= level {
            return Help::Nothing;
        }
        let is_queued = place.is(QUEUED);
        let job = if is_queued {
            state.level(old).queue.take(place)
        } else if place.is(LINE) {
            state.level(old).line.take(place)
        } else {
            None
        };
        let Some(job) = job else {
            return Help::Nothing;
        };
        place.set_level(level);
        state.push(job, is_queued);
        state.hire(self.limits.max_threads)
    }

    pub(crate) fn threads(&self) -> usize {
        lock(&self.state).threads
    }

    /// How many jobs are accepted and not started.
    pub(crate) fn pending(&self) -> usize {
        lock(&self.state).queued()
    }

    /// How many wait to be accepted.
    pub(crate) fn in_line(&self) -> usize {
        let state = lock(&self.state);
        state.levels.iter().map(|level| level.line.live()).sum()
    }

    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    fn note(&self, state: &State<J>) {
        let work = state.queued() + usize::from(state.closed);
        self.work.store(work, Ordering::Relaxed);
    }
}
