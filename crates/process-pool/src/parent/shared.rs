//! A pool as its handles, callers and supervisor share it.

use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

use super::callbacks::Callbacks;
use super::closer;
use super::launch::Launch;
use super::state::{Started, State};
use crate::sync::{lock, wait_until};
use crate::transport::descriptor::above_stdio;

/// The shared part of a pool.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Signalled when the pool has terminated.
    pub(super) terminated: Condvar,
    /// Wakes the supervisor.
    pub(super) control: OwnedFd,
    pub(super) launch: Launch,
    pub(super) callbacks: Callbacks,
    /// Whether a second processor makes spinning worthwhile.
    pub(super) spin: bool,
}

impl Shared {
    /// Starts the workers, without a supervisor. If one is refused, the others exit.
    pub(super) fn new(launch: Launch, workers: usize) -> io::Result<Self> {
        let control = above_stdio(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)?;
        let started = (0..workers)
            .map(|worker| launch.start(worker))
            .collect::<io::Result<Vec<Started>>>()?;
        Ok(Self {
            state: Mutex::new(State::new(started, launch.config.memory_limit)),
            terminated: Condvar::new(),
            control,
            spin: launch.config.spin,
            launch,
            callbacks: Callbacks::default(),
        })
    }

    /// Runs `work` under the lock, and sends the resulting notifications after releasing it.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = lock(&self.state);
        let value = work(&mut state);
        if state.wakes.is_empty() && !state.wake_supervisor && state.rejected.is_empty() {
            return value;
        }
        let wakes = state.take_wakes();
        let wake_supervisor = mem::take(&mut state.wake_supervisor);
        let rejected = mem::take(&mut state.rejected);
        drop(state);
        closer::close(rejected);
        if wake_supervisor {
            self.wake_supervisor();
        }
        for wake in wakes {
            wake.fire(&self.callbacks);
        }
        value
    }

    pub(crate) fn wake_supervisor(&self) {
        // A full counter would mean that the supervisor is awake already.
        let _ = rustix::io::write(&self.control, &1_u64.to_ne_bytes());
    }

    /// Waits until all workers have exited.
    ///
    /// # Errors
    /// The number of unfinished inputs, if the timeout expired.
    pub(crate) fn wait_terminated(&self, timeout: Duration) -> Result<(), usize> {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = lock(&self.state);
        while !state.terminated {
            let in_time;
            (state, in_time) = wait_until(&self.terminated, state, deadline);
            if !in_time && !state.terminated {
                return Err(state.unfinished());
            }
        }
        Ok(())
    }

    /// Stops accepting jobs.
    pub(crate) fn close(&self) {
        self.with(|state| {
            state.closed = true;
            state.wake_supervisor = true;
        });
    }

    /// Cancels pending jobs and kills running ones.
    pub(crate) fn kill_all(&self) {
        self.with(|state| {
            state.closed = true;
            state.wake_supervisor = true;
            state.kill_all();
        });
    }

    /// Waits for the callbacks of a terminated pool.
    pub(crate) fn join_callbacks(&self) {
        self.callbacks.join();
    }
}
