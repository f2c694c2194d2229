//! [`Slots`]: a queue of tasks, the threads that run them, and the thread that watches time limits.
//!
//! A thread cannot be ended, so a task that exceeds its limit is given up: it is reported, and a
//! new thread takes the place of the old one. At most as many threads as there are slots are given
//! up at a time. A thread whose task returns after all takes a free place, or ends.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::call::Hook;
use super::progress::Progress;
use super::task::{Ended, Task};
use crate::sync::{lock, wait_until};

/// The owner of the slots.
pub(crate) trait Owner: Send + Sync {
    /// A thread is between two tasks: one has ended, the other is about to begin. Returns whether
    /// it may.
    fn hand_over(&self, slots: &Arc<Slots>, ended: Option<Ended>, next: Option<u64>) -> bool;
    /// A thread was given up and not replaced.
    fn exhausted(&self);
}

/// The threads that run tasks.
pub(crate) struct Slots {
    state: Mutex<State>,
    /// A task was queued, or the slots were closed.
    queued: Condvar,
    /// The watching thread has something to do.
    watched: Condvar,
    hook: Box<Hook>,
    owner: Arc<dyn Owner>,
    wanted: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Task>,
    /// Tasks whose time has not come.
    delayed: Vec<(Instant, Task)>,
    running: HashMap<usize, Arc<Progress>>,
    threads: HashMap<usize, JoinHandle<()>>,
    watcher: Option<JoinHandle<()>>,
    /// Threads that take tasks.
    live: usize,
    given_up: usize,
    next_thread: usize,
    idle: usize,
    closed: bool,
}

impl Slots {
    /// Starts `wanted` threads.
    pub(crate) fn start(
        wanted: usize,
        hook: Box<Hook>,
        owner: Arc<dyn Owner>,
    ) -> io::Result<Arc<Self>> {
        let slots = Arc::new(Self {
            state: Mutex::default(),
            queued: Condvar::new(),
            watched: Condvar::new(),
            hook,
            owner,
            wanted,
        });
        for _ in 0..wanted {
            let mut state = lock(&slots.state);
            if let Err(error) = slots.add_thread(&mut state) {
                drop(state);
                slots.finish(true);
                return Err(error);
            }
        }
        Ok(slots)
    }

    fn add_thread(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let number = state.next_thread;
        let slots = Arc::clone(self);
        let thread = thread::Builder::new()
            .name(format!("cluster-slot-{number}"))
            .spawn(move || slots.serve(number))?;
        state.next_thread += 1;
        state.live += 1;
        state.threads.insert(number, thread);
        Ok(())
    }

    /// Queues a task, for `when` if that is in the future.
    pub(crate) fn push(self: &Arc<Self>, task: Task, when: Option<Instant>) {
        let mut state = lock(&self.state);
        if task.time_limit.is_some() || when.is_some() {
            self.ensure_watcher(&mut state);
        }
        match when {
            Some(when) => {
                state.delayed.push((when, task));
                drop(state);
                self.watched.notify_one();
            }
            None => {
                state.queue.push_back(task);
                let wake = state.idle > 0;
                drop(state);
                if wake {
                    self.queued.notify_one();
                }
            }
        }
    }

    /// Queues tasks, all of them at once: their threads are woken together.
    #[cfg_attr(not(feature = "nats"), allow(dead_code, reason = "a worker needs it"))]
    pub(crate) fn push_all(self: &Arc<Self>, tasks: &mut Vec<Task>) {
        let mut state = lock(&self.state);
        if tasks.iter().any(|task| task.time_limit.is_some()) {
            self.ensure_watcher(&mut state);
        }
        let woken = state.idle.min(tasks.len());
        state.queue.extend(tasks.drain(..));
        drop(state);
        for _ in 0..woken {
            self.queued.notify_one();
        }
    }

    /// Without the thread, which the system may refuse, limits are not enforced until it allows
    /// one; delayed tasks run at once.
    fn ensure_watcher(self: &Arc<Self>, state: &mut State) {
        if state.watcher.is_none() && !state.closed {
            let slots = Arc::clone(self);
            let builder = thread::Builder::new().name("cluster-limits".to_owned());
            state.watcher = builder.spawn(move || slots.watch()).ok();
        }
    }

    /// The tasks that run, and since when.
    #[cfg_attr(not(feature = "nats"), allow(dead_code, reason = "a worker needs it"))]
    pub(crate) fn running(&self) -> Vec<(u64, Instant)> {
        let state = lock(&self.state);
        let running = state.running.values();
        running
            .map(|progress| (progress.token, progress.started))
            .collect()
    }

    /// Takes queued tasks back: those that `condition` picks.
    #[cfg_attr(not(feature = "nats"), allow(dead_code, reason = "a worker needs it"))]
    pub(crate) fn take_back(&self, condition: impl Fn(&Task) -> bool) -> Vec<Task> {
        let mut state = lock(&self.state);
        let (taken, kept): (VecDeque<_>, _) =
            state.queue.drain(..).partition(|task| condition(task));
        state.queue = kept;
        taken.into()
    }

    /// Discards the tasks that `condition` picks, queued or delayed, if that may be most of them:
    /// `count` of them. Returns whether it did.
    pub(crate) fn discard_many(&self, count: usize, condition: impl Fn(&Task) -> bool) -> bool {
        let mut state = lock(&self.state);
        if 2 * count < state.queue.len() + state.delayed.len() {
            return false;
        }
        // In place: the queue keeps its memory. Inputs are freed here, which takes no lock.
        state.queue.retain(|task| !condition(task));
        state.delayed.retain(|(_, task)| !condition(task));
        true
    }

    /// Finishes the queued tasks. `waits` for the threads, except for those that were given up.
    pub(crate) fn finish(&self, waits: bool) {
        let (threads, watcher) = {
            let mut state = lock(&self.state);
            state.closed = true;
            state.delayed.clear();
            (std::mem::take(&mut state.threads), state.watcher.take())
        };
        self.queued.notify_all();
        self.watched.notify_all();
        for thread in threads.into_values().chain(watcher) {
            // A job that shuts its own cluster down runs on one of these threads.
            if waits && thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }

    fn serve(self: Arc<Self>, number: usize) {
        let mut ended = None;
        loop {
            let Some(task) = self.next_task(&mut ended) else {
                return;
            };
            if !self.owner.hand_over(&self, ended.take(), Some(task.token)) {
                continue;
            }
            let progress = Arc::new(Progress::new(&task));
            let is_limited = task.time_limit.is_some();
            lock(&self.state)
                .running
                .insert(number, Arc::clone(&progress));
            if is_limited {
                self.watched.notify_one();
            }
            ended = progress.run(&task, &*self.hook);
            let mut state = lock(&self.state);
            if ended.is_some() {
                state.running.remove(&number);
            } else if !self.rejoin(&mut state) {
                return;
            }
        }
    }

    /// The next task. If there is none at once, reports the last one first.
    fn next_task(self: &Arc<Self>, ended: &mut Option<Ended>) -> Option<Task> {
        let mut state = lock(&self.state);
        loop {
            if let Some(task) = state.queue.pop_front() {
                return Some(task);
            }
            if ended.is_some() {
                drop(state);
                self.owner.hand_over(self, ended.take(), None);
                state = lock(&self.state);
                continue;
            }
            if state.closed {
                state.live -= 1;
                return None;
            }
            state.idle += 1;
            (state, _) = wait_until(&self.queued, state, None);
            state.idle -= 1;
        }
    }

    /// A thread that was given up is back. Returns whether it takes a place again.
    fn rejoin(&self, state: &mut State) -> bool {
        state.given_up -= 1;
        let has_room = state.live < self.wanted && !state.closed;
        if has_room {
            state.live += 1;
        }
        has_room
    }

    /// The watching thread: gives up tasks that exceed their limits, and queues delayed ones.
    fn watch(self: Arc<Self>) {
        let mut state = lock(&self.state);
        while !state.closed {
            let now = Instant::now();
            let is_due = |progress: &Progress| progress.next_check(now).is_some_and(|at| at <= now);
            let running = state
                .running
                .iter()
                .filter(|(_, progress)| is_due(progress));
            let due: Vec<usize> = running.map(|(&number, _)| number).collect();
            for number in due {
                state = self.give_up(state, number, now);
            }
            while let Some(at) = state.delayed.iter().position(|(when, _)| *when <= now) {
                let (_, task) = state.delayed.swap_remove(at);
                state.queue.push_back(task);
                self.queued.notify_one();
            }
            let now = Instant::now();
            let limits = state
                .running
                .values()
                .filter_map(|progress| progress.next_check(now));
            let delays = state.delayed.iter().map(|(when, _)| *when);
            let next = limits.chain(delays).min();
            // The lock was free while a task was given up, so the slots may be closed by now.
            if !state.closed && next.is_none_or(|next| next > now) {
                (state, _) = wait_until(&self.watched, state, next);
            }
        }
    }

    fn give_up<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State>,
        number: usize,
        now: Instant,
    ) -> MutexGuard<'a, State> {
        let Some(ended) = state
            .running
            .get(&number)
            .and_then(|progress| progress.give_up(now))
        else {
            return state;
        };
        state.running.remove(&number);
        // It ends by itself, or takes another place.
        state.threads.remove(&number);
        state.live -= 1;
        state.given_up += 1;
        let replaced = state.given_up <= self.wanted && self.add_thread(&mut state).is_ok();
        drop(state);
        self.owner.hand_over(self, Some(ended), None);
        if !replaced {
            self.owner.exhausted();
        }
        lock(&self.state)
    }
}
