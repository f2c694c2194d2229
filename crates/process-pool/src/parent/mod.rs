//! The pool as the program sees it: what is accepted, who has it, what has become of it.
//!
//! | file | what it holds |
//! |---|---|
//! | `callbacks.rs` | the thread that runs callbacks |
//! | `closer.rs` | the threads that close descriptors which may block |
//! | `feed.rs` | the inputs of a map, a few chunks at a time |
//! | `unit.rs` | what travels: one input, or a chunk of them, and where the results go |
//! | `jobs.rs` | the jobs behind handles, and who waits for them |
//! | `lane.rs` | one worker's rings from this side |
//! | `orphans.rs` | reaping what jobs leave behind, as PID 1 |
//! | `process.rs` | a worker process: started, watched, killed, its status collected |
//! | `slow.rs` | units that wait behind a long one |
//! | `starts.rs` | deaths at the start, refusals by the system, giving up |
//! | `state.rs` | who gets which unit; everything here is done under one lock |
//! | `requests.rs` | what a handle asks for: its result, a call, that its job be cancelled |
//! | `supervisor.rs` | the thread that hears of deaths, time limits, and results that nobody waits for on the spot |
//! | `waiting.rs` | a thread that waits for one result, spinning or asleep |

mod callbacks;
mod closer;
pub(crate) mod feed;
pub(crate) mod jobs;
pub(crate) mod lane;
mod orphans;
pub(crate) mod process;
mod requests;
mod results;
mod slow;
mod starts;
pub(crate) mod state;
mod supervisor;
pub(crate) mod unit;
mod waiting;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

use callbacks::Callbacks;
use process::Launch;
use state::State;

use crate::builder::BuildError;
use crate::lock;
use crate::transport::descriptor::above_stdio;

/// What handles, pool and supervisor share.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Signalled when the pool is over and done with.
    over: Condvar,
    /// Wakes the supervisor.
    control: OwnedFd,
    launch: Launch,
    callbacks: Callbacks,
    /// Whether a second processor makes spinning worth while.
    spin: bool,
}

impl Shared {
    /// A pool with that many workers, and its supervisor.
    pub(crate) fn start(
        launch: Launch,
        workers: usize,
    ) -> Result<(Arc<Self>, JoinHandle<()>), BuildError> {
        let control =
            eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(io::Error::from)?;
        let control = above_stdio(control)?;
        // Those that did start end with the pool's end of their sockets, if one of them is refused.
        let lanes = (0..workers)
            .map(|number| launch.start(number))
            .collect::<io::Result<Vec<_>>>()?;
        let spin = launch.config.spin;
        let shared = Arc::new(Self {
            state: Mutex::new(State::new(lanes)),
            over: Condvar::new(),
            control,
            launch,
            callbacks: Callbacks::default(),
            spin,
        });
        let supervised = Arc::clone(&shared);
        let supervisor = std::thread::Builder::new()
            .name("process-pool".to_owned())
            .spawn(move || supervisor::run(&supervised));
        match supervisor {
            Ok(supervisor) => Ok((shared, supervisor)),
            Err(error) => {
                lock(&shared.state).abandon();
                Err(error.into())
            }
        }
    }

    /// Does something under the lock, and afterwards, without it, wakes whom that concerns.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = lock(&self.state);
        let value = work(&mut state);
        if state.wakes.is_empty() && !state.kick && state.rejected.is_empty() {
            return value;
        }
        let wakes = state.take_wakes();
        let kick = std::mem::take(&mut state.kick);
        let rejected = std::mem::take(&mut state.rejected);
        drop(state);
        closer::close(rejected);
        if kick {
            self.kick();
        }
        for wake in wakes {
            wake.fire(&self.callbacks);
        }
        value
    }

    /// Wakes the supervisor.
    pub(crate) fn kick(&self) {
        // It cannot be full, and if it were the supervisor would be awake.
        let _ = rustix::io::write(&self.control, &1_u64.to_ne_bytes());
    }

    /// Waits until the pool is over; `false` if that takes longer.
    pub(crate) fn wait_over(&self, timeout: Option<Duration>) -> Result<(), usize> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = lock(&self.state);
        while !state.over {
            state = match until {
                None => self
                    .over
                    .wait(state)
                    .unwrap_or_else(std::sync::PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(state.live());
                    }
                    self.over
                        .wait_timeout(state, left)
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .0
                }
            };
        }
        Ok(())
    }

    /// Takes no more jobs.
    pub(crate) fn close(&self) {
        self.with(|state| {
            state.closed = true;
            state.kick = true;
        });
    }

    /// Cancels what has not begun and kills what has.
    pub(crate) fn kill_all(&self) {
        self.with(|state| {
            state.closed = true;
            state.kick = true;
            state.kill_all();
        });
    }

    /// Waits for the callbacks of a pool that is over.
    pub(crate) fn join_callbacks(&self) {
        self.callbacks.join();
    }
}
