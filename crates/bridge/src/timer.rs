//! Deadlines for coroutines of any runtime, and for threads that wait for long: one thread for the process, which is there
//! only while deadlines come.
//!
//! A thread that parks with a time limit of its own has the system set a timer and take it back, on every wait. The one
//! thread here sets its timer once for many waits. How much that saves was not measured by itself.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use crate::listener;
use crate::panic::drop_contained;
use crate::sync::lock;

/// So long the thread stays where there is no deadline. It never sleeps longer: a deadline that is far off may have been
/// forgotten meanwhile, of which nobody tells it, since that would wake it for every wait that ends in time.
const STAY: Duration = Duration::from_secs(5);

struct Timer {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    deadlines: BTreeMap<(Instant, u64), Waker>,
    next: u64,
    has_thread: bool,
    /// Until when the thread sleeps; `None` while it is awake.
    sleeps_until: Option<Instant>,
}

static TIMER: Timer = Timer {
    state: Mutex::new(State {
        deadlines: BTreeMap::new(),
        next: 0,
        has_thread: false,
        sleeps_until: None,
    }),
    changed: Condvar::new(),
};

/// A deadline of one coroutine. Dropping it forgets the deadline.
pub(crate) struct Alarm {
    key: (Instant, u64),
}

impl Alarm {
    /// # Errors
    /// If the system refuses the timer's thread.
    pub(crate) fn set(at: Instant, waker: &Waker) -> io::Result<Self> {
        let waker = waker.clone();
        let mut state = lock(&TIMER.state);
        if !state.has_thread {
            let started = thread::Builder::new()
                .name("bridge-timer".to_owned())
                .spawn(tick);
            if let Err(error) = started {
                drop(state);
                drop_contained(waker);
                return Err(error);
            }
            state.has_thread = true;
        }
        state.next += 1;
        let key = (at, state.next);
        let is_too_late = state.sleeps_until.is_some_and(|until| at < until);
        state.deadlines.insert(key, waker);
        drop(state);
        if is_too_late {
            TIMER.changed.notify_one();
        }
        Ok(Self { key })
    }

    /// The coroutine was polled with another waker.
    pub(crate) fn update(&self, waker: &Waker) {
        let waker = waker.clone();
        let mut state = lock(&TIMER.state);
        let old = match state.deadlines.get_mut(&self.key) {
            Some(place) => std::mem::replace(place, waker),
            // It has gone off.
            None => waker,
        };
        drop(state);
        drop_contained(old);
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let waker = lock(&TIMER.state).deadlines.remove(&self.key);
        drop_contained(waker);
    }
}

fn tick() {
    let mut state = lock(&TIMER.state);
    loop {
        let now = Instant::now();
        if let Some(first) = state.deadlines.first_entry() {
            let at = first.key().0;
            if at <= now {
                let waker = first.remove();
                drop(state);
                listener::wake(waker);
                state = lock(&TIMER.state);
            } else {
                state = wait(state, now, (at - now).min(STAY));
            }
        } else {
            state = wait(state, now, STAY);
            if state.deadlines.is_empty() {
                state.has_thread = false;
                return;
            }
        }
    }
}

fn wait(
    mut state: MutexGuard<'static, State>,
    now: Instant,
    time: Duration,
) -> MutexGuard<'static, State> {
    state.sleeps_until = now.checked_add(time);
    let mut state = TIMER.changed.wait_timeout(state, time).map_or_else(
        |poison| PoisonError::into_inner(poison).0,
        |(state, _)| state,
    );
    state.sleeps_until = None;
    state
}
