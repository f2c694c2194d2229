//! The threads of a pool: how many there are, and how they start, retire and are joined.
//!
//! There is one slot per potential worker, which holds its deque while the slot is vacant, so
//! thieves always look at the same deques. `growth.rs` decides when a thread starts.

use std::io;
use std::time::{Duration, Instant};

use crate::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use crate::sync::deque::Worker as Deque;
use crate::sync::thread::{self, JoinHandle, ThreadId};
use crate::sync::{Condvar, Mutex, has_passed, lock, wait_until};
use crate::task::TaskRef;

/// The settings of the threads.
pub(crate) struct Size {
    pub(crate) min: usize,
    pub(crate) idle_timeout: Duration,
    pub(crate) name_prefix: String,
    pub(crate) stack_size: Option<usize>,
}

pub(crate) struct Workers {
    size: Size,
    max: usize,
    state: Mutex<State>,
    one_exited: Condvar,
    /// Notified when a thread was refused or the pool is closed.
    refused_or_closed: Condvar,
    /// The number of workers that were started and have not retired. Written under the lock.
    staying: AtomicUsize,
    /// The number of these that do not search for jobs yet.
    starting: AtomicUsize,
}

struct State {
    /// The deque of each vacant slot; `None` where a worker has it.
    deques: Vec<Option<Deque<TaskRef>>>,
    /// The vacant slots, the lowest one last.
    vacant: Vec<usize>,
    /// The thread of each filled slot.
    threads: Vec<Option<JoinHandle<()>>>,
    /// Retired threads, which may still run the destructors of thread-locals.
    retired: Vec<JoinHandle<()>>,
    /// The number of threads that have not reported their exit.
    live: usize,
    /// The time of the last refusal.
    refused: Option<Instant>,
    spawner: Option<JoinHandle<()>>,
    /// Whether no more threads may start.
    closed: bool,
}

/// The pause after a refusal: each attempt costs as much as starting a thread.
const PAUSE: Duration = Duration::from_millis(50);

/// The spawner runs no user code and no deep calls.
const SPAWNER_STACK: usize = 128 << 10;

impl Workers {
    pub(crate) fn new(deques: Vec<Deque<TaskRef>>, size: Size) -> Self {
        let max = deques.len();
        Self {
            size,
            max,
            state: Mutex::new(State {
                deques: deques.into_iter().map(Some).collect(),
                vacant: (0..max).rev().collect(),
                threads: (0..max).map(|_| None).collect(),
                retired: Vec::new(),
                live: 0,
                refused: None,
                spawner: None,
                closed: false,
            }),
            one_exited: Condvar::new(),
            refused_or_closed: Condvar::new(),
            staying: AtomicUsize::new(0),
            starting: AtomicUsize::new(0),
        }
    }

    /// Starts a thread that calls `run` with the index of its slot. Returns `false` if no slot is
    /// vacant, the pool is being joined, or a thread was refused within the last [`PAUSE`].
    pub(crate) fn start(&self, run: impl FnOnce(usize) + Send + 'static) -> io::Result<bool> {
        // Held throughout, so that the new thread is counted before it takes its deque, and a join
        // misses no thread.
        let mut state = lock(&self.state);
        let Some(&index) = state.vacant.last() else {
            return Ok(false);
        };
        if state.closed || state.refused.is_some_and(|last| !has_passed(last, PAUSE)) {
            return Ok(false);
        }
        let mut thread = thread::Builder::new().name(format!("{}-{index}", self.size.name_prefix));
        if let Some(bytes) = self.size.stack_size {
            thread = thread.stack_size(bytes);
        }
        let thread = match thread.spawn(move || run(index)) {
            Ok(thread) => thread,
            Err(error) => {
                state.refused = Some(Instant::now());
                return Err(error);
            }
        };
        state.vacant.pop();
        state.threads[index] = Some(thread);
        state.live += 1;
        self.staying.fetch_add(1, SeqCst);
        self.starting.fetch_add(1, SeqCst);
        Ok(true)
    }

    /// Takes the deque of a slot, for the thread that was started for it.
    pub(crate) fn take_deque(&self, index: usize) -> Option<Deque<TaskRef>> {
        lock(&self.state).deques[index].take()
    }

    /// Called by a worker that starts to search for jobs.
    pub(crate) fn ready(&self) {
        self.starting.fetch_sub(1, SeqCst);
    }

    /// The number of threads that were started and do not search for jobs yet.
    pub(crate) fn starting(&self) -> usize {
        self.starting.load(SeqCst)
    }

    /// Whether no more threads can start.
    pub(crate) fn is_full(&self) -> bool {
        self.staying.load(SeqCst) >= self.max
    }

    /// Whether threads may start after the pool was built.
    pub(crate) fn can_grow(&self) -> bool {
        self.size.min < self.max
    }

    /// How long a worker may sleep before it should call [`may_retire`](Self::may_retire).
    pub(crate) fn idle_limit(&self) -> Option<Duration> {
        (self.staying.load(SeqCst) > self.size.min).then_some(self.size.idle_timeout)
    }

    /// Whether a worker whose idle timeout has elapsed may retire. If so, it no longer counts as
    /// staying.
    pub(crate) fn may_retire(&self) -> bool {
        let state = lock(&self.state);
        let may = !state.closed && self.staying.load(SeqCst) > self.size.min;
        if may {
            self.staying.fetch_sub(1, SeqCst);
        }
        may
    }

    /// Vacates the slot of a worker that has left its loop.
    pub(crate) fn vacate(&self, index: usize, deque: Deque<TaskRef>) {
        let mut state = lock(&self.state);
        state.deques[index] = Some(deque);
        state.vacant.push(index);
        let thread = state.threads[index].take();
        state.retired.extend(thread);
    }

    /// Records that `thread` has exited. Until now it was known as a worker, since one of its
    /// thread-locals may have held the pool, which then must not wait for it.
    pub(crate) fn exited(&self, thread: ThreadId) {
        let mut state = lock(&self.state);
        state.live -= 1;
        let retired = state
            .retired
            .iter()
            .position(|member| member.thread().id() == thread);
        let retired = retired.map(|place| state.retired.swap_remove(place));
        drop(state);
        drop(retired);
        self.one_exited.notify_all();
    }

    /// The number of threads that have not exited.
    pub(crate) fn live(&self) -> usize {
        lock(&self.state).live
    }

    pub(crate) fn includes(&self, thread: ThreadId) -> bool {
        let state = lock(&self.state);
        let mut threads = state.threads.iter().flatten().chain(&state.retired);
        threads.any(|member| member.thread().id() == thread)
    }

    /// Prevents further starts, and on the first call returns the threads, to be joined or
    /// detached.
    pub(crate) fn close(&self) -> Option<Vec<JoinHandle<()>>> {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.closed, true) {
            return None;
        }
        let mut threads = std::mem::take(&mut state.retired);
        threads.extend(state.threads.iter_mut().filter_map(Option::take));
        threads.extend(state.spawner.take());
        self.refused_or_closed.notify_all();
        Some(threads)
    }

    /// Blocks until all threads have exited or the deadline has passed. Returns how many are left.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> usize {
        let mut state = lock(&self.state);
        let mut in_time = true;
        while state.live > 0 && in_time {
            (state, in_time) = wait_until(&self.one_exited, state, deadline);
        }
        state.live
    }

    /// After a refusal, notifies the spawner, which is a thread that calls `run` and is started if
    /// there is none. If the system refuses it as well, the next submission retries.
    pub(crate) fn notify_spawner(&self, run: impl FnOnce() + Send + 'static) {
        let mut state = lock(&self.state);
        if state.closed {
            return;
        }
        if state.spawner.is_none() {
            let spawner = thread::Builder::new()
                .name(format!("{}-spawner", self.size.name_prefix))
                .stack_size(SPAWNER_STACK);
            state.spawner = spawner.spawn(run).ok();
        }
        self.refused_or_closed.notify_all();
    }

    /// Blocks the spawner until the pause after a refusal is over. Returns `false` if the pool is
    /// closed.
    pub(crate) fn wait_to_retry(&self) -> bool {
        let mut state = lock(&self.state);
        while !state.closed {
            let deadline = state.refused.map(|_| Instant::now() + PAUSE);
            (state, _) = wait_until(&self.refused_or_closed, state, deadline);
            if deadline.is_some() && !state.closed && state.refused.take().is_some() {
                return true;
            }
        }
        false
    }
}
