//! Permits to serve a connection, and the connections that have one.
//!
//! They keep the server from accepting more connections than it may have threads, and let it wake
//! all sessions when it shuts down.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) struct Permits {
    state: Mutex<State>,
    changed: Condvar,
    most: usize,
}

#[derive(Default)]
struct State {
    taken: usize,
    /// The connections that have a permit, by number.
    connections: HashMap<u64, Arc<TcpStream>>,
    next: u64,
    ending: bool,
    too_late: bool,
}

impl Permits {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            most,
        }
    }

    /// Waits for a free permit. `None` once the server shuts down.
    pub(crate) fn acquire(&self) -> Option<Permit<'_>> {
        let mut state = self.lock();
        while !state.ending && state.taken == self.most {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.ending {
            return None;
        }
        state.taken += 1;
        Some(Permit { permits: self })
    }

    /// Gives out no more permits.
    pub(crate) fn end(&self) {
        self.lock().ending = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.lock().ending
    }

    /// Whether the grace period of the sessions is over.
    pub(crate) fn is_too_late(&self) -> bool {
        self.lock().too_late
    }

    /// Waits until all permits are free. Returns whether they are.
    pub(crate) fn all_free_within(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.lock();
        while state.taken > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let woken = self.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Wakes the threads that read from a connection, and with [`Shutdown::Both`] also those that
    /// write to one.
    pub(crate) fn wake(&self, how: Shutdown) {
        let mut state = self.lock();
        state.too_late = true;
        for stream in state.connections.values() {
            // It fails if the connection is gone, and then its thread wakes anyway.
            let _ = stream.shutdown(how);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The permit to serve one connection, returned when dropped.
pub(crate) struct Permit<'a> {
    permits: &'a Permits,
}

impl<'a> Permit<'a> {
    /// Attaches a connection, which [`Permits::wake`] reaches from now on.
    pub(crate) fn attach(self, stream: TcpStream) -> Connection<'a> {
        let stream = Arc::new(stream);
        let mut state = self.permits.lock();
        let number = state.next;
        state.next += 1;
        state.connections.insert(number, Arc::clone(&stream));
        if state.too_late {
            // It was accepted just before the end, too late to be woken with the others.
            let _ = stream.shutdown(Shutdown::Read);
        }
        drop(state);
        Connection {
            stream,
            number,
            permit: self,
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.permits.lock().taken -= 1;
        self.permits.changed.notify_all();
    }
}

/// A connection with a permit. Dropping it closes the connection, then returns the permit.
pub(crate) struct Connection<'a> {
    stream: Arc<TcpStream>,
    number: u64,
    permit: Permit<'a>,
}

impl Connection<'_> {
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        // The stream closes with the field, which is then its last owner.
        drop(self.permit.permits.lock().connections.remove(&self.number));
    }
}
