//! The threads of a pool: how many there are, and how they start, go home and are joined.
//!
//! There is a station for each worker there may ever be, with its deque, so that thieves look at the same places all the
//! time. A pool of a fixed size mans all of them when it is built. One that grows and shrinks keeps to these promises:
//!
//! - **While a job is queued and a station is free, some worker is idle or on its way.** Who queues a job starts a thread
//!   when nobody is idle and fewer threads are on their way than jobs are queued. Who was idle and takes a job does the
//!   same, since a submitter may have relied on it; so does who goes home.
//! - **A worker goes home only when it has been asleep for the time given and more than the minimum stay.** It counts as
//!   searching while it decides, and takes leave of the sleepers as any searcher does.
//!
//! Should the system refuse a thread, the jobs wait for the workers there are, of which there is always one. All of them
//! may be busy for long, and nobody else may come by: so a thread of its own, the keeper, then goes on asking for as long
//! as jobs wait. It is started at the first refusal, with a small stack, and stays until the pool is closed. If that is
//! refused as well, the next submission asks again.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::panic::drop_contained;
use crate::shared::Shared;
use crate::sync::atomic::{AtomicUsize, Ordering::SeqCst, fence};
use crate::sync::deque::Worker as Deque;
use crate::sync::thread::{self, JoinHandle, ThreadId};
use crate::sync::{Condvar, Mutex, has_passed};
use crate::task::JobRef;
use crate::{ending, lock, worker};

/// What the user chose.
pub(crate) struct Size {
    pub(crate) min: usize,
    pub(crate) idle_timeout: Duration,
    pub(crate) name_prefix: String,
    pub(crate) stack_size: Option<usize>,
}

pub(crate) struct Crew {
    size: Size,
    max: usize,
    state: Mutex<State>,
    one_ended: Condvar,
    /// A thread was refused, or the pool is closed.
    keeper_is_needed: Condvar,
    /// How many have been started and not sent home. Written under the lock.
    staying: AtomicUsize,
    /// How many of these have not come to look for jobs yet.
    starting: AtomicUsize,
}

struct State {
    /// `None` where somebody works.
    stations: Vec<Option<Deque<JobRef>>>,
    /// The places where nobody works, the lowest last.
    free: Vec<usize>,
    /// Where somebody works.
    threads: Vec<Option<JoinHandle<()>>>,
    /// Sent home, but perhaps still busy with the destructors of thread-locals.
    leaving: Vec<JoinHandle<()>>,
    /// How many have not told of their end.
    live: usize,
    /// When the system refused a thread last.
    refused: Option<Instant>,
    keeper: Option<JoinHandle<()>>,
    /// No thread is started any more.
    closed: bool,
}

/// After a refusal it is not tried again for so long: each try costs as much as a thread.
const PAUSE: Duration = Duration::from_millis(50);

impl Crew {
    pub(crate) fn new(stations: Vec<Deque<JobRef>>, size: Size) -> Self {
        let max = stations.len();
        Self {
            size,
            max,
            state: Mutex::new(State {
                stations: stations.into_iter().map(Some).collect(),
                free: (0..max).rev().collect(),
                threads: (0..max).map(|_| None).collect(),
                leaving: Vec::new(),
                live: 0,
                refused: None,
                keeper: None,
                closed: false,
            }),
            one_ended: Condvar::new(),
            keeper_is_needed: Condvar::new(),
            staying: AtomicUsize::new(0),
            starting: AtomicUsize::new(0),
        }
    }

    /// Starts one thread more; `false` if there is no free place, or the pool is being joined, or one was refused a moment
    /// ago.
    pub(crate) fn start(shared: &Arc<Shared>) -> io::Result<bool> {
        let crew = &shared.crew;
        // Held all along: the new thread comes to its station only when it is counted, and a join misses nobody.
        let mut state = lock(&crew.state);
        let Some(&index) = state.free.last() else {
            return Ok(false);
        };
        if state.closed || state.refused.is_some_and(|last| !has_passed(last, PAUSE)) {
            return Ok(false);
        }
        let mut thread = thread::Builder::new().name(format!("{}-{index}", crew.size.name_prefix));
        if let Some(bytes) = crew.size.stack_size {
            thread = thread.stack_size(bytes);
        }
        let for_worker = Arc::clone(shared);
        let thread = match thread.spawn(move || work(for_worker, index)) {
            Ok(thread) => thread,
            Err(error) => {
                state.refused = Some(Instant::now());
                return Err(error);
            }
        };
        state.free.pop();
        state.threads[index] = Some(thread);
        state.live += 1;
        crew.staying.fetch_add(1, SeqCst);
        crew.starting.fetch_add(1, SeqCst);
        Ok(true)
    }

    /// To be called by a worker that comes to look for jobs now.
    pub(crate) fn ready(&self) {
        self.starting.fetch_sub(1, SeqCst);
    }

    /// How long a worker may sleep before it should ask [`may_go_home`](Self::may_go_home).
    pub(crate) fn idle_limit(&self) -> Option<Duration> {
        (self.staying.load(SeqCst) > self.size.min).then_some(self.size.idle_timeout)
    }

    /// Whether a worker that was idle for long may go home. If so, it is not counted on any more.
    pub(crate) fn may_go_home(&self) -> bool {
        let state = lock(&self.state);
        let may = !state.closed && self.staying.load(SeqCst) > self.size.min;
        if may {
            self.staying.fetch_sub(1, SeqCst);
        }
        may
    }

    fn leave(&self, index: usize, deque: Deque<JobRef>) {
        let mut state = lock(&self.state);
        state.stations[index] = Some(deque);
        state.free.push(index);
        let thread = state.threads[index].take();
        state.leaving.extend(thread);
    }

    /// That thread has come to its very end. Until now it was known as one of the crew: a thread-local of it may have held
    /// the pool, which then must not wait for it.
    pub(crate) fn ended(&self, thread: ThreadId) {
        let mut state = lock(&self.state);
        state.live -= 1;
        let left = state
            .leaving
            .iter()
            .position(|member| member.thread().id() == thread);
        let left = left.map(|place| state.leaving.swap_remove(place));
        drop(state);
        drop(left);
        self.one_ended.notify_all();
    }

    /// How many threads there are.
    pub(crate) fn live(&self) -> usize {
        lock(&self.state).live
    }

    pub(crate) fn includes(&self, thread: ThreadId) -> bool {
        let state = lock(&self.state);
        let mut threads = state.threads.iter().flatten().chain(&state.leaving);
        threads.any(|member| member.thread().id() == thread)
    }

    /// Starts no thread from now on, and hands out those there are, to be joined or let go: only the first time.
    pub(crate) fn close(&self) -> Option<Vec<JoinHandle<()>>> {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.closed, true) {
            return None;
        }
        let mut threads = std::mem::take(&mut state.leaving);
        threads.extend(state.threads.iter_mut().filter_map(Option::take));
        threads.extend(state.keeper.take());
        self.keeper_is_needed.notify_all();
        Some(threads)
    }

    /// Blocks until all threads have ended or the deadline has passed, and says how many have not.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> usize {
        let mut state = lock(&self.state);
        while state.live > 0 {
            state = match deadline {
                None => self
                    .one_ended
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    self.one_ended
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
        state.live
    }

    /// Whether a pool of this crew ever starts threads after it was built.
    fn can_grow(&self) -> bool {
        self.size.min < self.max
    }
}

/// Starts threads, if jobs wait that nobody who is idle or on its way will come to, and if there may be more.
///
/// To be called after a job was queued and notice of it given, and by who was counted on as idle and is not any more.
pub(crate) fn grow(shared: &Arc<Shared>) {
    let crew = &shared.crew;
    if !crew.can_grow() {
        return;
    }
    // A submitter has queued a job and now looks for idle workers; a worker has stopped being idle
    // and now looks for queued jobs. Each passes a fence between the two, so at least one of them
    // sees the other. (All of these accesses are `SeqCst`, which is enough by itself, but the model
    // checker treats them as weaker than they are.)
    fence(SeqCst);
    while crew.staying.load(SeqCst) < crew.max
        && shared.sleep.idle() == 0
        && shared.ledger.queued() > crew.starting.load(SeqCst)
    {
        match Crew::start(shared) {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => return ask_again_later(shared),
        }
    }
}

/// A thread was refused: has the keeper ask again for as long as jobs wait.
fn ask_again_later(shared: &Arc<Shared>) {
    let crew = &shared.crew;
    let mut state = lock(&crew.state);
    if state.closed {
        return;
    }
    if state.keeper.is_none() {
        let keeper = thread::Builder::new()
            .name(format!("{}-keeper", crew.size.name_prefix))
            .stack_size(KEEPER_STACK);
        let for_keeper = Arc::clone(shared);
        // If that is refused too, the next submission asks again.
        state.keeper = keeper.spawn(move || keep(for_keeper)).ok();
    }
    crew.keeper_is_needed.notify_all();
}

/// It runs no code of the user, and calls nothing deep.
const KEEPER_STACK: usize = 128 << 10;

/// The thread that asks for the threads that were refused.
fn keep(shared: Arc<Shared>) {
    let crew = &shared.crew;
    let mut state = lock(&crew.state);
    while !state.closed {
        if state.refused.is_none() {
            state = crew
                .keeper_is_needed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        state = crew
            .keeper_is_needed
            .wait_timeout(state, PAUSE)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        if !state.closed && state.refused.take().is_some() {
            drop(state);
            grow(&shared);
            state = lock(&crew.state);
        }
    }
    drop(state);
    // Perhaps the last reference, with what the pool holds of the user's.
    drop_contained(shared);
}

/// A worker's thread from start to end.
fn work(shared: Arc<Shared>, index: usize) {
    ending::tell_when_this_thread_ends(Arc::clone(&shared));
    let deque = lock(&shared.crew.state).stations[index].take();
    let Some(deque) = deque else {
        return;
    };
    if let Some(deque) = worker::main(&shared, index, deque) {
        shared.crew.leave(index, deque);
        // A job may have come that waits for a free place.
        grow(&shared);
    }
}
