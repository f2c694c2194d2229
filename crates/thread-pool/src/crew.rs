//! The threads of a pool: how many there are, and how they start, retire and are joined.
//!
//! There is one slot per potential worker, which holds its deque while the slot is vacant, so
//! thieves always look at the same deques. A fixed-size pool fills all slots when it is built. A
//! pool that grows and shrinks keeps these promises:
//!
//! - **While a job is queued and a slot is vacant, some worker is idle or starting.** Queueing a
//!   job starts a thread if no worker is idle and fewer threads are starting than jobs are queued.
//!   An idle worker that takes a job does the same, since a submitter may have relied on it, and so
//!   does a worker that retires.
//! - **A worker retires only if it has slept for the idle timeout and more than the minimum number
//!   of workers stay.** It counts as searching while it decides, and stops searching as any other
//!   worker does.
//!
//! If the system refuses a thread, the jobs wait for the existing workers, of which there is always
//! at least one. All of them may be busy for long, and no further submission may come, so a helper
//! thread, the spawner, then retries for as long as jobs wait. It is started at the first refusal,
//! with a small stack, and stays until the pool is closed. If the system refuses it as well, the
//! next submission retries.

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

/// The settings of the threads.
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
    /// Notified when a thread was refused or the pool is closed.
    keeper_is_needed: Condvar,
    /// The number of workers that were started and have not retired. Written under the lock.
    staying: AtomicUsize,
    /// The number of these that do not search for jobs yet.
    starting: AtomicUsize,
}

struct State {
    /// The deque of each vacant slot; `None` where a worker has it.
    stations: Vec<Option<Deque<JobRef>>>,
    /// The vacant slots, the lowest one last.
    free: Vec<usize>,
    /// The thread of each filled slot.
    threads: Vec<Option<JoinHandle<()>>>,
    /// Retired threads, which may still run the destructors of thread-locals.
    leaving: Vec<JoinHandle<()>>,
    /// The number of threads that have not reported their exit.
    live: usize,
    /// The time of the last refusal.
    refused: Option<Instant>,
    keeper: Option<JoinHandle<()>>,
    /// Whether no more threads may start.
    closed: bool,
}

/// The pause after a refusal: each attempt costs as much as starting a thread.
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

    /// Starts one more thread. Returns `false` if no slot is vacant, the pool is being joined, or a
    /// thread was refused within the last [`PAUSE`].
    pub(crate) fn start(shared: &Arc<Shared>) -> io::Result<bool> {
        let crew = &shared.crew;
        // Held throughout, so that the new thread is counted before it takes its deque, and a join
        // misses no thread.
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

    /// Called by a worker that starts to search for jobs.
    pub(crate) fn ready(&self) {
        self.starting.fetch_sub(1, SeqCst);
    }

    /// How long a worker may sleep before it should call [`may_go_home`](Self::may_go_home).
    pub(crate) fn idle_limit(&self) -> Option<Duration> {
        (self.staying.load(SeqCst) > self.size.min).then_some(self.size.idle_timeout)
    }

    /// Whether a worker whose idle timeout has elapsed may retire. If so, it no longer counts as
    /// staying.
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

    /// Records that `thread` has exited. Until now it was known as a worker, since one of its
    /// thread-locals may have held the pool, which then must not wait for it.
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

    /// The number of threads that have not exited.
    pub(crate) fn live(&self) -> usize {
        lock(&self.state).live
    }

    pub(crate) fn includes(&self, thread: ThreadId) -> bool {
        let state = lock(&self.state);
        let mut threads = state.threads.iter().flatten().chain(&state.leaving);
        threads.any(|member| member.thread().id() == thread)
    }

    /// Prevents further starts, and on the first call returns the threads, to be joined or
    /// detached.
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

    /// Blocks until all threads have exited or the deadline has passed. Returns how many are left.
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

    /// Whether threads may start after the pool was built.
    fn can_grow(&self) -> bool {
        self.size.min < self.max
    }
}

/// Starts threads while jobs wait that no idle or starting worker will take, up to the maximum.
///
/// Called after a job was queued and notified, and by a worker that is no longer idle, on which a
/// submitter may have relied.
pub(crate) fn grow(shared: &Arc<Shared>) {
    let crew = &shared.crew;
    if !crew.can_grow() {
        return;
    }
    // A submitter queues a job and then looks for idle workers. A worker stops being idle and then
    // looks for queued jobs. Each passes a fence in between, so at least one of them sees the
    // other. (All of these accesses are `SeqCst`, which is enough by itself, but the model checker
    // treats them as weaker.)
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

/// After a refusal, lets the spawner retry for as long as jobs wait.
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
        // If the system refuses this one as well, the next submission retries.
        state.keeper = keeper.spawn(move || keep(for_keeper)).ok();
    }
    crew.keeper_is_needed.notify_all();
}

/// The spawner runs no user code and no deep calls.
const KEEPER_STACK: usize = 128 << 10;

/// The spawner: retries to start the threads that were refused.
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
    // This may be the last reference, which drops user values such as the initializer.
    drop_contained(shared);
}

/// The whole life of a worker's thread.
fn work(shared: Arc<Shared>, index: usize) {
    ending::tell_when_this_thread_ends(Arc::clone(&shared));
    let deque = lock(&shared.crew.state).stations[index].take();
    let Some(deque) = deque else {
        return;
    };
    if let Some(deque) = worker::main(&shared, index, deque) {
        shared.crew.leave(index, deque);
        // A job may be queued that waits for a vacant slot.
        grow(&shared);
    }
}
