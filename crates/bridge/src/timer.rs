//! Deadlines for coroutines on any runtime, and for threads that wait for long: one timer thread
//! per process, which exits when no deadlines are left.
//!
//! A thread that parks with a timeout of its own has the kernel set and cancel a timer for every
//! wait; the timer thread sets one timer for many waits. The crate `futures-timer` would do, but
//! its thread never exits; `async-io` would bring a reactor.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use crate::panic::catch;

/// How long the thread stays without a deadline, and the longest it sleeps. A distant deadline may
/// be cancelled while the thread sleeps; that does not wake the thread, since it would then be
/// woken by every wait that ends in time.
const LINGER: Duration = Duration::from_secs(5);

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

fn lock_state() -> MutexGuard<'static, State> {
    TIMER.state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The deadline of one coroutine or thread. Dropping it cancels the deadline.
pub(crate) struct Alarm {
    key: (Instant, u64),
}

impl Alarm {
    /// # Errors
    /// If the system refuses the timer thread.
    pub(crate) fn set(at: Instant, waker: &Waker) -> io::Result<Self> {
        let waker = waker.clone();
        let mut state = lock_state();
        if !state.has_thread {
            let started = thread::Builder::new()
                .name("bridge-timer".to_owned())
                .spawn(run_timer);
            if let Err(error) = started {
                drop(state);
                drop(waker);
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

    /// Replaces the waker: the coroutine was polled with another one.
    pub(crate) fn update(&self, waker: &Waker) {
        let waker = waker.clone();
        let mut state = lock_state();
        let old = match state.deadlines.get_mut(&self.key) {
            Some(known) => std::mem::replace(known, waker),
            // The alarm has gone off.
            None => waker,
        };
        drop(state);
        drop(old);
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let waker = lock_state().deadlines.remove(&self.key);
        drop(waker);
    }
}

fn run_timer() {
    let mut state = lock_state();
    loop {
        let now = Instant::now();
        if let Some(first) = state.deadlines.first_entry() {
            let at = first.key().0;
            if at <= now {
                let waker = first.remove();
                drop(state);
                // The thread serves all deadlines of the process: a waker that panics must not
                // end it.
                drop(catch(|| waker.wake()));
                state = lock_state();
            } else {
                state = wait(state, now, (at - now).min(LINGER));
            }
        } else {
            state = wait(state, now, LINGER);
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
