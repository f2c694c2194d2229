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
//! - **While jobs are queued, as many threads are coming as there are jobs, or as there may be threads.** A thread that is
//!   coming looks at the queue before it sleeps. Who queues a job, and who takes one and leaves others behind, calls `hire`.
//! - **A job is taken once or withdrawn, never both**: its place says which, and changes under the lock.
//! - **A withdrawn job leaves only a husk in the queue**, and husks never outnumber what is alive by much.
//!
//! A thread that is blocked in a wait of this crate does not count against the most there may be: the job that it waits for
//! can be behind it in the queue. When it goes on, and another has taken its part, the next that has finished its job stands
//! back: it sleeps, although there may be jobs.

use std::time::{Duration, Instant};

use super::lane::{LINE, Lane, Place, QUEUED, Queued, TAKEN};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Between, Mutex, MutexGuard, Thread, lock, park_until, spin_until, thread};

/// How long a thread that found nothing looks out for a job before it parks. Being woken costs about as much.
///
/// It yields meanwhile: it may be on the core of the very thread that it has just woken with a result, which otherwise
/// would wait for the end of the spinning before it can ask for the next job.
const SPIN: Duration = Duration::from_micros(30);

/// What the user chose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_threads: usize,
    pub(crate) min_threads: usize,
    pub(crate) max_pending: usize,
    pub(crate) idle_timeout: Duration,
    /// Off where there is one core only.
    pub(crate) spins: bool,
}

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

/// What the caller has to do, outside the lock, so that the jobs are seen to.
#[must_use]
pub(crate) enum Help {
    Nothing,
    Wake(Thread),
    Start,
}

pub(crate) struct Dispatch<J> {
    limits: Limits,
    /// How many live jobs are queued, for those who spin: written under the lock. Also above 0 once closed.
    work: AtomicUsize,
    state: Mutex<State<J>>,
}

struct State<J> {
    queue: Lane<J>,
    line: Lane<J>,
    /// Who sleeps. A stack: the thread that slept last has the warmest cache.
    sleepers: Vec<Sleeper>,
    /// All that were started and have not left.
    threads: usize,
    /// How many of these will look at the queue before they sleep.
    coming: usize,
    /// How many of these spin meanwhile.
    spinning: usize,
    /// How many are blocked in a wait of this crate.
    blocked: usize,
    closed: bool,
    next_id: usize,
}

struct Sleeper {
    id: usize,
    thread: Thread,
}

impl<J: Queued> State<J> {
    /// Takes the first job and lets the first in line take its room.
    fn pop(&mut self, max_pending: usize) -> Option<J> {
        let job = self.queue.pop()?;
        job.place().set(TAKEN);
        self.admit(max_pending);
        Some(job)
    }

    fn admit(&mut self, max_pending: usize) {
        while self.queue.live() < max_pending {
            let Some(first) = self.line.pop() else {
                return;
            };
            self.queue.push(first, QUEUED);
        }
    }

    /// How many run a job or are about to.
    fn active(&self) -> usize {
        self.threads - self.blocked - self.sleepers.len()
    }

    fn hire(&mut self, max_threads: usize) -> Help {
        if self.queue.live() <= self.coming || self.active() >= max_threads {
            return Help::Nothing;
        }
        if let Some(sleeper) = self.sleepers.pop() {
            self.coming += 1;
            return Help::Wake(sleeper.thread);
        }
        self.threads += 1;
        self.coming += 1;
        Help::Start
    }

    /// Takes a sleeper off the stack; `false` if somebody has woken it.
    fn withdraw_sleeper(&mut self, id: usize) -> bool {
        let place = self.sleepers.iter().rposition(|other| other.id == id);
        place.map(|place| self.sleepers.remove(place)).is_some()
    }
}

/// One thread, as the dispatch knows it.
pub(crate) struct Member {
    id: usize,
    coming: bool,
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
            state: Mutex::new(State {
                queue: Lane::new(),
                line: Lane::new(),
                sleepers: Vec::new(),
                threads: 0,
                coming: 0,
                spinning: 0,
                blocked: 0,
                closed: false,
                next_id: 0,
            }),
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
        if state.queue.live() < self.limits.max_pending || full == IfFull::Accept {
            let soon = state.spinning > state.queue.live();
            state.queue.push(job, QUEUED);
            self.note(&state);
            return Ok((state.hire(self.limits.max_threads), soon));
        }
        if full == IfFull::Refuse {
            return Err((Denied::Full, job));
        }
        state.line.push(job, LINE);
        Ok((Help::Nothing, false))
    }

    /// Takes back a job that nobody has started: from now on it is the caller's, and nobody else touches it.
    pub(crate) fn withdraw(&self, place: &Place) -> bool {
        let mut state = lock(&self.state);
        if place.is(QUEUED) {
            state.queue.withdraw(place);
            state.admit(self.limits.max_pending);
            self.note(&state);
            true
        } else if place.is(LINE) {
            state.line.withdraw(place);
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
            state.queue.clear(&mut stranded);
            state.line.clear(&mut stranded);
            self.note(&state);
        }
        stranded
    }

    /// The thread's next job, for which it may sleep; `None` when it is to end.
    pub(crate) fn next(&self, me: &mut Member) -> Option<(J, Help)> {
        let mut state = lock(&self.state);
        let mut has_spun = false;
        loop {
            // One that was blocked runs again while another has taken its part: somebody has to stand back.
            let is_over = state.active() > self.limits.max_threads;
            if !is_over && let Some(job) = state.pop(self.limits.max_pending) {
                if std::mem::take(&mut me.coming) {
                    state.coming -= 1;
                }
                self.note(&state);
                return Some((job, state.hire(self.limits.max_threads)));
            }
            if state.closed {
                if std::mem::take(&mut me.coming) {
                    state.coming -= 1;
                }
                state.threads -= 1;
                return None;
            }
            if !std::mem::replace(&mut me.coming, true) {
                state.coming += 1;
            }
            // Half of the threads may spin at a time, and one at least.
            if self.limits.spins
                && !has_spun
                && !is_over
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
        state.sleepers.push(Sleeper {
            id: me.id,
            thread: thread::current(),
        });
        // A time beyond the clock's range is no limit; nor has a thread one that is to stay.
        let may_leave = state.threads > self.limits.min_threads;
        let limit = may_leave.then_some(self.limits.idle_timeout);
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
        if cut {
            state.queue.clear(&mut refused);
        }
        state.line.clear(&mut refused);
        let sleepers = std::mem::take(&mut state.sleepers);
        state.coming += sleepers.len();
        self.note(&state);
        Closing {
            sleepers: sleepers.into_iter().map(|sleeper| sleeper.thread).collect(),
            refused,
        }
    }

    /// One of the threads is about to block in a wait of this crate: another may take its part. `None` if so many do
    /// already that this one must not.
    pub(crate) fn block(&self) -> Option<Help> {
        let mut state = lock(&self.state);
        if state.blocked >= self.limits.max_threads {
            return None;
        }
        state.blocked += 1;
        Some(state.hire(self.limits.max_threads))
    }

    /// It does not block any more.
    pub(crate) fn unblock(&self) {
        lock(&self.state).blocked -= 1;
    }

    pub(crate) fn threads(&self) -> usize {
        lock(&self.state).threads
    }

    /// How many jobs are accepted and not started.
    pub(crate) fn pending(&self) -> usize {
        lock(&self.state).queue.live()
    }

    /// How many wait to be accepted.
    pub(crate) fn in_line(&self) -> usize {
        lock(&self.state).line.live()
    }

    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    fn note(&self, state: &State<J>) {
        let work = state.queue.live() + usize::from(state.closed);
        self.work.store(work, Ordering::Relaxed);
    }
}
