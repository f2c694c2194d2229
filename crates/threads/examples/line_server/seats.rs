//! How many are served at once, and who: so that no more are accepted than there are threads for, and all can be told
//! when the server ends.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) struct Seats {
    state: Mutex<State>,
    changed: Condvar,
    most: usize,
}

#[derive(Default)]
struct State {
    taken: usize,
    /// The connections of those seats that have one, by a number of their own.
    seated: HashMap<u64, Arc<TcpStream>>,
    next: u64,
    ending: bool,
    too_late: bool,
}

impl Seats {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            most,
        }
    }

    /// Waits for a free seat. `None` once the server ends.
    pub(crate) fn take(&self) -> Option<Seat<'_>> {
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
        Some(Seat { seats: self })
    }

    /// No seat is given out from here on.
    pub(crate) fn end(&self) {
        self.lock().ending = true;
        self.changed.notify_all();
    }

    pub(crate) fn are_ending(&self) -> bool {
        self.lock().ending
    }

    /// Whether the time that sessions had to come to an end is over.
    pub(crate) fn is_too_late(&self) -> bool {
        self.lock().too_late
    }

    /// Waits until all seats are free, and tells whether they are.
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

    /// Wakes everyone who reads from a connection, or with [`Shutdown::Both`] also who writes to one.
    pub(crate) fn wake(&self, how: Shutdown) {
        let mut state = self.lock();
        state.too_late = true;
        for stream in state.seated.values() {
            // It fails on a connection that is gone, whose thread wakes by itself.
            let _ = stream.shutdown(how);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to serve one connection, given back when dropped.
pub(crate) struct Seat<'a> {
    seats: &'a Seats,
}

impl<'a> Seat<'a> {
    /// Gives the seat to a connection, which can be woken from here on.
    pub(crate) fn seat(self, stream: TcpStream) -> Guest<'a> {
        let stream = Arc::new(stream);
        let mut state = self.seats.lock();
        let number = state.next;
        state.next += 1;
        state.seated.insert(number, Arc::clone(&stream));
        if state.too_late {
            // Accepted a moment before the end, and not there yet when the others were woken.
            let _ = stream.shutdown(Shutdown::Read);
        }
        drop(state);
        Guest {
            stream,
            number,
            seat: self,
        }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.seats.lock().taken -= 1;
        self.seats.changed.notify_all();
    }
}

/// A connection with a seat. Dropping it closes the one, then frees the other.
pub(crate) struct Guest<'a> {
    stream: Arc<TcpStream>,
    number: u64,
    seat: Seat<'a>,
}

impl Guest<'_> {
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        // The stream itself closes with the field here, which then is its last owner.
        drop(self.seat.seats.lock().seated.remove(&self.number));
    }
}
